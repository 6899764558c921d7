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
  /** When a person should be told, in words; for docs/metrics.md. */
  readonly alert?: string;
}

export type MetricTable = Readonly<Record<string, MetricDefinition>>;

/** The value now; with a label, one value for each of its values. Undefined: nothing to show, because it is not known. */
export type Reading = number | Iterable<readonly [labelValue: string, value: number]> | undefined;

/**
 * What a process shows at /metrics. Hot paths count in plain numbers of their own, which are read here at each scrape; only
 * histograms are told of each observation.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #refreshers: (() => Promise<void>)[] = [];

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
    const { name, help, type, label } = definition;
    const Type = type === 'counter' ? Counter : Gauge;
    new Type<string>({
      name,
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
  }

  /** Registers a histogram; what it returns takes one observation. */
  histogram({ name, help, buckets }: MetricDefinition): (value: number) => void {
    const histogram = new Histogram({ name, help, buckets: [...(buckets ?? [])], registers: [this.#registry] });
    return (value) => histogram.observe(value);
  }

  /** `refresh` is awaited before each scrape, so it must bound itself. What it rejects with is its own affair. */
  beforeScrape(refresh: () => Promise<void>): void {
    this.#refreshers.push(refresh);
  }

  /** The text that Prometheus reads. */
  async scrape(): Promise<{ readonly contentType: string; readonly text: string }> {
    await Promise.allSettled(this.#refreshers.map((refresh) => refresh()));
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }
}
