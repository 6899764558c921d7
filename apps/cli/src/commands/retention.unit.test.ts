import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeRetention } from './retention.ts';

describe('what kero retention prints', () => {
  test('each month that is gone; one that stays makes the command fail', () => {
    const dropped = [{ name: 'events_2020_01', bytes: 8192 }];
    assert.deepEqual(describeRetention({ outcome: 'done', dropped, waiting: [] }, false), {
      text: 'dropped events_2020_01 (8192 bytes)',
      failed: false,
    });
    const waiting = [{ name: 'events_2020_02', reason: 'in use' }];
    assert.deepEqual(describeRetention({ outcome: 'done', dropped, waiting }, true), {
      text: 'would drop events_2020_01 (8192 bytes)\nevents_2020_02 stays for now: in use',
      failed: true,
    });
  });

  test('a role that may not is told who may', () => {
    const result = { outcome: 'not_owner', role: 'writer', owner: 'kero_owner', expired: [] } as const;
    assert.throws(() => describeRetention(result, false), /writer does not own .* as kero_owner \(POSTGRES_USER\)/);
  });
});
