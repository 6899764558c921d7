import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { canonicalMembers } from '../check/exact-json.ts';
import { expectedEvent } from '../check/expected-event.ts';
import { Random } from '../random.ts';
import { conflictingEvent, validEvent } from './events.ts';
import { stringText } from './payloads.ts';

const SAMPLES = 2000;
const make = (seed: string, unique: number) =>
  validEvent(new Random(seed).fork(unique), { user: 'user-1', run: 'p1', unique });
const numbered = { line: 'content', content: 1 } as const;

describe('the events of a run', () => {
  test('are the same for the same seed, and others for another', () => {
    for (let n = 0; n < 50; n++) {
      assert.deepEqual(make('1', n), make('1', n));
      assert.notDeepEqual(make('1', n), make('2', n));
    }
  });

  test('are JSON, and no two have one identity', () => {
    const ids = new Set<string>();
    for (let n = 0; n < SAMPLES; n++) {
      const { content } = make('ids', n);
      assert.ok(canonicalMembers(content.body).has('event_data'));
      ids.add(expectedEvent({ ...numbered, ...content }).id);
    }
    assert.equal(ids.size, SAMPLES);
  });

  test('a conflict has the identity of its original and other content', () => {
    for (let n = 0; n < 200; n++) {
      const original = make('conflicts', n);
      const conflict = conflictingEvent(new Random(`c${n}`), original.parts, { run: 'p1', unique: SAMPLES + n });
      const [first, second] = [original.content, conflict].map((it) => expectedEvent({ ...numbered, ...it }));
      assert.equal(second?.id, first?.id);
      assert.notEqual(second?.eventData, first?.eventData);
    }
  });

  test('a string keeps its characters, however it is escaped', () => {
    const random = new Random('strings');
    for (let n = 0; n < SAMPLES; n++) {
      const text = `a/${random.int(0, 10 ** 9).toString(36)}\\u0041"\n\u2028🦊`;
      assert.equal(JSON.parse(stringText(random, text)), text);
    }
  });
});
