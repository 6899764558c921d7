import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { builtInTypeSchemas, parseEvent } from '@kero/events';
import { ClockText, EventRequest } from './event-requests.ts';

const NOW_MS = Date.parse('2026-11-23T10:00:00.250Z');
const clock = new ClockText();
clock.update(NOW_MS);
const options = {
  nowMs: NOW_MS,
  maxFutureMs: 1000,
  retentionMs: undefined,
  maxBytes: 10_000,
  defaultSource: 'bench',
  typeSchemas: builtInTypeSchemas,
};

function bodyOf(request: EventRequest): Buffer {
  return request.bytes.subarray(request.bytes.length - request.bodyBytes);
}

describe('the requests of the load', () => {
  test('hold events that Kero takes, whatever the variant', () => {
    for (let variant = 0; variant < 8; variant++) {
      const request = new EventRequest({ batch: 1, headers: {} }, variant);
      request.fill(987_654_321, clock);
      const parsed = parseEvent(bodyOf(request), options);
      assert.ok(parsed.ok, JSON.stringify(parsed));
      assert.equal(parsed.event.eventId, '000987654321');
      assert.equal(parsed.event.timestampMicros, NOW_MS * 1000 + 321);
    }
  });

  test('of a batch hold as many different events, numbered from the first', () => {
    const request = new EventRequest({ batch: 500, headers: { 'x-key': 'k' } });
    request.fill(1000, clock);
    const text = request.bytes.toString();
    assert.match(text, /^POST \/api\/v1\/events HTTP\/1\.1\r\n[\s\S]*\r\nx-key: k\r\n\r\n\[/);
    const [, length] = /content-length: (\d+)/.exec(text) ?? [];
    assert.equal(Number(length), request.bodyBytes);
    const events = JSON.parse(bodyOf(request).toString()) as { event_id: string }[];
    assert.deepEqual(
      events.map(({ event_id }) => Number(event_id)),
      Array.from({ length: 500 }, (_, n) => 1000 + n),
    );
  });
});
