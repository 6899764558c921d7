import type { IncomingHttpHeaders } from 'node:http';
import type { ParseOptions } from '../event.ts';
import { readJson } from '../json/read-json.ts';
import type { ParsedItem } from '../parsed-item.ts';
import { ProblemList } from '../problem-list.ts';
import { nameFault, valueFault } from './attributes.ts';
import { decodeHeaderValue } from './header-value.ts';
import { readCloudEvent, tooLarge } from './read-cloud-event.ts';

const PREFIX = 'ce-';

/**
 * Whether a request, whose Content-Type is not one of CloudEvents, is a CloudEvent in binary mode: it has `ce-specversion`, or another
 * of the headers that none lacks, so that one that was forgotten is named.
 */
export function isBinaryCloudEvent(headers: IncomingHttpHeaders): boolean {
  return (
    headers['ce-specversion'] !== undefined ||
    headers['ce-id'] !== undefined ||
    headers['ce-type'] !== undefined ||
    headers['ce-source'] !== undefined
  );
}

/**
 * Reads a CloudEvent 1.0 in binary mode: attributes in headers, the data as the body. `rawHeaders` are those of Node.js (name, value,
 * name, value), in which a header that was sent twice still stands twice; the caller has checked Content-Type. Pointers of problems are
 * `/ce-id` for the header ce-id, and `/data/price` for the member `price` of the body. Pure; never throws.
 */
export function parseBinaryCloudEvent(rawHeaders: readonly string[], body: Buffer, options: ParseOptions): ParsedItem {
  if (body.length > options.maxBytes) return tooLarge(body.length, options);
  const reading = readJson(body);
  if (!reading.ok) return { ok: false, kind: 'syntax', problems: [reading.problem] };
  const problems = new ProblemList();
  const attributes = readAttributes(rawHeaders, problems);
  const data = { value: reading.value, text: body };
  return readCloudEvent({ attributes, data, placeOf: (name) => [`${PREFIX}${name}`] }, problems, options);
}

function readAttributes(rawHeaders: readonly string[], problems: ProblemList): ReadonlyMap<string, string | undefined> {
  const attributes = new Map<string, string | undefined>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const header = rawHeaders[at]?.toLowerCase() ?? '';
    if (!header.startsWith(PREFIX)) continue;
    const name = header.slice(PREFIX.length);
    const wrongName = name === 'datacontenttype' ? CONTENT_TYPE_FAULT : nameFault(name);
    if (wrongName) {
      problems.add(wrongName.code, [header], wrongName.detail);
      continue;
    }
    if (attributes.has(name)) {
      problems.add('duplicate_member', [header], 'This header is given more than once.');
      continue;
    }
    const decoded = decodeHeaderValue(rawHeaders[at + 1] ?? '');
    attributes.set(name, decoded.ok ? decoded.value : undefined);
    const fault = decoded.ok ? valueFault(name, decoded.value) : ({ code: 'invalid_header', ...decoded } as const);
    if (fault) problems.add(fault.code, [header], fault.detail);
  }
  return attributes;
}

const CONTENT_TYPE_FAULT = {
  code: 'invalid_attribute_name',
  detail: 'In the binary mode Content-Type is the content type of the data; this header must not be there.',
} as const;
