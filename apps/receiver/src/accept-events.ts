import { type EventSettings, encodeUuid, type ParseOptions, type RecordItem } from '@kero/events';
import type { Producer } from '@kero/messaging';
import type { Logger } from '@kero/runtime';
import type { SchemaSource } from '@kero/schemas';
import { createAcceptBatch } from './accept-batch.ts';
import { appendRecord } from './append-record.ts';
import type { Authorize, Client } from './authorize.ts';
import type { BodyFormat } from './body-formats.ts';
import { type Compression, compressionOf } from './content-encoding.ts';
import { Deadlines } from './deadlines.ts';
import { decompressBody } from './decompress-body.ts';
import { createEventRecordMaker } from './event-record.ts';
import type { Exchange, Handler, RequestHead } from './exchange.ts';
import type { Refusal } from './http-problems.ts';
import { refusalOfItem, refusalOfSource } from './item-refusals.ts';
import type { Admission } from './limits/admission.ts';
import type { BytesInFlight } from './limits/bytes-in-flight.ts';
import { loadSchemas } from './load-schemas.ts';
import { LoopShare } from './loop-share.ts';
import { bodyFormat } from './media-types.ts';
import { onceAHead } from './once-a-head.ts';
import { readBody } from './read-body.ts';
import type { ReceiverCounts } from './receiver-counts.ts';
import type { ReceiverSettings } from './receiver-settings.ts';
import { type Refuse, sendJson } from './responses.ts';

export interface AcceptEventsOptions {
  readonly producer: Producer;
  readonly settings: ReceiverSettings;
  readonly eventSettings: EventSettings;
  readonly authorize: Authorize;
  readonly admission: Admission;
  readonly schemas: SchemaSource;
  readonly counts: ReceiverCounts;
  readonly room: BytesInFlight;
  readonly logger: Logger;
  readonly refuse: Refuse;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly isStopping: () => boolean;
}

/**
 * POST /api/v1/events: head -> body -> event -> record -> log -> 202; a body that is a batch goes its own way after it was read
 * (accept-batch.ts). Cheap checks come first, and nothing that was refused has touched the log. This is the hot path: what is done
 * here is done for every event. It waits only for what is not there yet, so that the usual event waits for nothing but the log.
 */
export function acceptEvents(options: AcceptEventsOptions): Handler {
  const { producer, settings, eventSettings, authorize, admission, schemas, counts, room, refuse, now, isStopping } =
    options;
  const makeRecord = createEventRecordMaker();
  const deadlines = new Deadlines(settings.deadlineMs);
  const acceptBatch = createAcceptBatch({ ...options, deadlines, makeRecord, share: new LoopShare() });

  const contentOf = onceAHead(readContent);

  const onAuthorized = (exchange: Exchange, client: Client | Refusal) => {
    if ('code' in client) {
      admission.unidentified(exchange, client);
      return refuse(exchange, client);
    }
    exchange.clientId = client.id;
    const late = admission.identified(exchange, client);
    if (late) return refuse(exchange, late);
    const content = contentOf(exchange.request);
    if ('code' in content) return refuse(exchange, content);
    const { format, compression } = content;
    return whenThere(readBody(exchange, settings, room), (body) => {
      admission.received(exchange, client, exchange.bytesReceived);
      const isCompressed = compression !== undefined && Buffer.isBuffer(body);
      const plain = isCompressed ? decompressBody(exchange, body, compression, settings, room) : body;
      return whenThere(plain, (text) => onBody(exchange, client, format, text));
    });
  };

  const onBody = (exchange: Exchange, client: Client, format: BodyFormat, body: Buffer | Refusal | undefined) => {
    if (body === undefined) {
      counts.aborted++;
      return;
    }
    if (!Buffer.isBuffer(body)) return refuse(exchange, body);
    const parseOptions: ParseOptions = {
      nowMs: now(),
      maxFutureMs: eventSettings.maxFutureMs,
      retentionMs: eventSettings.retentionMs,
      maxBytes: eventSettings.maxBytes,
      defaultSource: client.defaultSource,
      typeSchemas: schemas,
    };
    const items = body.length > 0 ? format.itemsOf(body) : undefined;
    if (items) return acceptBatch({ exchange, client, format, items, parseOptions });
    const parsed = format.parse(body, parseOptions);
    if (parsed.ok || parsed.kind !== 'schema_not_loaded') return onParsed(exchange, client, parsed, parseOptions.nowMs);
    return loadSchemas(schemas, [parsed.eventType], settings.deadlineMs).then((cause) =>
      onParsed(exchange, client, format.parse(body, parseOptions), parseOptions.nowMs, cause),
    );
  };

  const onParsed = (exchange: Exchange, client: Client, parsed: RecordItem, nowMs: number, cause?: unknown) => {
    if (!parsed.ok) return refuse(exchange, refusalOfItem(parsed), cause);
    const foreign = refusalOfSource(parsed, client);
    if (foreign) return refuse(exchange, foreign);
    const id = encodeUuid(parsed.id);
    const { traceparent } = exchange.request.headers;
    const record = makeRecord(parsed, { id, receivedAtMs: nowMs, traceparent });
    return appendRecord(producer, record, deadlines).then((failure) => {
      if (failure) return refuse(exchange, failure.refusal, failure.cause);
      counts.accepted++;
      sendJson(exchange, 202, `{"status":"accepted","id":"${id.toString('latin1')}"}`);
    });
  };

  return (exchange) => {
    if (isStopping()) return refuse(exchange, STOPPING);
    const early = admission.arrive(exchange);
    if (early) return refuse(exchange, early);
    return whenThere(authorize(exchange.request), (client) => onAuthorized(exchange, client));
  };
}

/** What the head says of the body. */
interface Content {
  readonly format: BodyFormat;
  readonly compression: Compression | undefined;
}

function readContent(head: RequestHead): Content | Refusal {
  const compression = compressionOf(head.headers);
  if (typeof compression === 'object') return compression;
  const format = bodyFormat(head);
  return 'code' in format ? format : { format, compression };
}

/** Goes on at once with what is there, and later with what is a promise. */
function whenThere<T>(value: T | Promise<T>, next: (value: T) => Promise<void> | void): Promise<void> | void {
  return value instanceof Promise ? value.then(next) : next(value);
}

export const STOPPING: Refusal = {
  code: 'stopping',
  detail: 'This receiver is stopping. Send the same event again.',
};
