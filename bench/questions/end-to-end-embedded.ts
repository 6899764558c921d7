import { type Bench, secondsOf } from '../framework/bench.ts';
import { type Candidate, measureInTurn } from '../framework/rounds.ts';
import { Program } from '../support/program.ts';
import { startEmbeddedKero } from '../systems/embedded-kero.ts';
import { measureStored } from './stored-events.ts';

export const endToEndEmbedded: Bench = {
  name: 'embedded',
  question: 'End to end with `kero start` and nothing else: rows/s',
  async run(context) {
    const load = Program.start('load/load-program.ts', { resources: context.resources });
    const stretch = { warmUpSeconds: secondsOf(context, 5, 1), seconds: secondsOf(context, 10, 2) };
    const candidate = (name: string, shape: { batch: number; connections: number }): Candidate => ({
      name,
      async measure() {
        await using own = context.resources.use(new AsyncDisposableStack());
        return await measureStored(await startEmbeddedKero(own), load, { ...shape, ...stretch, drain: true });
      },
    });
    const candidates = [
      candidate('single POSTs', { batch: 1, connections: 64 }),
      candidate('batches of 500', { batch: 500, connections: 4 }),
    ];
    const measured = await measureInTurn(candidates, context);
    return {
      tables: [measured.table('embedded log, embedded PostgreSQL')],
      goals: [],
      notes: ['In each round every accepted event is a row in the end, and there is no row more.'],
    };
  },
};
