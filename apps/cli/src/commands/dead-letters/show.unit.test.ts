import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deadLetterReasons } from '@kero/database';
import { renderLetter } from './show.ts';
import { testLetter } from './test-letters.ts';

const alone = { later: [], stored: undefined };

test('hostile bytes are shown and not acted on', () => {
  const text = renderLetter(
    testLetter({
      detail: 'bad \u001b]0;title\u0007',
      payload: Buffer.from('{"a":"\u001b[2J"}'),
      key: Buffer.from('\u001b[31m'),
      headers: [['\u009bname', Buffer.from('\u202e')]],
      note: '\u001b[0m',
      eventType: '\u001bc',
    }),
    alone,
  );
  assert.doesNotMatch(text, /(?!\n)[\p{Cc}\p{Cf}]/u);
  assert.match(text, /\\u\{1b\}\[2J/);
});

test('a payload that is not text is dumped, a tombstone and an empty one are said', () => {
  assert.match(
    renderLetter(testLetter({ payload: Buffer.from([0xff, 0]) }), alone),
    /2 bytes, not text\):\n0{8} {2}ff 00/,
  );
  assert.match(renderLetter(testLetter({ payload: Buffer.from('a\0b') }), alone), /not text/);
  assert.match(renderLetter(testLetter({ payload: null }), alone), /tombstone/);
  assert.match(renderLetter(testLetter({ payload: Buffer.alloc(0) }), alone), /Payload: 0 bytes/);
});

test('the letters before and after, the status, and the event in the way are named', () => {
  const text = renderLetter(
    testLetter({
      deadLetterId: 5n,
      id: '01a207d9-2100-890f-9449-50249dade446',
      status: 'replayed',
      statusChangedAt: new Date('2026-11-24T00:00:00Z'),
      replayOf: 3n,
    }),
    {
      later: [testLetter({ deadLetterId: 8n, reason: 'conflict' })],
      stored: { id: '01a207d9-2100-890f-9449-50249dade446', storedAt: new Date(0), logPartition: 2, logOffset: 9n },
    },
  );
  assert.match(text, /replayed, since 2026-11-24T00:00:00.000Z/);
  assert.match(text, /letter 3 \(kero dead-letters show 3\)/);
  assert.match(text, /letter 8 \(conflict, open\)/);
  assert.match(text, /stored, since 1970-01-01T00:00:00.000Z, from partition 2 offset 9/);
});

test('for every reason it says what to do; a tombstone is not advised to be replayed', () => {
  for (const reason of Object.keys(deadLetterReasons)) {
    const text = renderLetter(testLetter({ reason }), alone);
    assert.match(text, /What to do: .{40,}/, reason);
    assert.match(text, /kero dead-letters discard --id 1/);
    assert.match(text, /kero dead-letters replay --id 1 --dry-run/);
  }
  assert.doesNotMatch(renderLetter(testLetter({ reason: 'not_an_event', payload: null }), alone), /letters replay/);
});
