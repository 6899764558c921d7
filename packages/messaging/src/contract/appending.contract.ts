import assert from 'node:assert/strict';
import type { RecordHeader } from '../messaging.ts';
import { AppendError } from '../messaging-errors.ts';
import { partitionForKey } from '../partition-for-key.ts';
import { GENEROUS, type NewLog, record, scenario, series, until } from './log-under-test.contract.ts';

/** What Producer promises. */
export function appendingContract(newLog: NewLog): void {
  scenario(newLog, 'a record is read back as it was appended, with repeated and binary headers', async (log) => {
    const anyBytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const appended = {
      key: Buffer.from('müller'),
      value: anyBytes,
      headers: [
        ['kero-source', Buffer.from('shop')],
        ['twice', Buffer.from('one')],
        ['binary', anyBytes],
        ['twice', Buffer.from('two')],
        ['empty', Buffer.alloc(0)],
      ] as const,
    };
    const before = Date.now();
    await log.append(appended);
    const reading = await log.read('g');
    await reading.until(() => reading.records().length === 1, 'the record is read');
    const read = reading.records()[0];
    assert.deepEqual(read?.key, appended.key);
    assert.deepEqual(read?.value, appended.value);
    assert.deepEqual(
      read?.headers.map(([name, value]) => [name, value]),
      appended.headers.map(([name, value]) => [name, value]),
    );
    const { timestampMs } = read ?? assert.fail();
    assert.ok(timestampMs > before - 5000 && timestampMs < Date.now() + 5000, `timestamp ${timestampMs} is about now`);
  });

  scenario(
    newLog,
    'headers that records share come after their own, and count for the limit of a record',
    async (log) => {
      const key = log.key();
      const shared = (text: string): readonly RecordHeader[] => [['shared', Buffer.from(text)]];
      const [a, b] = [shared('a'), shared('b')];
      const appended = [a, a, b, a].map((sharedHeaders, n) => {
        return { ...record(key, `${n}`, [['own', Buffer.from(`${n}`)]]), sharedHeaders };
      });
      await log.append(...appended, record(key, '4'));
      const reading = await log.read('g');
      await reading.untilValues(['0', '1', '2', '3', '4']);
      assert.deepEqual(
        reading.records().map(({ headers }) => headers.map(([name, value]) => `${name}=${value}`)),
        [['own=0', 'shared=a'], ['own=1', 'shared=a'], ['own=2', 'shared=b'], ['own=3', 'shared=a'], []],
      );
      const large: RecordHeader[] = [['large', Buffer.alloc(log.maxRecordBytes)]];
      const refused = (await log.producer()).append([{ ...record(key, ''), sharedHeaders: large }], GENEROUS);
      await assert.rejects(refused, (error) => {
        assert.ok(error instanceof AppendError);
        assert.equal(error.failures.get(0)?.code, 'record_too_large');
        return true;
      });
    },
  );

  scenario(newLog, 'an empty value stays empty and does not become a tombstone', async (log) => {
    await log.append(record(log.key(), ''));
    const reading = await log.read('g');
    await reading.until(() => reading.records().length === 1, 'the record is read');
    assert.deepEqual(reading.records()[0]?.value, Buffer.alloc(0));
    assert.deepEqual(reading.records()[0]?.headers, []);
  });

  scenario(newLog, 'what an append resolved for is there after closing and opening again', async (log) => {
    await log.append(record(log.key(), 'kept'));
    await log.close();
    const reading = await log.read('g');
    await reading.untilValues(['kept']);
  });

  scenario(newLog, 'an append of no records resolves', async (log) => {
    await log.append();
  });

  scenario(newLog, 'the order of a key is the order of the calls, also when many wait at once', async (log) => {
    const producer = await log.producer();
    const keys = series('customer', 8);
    const appends: Promise<void>[] = [];
    for (let n = 0; n < 60; n++) {
      for (const key of keys) appends.push(producer.append([record(key, `${key}:${n}`)], GENEROUS));
    }
    await Promise.all(appends);
    const reading = await log.read('g');
    await reading.until(() => reading.records().length >= appends.length, 'all are read');
    for (const key of keys) {
      const seen = reading.values().filter((value) => value.startsWith(`${key}:`));
      assert.deepEqual(
        seen,
        Array.from({ length: 60 }, (_, n) => `${key}:${n}`),
      );
    }
  });

  scenario(newLog, 'a key goes to the partition that partitionForKey names, every time', async (log) => {
    const keys = series('user', 50);
    await log.append(...keys.map((key) => record(key, key)), ...keys.map((key) => record(key, key)));
    const reading = await log.read('g');
    await reading.until(() => reading.records().length === 100, 'all are read');
    for (const batch of reading.batches) {
      for (const { key } of batch.records) {
        assert.equal(batch.partition, partitionForKey(key ?? assert.fail(), log.partitions), String(key));
      }
    }
  });

  scenario(newLog, 'one call takes 5,000 records', async (log) => {
    const values = series('v', 5000);
    await log.append(...values.map((value, n) => record(`user-${n % 10}`, value)));
    const reading = await log.read('g');
    await reading.until(() => reading.records().length >= 5000, 'all are read');
    assert.deepEqual(new Set(reading.values()), new Set(values));
    assert.equal(reading.values().length, 5000);
  });

  scenario(newLog, 'a record that is too large is refused alone; its neighbours are stored', async (log) => {
    const producer = await log.producer();
    const tooLarge = record(log.key(), 'x'.repeat(log.maxRecordBytes + 1));
    await assert.rejects(
      producer.append([record(log.key(), 'before'), tooLarge, record(log.key(), 'after')], GENEROUS),
      (error) => {
        assert.ok(error instanceof AppendError);
        assert.deepEqual([...error.failures.keys()], [1]);
        assert.equal(error.failures.get(1)?.code, 'record_too_large');
        return true;
      },
    );
    await log.append(record(log.key(), 'end'));
    const reading = await log.read('g');
    await reading.untilValues(['end']);
    assert.deepEqual(reading.values(), ['before', 'after', 'end']);
  });

  scenario(
    newLog,
    'a record of the limit (key, value and headers) is taken, one byte more is not sent at all',
    async (log) => {
      const producer = await log.producer();
      const key = log.key();
      const headers: RecordHeader[] = [['kero-source', Buffer.from('shöp')]];
      const room = log.maxRecordBytes - key.length - 'kero-source'.length - Buffer.byteLength('shöp');
      const largest = record(key, 'x'.repeat(room), headers);
      await assert.rejects(
        producer.append([largest, record(key, 'y'.repeat(room + 1), headers), record(key, 'z')], GENEROUS),
        (error) => {
          assert.ok(error instanceof AppendError);
          assert.deepEqual(
            [...error.failures].map(([index, { code }]) => [index, code]),
            [[1, 'record_too_large']],
          );
          // The driver knows its limit; it is not the log that has to refuse.
          assert.match(error.failures.get(1)?.message ?? '', new RegExp(`${log.maxRecordBytes + 1} bytes`));
          return true;
        },
      );
      const reading = await log.read('g');
      await reading.untilValues(['z']);
      assert.deepEqual(reading.values(), ['x'.repeat(room), 'z']);
    },
  );

  scenario(newLog, 'an open log is up', async (log) => {
    const producer = await log.producer();
    await log.append(record(log.key(), 'a'));
    assert.deepEqual(producer.health(), { up: true });
    const reading = await log.read('g');
    await reading.untilValues(['a']);
    assert.deepEqual(reading.consumer.health(), { up: true });
  });

  scenario(newLog, 'the description names the log for people', async (log) => {
    assert.match((await log.messaging()).description, /\S/);
  });

  scenario(newLog, 'an append after close is refused with log_closed for every record', async (log) => {
    const producer = await log.producer();
    await log.append(record(log.key(), 'a'));
    await Promise.all([producer.close(), producer.close()]);
    await producer.close();
    await assert.rejects(
      producer.append([record(log.key(), 'b'), record(log.key(1), 'c')], GENEROUS),
      (error) => error instanceof AppendError && hasCodes(error, ['log_closed', 'log_closed']),
    );
  });

  scenario(newLog, 'close finishes the appends that are in flight', async (log) => {
    const producer = await log.producer();
    const inFlight = series('v', 20).map((value) => producer.append([record(log.key(), value)], GENEROUS));
    await producer.close();
    await Promise.all(inFlight);
    const reading = await log.read('g');
    await reading.untilValues(series('v', 20));
  });

  scenario(newLog, 'a log that cannot confirm in time is answered at the deadline, and heals', async (log, t) => {
    if (!log.stall) return t.skip('this log has no way to be stalled');
    const producer = await log.producer();
    await log.append(record(log.key(), 'before'));
    const stalled = await log.stall();
    const began = performance.now();
    const deadlineMs = 500;
    try {
      const results = await Promise.allSettled([
        producer.append([record(log.key(), 'unknown-1')], { deadlineMs }),
        producer.append([record(log.key(), 'unknown-2'), record(log.key(1), 'unknown-3')], { deadlineMs }),
      ]);
      const tookMs = performance.now() - began;
      assert.ok(
        tookMs < deadlineMs + 1000,
        `answered after ${Math.round(tookMs)} ms with a deadline of ${deadlineMs} ms`,
      );
      for (const [index, result] of results.entries()) {
        assert.equal(result.status, 'rejected');
        const codes = index === 0 ? ['log_unavailable'] : ['log_unavailable', 'log_unavailable'];
        assert.ok(result.reason instanceof AppendError && hasCodes(result.reason, codes), String(result.reason));
      }
      assert.equal(producer.health().up, false, 'a log that confirms nothing is not ready');
    } finally {
      await stalled[Symbol.asyncDispose]();
    }
    const appendAgain = () =>
      producer.append([record(log.key(), 'after')], GENEROUS).then(
        () => true,
        () => false,
      );
    await until(appendAgain, 'an append is confirmed again');
    await until(() => producer.health().up, 'the producer is up again');
    const reading = await log.read('g');
    await reading.untilValues(['before', 'after']);
  });
}

function hasCodes(error: AppendError, codes: readonly string[]): boolean {
  assert.deepEqual(
    [...error.failures.entries()].map(([index, failure]) => [index, failure.code]),
    codes.map((code, index) => [index, code]),
  );
  return true;
}
