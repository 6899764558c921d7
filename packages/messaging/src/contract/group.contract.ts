import assert from 'node:assert/strict';
import type { RecordBatch } from '../messaging.ts';
import {
  isSubset,
  type LogUnderTest,
  type NewLog,
  type Reading,
  record,
  scenario,
  series,
  until,
} from './log-under-test.contract.ts';

/** What several consumers of one group promise together. */
export function groupContract(newLog: NewLog): void {
  scenario(newLog, 'two consumers of a group share the partitions and see everything together', async (log) => {
    const a = await log.read('g');
    const b = await log.read('g');
    const appended = await appendUntilShared(log, a, b);
    await until(() => isSubset(appended, [...a.values(), ...b.values()]), 'everything is read');
  });

  scenario(newLog, 'when one consumer closes, the other takes over its unfinished work', async (log) => {
    const a = await log.read('g');
    const b = await log.read('g');
    await appendUntilShared(log, a, b);
    b.commit = false;
    const work = log.keys().map((key) => `work of ${key}`);
    await log.append(...log.keys().map((key) => record(key, `work of ${key}`)));
    const isWork = (value: string) => value.startsWith('work of ');
    await until(() => isSubset(work, [...a.values(), ...b.values()]), 'the work is read');
    const unfinished = b.values().filter(isWork);
    assert.ok(unfinished.length > 0, 'the second consumer has work that it did not finish');
    await b.close();
    await a.untilValues(unfinished);
    await log.append(...log.keys().map((key) => record(key, `later ${key}`)));
    await a.untilValues(log.keys().map((key) => `later ${key}`));
  });

  scenario(
    newLog,
    'what is taken away is revoked, its new owner reads it, and its old commit does nothing',
    async (log) => {
      const a = await log.read('g', { commit: false });
      await log.append(...log.keys().map((key) => record(key, key)));
      await a.untilValues(log.keys());
      const open = [...a.batches];

      const b = await log.read('g', { commit: false });
      await until(() => open.some((batch) => batch.revoked.aborted), 'a batch of the first consumer is revoked');
      const revoked = open.filter((batch) => batch.revoked.aborted);
      const taken = valuesOf(revoked);
      await until(
        () => isSubset(taken, valuesOf([...a.batches.slice(open.length), ...b.batches])),
        `${taken} are read again`,
      );
      for (const batch of revoked) batch.commit();
      await log.close();

      const c = await log.read('g');
      await c.untilValues(taken);
    },
  );

  scenario(newLog, 'closing revokes what is open, and its commit does nothing', async (log) => {
    const a = await log.read('g', { commit: false });
    await log.append(...log.keys().map((key) => record(key, key)));
    await a.untilValues(log.keys());
    const open = [...a.batches];
    await a.close();
    for (const batch of open) {
      assert.equal(batch.revoked.aborted, true);
      batch.commit();
    }
    await log.close();
    const b = await log.read('g');
    await b.untilValues(log.keys());
  });

  scenario(newLog, 'committed work is not read again by the member that takes over', async (log) => {
    const a = await log.read('g');
    await log.append(...log.keys().flatMap((key) => series(key, 5).map((value) => record(key, value))));
    const done = log.keys().flatMap((key) => series(key, 5));
    await a.untilValues(done);
    await a.close();
    const b = await log.read('g');
    await log.append(...log.keys().map((key) => record(key, 'new')));
    await b.until(() => b.values().length >= log.partitions, 'the new ones are read');
    assert.deepEqual(new Set(b.values()), new Set(['new']));
  });
}

/** Appends a record to every partition, again and again, until both consumers have read some of one round and no partition twice. */
async function appendUntilShared(log: LogUnderTest, a: Reading, b: Reading): Promise<string[]> {
  const appended: string[] = [];
  // A quick log goes through a hundred rounds before a member has joined.
  const giveUpAt = performance.now() + 30_000;
  for (let round = 0; ; round++) {
    assert.ok(performance.now() < giveUpAt, 'the consumers never came to share the partitions');
    const values = log.keys().map((key) => `round ${round} of ${key}`);
    await log.append(...values.map((value, partition) => record(log.key(partition), value)));
    appended.push(...values);
    await until(() => isSubset(values, [...a.values(), ...b.values()]), `round ${round} is read`);
    const byA = values.filter((value) => a.values().includes(value));
    const byB = values.filter((value) => b.values().includes(value));
    if (byA.length > 0 && byB.length > 0 && byA.length + byB.length === values.length) return appended;
  }
}

function valuesOf(batches: readonly RecordBatch[]): string[] {
  return batches.flatMap((batch) => batch.records.map((read) => String(read.value)));
}
