import assert from 'node:assert/strict';
import { isSubset, type NewLog, only, record, scenario, series } from './log-under-test.contract.ts';

/** What RecordBatch and the reading of one consumer promise. */
export function readingContract(newLog: NewLog): void {
  scenario(newLog, 'batches carry the identity of the log, which stays the same', async (log) => {
    await log.append(...log.keys().map((key) => record(key, key)));
    const first = await log.read('g');
    await first.untilValues(log.keys());
    const logId = first.batches[0]?.logId ?? assert.fail();
    assert.match(logId, /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
    await log.close();
    const second = await log.read('another group');
    await second.untilValues(log.keys());
    for (const batch of [...first.batches, ...second.batches]) assert.equal(batch.logId, logId);
  });

  scenario(newLog, 'offsets ascend, and nextOffset is the one after the last record', async (log) => {
    await log.append(...series('v', 30).map((value) => record(log.key(), value)));
    const reading = await log.read('g', { maxRecords: 7 });
    await reading.untilValues(series('v', 30));
    assert.deepEqual(reading.values(), series('v', 30));
    let previous = -1n;
    for (const batch of reading.batches) {
      for (const { offset } of batch.records) {
        assert.ok(offset > previous, `${offset} after ${previous}`);
        previous = offset;
      }
      assert.equal(batch.nextOffset, previous + 1n);
    }
  });

  scenario(newLog, 'a batch holds at most maxRecords records', async (log) => {
    await log.append(...series('v', 25).map((value) => record(log.key(), value)));
    const reading = await log.read('g', { maxRecords: 10 });
    await reading.untilValues(series('v', 25));
    for (const batch of reading.batches) assert.ok(batch.records.length <= 10, `${batch.records.length} records`);
  });

  scenario(newLog, 'a batch holds at most maxBytes, but always one record', async (log) => {
    const value = (name: string, size: number) => name.padEnd(size, '.');
    const values = [...series('s', 8).map((name) => value(name, 1000)), value('large', 20_000), value('last', 1000)];
    await log.append(...values.map((text) => record(log.key(), text)));
    const reading = await log.read('g', { maxBytes: 3500 });
    await reading.untilValues(values);
    assert.deepEqual(reading.values(), values);
    for (const batch of reading.batches) {
      const bytes = batch.records.reduce((sum, { value: bytesOf }) => sum + (bytesOf?.length ?? 0), 0);
      assert.ok(bytes <= 3500 || batch.records.length === 1, `${batch.records.length} records, ${bytes} bytes`);
    }
  });

  scenario(newLog, 'the next batch of a partition comes only after the commit of the one before', async (log) => {
    const [slow, quick] = [log.key(0), log.key(1)];
    await log.append(...series('slow', 6).map((value) => record(slow, value)));
    await log.append(...series('quick', 12).map((value) => record(quick, value)));
    const reading = await log.read('g', { commit: false, maxRecords: 2 });
    await reading.until(() => reading.of(0).length === 1, 'the first batch of partition 0 is read');
    // The other partition is the clock: all of it passes while the batch of partition 0 is open.
    for (let n = 1; n <= 6; n++) {
      await reading.until(() => reading.values(1).length >= 2 * n, `batch ${n} of partition 1 is read`);
      reading.of(1).at(-1)?.commit();
    }
    const open = only(reading.of(0), 'open batch of partition 0');
    open.commit();
    await reading.until(() => reading.of(0).length === 2, 'the second batch of partition 0 is read');
    assert.deepEqual(reading.values(0), series('slow', 4));
  });

  scenario(newLog, 'batches of different partitions can be open at once', async (log) => {
    await log.append(...log.keys().map((key) => record(key, key)));
    const reading = await log.read('g', { commit: false });
    await reading.until(() => reading.batches.length === log.partitions, 'a batch of each partition is open');
    assert.equal(new Set(reading.batches.map((batch) => batch.partition)).size, log.partitions);
  });

  scenario(newLog, 'a reader that waits is woken by new records', async (log) => {
    const reading = await log.read('g');
    await log.append(record(log.key(), 'first'));
    await reading.untilValues(['first']);
    await log.append(record(log.key(1), 'second'));
    await reading.untilValues(['second']);
    await log.append(record(log.key(), 'third'));
    await reading.untilValues(['third']);
  });

  scenario(newLog, 'what was not committed comes again after reopening, what was committed does not', async (log) => {
    await log.append(...series('v', 10).map((value) => record(log.key(), value)));
    const before = await log.read('g', { commit: false, maxRecords: 4 });
    await before.until(() => before.batches.length === 1, 'the first batch is read');
    const first = only(before.batches, 'batch');
    first.commit();
    await before.until(() => before.batches.length === 2, 'the second batch is read');
    await log.close();

    const after = await log.read('g');
    const rest = series('v', 10).slice(first.records.length);
    await after.untilValues(rest);
    assert.deepEqual(after.values(), rest);
  });

  scenario(newLog, 'when all was committed, nothing comes again', async (log) => {
    await log.append(...log.keys().map((key) => record(key, 'old')));
    const before = await log.read('g');
    await before.until(() => before.values().length === log.partitions, 'all are read');
    await log.close();
    await log.append(...log.keys().map((key) => record(key, 'new')));
    const after = await log.read('g');
    await after.until(() => after.values().length >= log.partitions, 'the new ones are read');
    assert.deepEqual(new Set(after.values()), new Set(['new']));
  });

  scenario(newLog, 'a batch that is open when reading stops can still be committed', async (log) => {
    await log.append(record(log.key(), 'a'), record(log.key(), 'b'));
    const before = await log.read('g', { commit: false });
    await before.untilValues(['a', 'b']);
    await before.stop();
    for (const batch of before.batches) {
      assert.equal(batch.revoked.aborted, false, 'stopping to read revokes nothing');
      batch.commit();
    }
    await log.close();
    await log.append(record(log.key(), 'c'));
    const after = await log.read('g');
    await after.untilValues(['c']);
    assert.deepEqual(after.values(), ['c']);
  });

  scenario(newLog, 'a lower upTo moves the reading on and leaves the rest uncommitted', async (log) => {
    await log.append(...series('v', 10).map((value) => record(log.key(), value)));
    const before = await log.read('g', { commit: false });
    await before.untilValues(series('v', 10));
    before.batches.at(-1)?.commit(before.records()[6]?.offset);
    await log.append(record(log.key(), 'next'));
    await before.untilValues(['next']);
    assert.deepEqual(before.values(), [...series('v', 10), 'next'], 'the batch is over: nothing of it comes again');
    await log.close();

    const after = await log.read('g');
    await after.untilValues(['next']);
    assert.deepEqual(after.values(), ['v-6', 'v-7', 'v-8', 'v-9', 'next']);
  });

  scenario(newLog, 'the commit of a later batch covers what a lower upTo left', async (log) => {
    await log.append(...series('v', 10).map((value) => record(log.key(), value)));
    const before = await log.read('g', { commit: false });
    await before.untilValues(series('v', 10));
    before.batches.at(-1)?.commit(before.records()[0]?.offset);
    await log.append(record(log.key(), 'next'));
    await before.untilValues(['next']);
    before.batches.at(-1)?.commit();
    await log.close();

    await log.append(record(log.key(), 'last'));
    const after = await log.read('g');
    await after.untilValues(['last']);
    assert.deepEqual(after.values(), ['last']);
  });

  scenario(newLog, 'a commit beyond the batch claims no more than the batch', async (log) => {
    await log.append(...series('v', 6).map((value) => record(log.key(), value)));
    const before = await log.read('g', { commit: false, maxRecords: 3 });
    await before.until(() => before.batches.length === 1, 'the first batch is read');
    const first = only(before.batches, 'batch');
    first.commit(first.nextOffset + 1000n);
    await before.until(() => before.batches.length === 2, 'the second batch is read');
    await log.close();
    const after = await log.read('g');
    await after.untilValues(series('v', 6).slice(first.records.length));
  });

  scenario(newLog, 'a new group starts at the earliest record, and groups do not disturb each other', async (log) => {
    await log.append(...series('v', 5).map((value) => record(log.key(), value)));
    const one = await log.read('one');
    await one.untilValues(series('v', 5));
    const two = await log.read('two');
    await two.untilValues(series('v', 5));
    assert.deepEqual(one.values(), series('v', 5));
    assert.deepEqual(two.values(), series('v', 5));
  });

  scenario(newLog, 'the stop signal ends a reader that waits, without an error', async (log) => {
    const reading = await log.read('g');
    await log.append(record(log.key(), 'a'));
    await reading.untilValues(['a']);
    await reading.stop();
    assert.equal(reading.ended, true);
  });

  scenario(newLog, 'a stop signal that is already aborted ends the reading at once', async (log) => {
    await log.append(record(log.key(), 'a'));
    const consumer = await (await log.messaging()).consumer('g');
    for await (const _ of consumer.read({ stop: AbortSignal.abort(), maxRecords: 10, maxBytes: 1000 })) {
      assert.fail('a batch after the stop');
    }
    await consumer.close();
  });

  scenario(newLog, 'close ends the reading, and can be called again', async (log) => {
    const reading = await log.read('g');
    await log.append(record(log.key(), 'a'));
    await reading.untilValues(['a']);
    await Promise.all([reading.consumer.close(), reading.consumer.close()]);
    await reading.until(() => reading.ended, 'the iteration has ended');
    await reading.consumer.close();
    const messaging = await log.messaging();
    await Promise.all([messaging.close(), messaging.close()]);
    await messaging.close();
  });

  scenario(newLog, 'writing and reading go on side by side, and nothing is lost or doubled', async (log) => {
    const reading = await log.read('g', { maxRecords: 50 });
    const values = series('v', 2000);
    const producer = await log.producer();
    for (let from = 0; from < values.length; from += 100) {
      const calls = values
        .slice(from, from + 100)
        .map((value, n) => producer.append([record(`user-${n % 20}`, value)], { deadlineMs: 30_000 }));
      await Promise.all(calls);
    }
    await reading.untilValues(values);
    assert.equal(reading.values().length, values.length);
    assert.ok(isSubset(reading.values(), values));
  });
}
