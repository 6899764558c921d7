import { startNaivePipeline } from '../baseline/naive-system.ts';
import { type Bench, secondsOf } from '../framework/bench.ts';
import { type Candidate, measureInTurn, ratioGoal } from '../framework/rounds.ts';
import { benthosPeer, pythonPeer } from '../peers/peer-systems.ts';
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
const PYTHON = 'Python (FastAPI, aiokafka, asyncpg), single POSTs';
const BENTHOS = 'Benthos, single POSTs';
const BENTHOS_BATCHES = 'Benthos, batches of 500';
/** A broker that has just started is half as fast as one that has run for a while. */
const WARM_UP_SECONDS = 25;

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
      more: { drain: boolean; acceptedStatus?: number },
    ): Candidate => ({
      name,
      async measure() {
        // Everything new each time: no table that has grown, and no backlog of another.
        await using own = context.resources.use(new AsyncDisposableStack());
        return await measureStored(await start(own), load, { ...shape, ...stretch, ...more });
      },
    });
    const kero = (own: AsyncDisposableStack) => startKeroOnKafka(own, { kafka, postgres });
    const naive = (own: AsyncDisposableStack) => startNaivePipeline(own, { kafka, postgres });
    const candidates = [
      candidate(KERO, kero, SINGLE, { drain: true }),
      candidate(KERO_BATCHES, kero, BATCHES, { drain: true }),
      candidate(NAIVE, naive, SINGLE, { drain: false }),
    ];
    const servers = { kafka, postgres };
    const python = pythonPeer();
    if (python) candidates.push(candidate(PYTHON, (own) => python(own, servers), SINGLE, { drain: false }));
    const benthos = benthosPeer();
    if (benthos) {
      // It answers 200 when Kafka has confirmed.
      const more = { drain: false, acceptedStatus: 200 };
      candidates.push(candidate(BENTHOS, (own) => benthos(own, servers), SINGLE, more));
      candidates.push(candidate(BENTHOS_BATCHES, (own) => benthos(own, servers), BATCHES, more));
    }
    {
      await using own = context.resources.use(new AsyncDisposableStack());
      const warmUp = { warmUpSeconds: 0, seconds: secondsOf(context, WARM_UP_SECONDS, 1), drain: true };
      await measureStored(await kero(own), load, { ...SINGLE, ...warmUp });
    }
    const measured = await measureInTurn(candidates, context);
    const ratio = (name: string, of: string, value?: number) =>
      ratioGoal(
        `rows/s: ${name} / ${of}`,
        measured.ratio(name, of, ROWS),
        value === undefined ? undefined : { bound: 'at least', value },
      );
    return {
      tables: [measured.table('one broker, 6 partitions')],
      goals: [
        ratio(KERO, NAIVE),
        ratio(KERO_BATCHES, NAIVE),
        ratioGoal(`accepted/s: ${KERO} / ${NAIVE}`, measured.ratio(KERO, NAIVE, ACCEPTED), undefined),
        ...(python ? [ratio(KERO, PYTHON, 15), ratio(KERO_BATCHES, PYTHON, 60)] : []),
        ...(benthos ? [ratio(KERO, BENTHOS, 2), ratio(KERO_BATCHES, BENTHOS_BATCHES, 3)] : []),
      ],
      notes: [
        'Rows are counted while the load goes on. For Kero, in each round every accepted event is a row in the end, and there is no row more.',
        `The broker has run for ${WARM_UP_SECONDS} s of load before; every pipeline and every database is new.`,
        'Python and Benthos are measured where they are (bench/README.md): Python is written as the naive pipeline is, with one message a request and one INSERT a message; Benthos validates with json_schema and inserts up to 1,000 rows a statement. Only Kero checks identities, authenticates, limits and keeps what it cannot store.',
        'The naive pipeline takes no batches.',
      ],
    };
  },
};
