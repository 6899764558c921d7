import { setTimeout as delay } from 'node:timers/promises';
import { type Bench, type GoalResult, secondsOf } from '../framework/bench.ts';
import { type Panel, renderPlot } from '../framework/plot.ts';
import { measureInTurn } from '../framework/rounds.ts';
import { figureOf, quantile } from '../framework/statistics.ts';
import type { LoadFigures } from '../load/load.ts';
import { startBroker } from '../support/kafka.ts';
import { residentMB } from '../support/kero-processes.ts';
import { readMetrics } from '../support/metrics.ts';
import { startPostgres } from '../support/postgres.ts';
import { Program } from '../support/program.ts';
import { startKeroOnKafka } from '../systems/kero-on-kafka.ts';
import type { KeroSystem } from '../systems/system.ts';
import { SinglePosts } from './single-posts-load.ts';

const PLOT = 'performance-soak.svg';
const TITLE = 'Memory, event-loop delay, latency and rows over time';
const SHARE_OF_PEAK = 0.7;

interface Sample {
  readonly minutes: number;
  readonly load: LoadFigures;
  readonly storedPerSecond: number;
  /** Of each process, in the order of the system's. */
  readonly residentMB: readonly number[];
  /** The 99th percentile of how late timers came, since the sample before. */
  readonly loopDelayMs: readonly number[];
}

export const soak: Bench = {
  name: 'soak',
  question: 'A long run at 70 % of the peak: do memory, event-loop delay and latency stay flat?',
  async run(context) {
    const { resources, minutes, print } = context;
    const [kafka, postgres] = [await startBroker(resources), await startPostgres(resources)];
    const system = await startKeroOnKafka(resources, { kafka, postgres });
    const posts = new SinglePosts(context, system, Program.start('load/load-program.ts', { resources }));
    const peak = await posts.findPeak();
    const rate = peak * SHARE_OF_PEAK;
    print(`peak of ${Math.round(peak)} single POSTs/s, ${Math.round(rate)}/s for ${minutes} minutes`);
    const samples: Sample[] = [];
    let lost = '';
    const measure = async () => {
      const before = await system.stored();
      await posts.start(rate);
      samples.push(...(await watch(system, posts, { seconds: minutes * 60, every: secondsOf(context, 10, 3), print })));
      const rest = await posts.stop();
      const accepted = samples.reduce((sum, sample) => sum + sample.load.accepted, rest.accepted);
      const seconds = samples.reduce((sum, sample) => sum + sample.load.seconds, rest.seconds);
      const rows = (await system.stored()) - before;
      if (rows !== accepted) throw new Error(`${accepted} events were accepted, and ${rows} rows are there`);
      lost = `${accepted} events were accepted, and as many rows are there.`;
      const latencies = [...samples.map(({ load }) => load.p99Ms)].sort((a, b) => a - b);
      return {
        'accepted/s': accepted / seconds,
        'p99 ms, median of the samples': quantile(latencies, 0.5),
        'p99 ms, worst sample': latencies.at(-1) ?? Number.NaN,
      };
    };
    const measured = await measureInTurn([{ name: 'Kero on Kafka', measure }], { ...context, rounds: 1 });
    return {
      tables: [measured.table(`${minutes} minutes at ${Math.round(rate)} single POSTs/s`)],
      goals: goalsOf(system, samples),
      notes: [
        ...(lost === '' ? [] : [lost]),
        'Growth: the median of the last quarter against that of the second one.',
        `![memory, event-loop delay, latency and rows over time](${PLOT})`,
      ],
      pictures: { [PLOT]: renderPlot(TITLE, panelsOf(system, samples), 'minutes') },
    };
  },
};

