import { type Bench, secondsOf } from '../framework/bench.ts';
import { type Candidate, measureInTurn, ratioGoal } from '../framework/rounds.ts';
import { requireAccepted, runLoad } from '../load/run-load.ts';
import { pinningProblem } from '../support/cores.ts';
import { everythingOn } from '../support/everything-on.ts';
import { Program } from '../support/program.ts';

const BATCH = 500;
const CONNECTIONS = 4;
const PARSE = 'JSON.parse of the same bytes';
const KERO = 'Kero, everything on';

export const batches: Bench = {
  name: 'batches',
  number: 'P2',
  question: 'Batches of 500: accepted events/s of a receiver on one core, beside JSON.parse of the same bytes',
  async run(context) {
    const { resources } = context;
    const stretch = { warmUpSeconds: secondsOf(context, 2, 0.5), seconds: secondsOf(context, 8, 1) };
    const load = Program.start('load/load-program.ts', { core: 'load', resources });
    const parser = Program.start('programs/json-parse.ts', { core: 'measured', resources });
    const receiver = Program.start('programs/receiver.ts', { core: 'measured', resources });
    const { environment, headers } = await everythingOn(receiver, resources);
    const port = await receiver.call<number>('listen', environment);
    const candidates: Candidate[] = [
      {
        name: PARSE,
        async measure() {
          const cpuBefore = await parser.cpuMs();
          const rate = await parser.call<number>('parse', { batch: BATCH, seconds: stretch.seconds });
          const cpuMs = (await parser.cpuMs()) - cpuBefore;
          return { 'events/s': rate, 'CPU us an event': (cpuMs * 1000) / (rate * stretch.seconds) };
        },
      },
      {
        name: KERO,
        async measure() {
          const shape = { batch: BATCH, headers, port, connections: CONNECTIONS };
          const figures = await runLoad(load, receiver, shape, stretch);
          requireAccepted(figures);
          return {
            'events/s': figures.acceptedEvents / figures.seconds,
            'CPU us an event': (figures.cpuMs * 1000) / figures.acceptedEvents,
            'p50 ms': figures.p50Ms,
            'p99 ms': figures.p99Ms,
          };
        },
      },
    ];
    const measured = await measureInTurn(candidates, context);
    const pinning = pinningProblem();
    return {
      tables: [measured.table(`${CONNECTIONS} connections, ${BATCH} events a request`)],
      goals: [
        ratioGoal(`${KERO} / ${PARSE}`, measured.ratio(KERO, PARSE, 'events/s'), {
          bound: 'at least',
          value: 0.6,
          next: 2,
        }),
      ],
      notes: [
        'JSON.parse gets the whole array as one text and does nothing with the objects; the log of Kero confirms at once.',
        ...(pinning === undefined ? [] : [pinning]),
      ],
    };
  },
};
