import { type Bench, secondsOf } from '../framework/bench.ts';
import { type Candidate, measureInTurn, ratioGoal } from '../framework/rounds.ts';
import { requestFigures, requireAccepted, runLoad } from '../load/run-load.ts';
import { pinningProblem } from '../support/cores.ts';
import { everythingOn } from '../support/everything-on.ts';
import { Program } from '../support/program.ts';

const CONNECTIONS = 64;
const CPU = 'CPU us a request';
const BARE = 'bare node:http, fixed 202';
const KERO = 'Kero, everything on';
const PLAIN = 'Kero, as it comes (no key, no rate limits)';

export const singlePosts: Bench = {
  name: 'single-posts',
  number: 'P1',
  question: 'Single POSTs: how much of bare node:http does the receiver reach?',
  async run(context) {
    const { resources } = context;
    const stretch = { warmUpSeconds: secondsOf(context, 2, 0.5), seconds: secondsOf(context, 8, 1) };
    const load = Program.start('load/load-program.ts', { core: 'load', resources });
    const start = (file: string) => Program.start(file, { core: 'measured', resources });
    const bare = start('programs/bare-http.ts');
    const [full, plain] = [start('programs/receiver.ts'), start('programs/receiver.ts')];
    const everything = await everythingOn(full, resources);
    const ports = {
      bare: await bare.call<number>('listen'),
      full: await full.call<number>('listen', everything.environment),
      plain: await plain.call<number>('listen', { RECEIVER_PORT: '0' }),
    };
    const candidate = (name: string, server: Program, port: number, headers = {}): Candidate => ({
      name,
      async measure() {
        const figures = await runLoad(load, server, { port, connections: CONNECTIONS, batch: 1, headers }, stretch);
        requireAccepted(figures);
        return requestFigures(figures);
      },
    });
    const candidates = [
      candidate(BARE, bare, ports.bare, everything.headers),
      candidate(KERO, full, ports.full, everything.headers),
      candidate(PLAIN, plain, ports.plain),
    ];
    const measured = await measureInTurn(candidates, context);
    const hasKeys = 'authorization' in everything.headers;
    const pinning = pinningProblem();
    return {
      tables: [measured.table(`${CONNECTIONS} connections`)],
      goals: [
        ratioGoal(`${KERO} / bare`, measured.ratio(KERO, BARE, 'requests/s'), {
          bound: 'at least',
          value: 0.9,
          next: 1,
        }),
        ratioGoal('CPU time a request: bare / Kero', measured.ratio(BARE, KERO, CPU), undefined),
        ratioGoal(`${PLAIN} / bare`, measured.ratio(PLAIN, BARE, 'requests/s'), undefined),
      ],
      notes: [
        'The log confirms at once, so this is the work of the receiver alone. Server on one core, load on another.',
        `Everything on: ${hasKeys ? 'an API key' : 'no API key (this receiver has none)'}, rate limits by address${hasKeys ? ' and key' : ''}, connections per address, validation, identity, metrics, all time-outs.`,
        ...(pinning === undefined ? [] : [pinning]),
      ],
    };
  },
};
