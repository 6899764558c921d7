import { backoffMs, isKeroError, type Logger, START_PATIENCE_MS, StartWait, sleep, unlessStopped } from '@kero/runtime';
import { sqlState } from './classify-error.ts';
import { connectWritable, noLimits, type ServerAddress } from './client.ts';

const DATABASE_MISSING = '3D000';

export interface ServerPatience {
  readonly logger: Logger;
  /** How long to wait for a server that does not answer yet, in milliseconds (START_PATIENCE_MS); Infinity until it does. */
  readonly patienceMs?: number | undefined;
  /** Ends the wait with `stopped`. */
  readonly stop?: AbortSignal | undefined;
}

/**
 * Runs `then` when the server answers, and gives what it gives. A server that is away, now or in the middle of `then`, is waited
 * for, and `then` runs again; a database that is missing is an answer.
 *
 * Rejects with `database_unavailable` when the patience is over, at once with whatever else is wrong, and with `stopped` as
 * soon as `stop` aborts.
 */
export async function whenServerAnswers<T>(
  server: ServerAddress,
  { logger, patienceMs = START_PATIENCE_MS, stop }: ServerPatience,
  then: () => Promise<T>,
): Promise<T> {
  const hosts = server.hosts.map(({ host, port }) => `${host}:${port}`).join(', ');
  const wait = new StartWait({ what: `PostgreSQL (${hosts})`, logger, patienceMs });
  for (let attempt = 0; ; attempt++) {
    try {
      await unlessStopped(knock(server), stop);
      const result = await then();
      wait.over();
      return result;
    } catch (error) {
      if (!isKeroError(error, 'database_unavailable') || wait.leftMs <= 0) throw error;
      wait.failed(error.message);
      wait.goesOn(error);
      await sleep(backoffMs(attempt, { firstMs: 200, maxMs: 2_000 }), stop);
    }
  }
}

async function knock(server: ServerAddress): Promise<void> {
  try {
    const { client } = await connectWritable(server, noLimits);
    await client.end();
  } catch (error) {
    if (!isKeroError(error) || sqlState(error.cause) !== DATABASE_MISSING) throw error;
  }
}
