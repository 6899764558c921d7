import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BATCH_OVERHEAD_BYTES, examineTopic } from './check-topic.ts';

const STATE = { id: 'topic', partitions: [{ leader: 1, replicas: 3, inSync: 3 }] };
const SETTINGS = { cleanupPolicy: 'delete', minInSyncReplicas: 2, uncleanLeaderElection: false };
const MAX_RECORD = 300_000;

test('a topic must take the largest record with what Kafka adds to it, and one byte less is refused', () => {
  const refusals = (maxMessageBytes: number) =>
    examineTopic(STATE, { ...SETTINGS, maxMessageBytes }, MAX_RECORD).refusals;
  assert.deepEqual(refusals(MAX_RECORD + BATCH_OVERHEAD_BYTES), []);
  assert.deepEqual(refusals(MAX_RECORD + BATCH_OVERHEAD_BYTES - 1), [
    'max.message.bytes is 301023: an event as large as EVENTS_MAX_BYTES allows needs 301024',
  ]);
});