async function watch(
  system: KeroSystem,
  posts: SinglePosts,
  { seconds, every, print }: { seconds: number; every: number; print: (line: string) => void },
): Promise<Sample[]> {
  const samples: Sample[] = [];
  const startedAt = performance.now();
  await posts.take();
  let stored = await storedTotal(system);
  while (performance.now() - startedAt < seconds * 1000) {
    await delay(every * 1000);
    const load = await posts.take();
    const metrics = await Promise.all(system.processes.map(({ adminPort }) => readMetrics(adminPort)));
    const storedNow = await storedTotal(system);
    const sample: Sample = {
      minutes: (performance.now() - startedAt) / 60_000,
      load,
      storedPerSecond: (storedNow - stored) / load.seconds,
      residentMB: system.processes.map(({ pid }) => residentMB(pid) ?? 0),
      loopDelayMs: metrics.map((one) => (one.get('nodejs_eventloop_lag_p99_seconds') ?? 0) * 1000),
    };
    stored = storedNow;
    samples.push(sample);
    print(describeSample(sample));
  }
  return samples;
}

/** From the processor's metrics: to count a table that grows for 20 minutes would be a load of its own. */
async function storedTotal({ processes }: KeroSystem): Promise<number> {
  const all = await Promise.all(processes.map(({ adminPort }) => readMetrics(adminPort)));
  return Math.max(...all.map((metrics) => metrics.get('kero_events_stored_total') ?? 0));
}

function describeSample({ minutes, load, storedPerSecond, residentMB: memory, loopDelayMs }: Sample): string {
  const others = Object.keys(load.others).length === 0 ? '' : `, other answers: ${JSON.stringify(load.others)}`;
  return `${minutes.toFixed(1)} min: ${Math.round(load.accepted / load.seconds)} accepted/s, ${Math.round(storedPerSecond)} rows/s, p99 ${load.p99Ms.toFixed(1)} ms, ${memory.map(Math.round).join(' and ')} MB, loop p99 ${loopDelayMs.map((ms) => ms.toFixed(1)).join(' and ')} ms${others}`;
}

function panelsOf({ processes }: KeroSystem, samples: readonly Sample[]): Panel[] {
  const curve = (name: string, read: (sample: Sample) => number) => ({
    name,
    points: samples.map((sample) => [sample.minutes, read(sample)] as const),
  });
  const perProcess = (read: (sample: Sample, index: number) => number) =>
    processes.map(({ name }, index) => curve(name, (sample) => read(sample, index)));
  return [
    { title: 'resident memory, MB', curves: perProcess((sample, index) => sample.residentMB[index] ?? 0) },
    {
      title: 'event-loop delay, 99th percentile, ms',
      curves: perProcess((sample, index) => sample.loopDelayMs[index] ?? 0),
    },
    {
      title: 'POST to 202, ms',
      curves: [curve('p99', ({ load }) => load.p99Ms), curve('p50', ({ load }) => load.p50Ms)],
    },
    {
      title: 'events a second',
      curves: [
        curve('accepted', ({ load }) => load.accepted / load.seconds),
        curve('stored', ({ storedPerSecond }) => storedPerSecond),
      ],
    },
  ];
}

function goalsOf({ processes }: KeroSystem, samples: readonly Sample[]): GoalResult[] {
  const growths: GoalResult[] = processes.map(({ name }, index) => ({
    what: `${name}: growth of memory`,
    unit: 'MB',
    value: growthOf(samples.map((sample) => sample.residentMB[index] ?? 0)),
    goal: { bound: 'at most', value: 20 },
  }));
  const latency = growthOf(samples.map(({ load }) => load.p99Ms));
  return [
    ...growths,
    { what: 'growth of the p99 latency', unit: 'ms', value: latency, goal: { bound: 'at most', value: 5 } },
  ];
}

function growthOf(values: readonly number[]) {
  const quarter = Math.floor(values.length / 4);
  if (quarter === 0) return undefined;
  const middle = (part: readonly number[]) => figureOf(part).median;
  return figureOf([middle(values.slice(-quarter)) - middle(values.slice(quarter, 2 * quarter))]);
}
