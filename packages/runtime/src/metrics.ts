import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@platformatic/prom-client';

/** One metric, declared once: what is exported, and what docs/metrics.md says of it, come from here. */
export interface MetricDefinition {
  /** `kero_..._total` for counters, with the unit at the end of the others (`_seconds`, `_bytes`). */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Its only label, where it has one. Values are from a small, fixed set: never an id. */
  readonly label?: string;
  /** Upper bounds of a histogram. */
  readonly buckets?: readonly number[];
  /** Of a gauge: what several workers show together; their sum, unless it says something else. */
  readonly together?: 'max' | 'min';
  /** When a person should be told, in words; for docs/metrics.md. */
  readonly alert?: string;
}

export type MetricTable = Readonly<Record<string, MetricDefinition>>;

/** A metric with its values at one moment, which can be sent to another process. */
export interface MetricSnapshot {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  /** How values of several processes become one: a word of the library. */
  readonly aggregator: string;
  readonly values: readonly { readonly value: number; readonly labels: object; readonly metricName?: string }[];
}

/** The value now; with a label, one value for each of its values. Undefined: nothing to show, because it is not known. */
export type Reading = number | Iterable<readonly [labelValue: string, value: number]> | undefined;

export interface Scrape {
  readonly contentType: string;
  readonly text: string;
}

/**
 * What a process shows at /metrics. Hot paths count in plain numbers of their own, which are read here at each scrape; only
 * histograms are told of each observation.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #refreshers: (() => Promise<void>)[] = [];
  readonly #totals: (Counter | Histogram)[] = [];

  /** With what Node and the operating system tell about the process: process_*, nodejs_*. */
  static ofProcess(): Metrics {
    const metrics = new Metrics();
    collectDefaultMetrics({ register: metrics.#registry });
    return metrics;
  }

  get names(): string[] {
    return this.#registry.getMetricsAsArray().map(({ name }) => name);
  }

  /** Registers a counter or gauge; `read` is asked at each scrape. */
  add(definition: MetricDefinition, read: () => Reading): void {
    const { name, help, type, label, together = 'sum' } = definition;
    const Type = type === 'counter' ? Counter : Gauge;
    const metric = new Type<string>({
      name,
      aggregator: together,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [this.#registry],
      collect() {
        this.reset();
        const reading = read();
        if (reading === undefined) {
          // With a label there is no line as long as there is no value; without one there is a 0, which would be a lie.
          if (label === undefined) this.remove();
          return;
        }
        if (typeof reading === 'number') this.inc(reading);
        else for (const [value, amount] of reading) this.inc({ [label ?? '']: value }, amount);
      },
    });
    if (metric instanceof Counter) this.#totals.push(metric);
  }

  /** Registers a histogram; what it returns takes one observation. */
  histogram({ name, help, buckets }: MetricDefinition): (value: number) => void {
    const histogram = new Histogram({ name, help, buckets: [...(buckets ?? [])], registers: [this.#registry] });
    this.#totals.push(histogram);
    return (value) => histogram.observe(value);
  }

  /** `refresh` is awaited before each scrape, so it must bound itself. What it rejects with is its own affair. */
  beforeScrape(refresh: () => Promise<void>): void {
    this.#refreshers.push(refresh);
  }

  /** The text that Prometheus reads. */
  async scrape(): Promise<Scrape> {
    await this.#refresh();
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  /** All that a scrape would show. */
  async snapshot(): Promise<MetricSnapshot[]> {
    await this.#refresh();
    return asSnapshots(await this.#registry.getMetricsAsJSON());
  }

  /** Counters and histograms that were registered here, as they are: quick enough for every second. */
  async totals(): Promise<MetricSnapshot[]> {
    return asSnapshots(await Promise.all(this.#totals.map((metric) => metric.get())));
  }

  async #refresh(): Promise<void> {
    await Promise.allSettled(this.#refreshers.map((refresh) => refresh()));
  }
}

/** The library types a metric's type as a number, and it is a word. */
function asSnapshots(metrics: readonly { readonly name: string }[]): MetricSnapshot[] {
  return metrics as readonly unknown[] as MetricSnapshot[];
}
