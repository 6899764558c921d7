import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { EmbeddedKero } from '../support/embedded-kero.ts';
import { exactValue, objectText, storableString } from '../support/json-documents.ts';
import { throwawayFolder } from '../support/kero-process.ts';
import { post } from '../support/post-events.ts';

/**
 * The promise: what is accepted is stored unchanged in meaning, every digit of it, in whichever way it came in; what is refused is
 * a 4xx that names the place and the reason, and is stored nowhere. Nothing that can be sent is a 5xx.
 */

interface Sent {
  readonly eventId: string;
  readonly userId: string;
  readonly eventType: string;
  readonly source: string;
  readonly time: { readonly text: string; readonly micros: number };
  /** The text of event_data. */
  readonly data: string;
  readonly way: Way;
  /** What the text of a member of event_data is that must not be accepted. */
  readonly spoilt: string | undefined;
}

type Way = 'object' | 'array' | 'ndjson' | 'structured' | 'batched' | 'binary';

const CLOUD_EVENTS: readonly Way[] = ['structured', 'batched', 'binary'];

/** Levels that are left for event_data: the event is the first of 32. */
const DATA_LEVELS = 31;

const SPOILT = [
  ...['1e309', '-1e309', '1e-400', '9'.repeat(310), '1'.repeat(1_001), '0e-1401', '0e99999999999', '1e-99999999999'],
  ...['01', '-', '+1', '.5', '1.', '1e', '0x10', 'NaN', 'Infinity', '-Infinity', '1_000', '\uff11'],
  ...[
    '"\\u0000"',
    '{"\\u0000":1}',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '{"\\ud800":1}',
    '"\\x41"',
    '"\\u12"',
    '"\u0001"',
    '"',
  ],
  ...[
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '{"__proto__":1,"__proto__":2}',
    '[1,]',
    '[,]',
    '{"a":1,}',
    '{a:1}',
    '[',
    '}',
  ],
  ...[
    'tru',
    'True',
    'undefined',
    "'a'",
    '// a\n1',
    '1 2',
    '',
    `${'['.repeat(32)}${']'.repeat(32)}`,
    '{"a":'.repeat(100),
  ],
];

const MONTHS = [Date.UTC(1970, 0), Date.UTC(2000, 1), Date.UTC(2025, 9)] as const;

const time = fc
  .record({
    month: fc.constantFrom(...MONTHS),
    micros: fc.nat(28 * 86_400_000 - 1).chain((ms) => fc.nat(999).map((rest) => ms * 1_000 + rest)),
    digits: fc.integer({ min: 6, max: 9 }),
    offset: fc.integer({ min: -1_439, max: 1_439 }),
    letters: fc.constantFrom('TZ', 'tz', ' Z', 'T+'),
  })
  .map(({ month, micros, digits, offset, letters }) => {
    const instant = month * 1_000 + micros;
    const isLocal = letters.endsWith('+');
    const local = new Date(Math.floor(instant / 1_000) + (isLocal ? offset * 60_000 : 0)).toISOString();
    const fraction = String(instant % 1_000_000)
      .padStart(6, '0')
      .padEnd(digits, '9');
    const two = (value: number) => String(value).padStart(2, '0');
    const zone = isLocal
      ? `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`
      : letters.charAt(1);
    return {
      text: `${local.slice(0, 10)}${letters.charAt(0)}${local.slice(11, 19)}.${fraction}${zone}`,
      micros: instant,
    };
  });

const document: fc.Arbitrary<Sent> = fc
  .record({
    eventId: storableString(1, 100),
    userId: storableString(1, 256),
    eventType: storableString(1, 128).filter((text) => text !== 'purchase'),
    source: storableString(1, 256),
    time,
    data: objectText(DATA_LEVELS),
    way: fc.constantFrom<Way>('object', 'array', 'ndjson', ...CLOUD_EVENTS),
    spoilt: fc.oneof(
      { arbitrary: fc.constant(undefined), weight: 2 },
      { arbitrary: fc.constantFrom(...SPOILT), weight: 1 },
    ),
  })
  .map((sent) => {
    const plain = CLOUD_EVENTS.includes(sent.way) && {
      eventId: 'e',
      userId: 'user 1 %41',
      eventType: 'view',
      source: '/a%20b',
    };
    // A line ends a line: white space that is one must not be in it.
    return { ...sent, ...plain, data: sent.way === 'ndjson' ? sent.data.replaceAll(/[\r\n]/g, ' ') : sent.data };
  });

