import { Writable } from 'node:stream';
import { type DestinationStream, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

export type { Logger } from 'pino';

export interface LoggerOptions {
  readonly level: string;
  /** `json` for machines, `pretty` for a person at a terminal. */
  readonly format: 'json' | 'pretty';
  readonly name: string;
  /** The number of the process among the workers of its parent, where it is one of them: a field of each line. */
  readonly worker?: number | undefined;
  /** Where lines go: standard output (1, the default), standard error (2), or a stream that gathers them. */
  readonly destination?: DestinationStream | 1 | 2;
}

/** Makes the root logger of a process. Loggers are passed on as arguments, never imported. */
export function createLogger({ level, format, name, worker, destination = 1 }: LoggerOptions): Logger {
  const options = {
    name,
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const ofWorker = (logger: Logger) => (worker === undefined ? logger : logger.child({ worker }));
  if (format === 'json') {
    // Written at once: else the last line of a process overtakes those before it, and a process that is killed takes some along.
    const target = typeof destination === 'number' ? pino.destination({ dest: destination, sync: true }) : destination;
    return ofWorker(pino(options, target));
  }
  const stream = pretty({
    sync: true,
    ignore: 'pid,hostname,name,worker',
    messageFormat: '{if worker}worker {worker}: {end}{msg}',
    destination: prettyTarget(destination),
  });
  return ofWorker(pino(options, stream));
}

function prettyTarget(destination: DestinationStream | 1 | 2): Writable | 1 | 2 {
  if (typeof destination === 'number') return destination;
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      destination.write(chunk.toString('utf8'));
      done();
    },
  });
}
