import type { ParseOptions } from '../event.ts';
import { isJsonObject, type JsonValue, nameOfType } from '../json/json-value.ts';
import { parseEvent } from '../parse-event.ts';
import type { ParsedItem } from '../parsed-item.ts';
import { type Path, type ProblemList, tokensOf } from '../problem-list.ts';
import { CORE_ATTRIBUTES, REQUIRED_ATTRIBUTES } from './attributes.ts';

/** A CloudEvent in whichever mode it came, as far as it could be read. */
export interface CloudEventParts {
  /** Decoded, extensions too. Absent ones are not in it; undefined is there, but of a kind that has been told as a problem. */
  readonly attributes: ReadonlyMap<string, string | undefined>;
  /** The value of the data and its bytes as they were written; undefined where there is none. */
  readonly data: { readonly value: JsonValue; readonly text: Buffer } | undefined;
  /** Where an attribute stands in what was sent, for the pointers of problems. */
  readonly placeOf: (attribute: string) => Path;
}

/** Each becomes a header of the record; a log does not take any number of them, however short. */
const MAX_EXTENSIONS = 64;

/** The attributes that become members of an event. */
const MEMBERS = [
  ['subject', 'user_id'],
  ['type', 'event_type'],
  ['time', 'event_timestamp'],
  ['id', 'event_id'],
  ['source', 'source'],
] as const;

/**
 * Writes the CloudEvent as an event of Kero and reads that: so every rule of events holds for it whatever it came as, and the
 * processor reads the same text again. What is wrong is added to `problems`, with the places of what was sent.
 */
export function readCloudEvent(parts: CloudEventParts, problems: ProblemList, options: ParseOptions): ParsedItem {
  for (const name of REQUIRED_ATTRIBUTES) {
    if (!parts.attributes.has(name)) problems.add('missing_member', parts.placeOf(name), REQUIRED_DETAIL[name]);
  }
  const user = userOf(parts, problems);
  const value = eventText(parts, user.id);
  const parsed = parseEvent(value, options);
  if (!parsed.ok) {
    for (const { pointer, code, detail } of parsed.problems) {
      const [member, ...rest] = tokensOf(pointer);
      // Told already, in the words of CloudEvents.
      if (code === 'missing_member' && rest.length === 0) continue;
      problems.add(code, placeOf(member, rest, parts, user.place), detail);
    }
  }
  const extensions = extensionsOf(parts);
  if (extensions.length > MAX_EXTENSIONS) {
    const detail = `A CloudEvent may have at most ${MAX_EXTENSIONS} extensions; this one has ${extensions.length}.`;
    problems.add('too_many_extensions', [], detail);
  }
  if (problems.length > 0) return { ok: false, kind: 'event', problems: problems.toArray() };
  return parsed.ok ? { ok: true, event: parsed.event, value, extensions } : parsed;
}

const REQUIRED_DETAIL = {
  specversion: 'This attribute is required; it is "1.0".',
  id: 'This attribute is required.',
  source: 'This attribute is required.',
  type: 'This attribute is required.',
  time: 'This attribute is required here: it is when the event happened, and must be the same when it is sent again.',
} as const;

interface User {
  readonly id: string | undefined;
  readonly place: Path;
}

/** Whose event it is: the subject, else `user_id` in the data. */
function userOf({ attributes, data, placeOf }: CloudEventParts, problems: ProblemList): User {
  const place = placeOf('subject');
  if (attributes.has('subject')) return { id: attributes.get('subject'), place };
  const member = isJsonObject(data?.value) ? data.value.user_id : undefined;
  if (member === undefined) {
    problems.add(
      'missing_member',
      place,
      'Whose event it is must be said: by this attribute, or by user_id in the data.',
    );
    return { id: undefined, place };
  }
  const placeInData = ['data', 'user_id'];
  if (typeof member === 'string') return { id: member, place: placeInData };
  const detail = `There is no subject, so this must be the user: a string, not ${nameOfType(member)}.`;
  problems.add('wrong_type', placeInData, detail);
  return { id: undefined, place: placeInData };
}

/** The text of the event; the data stands in it as it was written, so that no digit of it changes. */
function eventText({ attributes, data }: CloudEventParts, userId: string | undefined): Buffer {
  const members: string[] = [];
  for (const [attribute, member] of MEMBERS) {
    const value = attribute === 'subject' ? userId : attributes.get(attribute);
    if (value !== undefined) members.push(`"${member}":${JSON.stringify(value)}`);
  }
  if (data === undefined) return Buffer.from(`{${members.join()}}`);
  members.push('"event_data":');
  return Buffer.concat([Buffer.from(`{${members.join()}`), data.text, Buffer.from('}')]);
}

/** The place, in what was sent, of a place in the event that was made of it. */
function placeOf(member: string | undefined, rest: readonly string[], parts: CloudEventParts, user: Path): Path {
  if (member === 'event_data') return ['data', ...rest];
  if (member === 'user_id') return user;
  const attribute = MEMBERS.find(([, name]) => name === member)?.[0];
  return attribute === undefined ? [] : parts.placeOf(attribute);
}

/** What travels beside the event. The schema of the data is no extension, but has no member in an event either. */
function extensionsOf({ attributes }: CloudEventParts): (readonly [string, string])[] {
  const extensions: (readonly [string, string])[] = [];
  for (const [name, value] of attributes) {
    if (value !== undefined && (name === 'dataschema' || !CORE_ATTRIBUTES.has(name))) extensions.push([name, value]);
  }
  return extensions;
}

/** Larger than an event may be as it came, so that it need not be read at all. */
export function tooLarge(size: number, { maxBytes }: ParseOptions): ParsedItem {
  const detail = `The event has ${size} bytes; at most ${maxBytes} are allowed (EVENTS_MAX_BYTES).`;
  return { ok: false, kind: 'event', problems: [{ pointer: '', code: 'event_too_large', detail }] };
}
