import { type Bench, type BenchContext, secondsOf } from '../framework/bench.ts';
import { type Candidate, measureInTurn, ratioGoal } from '../framework/rounds.ts';
import type { WriteShape } from '../programs/write-load.ts';
import type { RepeatedRows } from '../programs/write-step.ts';
import { startPostgres } from '../support/postgres.ts';
import { Program } from '../support/program.ts';

const RAW = 'raw binary COPY';
const NEW = 'Kero, new rows';
const REPEATED = 'Kero, 1 % repeated in every batch';
const FORGOTTEN = 'Kero, 1 % that another process has stored';
const RATE = 'rows/s';
const CONNECTIONS = 2;
const BATCH_ROWS = 5000;
const HOUR_MICROS = 3_600_000_000;
const NOTHING_REPEATED: RepeatedRows = { count: 0, storedBy: 'this process' };

export const writeStep: Bench = {
  name: 'write-step',
  number: 'P3',
  question: 'Write step: rows/s of the processor beside raw binary COPY into the same table',
  async run(context) {
    const { resources } = context;
    const postgres = await startPostgres(resources);
    const database = await postgres.newDatabase();
    await database.run(
      'select kero_ensure_events_partition(current_date), kero_ensure_events_partition(current_date - 1)',
    );
    const raw = Program.start('programs/raw-copy.ts', { resources });
    await raw.call('open', { server: database.client, connections: CONNECTIONS });
    const kero = async () => {
      // One each: what it learned about repeated events in one round is not for the other.
      const program = Program.start('programs/write-step.ts', { resources });
      await program.call('open', database.config);
      return program;
    };
    const measure = measureWrites(context, { clear: database.clear, count: () => database.count('events') });
    const writing = (name: string, program: Program, repeated = NOTHING_REPEATED): Candidate => ({
      name,
      measure: () => measure(program, repeated),
    });
    const count = BATCH_ROWS / 100;
    const candidates = [
      writing(RAW, raw),
      writing(NEW, await kero()),
      writing(REPEATED, await kero(), { count, storedBy: 'this process' }),
      writing(FORGOTTEN, await kero(), { count, storedBy: 'another process' }),
    ];
    for (const candidate of candidates) await candidate.measure();
    const measured = await measureInTurn(candidates, context);
    return {
      tables: [measured.table(`batches of ${BATCH_ROWS}, ${CONNECTIONS} connections`)],
      goals: [
        ratioGoal(`${NEW} / ${RAW}`, measured.ratio(NEW, RAW, RATE), { bound: 'at least', value: 0.95 }),
        ratioGoal(`${REPEATED} / ${RAW}`, measured.ratio(REPEATED, RAW, RATE), { bound: 'at least', value: 0.75 }),
        ratioGoal(`${FORGOTTEN} / ${RAW}`, measured.ratio(FORGOTTEN, RAW, RATE), undefined),
      ],
      notes: [
        'The baseline sends bytes that were encoded beforehand. Events are what the processor reads from its records beforehand; sorting, encoding and looking up count for Kero.',
        'A process remembers the last 300,000 ids that it has tried to store, and looks these up alone. Where another process has stored them, or this one long ago, all of a batch is looked up.',
      ],
    };
  },
};

/** Writes rows that were never written before into a table that was made ready, and gives rows a second. */
export function measureWrites(
  context: BenchContext,
  table: { clear(): Promise<void>; count(): Promise<number> },
  times: Partial<Pick<WriteShape, 'spreadMicros'>> = {},
) {
  let firstNumber = 1_000_000_000;
  return async (program: Program, repeated = NOTHING_REPEATED) => {
    await table.clear();
    const batches = secondsOf(context, 40, 6);
    firstNumber += batches * BATCH_ROWS * 2;
    const shape: WriteShape = {
      ...{ batches, batchRows: BATCH_ROWS, connections: CONNECTIONS, firstNumber, stepMicros: 100 },
      firstMicros: Date.now() * 1000 - (times.spreadMicros ?? HOUR_MICROS),
      ...times,
    };
    const before = await table.count();
    const seconds = await program.call<number>('write', { ...shape, repeated });
    const rows = (await table.count()) - before;
    if (rows !== batches * BATCH_ROWS) throw new Error(`there are ${rows} rows, too few or too many`);
    return { [RATE]: (batches * BATCH_ROWS) / seconds };
  };
}
