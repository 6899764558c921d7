import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StoredDeadLetter } from '@kero/database';
import { AppendError, type MessagingErrorCode, messagingError, type NewRecord } from '@kero/messaging';
import { Pacer } from '../../pacer.ts';
import { type ReplayDeps, replayLetters } from './replay-letters.ts';
import { replayRecord } from './replay-record.ts';
import { testLetter } from './test-letters.ts';

const letters = (count: number) => Array.from({ length: count }, (_, n) => testLetter({ deadLetterId: BigInt(n + 1) }));
const idOf = ({ headers }: NewRecord) => Number(headers.find(([name]) => name === 'kero-replay-of')?.[1]);

/**
 * A log and a table that write down what happens to them, in order. `fail` may let records of an append fail, by the number
 * of the letter and of the append.
 */
function setUp(fail: (letter: number, append: number) => MessagingErrorCode | undefined = () => undefined) {
  const happened: string[] = [];
  const stop = new AbortController();
  let appends = 0;
  const deps: ReplayDeps = {
    producer: {
      append: async (records) => {
        appends++;
        happened.push(`append ${records.map(idOf)}`);
        const failures = new Map<number, ReturnType<typeof messagingError>>();
        for (const [index, record] of records.entries()) {
          const code = fail(idOf(record), appends);
          if (code) failures.set(index, messagingError(code, `because of ${code}`));
        }
        if (failures.size > 0) throw new AppendError(failures);
      },
    },
    deadLetters: {
      setStatus: async (ids, { from, to }) => {
        happened.push(`${from} -> ${to} ${ids}`);
        return ids.length;
      },
    },
    pacer: new Pacer(Number.POSITIVE_INFINITY),
    stop: stop.signal,
    patienceMs: 0,
    from: ['open'],
    onReplayed: () => {},
  };
  const replay = (pages: readonly (readonly StoredDeadLetter[])[], pageSize = 100, changes: Partial<ReplayDeps> = {}) =>
    replayLetters(
      (async function* () {
        yield* pages;
      })(),
      pageSize,
      { ...deps, ...changes },
    );
  return { happened, replay, stop };
}

describe('replayLetters', () => {
  test('sets the status after the log has confirmed, run by run', async () => {
    const { happened, replay } = setUp();
    const outcome = await replay([letters(3), [testLetter({ deadLetterId: 9n })]], 2);
    assert.deepEqual(happened, [
      'append 1,2',
      'open -> replayed 1,2',
      'append 3',
      'open -> replayed 3',
      'append 9',
      'open -> replayed 9',
    ]);
    assert.deepEqual(outcome, { replayed: 4, notReplayed: [], stopped: undefined });
  });

  test('a tombstone is not sent, and neither is its status changed', async () => {
    const { happened, replay } = setUp();
    const [first, second] = letters(2);
    const outcome = await replay([[{ ...first!, payload: null }, second!]]);
    assert.deepEqual(happened, ['append 2', 'open -> replayed 2']);
    assert.equal(outcome.replayed, 1);
    assert.deepEqual(outcome.notReplayed, [
      { deadLetterId: 1n, reason: 'a tombstone: there is nothing that could be sent' },
    ]);
  });

  test('a record that the log refuses for good stays as it is, the others go on', async () => {
    const { happened, replay } = setUp((letter) => (letter === 2 ? 'record_too_large' : undefined));
    const outcome = await replay([letters(3)]);
    assert.deepEqual(happened, ['append 1,2,3', 'open -> replayed 1,3']);
    assert.deepEqual(outcome.notReplayed, [{ deadLetterId: 2n, reason: 'because of record_too_large' }]);
    assert.equal(outcome.stopped, undefined);
  });

  test('only what was not confirmed is sent again after an outage', async () => {
    const { happened, replay } = setUp((letter, append) =>
      append < 3 && letter > append ? 'log_unavailable' : undefined,
    );
    const outcome = await replay([letters(3)], 100, { patienceMs: 10_000 });
    assert.deepEqual(happened, ['append 1,2,3', 'append 2,3', 'append 3', 'open -> replayed 1,2,3']);
    assert.equal(outcome.replayed, 3);
  });

  test('an outage that lasts ends the run; what was confirmed is marked, the rest stays as it is', async () => {
    const { happened, replay } = setUp((letter) => (letter > 2 ? 'log_unavailable' : undefined));
    const outcome = await replay([letters(5)], 3);
    assert.deepEqual(happened, ['append 1,2,3', 'open -> replayed 1,2']);
    assert.equal(outcome.replayed, 2);
    assert.match(outcome.stopped ?? '', /because of log_unavailable/);
  });

  test('told to stop, it finishes the run that it is at', async () => {
    const { happened, replay, stop } = setUp();
    const outcome = await replay([letters(4)], 2, { onReplayed: () => stop.abort() });
    assert.deepEqual(happened, ['append 1,2', 'open -> replayed 1,2']);
    assert.equal(outcome.stopped, 'it was told to stop');
  });
});

describe('the record of a replay', () => {
  const headers = [
    ['kero-id', Buffer.from('x')],
    ['kero-replay-of', Buffer.from('3')],
    ['raw', Buffer.from([0xff])],
  ] as const;

  test('has the key, value and headers of the letter, and names it instead of the one before', () => {
    const replay = replayRecord(testLetter({ deadLetterId: 12n, headers }));
    assert.ok(replay.possible);
    assert.deepEqual(replay.record, {
      key: Buffer.from('user-1'),
      value: Buffer.from('{}'),
      headers: [
        ['kero-id', Buffer.from('x')],
        ['raw', Buffer.from([0xff])],
        ['kero-replay-of', Buffer.from('12')],
      ],
    });
  });

  test('of a record without a key has an empty one', () => {
    const replay = replayRecord(testLetter({ key: null }));
    assert.equal(replay.possible && replay.record.key.length, 0);
  });
});
