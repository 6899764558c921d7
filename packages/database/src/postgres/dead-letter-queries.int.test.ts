import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import {
  anyPostgresServer,
  type PostgresServer,
  silentLogger,
} from '../../../../test/support/postgres/postgres-server.ts';
import { event, LOG_ID, letter, record } from '../contract/store-under-test.contract.ts';
import type { DeadLetterFilter, DeadLetterStatus } from '../dead-letter-store.ts';
import type { Database, DeadLetter } from '../event-store.ts';
import { openDatabase } from '../open-database.ts';

let server: PostgresServer;
let remove: () => Promise<void>;
before(async () => {
  ({ server, remove } = await anyPostgresServer());
});
after(() => remove());

const OPEN: readonly DeadLetterStatus[] = ['open'];
const everything = { after: 0n, upTo: 2n ** 62n, limit: 100 };

async function openNew(t: TestContext): Promise<Database> {
  const database = await openDatabase(await server.newDatabase(t), { logger: silentLogger });
  // Before the database is dropped, which the server does after the test.
  t.after(() => database.close());
  return database;
}

async function store(database: Database, deadLetters: readonly DeadLetter[], events = [event()].slice(1)) {
  return database.events.store({ logId: LOG_ID, logPartition: 0, events, deadLetters });
}

function withValue(value: Buffer | string | null, fields: Partial<DeadLetter> = {}): DeadLetter {
  return letter({
    ...fields,
    record: record(undefined, { value: typeof value === 'string' ? Buffer.from(value) : value }),
  });
}

async function idsOf(database: Database, filter: DeadLetterFilter): Promise<number[]> {
  const read = await database.deadLetters.read(filter, everything);
  const listed = await database.deadLetters.list(filter, 1000);
  assert.deepEqual(
    listed.map(({ deadLetterId }) => deadLetterId).reverse(),
    read.map(({ deadLetterId }) => deadLetterId),
    'list and read agree, in opposite orders',
  );
  const counted = (await database.deadLetters.count(filter)).reduce((sum, { letters }) => sum + letters, 0);
  assert.equal(counted, read.length, 'count agrees');
  return read.map(({ deadLetterId }) => Number(deadLetterId));
}

