import type { Random } from '../random.ts';
import type { NewContent } from './events.ts';

/** Each makes a body that must be refused. `M` stands for the marker, which makes it findable wherever it should not be. */
const KINDS: Readonly<Record<string, (event: Readonly<Record<string, string>>) => string | Buffer>> = {
  'user_id missing': ({ user_id: _, ...rest }) => objectOf(rest),
  'unknown member': (event) => objectOf({ ...event, extra: '1' }),
  'duplicate member': (event) => objectOf(event).replace(/}$/, ',"event\\u005fid":"twice"}'),
  'duplicate member in the data': (event) =>
    objectOf({ ...event, event_data: '{"item_id":"1","price":1,"a":1,"a":2}' }),
  'null as value': (event) => objectOf({ ...event, source: 'null' }),
  'NUL character': (event) => objectOf({ ...event, event_data: '{"item_id":"a\\u0000b","price":1}' }),
  'half a surrogate pair': (event) => objectOf({ ...event, user_id: '"a\\ud800b"' }),
  'JSON cut off': (event) => objectOf(event).slice(0, -1),
  'something after the JSON': (event) => `${objectOf(event)} x`,
  'byte order mark': (event) => `\ufeff${objectOf(event)}`,
  'not UTF-8': (event) =>
    Buffer.concat([Buffer.from(objectOf(event).slice(0, -2)), Buffer.from([0xc3, 0x28, 0x22, 0x7d])]),
  'price is no number': (event) => objectOf({ ...event, event_data: '{"item_id":"1","price":"a lot"}' }),
  'data is an array': (event) => objectOf({ ...event, event_data: '[1]' }),
  'number overflows': (event) => objectOf({ ...event, event_data: '{"item_id":"1","price":1e400}' }),
  'number too long': (event) => objectOf({ ...event, event_data: `{"item_id":"1","price":${'9'.repeat(1001)}}` }),
  'nested too deep': (event) => objectOf({ ...event, event_data: `{"a":${'['.repeat(40)}${']'.repeat(40)}}` }),
  'no offset': (event) => objectOf({ ...event, event_timestamp: '"2025-10-07T10:00:00"' }),
  '30 February': (event) => objectOf({ ...event, event_timestamp: '"2025-02-30T10:00:00Z"' }),
  'leap second': (event) => objectOf({ ...event, event_timestamp: '"2016-12-31T23:59:60Z"' }),
  'far in the future': (event) => objectOf({ ...event, event_timestamp: '"2148-01-01T00:00:00Z"' }),
  'user_id too long': (event) => objectOf({ ...event, user_id: `"${'🦊'.repeat(257)}"` }),
  'too large': (event) =>
    objectOf({ ...event, event_data: `{"item_id":"1","price":1,"x":"${'x'.repeat(300 * 1024)}"}` }),
};

const NAMES = Object.keys(KINDS);
const TOO_LARGE_SHARE = 0.02;

export function invalidEvent(
  random: Random,
  { user, run, unique }: { user: string; run: string; unique: number },
): NewContent {
  const marker = `${run}-${unique}-refused`;
  const kind = random.chance(TOO_LARGE_SHARE) ? 'too large' : random.pick(NAMES.filter((name) => name !== 'too large'));
  const body = KINDS[kind]?.({
    event_id: JSON.stringify(marker),
    user_id: JSON.stringify(user),
    event_type: '"purchase"',
    event_timestamp: '"2025-10-07T10:00:00Z"',
    event_data: '{"item_id":"42","price":19.90}',
  });
  const text = body ?? '';
  return {
    class: 'invalid',
    kind: `invalid: ${kind}`,
    marker,
    user,
    ...(typeof text === 'string' ? { body: text } : { body: text.toString('base64'), base64: true }),
  };
}

function objectOf(members: Readonly<Record<string, string>>): string {
  return `{${Object.entries(members)
    .map(([name, text]) => `"${name}":${text}`)
    .join(',')}}`;
}
