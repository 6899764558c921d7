import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partitionForKey } from '../partition-for-key.ts';
import { logFile, openForReading } from './log-connection.ts';
import { LogReader } from './log-reader.ts';
import { PartitionCursor } from './partition-cursor.ts';
import { PartitionLease } from './partition-lease.ts';
import { embeddedConfig, GENEROUS, openLog, record, temporaryFolder } from './test-support.ts';

const PARTITION = partitionForKey(Buffer.from('k'), 4);

test('what was read before the writer told of it is no lost end of the log: the partition goes on', async (t) => {
  const directory = await temporaryFolder(t);
  await using log = await openLog(embeddedConfig(directory));
  const producer = await log.producer();
  for (let n = 0; n < 10; n++) await producer.append([record('k', `v-${n}`)], GENEROUS);
  using database = openForReading(logFile(directory));
  const reader = new LogReader(database, 4);
  let writtenEnd = 3;
  const stops: string[] = [];
  const lease = (from: number) =>
    new PartitionLease({
      logId: 'log',
      partition: PARTITION,
      cursor: new PartitionCursor(reader, PARTITION, from),
      writtenEnd: () => writtenEnd,
      fileEnd: () => reader.logEnd(PARTITION),
      onCommit: () => {},
      onBatchOver: () => {},
      onStopped: (reason) => stops.push(reason),
    });

  const first = lease(0);
  const batch = first.nextBatch(5, 1 << 20);
  assert.equal(batch?.nextOffset, 5n, 'the file has more than was told');
  batch?.commit();
  assert.equal(first.nextBatch(5, 1 << 20), undefined);
  assert.equal(first.stopped, undefined);
  const taker = lease(5);
  assert.equal(taker.nextBatch(5, 1 << 20), undefined, 'the next member begins there');
  writtenEnd = 10;
  assert.equal(first.nextBatch(5, 1 << 20)?.nextOffset, 10n);
  assert.equal(taker.nextBatch(5, 1 << 20)?.nextOffset, 10n);
  assert.deepEqual(stops, []);

  const beyond = lease(11);
  assert.equal(beyond.nextBatch(5, 1 << 20), undefined);
  assert.match(beyond.stopped ?? '', /offset 11 is to be read next, but the log ends at 10/);
});
