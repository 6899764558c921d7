import type { StoredDeadLetter } from '@kero/database';

/** A letter for tests; everything that is not given is plain. */
export function testLetter(fields: Partial<StoredDeadLetter> = {}): StoredDeadLetter {
  return {
    deadLetterId: 1n,
    id: undefined,
    reason: 'invalid',
    detail: 'user_id is missing',
    status: 'open',
    eventType: undefined,
    logId: '6b65726f-0000-4000-8000-000000000001',
    logPartition: 0,
    logOffset: 7n,
    receivedAt: new Date('2026-11-23T10:00:00Z'),
    failedAt: new Date('2026-11-23T10:00:01Z'),
    statusChangedAt: undefined,
    note: undefined,
    replayOf: undefined,
    payload: Buffer.from('{}'),
    key: Buffer.from('user-1'),
    headers: [],
    ...fields,
  };
}
