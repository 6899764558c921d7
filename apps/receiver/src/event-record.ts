import type { Event } from '@kero/events';
import type { NewRecord, RecordHeader } from '@kero/messaging';

export interface EventOrigin {
  /** Unix milliseconds. */
  readonly receivedAtMs: number;
  /** The request's `traceparent` header, as it came. */
  readonly traceparent: string | string[] | undefined;
}

const CONTENT_TYPE: RecordHeader = ['content-type', Buffer.from('application/json')];

/** W3C Trace Context: version, trace id, parent id, flags. A trace id or parent id of zeros, or version ff, is none. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * The log record of an event (docs/architecture.md, "The log record"): the key is the user's id, so one user's events keep
 * their order, and the value is the body as it was received, byte for byte.
 */
export function eventRecord(event: Event, idText: string, body: Buffer, origin: EventOrigin): NewRecord {
  const headers: RecordHeader[] = [
    ['kero-id', Buffer.from(idText, 'latin1')],
    ['kero-source', Buffer.from(event.source)],
    ['kero-received-at', Buffer.from(new Date(origin.receivedAtMs).toISOString(), 'latin1')],
    CONTENT_TYPE,
  ];
  const { traceparent } = origin;
  if (typeof traceparent === 'string' && TRACEPARENT.test(traceparent)) {
    headers.push(['traceparent', Buffer.from(traceparent, 'latin1')]);
  }
  return { key: Buffer.from(event.userId), value: body, headers };
}
