import { after, before } from 'node:test';
import {
  anyPostgresServer,
  type PostgresServer,
  silentLogger,
} from '../../../../test/support/postgres/postgres-server.ts';
import { eventStoreContract } from '../event-store.contract.ts';
import { openDatabase } from '../open-database.ts';

let server: PostgresServer;
let remove: () => Promise<void>;
before(async () => {
  ({ server, remove } = await anyPostgresServer());
});
after(() => remove());

eventStoreContract('postgres', async (t) => openDatabase(await server.newDatabase(t), { logger: silentLogger }));
