import type { RecordParts } from '@kero/events';
import type { NewRecord, RecordHeader } from '@kero/messaging';

export interface EventOrigin {
  /** The id of the event as text, in ASCII. */
  readonly id: Buffer;
  /** Unix milliseconds. */
  readonly receivedAtMs: number;
  /** The request's `traceparent` header, as it came. */
  readonly traceparent: string | string[] | undefined;
}

/** Makes the log record of an event. */
export type MakeEventRecord = (parts: RecordParts, origin: EventOrigin) => NewRecord;

const CONTENT_TYPE: RecordHeader = ['content-type', Buffer.from('application/json')];

/** W3C Trace Context: version, trace id, parent id, flags. A trace id or parent id of zeros, or version ff, is none. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * The log record (docs/architecture.md): the key is the user's id, so that one user's events keep their order, and the value
 * is the event's text as it was received, byte for byte. Headers that many records share in a row are made once, as one list where
 * there are no extensions.
 */
export function createEventRecordMaker(): MakeEventRecord {
  const sourceHeader = rememberLast((source: string) => headerOf('kero-source', source));
  const receivedAtHeader = rememberLast((ms: number) => headerOf('kero-received-at', new Date(ms).toISOString()));
  const schemaHeader = rememberLast((label: string) => headerOf('kero-schema', label));
  const traceHeader = rememberLast((traceparent: EventOrigin['traceparent']) =>
    typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? headerOf('traceparent', traceparent) : undefined,
  );
  let shared: readonly RecordHeader[] = [];
  let last: Sharing | undefined;
  return ({ userId, source, schema, value, extensions }, { id, receivedAtMs, traceparent }) => {
    if (
      last?.source !== source ||
      last.schema !== schema ||
      last.receivedAtMs !== receivedAtMs ||
      last.traceparent !== traceparent
    ) {
      last = { source, schema, receivedAtMs, traceparent };
      const headers = [sourceHeader(source), receivedAtHeader(receivedAtMs), CONTENT_TYPE];
      const trace = traceparent === undefined ? undefined : traceHeader(traceparent);
      if (trace !== undefined) headers.push(trace);
      if (schema !== undefined) headers.push(schemaHeader(schema));
      shared = headers;
    }
    const idHeader: RecordHeader = ['kero-id', id];
    if (extensions.length === 0) return { key: userId, value, headers: [idHeader], sharedHeaders: shared };
    // They come last, after what is shared: then all headers are the record's own.
    const headers = [idHeader, ...shared];
    for (const [name, text] of extensions) headers.push(headerOf(`ce_${name}`, text));
    return { key: userId, value, headers };
  };
}

/** What the headers that records share are made of. */
type Sharing = Pick<RecordParts, 'source' | 'schema'> & Pick<EventOrigin, 'receivedAtMs' | 'traceparent'>;

function headerOf(name: string, value: string): RecordHeader {
  return [name, Buffer.from(value)];
}

function rememberLast<Input, Output>(make: (input: Input) => Output): (input: Input) => Output {
  let last: { readonly input: Input; readonly output: Output } | undefined;
  return (input) => {
    if (last?.input !== input) last = { input, output: make(input) };
    return last.output;
  };
}
