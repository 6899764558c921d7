import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startPostgresServer } from '../../test/support/postgres/postgres-server.ts';
import { connectPostgres } from './postgres-client.ts';
import type { PostgresUnderTest } from './system.ts';
import { waitFor } from './wait-for.ts';
import { spawnWatchdog } from './watchdog.ts';

export interface OwnPostgres extends PostgresUnderTest, AsyncDisposable {
  readonly port: number;
  /** An ordinary role that owns the database: what Kero connects as. */
  readonly kero: { readonly user: string; readonly password: string };
}

const KERO = { user: 'kero_app', password: 'kero_app' };
const DATABASE = 'processor';
const START_LIMIT_MS = 60_000;

/** A PostgreSQL server of the prover's own, with an empty database for Kero. */
export async function startOwnPostgres(folder: string): Promise<OwnPostgres> {
  mkdirSync(folder, { recursive: true });
  const { server, remove } = await startPostgresServer(folder);
  const watchdog = spawnWatchdog(`kill -QUIT $(head -n 1 '${join(folder, 'data', 'postmaster.pid')}')`);
  await server.run(`create role ${KERO.user} login password '${KERO.password}'`);
  await server.run(`create database ${DATABASE} owner ${KERO.user}`);
  const { user, password } = server.config(DATABASE);
  const superuser = { user, password: password ?? '' };
  const connectAs = (role: { user: string; password: string }) =>
    connectPostgres({ host: '127.0.0.1', port: server.port, database: DATABASE, ...role }, 'prover');
  return {
    port: server.port,
    kero: KERO,
    database: DATABASE,
    keroIsOrdinary: true,
    connect: () => connectAs(superuser),
    connectAsKero: () => connectAs(KERO),
    async kill(signal) {
      server.kill(signal);
      await waitFor(() => server.pid === undefined, 30_000, 'PostgreSQL to be gone');
    },
    async recover() {
      const until = performance.now() + START_LIMIT_MS;
      while (server.pid === undefined) {
        try {
          await server.start();
        } catch (error) {
          // After kill -9 of the postmaster its children hold the shared memory for a moment.
          if (performance.now() > until) throw error;
          await delay(200);
        }
      }
    },
    async [Symbol.asyncDispose]() {
      watchdog.kill('SIGKILL');
      await remove();
    },
  };
}
