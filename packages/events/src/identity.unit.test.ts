import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { computeEventId, formatUuid, type IdentityParts } from './identity.ts';
import vectors from './identity-vectors.json' with { type: 'json' };
import { parseEvent } from './parse-event.ts';

const document = readFileSync(new URL('../../../docs/identity.md', import.meta.url), 'utf8');

/** The algorithm once more, as the document tells it and without a thought for speed. */
function hashedBytes(parts: readonly string[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(Buffer.byteLength(part));
      return [length, Buffer.from(part)];
    }),
  );
}

function slowEventId({ source, eventId, userId, eventType, timestampMicros }: IdentityParts): string {
  const time = String(timestampMicros);
  const parts =
    eventId === undefined ? ['natural', source, userId, eventType, time] : ['event_id', source, eventId, time];
  const digest = createHash('sha256')
    .update(hashedBytes(['kero-event-v1', ...parts]))
    .digest();
  const bits = BigInt(Math.floor(timestampMicros / 1_000)) * 2n ** 80n + BigInt(`0x${digest.toString('hex', 0, 10)}`);
  const cleared = bits & ~(0xfn << 76n) & ~(0b11n << 62n);
  const hex = (cleared | (8n << 76n) | (0b10n << 62n)).toString(16).padStart(32, '0');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

describe('the identity of an event', () => {
  for (const { event, default_source: defaultSource, id } of vectors) {
    test(`vector ${id} of ${event.user_id}`, () => {
      const result = parseEvent(Buffer.from(JSON.stringify(event)), {
        nowMs: Date.UTC(2026, 10, 24),
        maxFutureMs: 0,
        retentionMs: undefined,
        maxBytes: 4_096,
        defaultSource,
        typeSchemas: undefined,
      });
      assert.ok(result.ok);
      assert.equal(formatUuid(result.event.id), id);
    });
  }

  test('is what the document says, for any parts', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1 }),
      fc.constantFrom('🦊'.repeat(256), 'a\u0001b', 'é'),
    );
    const parts = fc.record({
      source: text,
      eventId: fc.option(text, { nil: undefined }),
      userId: text,
      eventType: text,
      timestampMicros: fc.integer({ min: 0, max: Date.UTC(2149, 0, 1) * 1_000 - 1 }),
    });
    fc.assert(fc.property(parts, (one) => assert.equal(formatUuid(computeEventId(one)), slowEventId(one))));
  });

  test('is what the document says for parts that are longer than those of any event, and for those after them', () => {
    const usual = { source: 'shop', eventId: undefined, userId: 'u', eventType: 't', timestampMicros: 1_000 };
    for (const length of [1, 2_000, 5_000, 20_000]) {
      const long = { ...usual, source: 'x'.repeat(length), userId: 'é'.repeat(length), eventType: 'y'.repeat(length) };
      assert.equal(formatUuid(computeEventId(long)), slowEventId(long));
      const again = { ...long, eventType: 'z'.repeat(length) };
      assert.equal(formatUuid(computeEventId(again)), slowEventId(again));
      assert.equal(formatUuid(computeEventId(usual)), slowEventId(usual));
    }
  });

  test('depends on what is named with lengths: moving a character from one part to the next makes another event', () => {
    const parts = { source: 'ab', eventId: undefined, userId: 'c', eventType: 'd', timestampMicros: 1 };
    assert.notDeepEqual(computeEventId(parts), computeEventId({ ...parts, source: 'a', userId: 'bc' }));
  });

  test('with an event_id does not depend on user and type, but on source and time', () => {
    const parts = { source: 's', eventId: 'e', userId: 'u', eventType: 't', timestampMicros: 1_000 };
    const id = computeEventId(parts);
    assert.deepEqual(computeEventId({ ...parts, userId: 'other', eventType: 'other' }), id);
    assert.notDeepEqual(computeEventId({ ...parts, source: 'other' }), id);
    assert.notDeepEqual(computeEventId({ ...parts, timestampMicros: 1_001 }), id);
    assert.notDeepEqual(computeEventId({ ...parts, eventId: undefined }), id);
  });
});

describe('docs/identity.md', () => {
  test('has the vectors of identity-vectors.json, all of them and no other', () => {
    const rows = vectors.map(
      (vector) => `| \`${JSON.stringify(vector.event)}\` | \`${vector.default_source}\` | \`${vector.id}\` |`,
    );
    const table = document.split('<!-- vectors -->')[1]?.trim().split('\n').slice(2);
    assert.deepEqual(table, rows);
  });

  test('has a worked example that is true', () => {
    const input = hashedBytes(['kero-event-v1', 'natural', 'default', 'user-1', 'purchase', '1759831200000000']);
    assert.ok(document.includes(input.toString('hex').replaceAll(/(.{64})(?=.)/g, '$1\n')));
    assert.ok(document.includes(createHash('sha256').update(input).digest('hex')));
  });
});
