import { backoffMs, isKeroError, type Logger, sleep, unlessStopped } from '@kero/runtime';
import { sqlState } from './classify-error.ts';
import { connectWritable, noLimits, type ServerAddress } from './client.ts';

const DATABASE_MISSING = '3D000';

/**
 * Resolves when the server answers; a database that is missing is an answer. A server that is just starting gets some
 * time. Rejects with `database_unavailable` after that, and at once with `database_misconfigured`; with `stopped`
 * as soon as `stop` aborts.
 */
export async function waitForServer(
  server: ServerAddress,
  { logger, patienceMs, stop }: { logger: Logger; patienceMs: number; stop?: AbortSignal | undefined },
): Promise<void> {
  const giveUpAt = performance.now() + patienceMs;
  for (let attempt = 0; ; attempt++) {
    try {
      await unlessStopped(knock(server), stop);
      return;
    } catch (error) {
      if (!isKeroError(error)) throw error;
      if (sqlState(error.cause) === DATABASE_MISSING) return;
      if (error.code !== 'database_unavailable' || performance.now() > giveUpAt) throw error;
      if (attempt === 0 && patienceMs > 0) logger.warn(`${error.message}; trying for ${patienceMs / 1000} s`);
      await sleep(backoffMs(attempt, { firstMs: 200, maxMs: 2_000 }), stop);
    }
  }
}

async function knock(server: ServerAddress): Promise<void> {
  const { client } = await connectWritable(server, noLimits);
  await client.end();
}
