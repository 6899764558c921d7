import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { silentLogger } from '../../../../test/support/postgres/postgres-server.ts';
import type { EmbeddedDatabaseConfig } from '../database-settings.ts';
import { eventStoreContract } from '../event-store.contract.ts';
import type { Database } from '../event-store.ts';
import { openDatabase } from '../open-database.ts';
import { openPostgres } from '../postgres/postgres-database.ts';
import { serverConfig } from './embedded-database.ts';
import { readConnection, serverFolder } from './server-folder.ts';

const directory = mkdtempSync(join(tmpdir(), 'kero-embedded-'));
const config: EmbeddedDatabaseConfig = {
  driver: 'embedded',
  directory,
  port: undefined,
  database: 'processor',
  user: 'kero',
  password: undefined,
  applicationName: 'kero-test',
  maxConnections: 2,
};
let running: Database;
before(async () => {
  running = await openDatabase(config, { logger: silentLogger });
});
after(async () => {
  await running.close();
  rmSync(directory, { recursive: true, force: true });
});

let databases = 0;
eventStoreContract('embedded', async () => {
  const connection = readConnection(serverFolder(directory));
  if (connection === undefined) throw new Error('the embedded server keeps how to connect');
  const server = serverConfig(config, { ...connection, database: `test_${++databases}` }, { migrate: true });
  return openPostgres(server, { logger: silentLogger });
});
