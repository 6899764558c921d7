import { createLogger, type Logger } from '@kero/runtime';

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A logger that keeps its lines, for tests that look at them. */
export function collectingLogger(): { logger: Logger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const destination = { write: (text: string) => void lines.push(JSON.parse(text) as LogLine) };
  return { logger: createLogger({ level: 'debug', format: 'json', name: 'test', destination }), lines };
}