async function send(url: string, sent: Sent): Promise<Response> {
  const { eventId: id, userId, eventType, source, spoilt } = sent;
  // The closing brace is the last character, so that what does not end makes the rest of the event part of it.
  const data = spoilt === undefined ? sent.data : `{"spoilt":${spoilt},"rest":${sent.data}}`;
  const members = (fields: object, name: string) => `${JSON.stringify(fields).slice(0, -1)},"${name}":${data}}`;
  const time = sent.time.text;
  const event = members(
    { user_id: userId, event_type: eventType, event_timestamp: time, event_id: id, source },
    'event_data',
  );
  const cloudEvent = members({ specversion: '1.0', id, source, type: eventType, subject: userId, time }, 'data');
  switch (sent.way) {
    case 'object':
      return post(url, event);
    case 'array':
      return post(url, ` [${event}\n]`);
    case 'ndjson':
      return post(url, `${event}\r\n`, { 'content-type': 'application/x-ndjson' });
    case 'structured':
      return post(url, cloudEvent, { 'content-type': 'application/cloudevents+json' });
    case 'batched':
      return post(url, `[${cloudEvent}]`, { 'content-type': 'application/cloudevents-batch+json' });
    case 'binary':
      return post(url, data, {
        'ce-specversion': '1.0',
        'ce-id': encodeURIComponent(id),
        'ce-source': encodeURIComponent(source),
        'ce-type': eventType,
        'ce-subject': encodeURIComponent(userId),
        'ce-time': time.replace(' ', '%20'),
      });
  }
}

interface ProblemBody {
  readonly errors?: readonly { readonly pointer: unknown; readonly code: unknown }[];
}

/** A 4xx that says where and why; in a batch, for the item. */
async function assertRefused(sent: Sent, answer: Response): Promise<void> {
  const text = await answer.text();
  const about = `${sent.way} with ${sent.spoilt}: ${answer.status} ${text}`;
  assert.ok(answer.status === 400 || answer.status === 422, about);
  const body = JSON.parse(text) as ProblemBody & { results?: { problem: ProblemBody }[] };
  const errors = body.errors ?? body.results?.[0]?.problem.errors ?? [];
  assert.ok(errors.length > 0, about);
  for (const { pointer, code } of errors) {
    assert.equal(typeof pointer, 'string', about);
    assert.match(String(code), /^[a-z_0-9]+$/, about);
  }
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

describe('every document', { timeout: 300_000 }, () => {
  test('that is accepted is stored as PostgreSQL reads its text; every other is a 4xx and is stored nowhere', async (t) => {
    const kero = new EmbeddedKero(t, throwawayFolder(t));
    await kero.start();
    let accepted = 0;
    let refused = 0;

    const property = fc.asyncProperty(fc.array(document, { minLength: 40, maxLength: 40 }), async (drawn) => {
      const documents = drawn.map((one, n) => ({ ...one, eventId: `${accepted + refused + n}-${one.eventId}` }));
      for (const sent of documents) {
        const answer = await send(kero.url, sent);
        if (sent.spoilt !== undefined) {
          await assertRefused(sent, answer);
          refused++;
        } else {
          assert.equal(answer.status, 202, `${sent.way}: ${await answer.text()} ${JSON.stringify(sent)}`);
          accepted++;
        }
      }
      await kero.drained();
      await assertStored(
        kero,
        documents.filter(({ spoilt }) => spoilt === undefined),
      );
      assert.equal(await kero.count('events'), accepted, 'what was refused is nowhere');
      assert.equal(await kero.count('dead_letters'), 0);
    });
    await fc.assert(property, { numRuns: 8, endOnFailure: true });
    assert.ok(accepted > 100 && refused > 50, `${accepted} were accepted and ${refused} refused`);
    const { read, stored } = await kero.stop();
    assert.deepEqual([read, stored], [accepted, accepted]);
  });
});

async function assertStored(kero: EmbeddedKero, documents: readonly Sent[]): Promise<void> {
  const values = documents.map(({ eventId, data }) => `(${literal(eventId)}, ${literal(data)})`);
  const rows = await kero.sql(
    `select sent.id, user_id, event_type, source, (extract(epoch from event_timestamp) * 1000000)::bigint, event_data,
      event_data = sent.data::jsonb, event_data::text = sent.data::jsonb::text
    from (values ${values.join()}) sent (id, data) left join events on event_id = sent.id`,
  );
  const byId = new Map(rows.map((row) => [row[0], row]));
  for (const sent of documents) {
    const [, userId, eventType, source, micros, data, isEqual, isSameText] = byId.get(sent.eventId) ?? [];
    const about = `${sent.way}: ${sent.data}`;
    assert.deepEqual(
      [userId, eventType, source, micros, isEqual, isSameText],
      [sent.userId, sent.eventType, sent.source, String(sent.time.micros), 't', 't'],
      about,
    );
    // Not by PostgreSQL's own measure only: every string and every decimal is the one that was sent.
    assert.deepStrictEqual(exactValue(data ?? ''), exactValue(sent.data), about);
  }
}
