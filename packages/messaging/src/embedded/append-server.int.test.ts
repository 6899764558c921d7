import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { createLogger, isKeroError } from '@kero/runtime';
import { connectMessaging, shareMessaging } from '../connect-messaging.ts';
import type { NewRecord, Producer } from '../messaging.ts';
import { partitionForKey } from '../partition-for-key.ts';
import { APPEND_PATH, DEADLINE_HEADER, encodeRecords, MAX_APPEND_BYTES } from './append-protocol.ts';
import { embeddedConfig, failureCodes, GENEROUS, openLog, readAll, record, temporaryFolder } from './test-support.ts';

const context = { logger: createLogger({ name: 'test', level: 'silent', format: 'json' }) };

/** A log that is open and shared, and a producer beside its owner. */
async function setUp(t: TestContext) {
  const config = embeddedConfig(await temporaryFolder(t));
  const owner = await openLog(config);
  const shared = await shareMessaging(owner, config, context);
  const connected = await connectMessaging(config, context);
  const close = async () => {
    await connected.close();
    await shared[Symbol.asyncDispose]();
    await owner.close();
  };
  t.after(close);
  const file = join(config.directory, 'append-address.json');
  const address = JSON.parse(readFileSync(file, 'utf8')) as { port: number; token: string };
  return { config, owner, shared, connected, producer: await connected.producer(), close, file, address };
}

const append = (producer: Producer, ...records: NewRecord[]) => failureCodes(producer.append(records, GENEROUS));

describe('appending to an embedded log beside the process that owns it', { timeout: 60_000 }, () => {
  test('key, value and headers arrive as they are, in the partition of the key', async (t) => {
    const { producer, owner, connected } = await setUp(t);
    const given: NewRecord = {
      key: Buffer.from('müller'),
      value: Buffer.from([0, 255, 10]),
      headers: [
        ['kero-replay-of', Buffer.from('7')],
        ['twice', Buffer.from('')],
        ['twice', Buffer.from([0xff])],
      ],
    };
    assert.match(connected.description, /through the process that runs it/);
    assert.deepEqual(await append(producer, given, record('', '')), []);
    const read = await readAll(owner, { expected: 2 });
    const found = read.find(({ key }) => String(key) === 'müller');
    assert.deepEqual([found?.value, found?.headers], [given.value, given.headers]);
    assert.equal(read.find(({ key }) => key?.length === 0)?.value?.length, 0);
    assert.equal(partitionForKey(given.key, 4), partitionForKey(found?.key ?? assert.fail(), 4));
  });

  test('more than one request takes is appended all the same, in order', async (t) => {
    const { producer, owner } = await setUp(t);
    const large = Buffer.alloc(1_000_000, 'x');
    const records = Array.from({ length: 20 }, (_, n) => ({
      ...record('k', large),
      headers: [['n', Buffer.from([n])]] as const,
    }));
    assert.deepEqual(await append(producer, ...records), []);
    const read = await readAll(owner, { expected: 20 });
    assert.deepEqual(
      read.map(({ headers }) => headers[0]?.[1][0]),
      records.map((_, n) => n),
    );
  });

  test('a record that the log does not take is named by its index, the others are durable', async (t) => {
    const { producer, owner } = await setUp(t);
    const tooLarge = record('k', Buffer.alloc((1 << 20) + 1));
    const muchTooLarge = record('k', Buffer.alloc(MAX_APPEND_BYTES));
    const failed = await producer.append([record('k', 'a'), tooLarge, muchTooLarge, record('k', 'b')], GENEROUS).then(
      () => assert.fail(),
      (error) => [...error.failures].map(([index, { code }]) => [index, code]),
    );
    assert.deepEqual(failed, [
      [1, 'record_too_large'],
      [2, 'record_too_large'],
    ]);
    assert.deepEqual(
      (await readAll(owner, { expected: 2 })).map(({ value }) => String(value)),
      ['a', 'b'],
    );
  });

  test('an owner that is gone is log_unavailable', async (t) => {
    const { producer, owner, shared } = await setUp(t);
    await shared[Symbol.asyncDispose]();
    await owner.close();
    assert.deepEqual(await append(producer, record('k', 'a')), ['log_unavailable']);
    assert.equal(producer.health().up, false);
  });

  test('only who can read the file of the owner is let in', async (t) => {
    const { address, file, owner, producer, shared } = await setUp(t);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const post = async (authorization: string | undefined, body = encodeRecords([record('k', 'forged')])) => {
      const headers = { [DEADLINE_HEADER]: '5000', ...(authorization !== undefined && { authorization }) };
      const url = `http://127.0.0.1:${address.port}${APPEND_PATH}`;
      return (await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) })).status;
    };
    for (const wrong of [undefined, '', 'Bearer ', 'Bearer x', `Basic ${address.token}`, address.token]) {
      assert.equal(await post(wrong), 401);
    }
    assert.equal(await post(`Bearer ${address.token}`, Buffer.from('garbage that is not records')), 400);
    assert.equal(await post(`Bearer ${address.token}`, encodeRecords([record('k', 'cut')]).subarray(0, -1)), 400);
    await append(producer, record('k', 'mine'));
    assert.deepEqual(
      (await readAll(owner, { expected: 1 })).map(({ value }) => String(value)),
      ['mine'],
    );
    await shared[Symbol.asyncDispose]();
    assert.ok(!existsSync(file), 'the address is gone with the owner');
  });

  test('a log that nobody runs is opened, and left to others after the close', async (t) => {
    const { config, close } = await setUp(t);
    await close();
    const connected = await connectMessaging(config, context);
    assert.deepEqual(await append(await connected.producer(), record('k', 'alone')), []);
    await connected.close();
    await using owner = await openLog(config);
    assert.equal((await readAll(owner, { expected: 1 })).length, 1);
  });

  test('where there is no log, none is made', async (t) => {
    const directory = join(await temporaryFolder(t), 'messaging');
    await assert.rejects(connectMessaging(embeddedConfig(directory), context), (error) => {
      assert.ok(isKeroError(error, 'log_unusable'));
      assert.match(error.remedy, /KERO_DATA_DIR/);
      return true;
    });
    assert.ok(!existsSync(directory));
  });

  test('an owner that does not share is named', async (t) => {
    const config = embeddedConfig(await temporaryFolder(t));
    await using _owner = await openLog(config);
    await assert.rejects(connectMessaging(config, context), (error) => isKeroError(error, 'folder_in_use'));
  });
});
