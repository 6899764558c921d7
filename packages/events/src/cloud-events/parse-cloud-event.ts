import type { ParseOptions } from '../event.ts';
import { isJsonObject, type JsonObject, type JsonValue, nameOfType } from '../json/json-value.ts';
import { memberTexts } from '../json/member-texts.ts';
import { type JsonReading, readJson } from '../json/read-json.ts';
import type { ParsedItem } from '../parsed-item.ts';
import { CORE_ATTRIBUTES, nameFault, valueFault } from './attributes.ts';
import { readCloudEvent, tooLarge } from './read-cloud-event.ts';

const MAX_INTEGER = 2 ** 31 - 1;
const MIN_INTEGER = -(2 ** 31);

/**
 * Reads one CloudEvent 1.0 from the bytes of its JSON format: the body of the structured mode, an item of a batch. Pointers of
 * problems name its own members: `/subject`, `/data/price`. Pure; never throws.
 */
export function parseCloudEvent(bytes: Buffer, options: ParseOptions): ParsedItem {
  if (bytes.length > options.maxBytes) return tooLarge(bytes.length, options);
  const reading = readJson(bytes, 'data');
  if (!reading.ok) return { ok: false, kind: 'syntax', problems: [reading.problem] };
  const { value, problems, span } = reading;
  if (!isJsonObject(value)) {
    problems.add('not_an_object', [], `A CloudEvent must be a JSON object, not ${nameOfType(value)}.`);
    return { ok: false, kind: 'event', problems: problems.toArray() };
  }
  const attributes = readAttributes(value, bytes, reading);
  checkData(value, reading);
  const data = span === undefined || value.data === undefined ? undefined : { value: value.data, text: span };
  return readCloudEvent({ attributes, data, placeOf: (name) => [name] }, problems, options);
}

/** Null is the same as absence here: the JSON format says so, for attributes. */
function readAttributes(
  members: JsonObject,
  bytes: Buffer,
  { problems }: JsonReading,
): ReadonlyMap<string, string | undefined> {
  const attributes = new Map<string, string | undefined>();
  let texts: ReadonlyMap<string, string> | undefined;
  for (const name in members) {
    if (name === 'data' || name === 'data_base64') continue;
    const wrongName = nameFault(name);
    if (wrongName) {
      problems.add(wrongName.code, [name], wrongName.detail);
      continue;
    }
    const member = members[name];
    if (member === undefined || member === null) continue;
    if (typeof member === 'number') texts ??= memberTexts(bytes);
    const value = CORE_ATTRIBUTES.has(name) ? textOf(member) : canonicalText(member, texts?.get(name));
    attributes.set(name, value);
    if (value === undefined) {
      const wanted = CORE_ATTRIBUTES.has(name) ? 'a string' : 'a string, an integer of 32 bits or a boolean';
      problems.add('wrong_type', [name], `Must be ${wanted}, not ${nameOfType(member)}.`);
      continue;
    }
    const fault = valueFault(name, value);
    if (fault) problems.add(fault.code, [name], fault.detail);
  }
  return attributes;
}

function textOf(value: JsonValue): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The canonical string of a Boolean, Integer or String; undefined for any other value. `text` is a number as it is written. */
function canonicalText(value: JsonValue, text: string | undefined): string | undefined {
  if (typeof value === 'boolean') return String(value);
  if (typeof value !== 'number') return textOf(value);
  const isInteger = text !== undefined && /^-?\d+$/.test(text) && value >= MIN_INTEGER && value <= MAX_INTEGER;
  return isInteger ? String(value) : undefined;
}

function checkData(members: JsonObject, { problems }: JsonReading): void {
  const { data, data_base64: base64 } = members;
  if (base64 !== undefined && base64 !== null) {
    const detail = 'Binary data is not read here: send the data of an event as a JSON object in "data".';
    problems.add('unsupported_data', ['data_base64'], detail);
  } else if (data === undefined) {
    problems.add('missing_member', ['data'], 'The data is required here: a JSON object.');
  }
}
