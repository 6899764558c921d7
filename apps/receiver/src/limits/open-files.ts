import { readFileSync } from 'node:fs';
import type { Logger } from '@kero/runtime';

/** For what is no connection of a client: the log, its brokers, PostgreSQL, files, and the one that is accepted to be refused. */
const RESERVED_FILES = 200;

/**
 * How many connections there may be: as many as wanted, unless the process cannot open so many files. A process without a
 * file descriptor left could not reach its log any more; a connection too many is only closed.
 */
export function maxConnections(wanted: number, logger: Logger, openFiles = maxOpenFiles()): number {
  const possible = Math.max(1, openFiles - RESERVED_FILES);
  if (wanted <= possible) return wanted;
  logger.warn(
    `RECEIVER_MAX_CONNECTIONS is ${wanted}, but this process may open only ${openFiles} files: taking ${possible} (raise it with ulimit -n, LimitNOFILE= or --ulimit nofile=)`,
  );
  return possible;
}

/** Infinity where there is no limit, or where the system does not tell. */
function maxOpenFiles(): number {
  try {
    const [, soft = ''] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === '' ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
