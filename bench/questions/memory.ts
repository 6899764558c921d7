import { setTimeout as delay } from 'node:timers/promises';
import { type Bench, type BenchContext, type Figures, type GoalResult, secondsOf } from '../framework/bench.ts';
import { measureInTurn } from '../framework/rounds.ts';
import { quantile } from '../framework/statistics.ts';
import type { LoadFigures } from '../load/load.ts';
import { startBroker } from '../support/kafka.ts';
import { residentMB } from '../support/kero-processes.ts';
import { startPostgres } from '../support/postgres.ts';
import { Program } from '../support/program.ts';
import { startKeroOnKafka } from '../systems/kero-on-kafka.ts';
import type { KeroProcessIds } from '../systems/system.ts';

const LOOK_EVERY_MS = 250;
const RECEIVER = 'receiver';
const PROCESSOR = 'processor';
const BOTH = 'both processes';
/** What counts as growth: a heap that is collected now and then does not stand still. */
const GROWTH_MB = 20;

interface Phase {
  readonly name: string;
  /** The load; undefined: none. */
  readonly shape?: { readonly batch: number; readonly connections: number };
  readonly seconds: number;
  readonly brokerIsDown?: boolean;
}

export const memory: Bench = {
  name: 'memory',
  number: 'P7',
  question: 'Resident memory of receiver and processor under full load, and with the broker down',
  async run(context) {
    const { resources } = context;
    const [kafka, postgres] = [await startBroker(resources), await startPostgres(resources)];
    if (!kafka.ours)
      throw new Error('this bench stops the broker, which is not done to those of TEST_KAFKA_BOOTSTRAP_SERVERS');
    const load = Program.start('load/load-program.ts', { resources });
    const measure = async (): Promise<Figures> => {
      await using own = context.resources.use(new AsyncDisposableStack());
      const system = await startKeroOnKafka(own, { kafka, postgres });
      const figures: Record<string, number> = {};
      for (const phase of phasesOf(context)) {
        if (phase.brokerIsDown) await kafka.kill(0, 'SIGKILL');
        try {
          if (phase.shape) await load.call('start', { ...phase.shape, port: system.port, headers: {} });
          const samples = await watch(system.processes, phase.seconds);
          if (phase.shape) {
            const { accepted, others } = await load.call<LoadFigures>('stop');
            context.print(`${phase.name}: ${accepted} requests answered 202, others: ${JSON.stringify(others)}`);
          }
          for (const [name, values] of samples) Object.assign(figures, describe(`${name}, ${phase.name}`, values));
        } finally {
          if (phase.brokerIsDown) await kafka.start(0);
        }
      }
      return figures;
    };
    const measured = await measureInTurn([{ name: BOTH, measure }], { ...context, rounds: 1 });
    const goals = phasesOf(context).flatMap(({ name, brokerIsDown }): GoalResult[] =>
      [RECEIVER, PROCESSOR].flatMap((process): GoalResult[] => {
        const value = process === RECEIVER ? 150 : 200;
        const most: GoalResult = {
          what: `${process}, ${name}: most`,
          unit: 'MB',
          value: measured.figure(BOTH, `${process}, ${name}: most MB`),
          goal: { bound: 'at most', value },
        };
        const growth: GoalResult = {
          what: `${process}, ${name}: growth from the second to the last quarter`,
          unit: 'MB',
          value: measured.figure(BOTH, `${process}, ${name}: growth MB`),
          goal: { bound: 'at most', value: GROWTH_MB },
        };
        return brokerIsDown ? [most, growth] : [most];
      }),
    );
    return {
      tables: measured.table('').candidates.some(({ failures }) => failures.length > 0) ? [measured.table('')] : [],
      goals,
      notes: [
        'Resident set size as Linux tells it, with the code of Node itself (about 45 MB), read four times a second; one round, the phases one after the other in the same processes.',
        'While the broker is down the load goes on as fast as it is answered (503).',
      ],
    };
  },
};

function phasesOf(context: BenchContext): Phase[] {
  const single = { batch: 1, connections: 64 };
  const seconds = secondsOf(context, 30, 2);
  return [
    { name: 'nothing to do', seconds: secondsOf(context, 5, 1) },
    { name: 'single POSTs', shape: single, seconds },
    { name: 'batches of 500', shape: { batch: 500, connections: 8 }, seconds },
    { name: 'broker down', shape: single, seconds: secondsOf(context, 60, 4), brokerIsDown: true },
  ];
}

/** The memory of each process, several times a second, in MB. */
async function watch(processes: readonly KeroProcessIds[], seconds: number): Promise<Map<string, number[]>> {
  const samples = new Map(processes.map(({ name }): [string, number[]] => [name, []]));
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    for (const { name, pid } of processes) {
      const now = residentMB(pid);
      if (now === undefined) throw new Error(`the ${name} is gone`);
      samples.get(name)?.push(now);
    }
    await delay(LOOK_EVERY_MS);
  }
  return samples;
}

function describe(name: string, values: readonly number[]): Figures {
  const quarter = Math.floor(values.length / 4);
  const middle = (part: readonly number[]) =>
    quantile(
      [...part].sort((a, b) => a - b),
      0.5,
    );
  const growth = middle(values.slice(3 * quarter)) - middle(values.slice(quarter, 2 * quarter));
  return { [`${name}: most MB`]: Math.max(...values), [`${name}: growth MB`]: growth };
}
