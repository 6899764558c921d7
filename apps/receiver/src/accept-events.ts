import { type EventSettings, encodeUuid, type ParseOptions } from '@kero/events';
import type { Producer } from '@kero/messaging';
import type { Logger } from '@kero/runtime';
import type { SchemaSource } from '@kero/schemas';
import { createAcceptBatch } from './accept-batch.ts';
import { appendRecord } from './append-record.ts';
import type { Authorize } from './authorize.ts';
import { compressionOf } from './content-encoding.ts';
import { decompressBody } from './decompress-body.ts';
import { createEventRecordMaker } from './event-record.ts';
import type { Exchange, Handler } from './exchange.ts';
import type { Refusal } from './http-problems.ts';
import { refusalOfItem, refusalOfSource } from './item-refusals.ts';
import type { Admission } from './limits/admission.ts';
import type { BytesInFlight } from './limits/bytes-in-flight.ts';
import { loadSchemas } from './load-schemas.ts';
import { LoopShare } from './loop-share.ts';
import { bodyFormat } from './media-types.ts';
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
 * here is done for every event.
 */
export function acceptEvents(options: AcceptEventsOptions): Handler {
  const { producer, settings, eventSettings, authorize, admission, schemas, counts, room, refuse, now, isStopping } =
    options;
  const makeRecord = createEventRecordMaker();
  const acceptBatch = createAcceptBatch({ ...options, makeRecord, share: new LoopShare() });
  return async (exchange: Exchange) => {
    const { headers } = exchange.request;
    if (isStopping()) return refuse(exchange, STOPPING);
    const early = admission.arrive(exchange);
    if (early) return refuse(exchange, early);
    const decision = authorize(exchange.request);
    const client = decision instanceof Promise ? await decision : decision;
    if ('code' in client) {
      admission.unidentified(exchange, client);
      return refuse(exchange, client);
    }
    exchange.clientId = client.id;
    const late = admission.identified(exchange, client);
    if (late) return refuse(exchange, late);
    const compression = compressionOf(headers);
    if (typeof compression === 'object') return refuse(exchange, compression);
    const format = bodyFormat(exchange.request);
    if ('code' in format) return refuse(exchange, format);

    let body = await readBody(exchange, settings, room);
    admission.received(exchange, client, exchange.bytesReceived);
    if (compression !== undefined && Buffer.isBuffer(body)) {
      body = await decompressBody(exchange, body, compression, settings, room);
    }
    if (body === undefined) {
      counts.aborted++;
      return;
    }
    if (!Buffer.isBuffer(body)) return refuse(exchange, body);

    const nowMs = now();
    const parseOptions: ParseOptions = {
      nowMs,
      maxFutureMs: eventSettings.maxFutureMs,
      retentionMs: eventSettings.retentionMs,
      maxBytes: eventSettings.maxBytes,
      defaultSource: client.defaultSource,
      typeSchemas: schemas,
    };
    const items = body.length > 0 ? format.itemsOf(body) : undefined;
    if (items) return acceptBatch({ exchange, client, format, items, parseOptions });

    let parsed = format.parse(body, parseOptions);
    let cause: unknown;
    if (!parsed.ok && parsed.kind === 'schema_not_loaded') {
      cause = await loadSchemas(schemas, [parsed.eventType], settings.deadlineMs);
      parsed = format.parse(body, parseOptions);
    }
    if (!parsed.ok) return refuse(exchange, refusalOfItem(parsed), cause);
    const foreign = refusalOfSource(parsed, client);
    if (foreign) return refuse(exchange, foreign);

    const id = encodeUuid(parsed.id);
    const record = makeRecord(parsed, { id, receivedAtMs: nowMs, traceparent: headers.traceparent });
    const failure = await appendRecord(producer, record, settings.deadlineMs);
    if (failure) return refuse(exchange, failure.refusal, failure.cause);
    counts.accepted++;
    sendJson(exchange, 202, `{"status":"accepted","id":"${id.toString('latin1')}"}`);
  };
}

export const STOPPING: Refusal = {
  code: 'stopping',
  detail: 'This receiver is stopping. Send the same event again.',
};
