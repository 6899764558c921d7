import { type Bench, type Figures, type GoalResult, secondsOf } from '../framework/bench.ts';
import { type Candidate, measureInTurn } from '../framework/rounds.ts';
import { HOPS, type Hop, type ProbeFigures, type ProbeOptions } from '../programs/prober.ts';
import { startBroker } from '../support/kafka.ts';
import { startPostgres } from '../support/postgres.ts';
import { Program } from '../support/program.ts';
import { startEmbeddedKero } from '../systems/embedded-kero.ts';
import { startKeroOnKafka } from '../systems/kero-on-kafka.ts';
import type { KeroSystem } from '../systems/system.ts';
import { SinglePosts } from './single-posts-load.ts';

/** Numbers of events far away from those of the load. */
const FIRST_PROBE = 500_000_000_000;
const PROBES_APART = 1_000_000;
const PAUSE_MS = 15;
const VISIBLE_P50 = 'row visible p50 ms';
const VISIBLE_P99 = 'row visible p99 ms';
const HOP_NAMES: ReadonlySet<string> = new Set(Object.values(HOPS));
const LOADS = ['idle', 'half of the peak'] as const;

export const latency: Bench = {
  name: 'latency',
  number: 'P6',
  question: 'Latency: from sending a POST until its row can be seen, idle and at half of the peak',
  async run(context) {
    const { resources, print } = context;
    const systems: Record<string, KeroSystem> = {
      embedded: await startEmbeddedKero(resources),
      Kafka: await startKeroOnKafka(resources, {
        kafka: await startBroker(resources),
        postgres: await startPostgres(resources),
      }),
    };
    const load = Program.start('load/load-program.ts', { resources });
    const prober = Program.start('programs/prober.ts', { resources });
    const candidates: Candidate[] = [];
    const peaks: string[] = [];
    let firstNumber = FIRST_PROBE;
    for (const [name, system] of Object.entries(systems)) {
      const posts = new SinglePosts(context, system, load);
      const peak = await posts.findPeak();
      peaks.push(`${name} ${Math.round(peak)}/s`);
      print(`${name}: peak of ${Math.round(peak)} single POSTs/s`);
      for (const amount of LOADS) {
        candidates.push({
          name: `${name}, ${amount}`,
          async measure() {
            firstNumber += PROBES_APART;
            const ask = () => probe({ system, prober }, { seconds: secondsOf(context, 20, 3), firstNumber });
            return amount === 'idle' ? ask() : posts.during(peak / 2, ask);
          },
        });
      }
    }
    const measured = await measureInTurn(candidates, context);
    const goals = Object.keys(systems).flatMap((name): GoalResult[] => {
      const candidate = `${name}, ${LOADS[1]}`;
      return [
        {
          ...{ what: `${candidate}: p50`, unit: 'ms', goal: { bound: 'at most', value: 10 } as const },
          value: measured.figure(candidate, VISIBLE_P50),
        },
        {
          ...{ what: `${candidate}: p99`, unit: 'ms', goal: { bound: 'at most', value: 50 } as const },
          value: measured.figure(candidate, VISIBLE_P99),
        },
      ];
    });
    return {
      tables: [
        measured.table('one probe after the other, beside the load', (figure) => !HOP_NAMES.has(figure)),
        measured.table('where the time of a probe goes, ms', (figure) => HOP_NAMES.has(figure)),
      ],
      goals,
      notes: [
        `The peak is what the same machine stored with ${SinglePosts.CONNECTIONS} connections that send as fast as they can: ${peaks.join(', ')}. Load and probes share its cores.`,
        'A probe asks for its row about every millisecond, over the index of the primary key: the row was there up to a millisecond and a query earlier than measured.',
        'The receiver writes its time in whole milliseconds, so the first two hops are right to half of one; the last one has the pause between two questions in it.',
        '"Received to stored" is what the rows themselves say (received_at to the begin of their transaction), of all events of the stretch.',
      ],
    };
  },
};

async function probe(
  { system, prober }: { system: KeroSystem; prober: Program },
  options: Pick<ProbeOptions, 'seconds' | 'firstNumber'>,
): Promise<Figures> {
  const since = new Date().toISOString();
  const { port, database: server } = system;
  const figures = await prober.call<ProbeFigures>('probe', { port, server, pauseMs: PAUSE_MS, ...options });
  const [ofRows] =
    await system.rows(`select percentile_cont(0.5) within group (order by ms), percentile_cont(0.99) within group (order by ms)
    from (select extract(epoch from stored_at - received_at) * 1000 as ms from events where event_timestamp >= '${since}') as hops`);
  return {
    'answered p50 ms': figures.answeredP50Ms,
    'answered p99 ms': figures.answeredP99Ms,
    'received to stored p50 ms': Number(ofRows?.[0]),
    'received to stored p99 ms': Number(ofRows?.[1]),
    [VISIBLE_P50]: figures.visibleP50Ms,
    [VISIBLE_P99]: figures.visibleP99Ms,
    'max ms': figures.visibleMaxMs,
    probes: figures.probes,
    ...Object.fromEntries(Object.entries(HOPS).map(([hop, name]) => [name, figures.hops[hop as Hop]])),
  };
}
