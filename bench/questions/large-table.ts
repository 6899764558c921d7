import type { Bench } from '../framework/bench.ts';
import { type Candidate, measureInTurn, ratioGoal } from '../framework/rounds.ts';
import { fillTable } from '../support/fill-table.ts';
import { startPostgres } from '../support/postgres.ts';
import { Program } from '../support/program.ts';
import { measureWrites } from './write-step.ts';

const EMPTY = 'empty table';
const LARGE = 'large table, events of now';
const LATE = 'large table, events of any time of its month';
const RATE = 'rows/s';

export const largeTable: Bench = {
  name: 'large-table',
  number: 'P4',
  question: 'Growth: write step into a table with 10 million rows beside an empty one',
  async run(context) {
    const { resources, rows, print } = context;
    const postgres = await startPostgres(resources);
    const empty = await postgres.newDatabase();
    const large = await postgres.newDatabase();
    for (const database of [empty, large]) await database.run('select kero_ensure_events_partition(current_date)');
    const now = new Date();
    const fromMicros = Date.UTC(now.getUTCFullYear(), now.getUTCMonth()) * 1000;
    const toMicros = now.getTime() * 1000;
    await fillTable(large, { rows, fromMicros, toMicros, print });

    const writer = async (database: typeof large) => {
      const program = Program.start('programs/write-step.ts', { resources });
      await program.call('open', database.config);
      return program;
    };
    const [toEmpty, toLarge] = [await writer(empty), await writer(large)];
    // What was written stays: a few hundred thousand rows more make no difference there.
    const kept = { clear: async () => void (await large.run('checkpoint')), count: () => large.count('events') };
    const intoEmpty = measureWrites(context, { clear: empty.clear, count: () => empty.count('events') });
    const intoLarge = measureWrites(context, kept);
    const lateIntoLarge = measureWrites(context, kept, { spreadMicros: toMicros - fromMicros });
    const candidates: Candidate[] = [
      { name: EMPTY, measure: () => intoEmpty(toEmpty) },
      { name: LARGE, measure: () => intoLarge(toLarge) },
      { name: LATE, measure: () => lateIntoLarge(toLarge) },
    ];
    for (const candidate of candidates) await candidate.measure();
    const measured = await measureInTurn(candidates, context);
    return {
      tables: [measured.table(`${rows.toLocaleString('en-US')} rows in one month`)],
      goals: [
        ratioGoal(`${LARGE} / ${EMPTY}`, measured.ratio(LARGE, EMPTY, RATE), { bound: 'at least', value: 0.8 }),
        ratioGoal(`${LATE} / ${EMPTY}`, measured.ratio(LATE, EMPTY, RATE), undefined),
      ],
      notes: ['Batches of 5000, 2 connections, PostgreSQL with its default settings (128 MB of shared buffers).'],
    };
  },
};
