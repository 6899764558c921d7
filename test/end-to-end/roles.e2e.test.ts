import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, type TestContext, test } from 'node:test';
import { runKero, startKero, throwawayFolder } from '../support/kero-process.ts';
import { eventBody, post } from '../support/post-events.ts';
import { type OwnPostgresServer, startPostgresServer } from '../support/postgres/postgres-server.ts';
import { waitUntil } from '../support/wait-until.ts';

const PAGE = readFileSync(new URL('../../docs/querying.md', import.meta.url), 'utf8');
/** As superuser, and as owner after `kero migrate`. */
const [AS_SUPERUSER = '', AS_OWNER = ''] = [
  ...PAGE.slice(PAGE.indexOf('\n## Roles')).matchAll(/```sql\n([\s\S]*?)```/g),
].map(([, sql = '']) => sql);
const DAY_MS = 86_400_000;

const PASSWORDS = {
  kero_owner: 'choose-one',
  kero_processor: 'choose-another',
  kero_reader: 'and-a-third',
} as const;

let server: OwnPostgresServer;
let remove: () => Promise<void>;
before(async () => {
  ({ server, remove } = await startPostgresServer());
});
after(() => remove());

function environmentOf(role: keyof typeof PASSWORDS, more: Record<string, string> = {}): Record<string, string> {
  return {
    POSTGRES_HOST: '127.0.0.1',
    POSTGRES_PORT: String(server.port),
    POSTGRES_USER: role,
    POSTGRES_PASSWORD: PASSWORDS[role],
    RECEIVER_PORT: '0',
    ADMIN_PORT: '0',
    ...more,
  };
}

async function sql(t: TestContext, role: keyof typeof PASSWORDS, statement: string) {
  const { code, output } = await runKero(t, ['sql', statement], environmentOf(role));
  return { code, output, value: output.split('\n')[2]?.trim() };
}

/** `events_YYYY_MM` of a moment. */
function partitionOf(time: Date): string {
  return `events_${time.toISOString().slice(0, 7).replace('-', '_')}`;
}

describe('the roles of docs/querying.md, end to end', { concurrency: false, timeout: 240_000 }, () => {
  test('the processor stores, makes months and keeps conflicts as a role that may not change the schema', async (t) => {
    for (const statement of AS_SUPERUSER.split(';\n').filter((it) => it.trim() !== '')) await server.run(statement);
    const migrated = await runKero(t, ['migrate'], environmentOf('kero_owner'));
    assert.equal(migrated.code, 0, migrated.output);
    assert.equal((await sql(t, 'kero_owner', AS_OWNER)).code, 0);
    const long = new Date(Date.now() - 90 * DAY_MS);
    const month = `${long.toISOString().slice(0, 7)}-01`;
    assert.equal((await sql(t, 'kero_owner', `select kero_ensure_events_partition('${month}')`)).code, 0);

    const environment = environmentOf('kero_processor', {
      KERO_DATA_DIR: throwawayFolder(t),
      EVENTS_RETENTION: '30d',
    });
    const kero = startKero(t, ['start'], environment);
    const [, url = ''] = await kero.printed(/receiver +(http:\S+)/);
    const now = new Date();
    const event = (id: string, members = {}) => eventBody(id, { event_timestamp: now.toISOString(), ...members });
    const conflicting = { event_data: { item_id: '43', price: 9.99 } };
    for (const body of [event('one'), event('two'), event('one'), event('two', conflicting)]) {
      assert.equal((await post(url, body)).status, 202);
    }
    await waitUntil(async () => (await sql(t, 'kero_reader', 'select count(*) from dead_letters')).value === '1');
    assert.equal((await sql(t, 'kero_reader', 'select count(*) from events')).value, '2');
    assert.equal(
      (await sql(t, 'kero_reader', 'select min(tableoid::regclass::text) from events')).value,
      partitionOf(now),
    );

    await kero.printed(new RegExp(`${partitionOf(long)} is older than EVENTS_RETENTION.*kero_processor does not own`));
    assert.match(kero.output(), /`kero retention` every day as kero_owner/);
    await kero.stop();
  });

  test('old months are dropped by kero retention as the owner, and by nobody else', async (t) => {
    const retention = { EVENTS_RETENTION: '30d' };
    const partition = partitionOf(new Date(Date.now() - 90 * DAY_MS));
    const unset = await runKero(t, ['retention'], environmentOf('kero_owner'));
    assert.deepEqual([unset.code, /EVENTS_RETENTION is not set/.test(unset.output)], [1, true], unset.output);
    const refused = await runKero(t, ['retention'], environmentOf('kero_processor', retention));
    assert.deepEqual([refused.code, /run this as kero_owner/.test(refused.output)], [1, true], refused.output);
    const looked = await runKero(t, ['retention', '--dry-run'], environmentOf('kero_owner', retention));
    assert.deepEqual([looked.code, looked.output.includes(`would drop ${partition}`)], [0, true], looked.output);
    const dropped = await runKero(t, ['retention'], environmentOf('kero_owner', retention));
    assert.deepEqual([dropped.code, dropped.output.includes(`dropped ${partition}`)], [0, true], dropped.output);
    const again = await runKero(t, ['retention'], environmentOf('kero_owner', retention));
    assert.match(again.output, /nothing to do/);
    assert.equal((await sql(t, 'kero_reader', 'select count(*) from events')).value, '2');
  });

  test('the owner as processor drops old months by itself', async (t) => {
    const long = new Date(Date.now() - 90 * DAY_MS);
    await sql(t, 'kero_owner', `select kero_ensure_events_partition('${long.toISOString().slice(0, 7)}-01')`);
    const settings = { KERO_DATA_DIR: throwawayFolder(t), EVENTS_RETENTION: '30d' };
    const kero = startKero(t, ['start'], environmentOf('kero_owner', settings));
    await kero.printed(new RegExp(`dropped ${partitionOf(long)}: it is older than EVENTS_RETENTION`));
    assert.equal((await kero.stop()).code, 0);
  });

  test('the reader cannot write, not even a new month', async (t) => {
    for (const statement of [
      'delete from events',
      `update dead_letters set status = 'discarded'`,
      'insert into events select * from events',
      'create table mine ()',
      `select kero_ensure_events_partition('2001-01-01')`,
    ]) {
      const { code, output } = await sql(t, 'kero_reader', statement);
      assert.equal(code, 1, output);
      assert.match(output, /42501/);
    }
  });
});
