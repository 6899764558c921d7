/**
 * Quick looks that spare the valid event the schemas. They may only ever say yes where the schema does (a property test holds
 * them to it); a no means nothing, and leaves the answer and its reasons to the schema.
 */
import { isJsonObject, type JsonObject, type JsonValue } from './json/json-value.ts';

/** The four required members and, of others, at most the two optional ones, each a string of allowed length. */
export function isPlainEvent(members: JsonObject): boolean {
  for (const name in members) {
    const value = members[name];
    switch (name) {
      case 'user_id':
      case 'source':
        if (!isText(value, 256)) return false;
        break;
      case 'event_type':
        if (!isText(value, 128)) return false;
        break;
      case 'event_id':
        if (!isText(value, 200)) return false;
        break;
      case 'event_timestamp':
        // The pattern is left to parseTimestamp, which is stricter and which every event passes.
        if (typeof value !== 'string') return false;
        break;
      case 'event_data':
        if (!isJsonObject(value)) return false;
        break;
      default:
        return false;
    }
  }
  return (
    members.user_id !== undefined &&
    members.event_type !== undefined &&
    members.event_timestamp !== undefined &&
    members.event_data !== undefined
  );
}

/** Counts UTF-16 units, of which a text has at least as many as code points. */
function isText(value: JsonValue | undefined, maxLength: number): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= maxLength;
}
