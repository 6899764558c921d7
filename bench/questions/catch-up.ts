import { setTimeout as delay } from 'node:timers/promises';
import type { Bench, BenchContext, Figures } from '../framework/bench.ts';
import { type Candidate, measureInTurn, ratioGoal } from '../framework/rounds.ts';
import type { LoadFigures } from '../load/load.ts';
import { startBroker } from '../support/kafka.ts';
import { residentMB } from '../support/kero-processes.ts';
import { readMetrics } from '../support/metrics.ts';
import { startPostgres } from '../support/postgres.ts';
import { Program } from '../support/program.ts';
import { type KeroOnKafkaOptions, startReceiverOnKafka } from '../systems/kero-on-kafka.ts';
import type { KeroProcessIds } from '../systems/system.ts';

const PARTITIONS = 12;
const ROWS = 'rows/s';
const LOOK_EVERY_MS = 250;
const PATIENCE_MS = 1_800_000;

interface Case {
  readonly name: string;
  readonly processors: number;
  readonly users?: number;
}

const ONE = 'one processor';
const CASES: readonly Case[] = [
  { name: ONE, processors: 1 },
  { name: 'two processors', processors: 2 },
  { name: 'four processors', processors: 4 },
  { name: 'one processor, all events of one user', processors: 1, users: 1 },
];

export const catchUp: Bench = {
  name: 'catch-up',
  question: 'After an outage: rows/s while a backlog waits in Kafka, with 1, 2 and 4 processors, and with one hot key',
  async run(context) {
    const { resources } = context;
    const kero = {
      kafka: await startBroker(resources),
      postgres: await startPostgres(resources),
      partitions: PARTITIONS,
    };
    const load = Program.start('load/load-program.ts', { resources });
    const candidates = CASES.map(
      (one): Candidate => ({
        name: one.name,
        measure: () => measureCatchUp(context, kero, load, one),
      }),
    );
    const measured = await measureInTurn(candidates, context);
    const ratioOf = ({ name }: Case) => ratioGoal(`${name} / ${ONE}`, measured.ratio(name, ONE, ROWS), undefined);
    return {
      tables: [measured.table(`${(context.rows / 10).toLocaleString('en-US')} events in ${PARTITIONS} partitions`)],
      goals: CASES.slice(1).map(ratioOf),
      notes: [
        'From the first row to the last one, processors just started; every event is a row in the end. Broker, database and processors share the cores of this machine.',
      ],
    };
  },
};

async function measureCatchUp(
  context: BenchContext,
  options: KeroOnKafkaOptions,
  load: Program,
  { processors, users }: Case,
): Promise<Figures> {
  await using own = context.resources.use(new AsyncDisposableStack());
  const kero = await startReceiverOnKafka(own, options);
  const accepted = await fill(load, kero.port, context.rows / 10, users);
  const ids = await Promise.all(Array.from({ length: processors }, () => kero.startProcessor()));
  const memory: number[] = [];
  const giveUpAt = performance.now() + PATIENCE_MS;
  let first: { readonly at: number; readonly rows: number } | undefined;
  for (;;) {
    const rows = await storedBy(ids);
    const at = performance.now();
    memory.push(Math.max(...ids.map(({ pid }) => residentMB(pid) ?? 0)));
    if (rows > 0) first ??= { at, rows };
    if (first && rows >= accepted) {
      const stored = await kero.stored();
      if (stored !== accepted) throw new Error(`${accepted} events were accepted, and ${stored} rows are there`);
      // With a backlog that is gone between two looks there is nothing to measure.
      const seconds = Math.max((at - first.at) / 1000, LOOK_EVERY_MS / 1000);
      return { [ROWS]: (rows - first.rows) / seconds, 'most MB of a processor': Math.max(...memory) };
    }
    if (at > giveUpAt) throw new Error(`${rows} of ${accepted} rows after ${PATIENCE_MS / 1000} s`);
    await delay(LOOK_EVERY_MS);
  }
}

/** Sends at least so many events, and tells how many were accepted. */
async function fill(load: Program, port: number, events: number, users: number | undefined): Promise<number> {
  await load.call('start', { port, connections: 4, batch: 500, headers: {}, ...(users !== undefined && { users }) });
  let accepted = 0;
  while (accepted < events) {
    await delay(LOOK_EVERY_MS);
    accepted += (await load.call<LoadFigures>('take')).acceptedEvents;
  }
  return accepted + (await load.call<LoadFigures>('stop')).acceptedEvents;
}

/** By their metrics: to count the table would slow down what is measured. */
async function storedBy(processors: readonly KeroProcessIds[]): Promise<number> {
  const metrics = await Promise.all(processors.map(({ adminPort }) => readMetrics(adminPort)));
  return metrics.reduce((sum, one) => sum + (one.get('kero_events_stored_total') ?? 0), 0);
}
