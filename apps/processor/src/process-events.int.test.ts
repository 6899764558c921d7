import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { openDatabase } from '@kero/database';
import { type Messaging, type NewRecord, openMessaging, partitionForKey } from '@kero/messaging';
import { createLogger, loadSettings } from '@kero/runtime';
import { openSchemas, type SchemaSource, schemaConfig, schemaSettings } from '@kero/schemas';
import { anyPostgresServer, type PostgresServer } from '../../../test/support/postgres/postgres-server.ts';
import { startFaultyRegistry } from '../../../test/support/registry/faulty-registry.ts';
import { waitUntil } from '../../../test/support/wait-until.ts';
import { PartitionWrites } from './partition-writes.ts';
import { processEvents } from './process-events.ts';
import { createProcessorCounts, type ProcessorCounts } from './processor-counts.ts';
import type { ProcessorSettings } from './processor-settings.ts';

const SETTINGS: ProcessorSettings = {
  allowedTypes: [],
  deniedTypes: [],
  commitSkipped: true,
  batchMaxRecords: 5000,
  batchMaxBytes: 8 * 1024 ** 2,
  connections: 2,
  stallAfterMs: 30_000,
};
const EVENT_SETTINGS = { maxFutureMs: 86_400_000, retentionMs: undefined, maxBytes: 262_144 };

function event(n: number, members: Record<string, unknown> = {}): NewRecord {
  const value = JSON.stringify({
    event_id: `event-${n}`,
    user_id: 'user-1',
    event_type: 'view',
    event_timestamp: '2026-10-07T10:00:00Z',
    event_data: { n },
    ...members,
  });
  return raw(value);
}

function raw(value: string): NewRecord {
  return { key: Buffer.from('user-1'), value: Buffer.from(value), headers: [] };
}

/** read = stored + duplicates + redelivered + skipped + dead letters, at every moment. */
function assertAddsUp(counts: ProcessorCounts): void {
  const letters = [...counts.deadLetters.values()].reduce((a, b) => a + b, 0);
  assert.equal(counts.read, counts.stored + counts.duplicates + counts.redelivered + counts.skipped + letters);
}

