/** Every code of a Problem and what it means; docs/errors.md is generated from this table. Codes are stable. */
export const problemCodes = {
  empty_body: 'There is nothing but white space where a JSON text is expected.',
  byte_order_mark: 'The text begins with a byte order mark; JSON is UTF-8 without one.',
  invalid_utf8: 'The bytes are not UTF-8.',
  invalid_json: 'The text is not one JSON value in the grammar of RFC 8259.',
  event_too_large: 'The text of the event is larger than EVENTS_MAX_BYTES.',
  not_an_array: 'The body is JSON, and by its content type a batch, but not an array.',
  not_an_object: 'The event is JSON, but not an object.',
  missing_member: 'A member that is required is absent.',
  unknown_member:
    'The event has a member that events do not have (your own members belong in event_data), or event_data one that the schema of its type does not allow.',
  duplicate_member: 'An object has two members of the same name, after unescaping.',
  wrong_type: 'The value is of another JSON type than the one required. null is a value, not absence.',
  too_short: 'The string has fewer characters (Unicode code points) than required.',
  too_long: 'The string has more characters (Unicode code points) than allowed.',
  schema_mismatch: 'The value breaks another rule of its JSON Schema, for example a pattern.',
  null_character: 'A string or a member name contains U+0000, which PostgreSQL cannot store.',
  lone_surrogate: 'A string or a member name contains half of a surrogate pair, which is not a character.',
  number_too_long: 'The text of a number has more than 1,000 characters.',
  number_out_of_range:
    'A number is too large or too close to zero for a double, or has an exponent PostgreSQL cannot store.',
  nested_too_deep: 'Objects and arrays are nested in more than 32 levels; the event itself is level 1.',
  invalid_timestamp: 'event_timestamp is not an RFC 3339 date-time with an offset, or not a date of the calendar.',
  timestamp_out_of_range: 'event_timestamp lies outside 1970-01-01..2148-12-31 in UTC.',
  timestamp_in_future: 'event_timestamp is later than now plus EVENTS_MAX_FUTURE.',
  expired: 'event_timestamp is older than EVENTS_RETENTION.',
  too_many_extensions: 'A CloudEvent has more than 64 extensions.',
  schema_failed:
    'The schema of the event type cannot be applied to this event: an operator has to look at the schema. The receiver answers 503 `schemas_unavailable`.',
  unknown_event_type:
    'There is no schema for this event_type, and only types with one are taken (SCHEMA_UNKNOWN_TYPES=refuse).',
  unsupported_specversion: 'The CloudEvent is not of version 1.0.',
  invalid_attribute_name: 'A CloudEvents attribute has a name that none may have: names consist of a-z and 0-9.',
  invalid_attribute:
    'The value of a CloudEvents attribute is none of its type: a URI, a media type, or it has characters that no attribute may have.',
  invalid_header: 'The value of a ce- header cannot be decoded.',
  unsupported_data: 'The data of the CloudEvent is not JSON: it is base64, or its datacontenttype says so.',
  too_many_problems: 'The event has more problems than are listed.',
} as const;

export type ProblemCode = keyof typeof problemCodes;
