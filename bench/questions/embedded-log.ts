import { type Bench, secondsOf } from '../framework/bench.ts';
import { type Candidate, measureInTurn, ratioGoal } from '../framework/rounds.ts';
import { Program } from '../support/program.ts';

const FILE = 'bare file, fdatasync';
const OVER = 'the same, over and over again within 64 MiB';
const KERO = 'embedded log';
const RATE = 'records/s';

/** Single events of many clients, one client with batches, several clients with batches. */
const SHAPES = [
  { callers: 64, recordsACall: 1 },
  { callers: 1, recordsACall: 500 },
  { callers: 4, recordsACall: 500 },
];

export const embeddedLog: Bench = {
  name: 'embedded-log',
  number: 'P8',
  question: 'Embedded log: durable appends/s beside a bare file with fdatasync at the same batch sizes',
  async run(context) {
    const { resources, print } = context;
    const file = Program.start('programs/bare-file.ts', { resources });
    resources.defer(() => file.call('tidyUp'));
    const log = Program.start('programs/embedded-log.ts', { resources });
    const tables = [];
    const goals = [];
    for (const shape of SHAPES) {
      const title = `${shape.callers} x ${shape.recordsACall}`;
      print(title);
      const stretch = { ...shape, warmUpSeconds: secondsOf(context, 1, 0.2), seconds: secondsOf(context, 5, 0.5) };
      const candidate = (name: string, program: Program, over: boolean): Candidate => ({
        name,
        measure: async () => ({ [RATE]: await program.call<number>('measure', { ...stretch, over }) }),
      });
      const candidates = [candidate(FILE, file, false), candidate(OVER, file, true), candidate(KERO, log, false)];
      const measured = await measureInTurn(candidates, context);
      tables.push(measured.table(`${shape.callers} callers, ${shape.recordsACall} records a call`));
      const goal = { bound: 'at least', value: 0.65, next: 0.95 } as const;
      goals.push(ratioGoal(`${title}: ${KERO} / ${FILE}`, measured.ratio(KERO, FILE, RATE), goal));
    }
    return {
      tables,
      goals,
      notes: [
        'Records of 300 bytes. The file writes what waits in one piece, without an index, a checksum or a way to read it; the log is SQLite (WAL, synchronous=FULL) in a thread of its own.',
        'A file that grows makes the file system note its new size with each fdatasync; the log of SQLite is mostly written over. The second file shows what that is worth.',
      ],
    };
  },
};