describe('processEvents, on the embedded log and a real PostgreSQL', { timeout: 120_000 }, () => {
  let postgres: { server: PostgresServer; remove: () => Promise<void> };
  before(async () => {
    postgres = await anyPostgresServer();
  });
  after(() => postgres?.remove());

  async function setUp(t: TestContext) {
    const lines: string[] = [];
    const logger = createLogger({
      level: 'info',
      format: 'json',
      name: 'test',
      destination: { write: (line) => void lines.push(line) },
    });
    const folder = mkdtempSync(join(tmpdir(), 'kero-processor-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const open = (): Promise<Messaging> =>
      openMessaging(
        { driver: 'embedded', directory: folder, retentionMs: 3_600_000, maxRecordBytes: 300_000 },
        { logger },
      );
    const messaging = await open();
    t.after(() => messaging.close());
    const config = await postgres.server.newDatabase(t);
    const database = await openDatabase(config, { logger });
    t.after(() => database.close());
    const producer = await messaging.producer();
    const append = (...records: NewRecord[]) => producer.append(records, { deadlineMs: 10_000 });
    const sql = async (text: string) =>
      (await postgres.server.run(text, config.database)).map((row) => row.map(String));
    const count = async (table: string) => Number((await sql(`select count(*) from ${table}`))[0]?.[0]);

    /** Runs a processor until the returned function is called. */
    const start = async (
      settings: Partial<ProcessorSettings> = {},
      schemas?: SchemaSource,
      { group = 'group', retentionMs }: { group?: string; retentionMs?: number } = {},
    ) => {
      const counts = createProcessorCounts();
      const writes = new PartitionWrites();
      const stop = new AbortController();
      const consumer = await messaging.consumer(group);
      const deps = {
        consumer,
        store: database.events,
        eventSettings: { ...EVENT_SETTINGS, retentionMs },
        ...(schemas && { schemas }),
        counts,
        writes,
        observeBatch: () => {},
        logger,
        now: Date.now,
      };
      const done = processEvents({ ...deps, settings: { ...SETTINGS, ...settings } }, stop.signal).finally(() =>
        consumer.close(),
      );
      const end = async () => {
        stop.abort();
        await done;
        return counts;
      };
      t.after(end);
      return { counts, writes, end, done };
    };
    return { append, sql, count, start, lines, logger };
  }

  test('new events become rows, repeats are counted, a conflict and garbage become dead letters', async (t) => {
    const { append, count, start, sql } = await setUp(t);
    await append(event(1), event(2), event(1), event(2, { event_data: { n: 'other' } }), raw('garbage'));
    const { counts, end } = await start();
    await waitUntil(() => counts.read === 5);
    await end();
    assert.equal(await count('events'), 2);
    assert.deepEqual(
      { ...counts, deadLetters: Object.fromEntries(counts.deadLetters) },
      {
        read: 5,
        stored: 2,
        duplicates: 1,
        redelivered: 0,
        skipped: 0,
        deadLetters: { conflict: 1, not_an_event: 1 },
      },
    );
    assert.deepEqual(await sql('select reason, log_offset from dead_letters order by log_offset'), [
      ['conflict', '3'],
      ['not_an_event', '4'],
    ]);
  });

  test('a record that no receiver has checked waits for its schema, and is no dead letter for it', async (t) => {
    const { append, count, start, sql, lines, logger } = await setUp(t);
    const registry = await startFaultyRegistry(t);
    registry.put('events-view', { required: ['n'] });
    await registry.stop();
    const { values } = loadSettings(
      { schemas: schemaSettings },
      { environment: { SCHEMA_REGISTRY_URL: registry.url } },
    );
    const schemas = await openSchemas(schemaConfig(values.schemas, { topic: 'events' }), { logger });
    t.after(() => schemas.close());
    const checked: NewRecord = {
      ...event(3, { event_data: {} }),
      headers: [
        ['kero-received-at', Buffer.from(new Date().toISOString())],
        ['kero-schema', Buffer.from('registry:7')],
      ],
    };
    await append(checked, event(1), event(2, { event_data: {} }), { ...checked, value: Buffer.from('garbage') });
    const { counts, writes, end } = await start({ batchMaxRecords: 2 }, schemas);
    await waitUntil(() => writes.pausedCount === 1 && lines.some((line) => /partition paused/.test(line)));
    assert.equal(await count('dead_letters'), 0);
    assert.ok(writes.inHand().size === 1, 'the watchdog leaves it alone');
    assert.ok((writes.retries.get('schemas_unavailable') ?? 0) > 0);
    await registry.start();
    await waitUntil(() => counts.read === 4);
    await end();
    assert.ok(lines.some((line) => /partition resumed.*its schema is there again/.test(line)));
    assert.deepEqual(await sql('select event_id from events order by event_id'), [['event-1'], ['event-3']]);
    assert.deepEqual(await sql('select reason, left(detail, 14) from dead_letters order by log_offset'), [
      ['invalid', '/event_data/n:'],
      ['not_an_event', '(event): Line '],
    ]);
    // Whoever looks at a dead letter sees which schema it was checked against.
    const stored = await sql('select record_headers::text from dead_letters order by log_offset desc limit 1');
    assert.match(String(stored), /kero-schema/);
  });

  test('a stop does not wait for a schema that does not come', async (t) => {
    const { append, count, start, logger } = await setUp(t);
    const registry = await startFaultyRegistry(t);
    await registry.stop();
    const { values } = loadSettings(
      { schemas: schemaSettings },
      { environment: { SCHEMA_REGISTRY_URL: registry.url } },
    );
    const schemas = await openSchemas(schemaConfig(values.schemas, { topic: 'events' }), { logger });
    t.after(() => schemas.close());
    await append(event(1));
    const { counts, writes, end } = await start({}, schemas);
    await waitUntil(() => writes.pausedCount === 1);
    await end();
    assert.equal(counts.read, 0);
    assert.equal(await count('dead_letters'), 0);
  });

  test('a record that PostgreSQL refuses is isolated: it becomes a dead letter, its neighbours rows', async (t) => {
    const { append, count, start, sql } = await setUp(t);
    await sql("alter table events add constraint no_evil check (event_type <> 'evil')");
    const records = Array.from({ length: 200 }, (_, n) => event(n, n % 67 === 66 ? { event_type: 'evil' } : {}));
    await append(...records);
    const { counts, end } = await start();
    await waitUntil(() => counts.read === 200);
    await end();
    assert.equal(await count('events'), 198);
    const letters = await sql(
      "select reason, detail, encode(payload, 'escape'), log_offset from dead_letters order by log_offset",
    );
    assert.deepEqual(
      letters.map(([reason, , payload, offset]) => [reason, payload, offset]),
      [
        ['refused_by_database', records[66]?.value.toString(), '66'],
        ['refused_by_database', records[133]?.value.toString(), '133'],
      ],
    );
    assert.match(letters[0]?.[1] ?? '', /no_evil/);
    assertAddsUp(counts);
  });

  test('a unique index that somebody added refuses single records, repeats of stored events not among them', async (t) => {
    const { append, count, start, sql } = await setUp(t);
    await sql("select kero_ensure_events_partition('2026-10-01')");
    await sql("create unique index one_each on events_2026_10 ((event_data->>'n'))");
    const taken = event(1000, { event_data: { n: 7 } });
    await append(...Array.from({ length: 100 }, (_, n) => event(n)), event(7), taken, event(7), event(100));
    const { counts, end } = await start();
    await waitUntil(() => counts.read === 104);
    await end();
    assert.equal(await count('events'), 101);
    assert.deepEqual(await sql('select reason, log_offset from dead_letters'), [['refused_by_database', '101']]);
    assert.deepEqual(
      [counts.duplicates + counts.redelivered >= 2, counts.deadLetters.get('refused_by_database')],
      [true, 1],
    );
    assertAddsUp(counts);
  });

  const outages = [
    { what: 'a missing table', begin: 'alter table events rename to away', heal: 'alter table away rename to events' },
    {
      what: 'a missing function, while dead letters could be written',
      begin: 'alter function kero_ensure_events_partition rename to away',
      heal: 'alter function away rename to kero_ensure_events_partition',
    },
  ];
  for (const { what, begin, heal } of outages) {
    test(`${what} pauses, resumes by itself, says so once each, and makes no dead letter`, async (t) => {
      const { append, count, start, sql, lines } = await setUp(t);
      await sql(begin);
      const { counts, end } = await start();
      await append(event(1), event(2));
      await waitUntil(() => lines.some((line) => line.includes('partition paused')));
      assert.equal(counts.read, 0);
      await sql(heal);
      await waitUntil(() => counts.stored === 2);
      await end();
      assert.equal(await count('dead_letters'), 0);
      assert.equal(lines.filter((line) => line.includes('partition paused')).length, 1);
      assert.equal(lines.filter((line) => line.includes('partition resumed')).length, 1);
    });
  }

  test('when even the dead letter cannot be written the partition waits, and goes on when it can', async (t) => {
    const { append, count, start, sql, lines } = await setUp(t);
    await sql('alter table dead_letters rename to dead_letters_away');
    const { counts, end } = await start();
    await append(raw('garbage'), event(1));
    await waitUntil(() => lines.some((line) => line.includes('partition paused')));
    assert.equal(await count('events'), 0);
    await sql('alter table dead_letters_away rename to dead_letters');
    await waitUntil(() => counts.read === 2);
    await end();
    assert.deepEqual([await count('events'), await count('dead_letters')], [1, 1]);
  });

  test('records that expire between two readings: those that are rows are redelivered, the others become dead letters', async (t) => {
    const { append, count, start, sql } = await setUp(t);
    await append(event(1), event(2));
    const first = await start();
    await waitUntil(() => first.counts.stored === 2);
    await first.end();
    await append(event(3), event(1));
    const second = await start({}, undefined, { group: 'another', retentionMs: 1000 });
    await waitUntil(() => second.counts.read === 4);
    const { redelivered, deadLetters } = await second.end();
    assert.deepEqual([redelivered, deadLetters.get('expired')], [2, 2]);
    assert.equal(await count('events'), 2);
    assert.deepEqual(await sql('select reason, log_offset from dead_letters order by log_offset'), [
      ['expired', '2'],
      ['expired', '3'],
    ]);
  });

  test('stopped during an outage, nothing is committed: the next start stores it', async (t) => {
    const { append, count, start, sql, lines } = await setUp(t);
    await sql('alter table events rename to events_away');
    const first = await start();
    await append(event(1), event(2));
    await waitUntil(() => lines.some((line) => line.includes('partition paused')));
    assertAddsUp(await first.end());
    assert.equal(first.counts.read, 0);
    await sql('alter table events_away rename to events');
    const second = await start();
    await waitUntil(() => second.counts.stored === 2);
    await second.end();
    assert.equal(await count('events'), 2);
  });

  test('skipped records are counted; with EVENTS_COMMIT_SKIPPED=false a restart reads them again', async (t) => {
    const { append, start } = await setUp(t);
    const filter = { deniedTypes: ['view'], commitSkipped: false };
    await append(
      event(1),
      event(2, { event_type: 'purchase', event_data: { item_id: '1', price: 1 } }),
      event(3),
      event(4),
    );
    const first = await start(filter);
    await waitUntil(() => first.counts.read === 4);
    assertAddsUp(await first.end());
    assert.equal(first.counts.skipped, 3);
    const second = await start({ ...filter, commitSkipped: true });
    await waitUntil(() => second.counts.read === 2);
    assert.equal((await second.end()).skipped, 2);
    const third = await start();
    await append(event(5));
    await waitUntil(() => third.counts.read >= 1);
    assert.deepEqual(
      { ...(await third.end()), deadLetters: 0 },
      { read: 1, stored: 1, duplicates: 0, redelivered: 0, skipped: 0, deadLetters: 0 },
    );
  });

  test('with EVENTS_COMMIT_SKIPPED=false batches that hold only skipped records commit nothing', async (t) => {
    const { append, start } = await setUp(t);
    const filter = { deniedTypes: ['view'], commitSkipped: false };
    const first = await start(filter);
    for (let n = 0; n < 5; n++) {
      await append(event(n));
      await waitUntil(() => first.counts.read === n + 1);
    }
    await first.end();
    const second = await start(filter);
    await waitUntil(() => second.counts.read === 5);
    assert.equal((await second.end()).skipped, 5);
  });

  test('partitions that the database cannot write do not stop the others', async (t) => {
    const { append, count, start, sql } = await setUp(t);
    await sql(`create function stuck() returns trigger language plpgsql as $$
      begin if new.user_id like 'stuck%' then raise exception 'no' using errcode = '53100'; end if; return new; end $$`);
    await sql('create trigger stuck before insert on events for each row execute function stuck()');
    const { end } = await start();
    const keyed = (user: string, n: number) => ({ ...event(n, { user_id: user }), key: Buffer.from(user) });
    // Enough users to have at least two of the partitions stuck, which is how many connections there are.
    await append(...Array.from({ length: 3 }, (_, n) => keyed(`stuck-${n}`, n)));
    const isStuck = new Set(['stuck-0', 'stuck-1', 'stuck-2'].map((user) => partitionForKey(Buffer.from(user), 4)));
    assert.ok(isStuck.size >= 2 && isStuck.size < 4, 'the test needs stuck partitions and others');
    const others = Array.from({ length: 40 }, (_, n) => `free-${n}`).filter(
      (user) => !isStuck.has(partitionForKey(Buffer.from(user), 4)),
    );
    await append(...others.map((user, n) => keyed(user, 100 + n)));
    await waitUntil(async () => (await count('events')) === others.length);
    await sql('drop trigger stuck on events');
    await waitUntil(async () => (await count('events')) === others.length + 3);
    await end();
    assert.equal(await count('dead_letters'), 0);
  });
});