describe('dead letters for people, on a real PostgreSQL', { timeout: 120_000 }, () => {
  test('a letter is read back as it was written: bytes, headers in order, place, times', async (t) => {
    const database = await openNew(t);
    const id = Buffer.from('0123456789ab8def8123456789abcdef', 'hex');
    const headers = [
      ['kero-source', Buffer.from('shöp')],
      ['raw', Buffer.from([0xff, 0])],
      ['kero-source', Buffer.from('')],
    ] as const;
    const given = record(9_007_199_254_740_993n, {
      key: Buffer.from([0, 255]),
      value: Buffer.from('ff00', 'hex'),
      headers,
    });
    await store(database, [letter({ id, reason: 'invalid', detail: 'user_id is missing', record: given })]);
    const [read, ...more] = await database.deadLetters.read({}, everything);
    assert.equal(more.length, 0);
    assert.ok(read);
    const { failedAt, receivedAt, ...rest } = read;
    assert.ok(Math.abs(failedAt.getTime() - Date.now()) < 60_000);
    assert.equal(receivedAt.toISOString(), '2026-11-23T10:00:00.000Z');
    assert.deepEqual(rest, {
      deadLetterId: 1n,
      id: '01234567-89ab-8def-8123-456789abcdef',
      reason: 'invalid',
      detail: 'user_id is missing',
      status: 'open',
      eventType: undefined,
      logId: LOG_ID,
      logPartition: 0,
      logOffset: 9_007_199_254_740_993n,
      statusChangedAt: undefined,
      note: undefined,
      replayOf: undefined,
      payload: Buffer.from('ff00', 'hex'),
      key: Buffer.from([0, 255]),
      headers,
    });
  });

  test('a tombstone without key and headers is read back as such', async (t) => {
    const database = await openNew(t);
    await store(database, [letter({ record: record(1n, { key: null, value: null, headers: [] }) })]);
    const [read] = await database.deadLetters.read({}, everything);
    assert.deepEqual([read?.payload, read?.key, read?.headers, read?.eventType], [null, null, [], undefined]);
  });

  test('letters are found by type, whatever bytes the others hold', async (t) => {
    const database = await openNew(t);
    const payloads = [
      '{"event_type":"purchase"}',
      null,
      Buffer.from([0xff, 0xfe, 0x00]),
      Buffer.from('{"event_type":"purchase\0"}'),
      '',
      '[{"event_type":"purchase"}]',
      '"event_type"',
      '{"event_type":{"event_type":"purchase"}}',
      '{"event_type":"purch',
      '{"event_type":"view","note":"\\u0000 \\ud800"}',
      '{"event_type":"pur\\u0063hase","event_type_":1}',
      '['.repeat(100_000),
      `{"event_type":"purchase","event_data":{"x":${'9'.repeat(200_000)}}}`,
    ];
    await store(
      database,
      payloads.map((payload) => withValue(payload)),
    );
    assert.deepEqual(await idsOf(database, { types: ['purchase'] }), [1, 11, 13]);
    assert.deepEqual(await idsOf(database, { types: ['view', 'purchase'] }), [1, 10, 11, 13]);
    assert.deepEqual(await idsOf(database, { types: ['nothing'] }), []);
    assert.equal((await idsOf(database, {})).length, payloads.length);
    const listed = await database.deadLetters.list({}, 100);
    assert.equal(listed.find(({ deadLetterId }) => deadLetterId === 10n)?.eventType, 'view');
  });

  test('all conditions of a filter must hold', async (t) => {
    const database = await openNew(t);
    const purchase = '{"event_type":"purchase"}';
    await store(database, [
      withValue(purchase, { reason: 'invalid' }),
      withValue(purchase, { reason: 'conflict' }),
      withValue('{"event_type":"view"}', { reason: 'invalid' }),
      withValue(null),
    ]);
    await server.run(
      `update dead_letters set failed_at = '2026-11-23T10:00:00.000001Z' where dead_letter_id = 1;
       update dead_letters set failed_at = '2026-11-23T10:00:00.000002Z' where dead_letter_id = 2`,
      databaseOf(database),
    );
    const at = Date.UTC(2026, 10, 23, 10) * 1000;
    assert.deepEqual(await idsOf(database, { reasons: ['invalid', 'not_an_event'] }), [1, 3, 4]);
    assert.deepEqual(await idsOf(database, { reasons: ['invalid'], types: ['purchase'] }), [1]);
    assert.deepEqual(await idsOf(database, { ids: [2n, 4n, 99n] }), [2, 4]);
    assert.deepEqual(await idsOf(database, { ids: [2n, 4n], reasons: ['conflict'] }), [2]);
    assert.deepEqual(await idsOf(database, { ids: [] }), []);
    assert.deepEqual(await idsOf(database, { untilMicros: at + 2 }), [1], 'until is exclusive');
    assert.deepEqual(await idsOf(database, { sinceMicros: at + 1, untilMicros: at + 3 }), [1, 2], 'since is inclusive');
    assert.deepEqual(await idsOf(database, { sinceMicros: at + 2 }), [2, 3, 4]);
    assert.deepEqual(await idsOf(database, { statuses: ['discarded'] }), []);
    assert.deepEqual(await idsOf(database, { statuses: ['open', 'replayed'] }), [1, 2, 3, 4]);
  });

  test('pages follow one another by id and end where they are told to', async (t) => {
    const database = await openNew(t);
    await store(
      database,
      Array.from({ length: 7 }, () => letter()),
    );
    const page = async (after: bigint, upTo: bigint) =>
      (await database.deadLetters.read({}, { after, upTo, limit: 3 })).map(({ deadLetterId }) => Number(deadLetterId));
    assert.deepEqual(await page(0n, 5n), [1, 2, 3]);
    assert.deepEqual(await page(3n, 5n), [4, 5]);
    assert.deepEqual(await page(5n, 5n), []);
    assert.equal(await database.deadLetters.lastId(), 7n);
    assert.deepEqual(
      (await database.deadLetters.list({}, 2)).map(({ deadLetterId }) => deadLetterId),
      [7n, 6n],
    );
  });

  test('letters are counted by status and reason', async (t) => {
    const database = await openNew(t);
    assert.deepEqual(await database.deadLetters.count({}), []);
    assert.equal(await database.deadLetters.lastId(), 0n);
    await store(database, [letter(), letter(), letter({ reason: 'expired' })]);
    await database.deadLetters.setStatus([1n], { from: OPEN, to: 'discarded' });
    const counts = await database.deadLetters.count({});
    assert.deepEqual(
      counts.map(({ status, reason, letters }) => [status, reason, letters]),
      [
        ['discarded', 'not_an_event', 1],
        ['open', 'expired', 1],
        ['open', 'not_an_event', 1],
      ],
    );
    assert.ok(counts.every(({ oldest, newest }) => oldest.getTime() === newest.getTime()));
  });

  test('a status changes only from where it is expected to be; the note stays unless there is a new one', async (t) => {
    const database = await openNew(t);
    await store(database, [letter(), letter(), letter()]);
    const { deadLetters } = database;
    assert.equal(await deadLetters.setStatus([1n, 2n, 99n], { from: OPEN, to: 'discarded', note: "it's junk" }), 2);
    assert.equal(await deadLetters.setStatus([1n, 2n, 3n], { from: OPEN, to: 'replayed' }), 1);
    assert.equal(await deadLetters.setStatus([1n], { from: ['discarded'], to: 'replayed' }), 1);
    const found = await deadLetters.read({}, everything);
    assert.deepEqual(
      found.map(({ status, note, statusChangedAt }) => [status, note, statusChangedAt instanceof Date]),
      [
        ['replayed', "it's junk", true],
        ['discarded', "it's junk", true],
        ['replayed', undefined, true],
      ],
    );
  });

  test('a letter that a replay ended as is linked to the one before', async (t) => {
    const database = await openNew(t);
    await store(database, [letter()]);
    await store(database, [letter({ record: record(undefined, { replayOf: 1n }) }), letter()]);
    await store(database, [letter({ record: record(undefined, { replayOf: 1n }) })]);
    const links = (await database.deadLetters.read({}, everything)).map(({ replayOf }) => replayOf);
    assert.deepEqual(links, [undefined, 1n, undefined, 1n]);
    assert.deepEqual(
      (await database.deadLetters.replaysOf(1n)).map(({ deadLetterId }) => deadLetterId),
      [2n, 4n],
    );
    assert.deepEqual(await database.deadLetters.replaysOf(2n), []);
  });

  test('a conflict of a replayed record is linked too', async (t) => {
    const database = await openNew(t);
    await store(database, [letter()], [event({ name: 'one' })]);
    const other = event({ name: 'one', data: '{}' });
    await store(database, [], [{ ...other, record: { ...other.record, replayOf: 1n } }]);
    const [, conflict] = await database.deadLetters.read({}, everything);
    assert.deepEqual([conflict?.reason, conflict?.replayOf], ['conflict', 1n]);
  });

  test('a letter that claims to replay one that is not there is stored without the link', async (t) => {
    const database = await openNew(t);
    const replaying = (replayOf: bigint) => letter({ record: record(undefined, { replayOf }) });
    const result = await store(database, [replaying(99n), replaying(2n ** 63n - 1n), replaying(0n), replaying(-1n)]);
    assert.equal(result.deadLetters.get('not_an_event'), 4);
    const links = (await database.deadLetters.read({}, everything)).map(({ replayOf }) => replayOf);
    assert.deepEqual(links, [undefined, undefined, undefined, undefined]);
  });

  test('the event that has the id of a letter is found by it', async (t) => {
    const database = await openNew(t);
    const there = event({ name: 'there', timestampMicros: 1_800_000_000_123_999 });
    await store(database, [], [there, event()]);
    const text = there.id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    const found = await database.deadLetters.eventsById([text, 'ffffffff-ffff-8fff-bfff-ffffffffffff']);
    assert.deepEqual(
      found.map(({ id, logPartition, logOffset }) => [id, logPartition, logOffset]),
      [[text, 0, there.record.offset]],
    );
    assert.ok(found[0]?.storedAt instanceof Date);
    assert.deepEqual(await database.deadLetters.eventsById([]), []);
  });

  test('an action is in the audit log before it begins, and with its outcome after', async (t) => {
    const database = await openNew(t);
    const id = await database.audit.begin({
      action: 'dead_letters_discard',
      actor: 'ann@host',
      detail: { letters: 3, filter: { reasons: ['invalid'] } },
    });
    const row = async () =>
      (
        await server.run(
          'select audit_id, action, actor, database_role, detail, ended_at is null, outcome from audit_log',
          databaseOf(database),
        )
      )[0];
    const detail = '{"filter": {"reasons": ["invalid"]}, "letters": 3}';
    const [role] = (await database.query('select current_user')).rows[0] ?? [];
    assert.deepEqual(await row(), [String(id), 'dead_letters_discard', 'ann@host', role, detail, 't', null]);
    await database.audit.end(id, { outcome: 'done', detail: { discarded: 2 } });
    assert.deepEqual((await row())?.slice(4), [
      '{"filter": {"reasons": ["invalid"]}, "letters": 3, "discarded": 2}',
      'f',
      'done',
    ]);
  });
});

function databaseOf(database: Database): string {
  return database.description.split(' ').at(-1) ?? '';
}
