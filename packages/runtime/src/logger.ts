import { type DestinationStream, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

export type { Logger } from 'pino';

export interface LoggerOptions {
  readonly level: string;
  /** `json` for machines, `pretty` for a person at a terminal. */
  readonly format: 'json' | 'pretty';
  readonly name: string;
  /** Where lines go; standard output by default. Tests collect them. */
  readonly destination?: DestinationStream;
}

/** Makes the root logger of a process. Loggers are passed on as arguments, never imported. */
export function createLogger({ level, format, name, destination }: LoggerOptions): Logger {
  const stream =
    format === 'pretty'
      ? pretty({ sync: true, ignore: 'pid,hostname,name', destination: destination ?? 1 })
      : destination;
  const options = {
    name,
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return stream ? pino(options, stream) : pino(options);
}
