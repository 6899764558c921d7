import { availableParallelism } from 'node:os';
import { type Bench, secondsOf } from '../framework/bench.ts';
import { type Candidate, measureInTurn, ratioGoal } from '../framework/rounds.ts';
import { requestFigures, requireAccepted, runLoad } from '../load/run-load.ts';
import { Program } from '../support/program.ts';

const CONNECTIONS = 64;
const ONE = '1 worker';
const TWO = '2 workers';

export const workers: Bench = {
  name: 'workers',
  question: 'Two receivers on one port: how much more than one do they take?',
  async run(context) {
    const { resources } = context;
    const stretch = { warmUpSeconds: secondsOf(context, 2, 0.5), seconds: secondsOf(context, 8, 1) };
    const load = Program.start('load/load-program.ts', { resources });
    const candidate = async (name: string, count: number): Promise<Candidate> => {
      const server = Program.start('programs/receiver-workers.ts', { resources });
      const port = await server.call<number>('listen', count);
      return {
        name,
        async measure() {
          const options = { port, connections: CONNECTIONS, batch: 1, headers: {} };
          const figures = await runLoad(load, server, options, stretch);
          requireAccepted(figures);
          return requestFigures(figures);
        },
      };
    };
    const measured = await measureInTurn([await candidate(ONE, 1), await candidate(TWO, 2)], context);
    return {
      tables: [measured.table(`${CONNECTIONS} connections`)],
      goals: [
        ratioGoal(`${TWO} / ${ONE}`, measured.ratio(TWO, ONE, 'requests/s'), undefined),
        ratioGoal(`CPU time a request: ${TWO} / ${ONE}`, measured.ratio(TWO, ONE, 'CPU us a request'), undefined),
      ],
      notes: [
        'The log confirms at once. Nothing is kept on a core of its own: the load takes one while it can, and the receivers have what is left.',
        `Here are ${availableParallelism()} cores. With two, two workers cannot take twice as much; what shows is what sharing a port costs.`,
      ],
    };
  },
};
