import type { ProblemCode } from '../problem-codes.ts';
import { quote } from '../problem-list.ts';
import { isJsonMediaType, parseMediaType } from './media-type.ts';
import { isUri, isUriReference } from './uri.ts';

/** What is wrong with an attribute, wherever it stands. */
export interface AttributeFault {
  readonly code: ProblemCode;
  readonly detail: string;
}

/** The attributes that the specification itself names; every other one is an extension. */
export const CORE_ATTRIBUTES: ReadonlySet<string> = new Set([
  'specversion',
  'id',
  'source',
  'type',
  'subject',
  'time',
  'datacontenttype',
  'dataschema',
]);

/** Without these there is no CloudEvent, and without a time no event of Kero. */
export const REQUIRED_ATTRIBUTES = ['specversion', 'id', 'source', 'type', 'time'] as const;

/** Control characters and noncharacters: what a String of CloudEvents must not contain. Lone surrogates are found by the reader. */
const FORBIDDEN_CHARACTER = /[\p{Cc}\p{Noncharacter_Code_Point}]/u;

/** What is wrong with the name of an attribute, or undefined. */
export function nameFault(name: string): AttributeFault | undefined {
  if (name === 'data') {
    return { code: 'invalid_attribute_name', detail: 'The name "data" is that of the data; no attribute has it.' };
  }
  if (name !== '' && !/[^a-z0-9]/.test(name)) return undefined;
  const detail = `The name of an attribute consists of a-z and 0-9 only; ${quote(name)} has other characters.`;
  return { code: 'invalid_attribute_name', detail };
}

/**
 * What the specification forbids of the value of an attribute, or undefined. The rules that events of Kero have beside it (lengths,
 * times) are left to parseEvent.
 */
export function valueFault(name: string, value: string): AttributeFault | undefined {
  if (FORBIDDEN_CHARACTER.test(value)) {
    return invalid('Must not contain control characters or Unicode noncharacters.');
  }
  switch (name) {
    case 'specversion':
      return value === '1.0'
        ? undefined
        : {
            code: 'unsupported_specversion',
            detail: `Must be "1.0", the version that is read here, not ${quote(value)}.`,
          };
    case 'source':
      return value === '' || isUriReference(value)
        ? undefined
        : invalid('Must be a URI-reference (RFC 3986): percent-encode what a URI cannot contain.');
    case 'dataschema':
      return isUri(value) ? undefined : invalid('Must be a URI (RFC 3986) with a scheme, as https://a.example/schema.');
    case 'datacontenttype':
      return contentTypeFault(value);
    default:
      return undefined;
  }
}

function contentTypeFault(value: string): AttributeFault | undefined {
  const mediaType = parseMediaType(value);
  if (mediaType === undefined) return invalid('Must be a media type, for example application/json.');
  if (isJsonMediaType(mediaType)) return undefined;
  const detail = 'The data of an event is JSON in UTF-8: only application/json and types that end in +json are read.';
  return { code: 'unsupported_data', detail };
}

function invalid(detail: string): AttributeFault {
  return { code: 'invalid_attribute', detail };
}
