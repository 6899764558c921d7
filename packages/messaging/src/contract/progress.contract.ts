import assert from 'node:assert/strict';
import type { LagReader, PartitionLag } from '../messaging.ts';
import { positionLag } from '../offset-admin.ts';
import { type LogUnderTest, type NewLog, only, record, scenario, series, until } from './log-under-test.contract.ts';

/** What a log tells of how far its reading has come: LagReader from outside, Consumer.positions from inside. */
export function progressContract(newLog: NewLog): void {
  scenario(
    newLog,
    'of a group that never read, everything waits, and the oldest record says since when',
    async (log) => {
      const before = Date.now();
      await log.append(...series('a', 3).map((value) => record(log.key(0), value)), record(log.key(1), 'b'));
      const after = Date.now();
      const lags = await (await lagReader(log, 'never')).read();
      assert.deepEqual(
        lags.map(({ partition }) => partition),
        [...Array(log.partitions).keys()],
      );
      assert.deepEqual(
        lags.map(positionLag),
        log.keys().map((_, partition) => [3n, 1n][partition] ?? 0n),
      );
      assert.deepEqual(new Set(lags.map(({ committed }) => committed)), new Set([undefined]));
      for (const { partition, oldestWaitingMs } of lags) {
        if (partition > 1) assert.equal(oldestWaitingMs, undefined);
        else
          assert.ok(oldestWaitingMs && oldestWaitingMs >= before && oldestWaitingMs <= after, String(oldestWaitingMs));
      }
    },
  );

  scenario(
    newLog,
    'the lag tells the truth while the only member stands still, and is gone once it has finished',
    async (log) => {
      const reader = await lagReader(log, 'g');
      const reading = await log.read('g');
      await log.append(record(log.key(), 'done'));
      await untilLag(reader, (lag) => lag.committed === 1n && positionLag(lag) === 0n);

      reading.commit = false;
      await log.append(record(log.key(), 'open'));
      await reading.untilValues(['open']);
      await log.append(...series('later', 4).map((value) => record(log.key(), value)));
      const stuck = (await reader.read())[0] as PartitionLag;
      assert.deepEqual([stuck.committed, stuck.logEnd, positionLag(stuck)], [1n, 6n, 5n]);
      const taken = only(
        reading.records().filter(({ value }) => String(value) === 'open'),
        'record',
      ).timestampMs;
      assert.equal(stuck.oldestWaitingMs, taken);

      reading.commit = true;
      only(
        reading.batches.filter(({ nextOffset }) => nextOffset === 2n),
        'batch',
      ).commit();
      const drained = await untilLag(reader, (lag) => positionLag(lag) === 0n);
      assert.equal(drained.oldestWaitingMs, undefined);
    },
  );

  scenario(newLog, 'positions tell what a member holds and how far it has worked, committed or not', async (log) => {
    const consumer = await (await log.messaging()).consumer('idle');
    assert.equal(consumer.positions(), undefined, 'it does not read yet');
    await consumer.close();

    const reading = await log.read('g', { commit: false });
    const finished = () => reading.consumer.positions()?.find(({ partition }) => partition === 0)?.finished;
    await until(() => reading.consumer.positions()?.length === log.partitions, 'it holds every partition');
    await log.append(...series('a', 3).map((value) => record(log.key(), value)));
    await reading.untilValues(series('a', 3).slice(0, 1));
    assert.equal(finished(), 0n, 'an open batch is not finished');
    reading.commit = true;
    for (const batch of reading.batches) batch.commit(0n);
    await until(() => finished() === 3n, 'it has worked through all');
    assert.deepEqual(new Set(reading.consumer.positions()?.map(({ stopped }) => stopped)), new Set([undefined]));
  });
}

async function lagReader(log: LogUnderTest, groupId: string): Promise<LagReader> {
  return (await log.messaging()).lagReader(groupId);
}

/** Waits until the lag of partition 0 is so, and gives it. */
async function untilLag(reader: LagReader, condition: (lag: PartitionLag) => boolean): Promise<PartitionLag> {
  let lag: PartitionLag | undefined;
  await until(
    async () => {
      lag = (await reader.read())[0];
      return lag !== undefined && condition(lag);
    },
    () => `the lag is as wanted; it is ${lag?.committed} of ${lag?.logEnd}`,
  );
  return lag as PartitionLag;
}
