import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { runKero, throwawayFolder } from '../support/kero-process.ts';
import { type OwnPostgresServer, startPostgresServer } from '../support/postgres/postgres-server.ts';

let server: OwnPostgresServer;
let remove: () => Promise<void>;
before(async () => {
  ({ server, remove } = await startPostgresServer());
  await server.run('create database empty');
  await server.run('create database newer');
  await server.run('create table kero_migrations (id serial, name text, run_on timestamp)', 'newer');
  await server.run(`insert into kero_migrations (name, run_on) values ('999999_future', now())`, 'newer');
});
after(() => remove());

interface Case {
  readonly settings: Record<string, string>;
  /** What is wrong, and what to do. */
  readonly says: RegExp;
}

const CASES: Record<string, Case> = {
  'a wrong password': {
    settings: { POSTGRES_PASSWORD: 'wrong-secret' },
    says: /role or password are wrong.*\n.*Check POSTGRES_USER and POSTGRES_PASSWORD/,
  },
  'no password': { settings: { POSTGRES_PASSWORD: '' }, says: /\n.*Set POSTGRES_PASSWORD/ },
  'a database that is not there': {
    settings: { POSTGRES_DB: 'nowhere' },
    says: /"nowhere" does not exist.*\n.*Check POSTGRES_DB; `kero migrate`/,
  },
  "a database without Kero's tables": {
    settings: { POSTGRES_DB: 'empty' },
    says: /has not got Kero's tables.*000001_events.*\n.*`kero migrate`, or set MIGRATE_ON_START=true/,
  },
  'a schema of a newer Kero': {
    settings: { POSTGRES_DB: 'newer' },
    says: /does not know: 999999_future.*\n.*Start the newer version/,
  },
  'TLS that the server does not offer': {
    settings: { POSTGRES_SSL_MODE: 'require' },
    says: /does not offer TLS.*\n.*POSTGRES_SSL_MODE=disable/,
  },
  'a CA file that is not there': {
    settings: { POSTGRES_SSL_MODE: 'verify-full', POSTGRES_SSL_CA_FILE: '/nowhere/ca.pem' },
    says: /POSTGRES_SSL_CA_FILE cannot be read.*\/nowhere\/ca\.pem.*\n.*PEM file/,
  },
};

describe('kero start with a database that it cannot use', { concurrency: false, timeout: 120_000 }, () => {
  for (const [what, { settings, says }] of Object.entries(CASES)) {
    test(`${what}: it ends at once, with one line that says what is wrong and one that says what to do`, async (t) => {
      const began = performance.now();
      const { code, output } = await runKero(t, ['start'], {
        KERO_DATA_DIR: throwawayFolder(t),
        POSTGRES_HOST: '127.0.0.1',
        POSTGRES_PORT: String(server.port),
        POSTGRES_USER: 'kero',
        POSTGRES_PASSWORD: 'test',
        RECEIVER_PORT: '0',
        ADMIN_PORT: '0',
        LOG_FORMAT: 'pretty',
        ...settings,
      });
      assert.equal(code, 1, output);
      assert.match(output, says);
      assert.equal(output.match(/FATAL/g)?.length, 1, output);
      assert.doesNotMatch(output, /wrong-secret|\n {4}at /, 'neither secrets nor stacks');
      assert.ok(performance.now() - began < 12_000, 'it did not wait for what a wait cannot heal');
    });
  }
});
