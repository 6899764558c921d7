import pg from 'pg';
import { freePort, startKero, temporaryFolder } from '../support/kero-processes.ts';
import type { KeroSystem } from './system.ts';

/** `kero start` with nothing else: embedded log, embedded PostgreSQL, one process for receiver and processor. */
export async function startEmbeddedKero(resources: AsyncDisposableStack): Promise<KeroSystem> {
  const database = {
    host: '127.0.0.1',
    port: await freePort(),
    user: 'kero',
    password: 'bench',
    database: 'processor',
  };
  const adminPort = await freePort();
  const kero = startKero(resources, ['start'], {
    KERO_DATA_DIR: temporaryFolder(resources, 'data'),
    RECEIVER_PORT: '0',
    ADMIN_PORT: String(adminPort),
    POSTGRES_PORT: String(database.port),
    POSTGRES_USER: database.user,
    POSTGRES_PASSWORD: database.password,
  });
  const [, port] = await kero.printed(/receiver: POST http:\/\/127\.0\.0\.1:(\d+)/, 120_000);
  const client = new pg.Client(database);
  client.on('error', () => {});
  await client.connect();
  resources.defer(() => client.end());
  const rows = async (text: string) => (await client.query<(string | null)[]>({ text, rowMode: 'array' })).rows;
  return {
    port: Number(port),
    stored: async () => Number((await rows('select count(*) from events'))[0]?.[0]),
    rows,
    processes: [{ name: 'kero start', pid: kero.child.pid, adminPort }],
    database,
  };
}
