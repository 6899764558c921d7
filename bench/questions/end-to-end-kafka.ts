import { startNaivePipeline } from '../baseline/naive-system.ts';
import { type Bench, secondsOf } from '../framework/bench.ts';
import { type Candidate, measureInTurn, ratioGoal } from '../framework/rounds.ts';
import { startBroker } from '../support/kafka.ts';
import { startPostgres } from '../support/postgres.ts';
import { Program } from '../support/program.ts';
import { startKeroOnKafka } from '../systems/kero-on-kafka.ts';
import type { System } from '../systems/system.ts';
import { ACCEPTED, measureStored, ROWS } from './stored-events.ts';

const SINGLE = { batch: 1, connections: 64 };
const BATCHES = { batch: 500, connections: 4 };
const KERO = 'Kero, single POSTs';
const KERO_BATCHES = 'Kero, batches of 500';
const NAIVE = 'naive pipeline, single POSTs';

export const endToEndKafka: Bench = {
  name: 'kafka',
  number: 'P5',
  question: 'End to end through one Kafka broker, load, broker and database on the same cores: rows/s',
  async run(context) {
    const { resources } = context;
    const [kafka, postgres] = [await startBroker(resources), await startPostgres(resources)];
    const load = Program.start('load/load-program.ts', { resources });
    const stretch = { warmUpSeconds: secondsOf(context, 5, 1), seconds: secondsOf(context, 10, 2) };
    const candidate = (
      name: string,
      start: (resources: AsyncDisposableStack) => Promise<System>,
      shape: typeof SINGLE,
      drain: boolean,
    ): Candidate => ({
      name,
      async measure() {
        // Everything new each time: no table that has grown, and no backlog of another.
        await using own = context.resources.use(new AsyncDisposableStack());
        return await measureStored(await start(own), load, { ...shape, ...stretch, drain });
      },
    });
    const kero = (own: AsyncDisposableStack) => startKeroOnKafka(own, { kafka, postgres });
    const naive = (own: AsyncDisposableStack) => startNaivePipeline(own, { kafka, postgres });
    const candidates = [
      candidate(KERO, kero, SINGLE, true),
      candidate(KERO_BATCHES, kero, BATCHES, true),
      candidate(NAIVE, naive, SINGLE, false),
    ];
    const measured = await measureInTurn(candidates, context);
    const ofNaive = (name: string) => measured.ratio(name, NAIVE, ROWS);
    return {
      tables: [measured.table('one broker, 6 partitions')],
      goals: [
        ratioGoal(`rows/s: ${KERO} / ${NAIVE}`, ofNaive(KERO), { bound: 'at least', value: 15 }),
        ratioGoal(`rows/s: ${KERO_BATCHES} / ${NAIVE}`, ofNaive(KERO_BATCHES), { bound: 'at least', value: 60 }),
        ratioGoal(`accepted/s: ${KERO} / ${NAIVE}`, measured.ratio(KERO, NAIVE, ACCEPTED), undefined),
      ],
      notes: [
        'Rows are counted while the load goes on. For Kero, in each round every accepted event is a row in the end, and there is no row more.',
        'The goals are meant for a pipeline of the same shape in Python (FastAPI, aiokafka, asyncpg). It and Benthos (goals: 2 and 3 times as many rows/s) are not part of this repository and were not measured in this run; the naive pipeline is that shape on Node.',
        'The naive pipeline takes no batches.',
      ],
    };
  },
};
