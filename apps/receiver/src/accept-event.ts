import { type EventSettings, formatUuid, type ParseResult, parseEvent } from '@kero/events';
import type { Producer } from '@kero/messaging';
import type { SchemaSource } from '@kero/schemas';
import { appendRecord } from './append-record.ts';
import type { Authorize } from './authorize.ts';
import { createEventRecordMaker } from './event-record.ts';
import type { Exchange, Handler } from './exchange.ts';
import type { Refusal } from './http-problems.ts';
import type { Admission } from './limits/admission.ts';
import { bodyFormat } from './media-types.ts';
import { readBody } from './read-body.ts';
import type { ReceiverCounts } from './receiver-counts.ts';
import type { ReceiverSettings } from './receiver-settings.ts';
import { type Refuse, sendJson } from './responses.ts';

export interface AcceptEventOptions {
  readonly producer: Producer;
  readonly settings: ReceiverSettings;
  readonly eventSettings: EventSettings;
  readonly authorize: Authorize;
  readonly admission: Admission;
  readonly schemas: SchemaSource;
  readonly counts: ReceiverCounts;
  readonly refuse: Refuse;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly isStopping: () => boolean;
}

/**
 * POST /api/v1/events: head -> body -> event -> record -> log -> 202. Cheap checks come first, and nothing that was
 * refused has touched the log. This is the hot path: what is done here is done for every event.
 */
export function acceptEvent(options: AcceptEventOptions): Handler {
  const { producer, settings, eventSettings, authorize, admission, schemas, counts, refuse, now, isStopping } = options;
  const makeRecord = createEventRecordMaker();
  return async (exchange: Exchange) => {
    const { headers } = exchange.request;
    if (isStopping()) return refuse(exchange, STOPPING);
    const early = admission.arrive(exchange);
    if (early) return refuse(exchange, early);
    const decision = authorize(exchange.request);
    const client = decision instanceof Promise ? await decision : decision;
    if ('code' in client) return refuse(exchange, client);
    const late = admission.identified(exchange, client);
    if (late) return refuse(exchange, late);
    const format = bodyFormat(headers);
    if (typeof format !== 'string') return refuse(exchange, format);

    const body = await readBody(exchange, settings, counts);
    if (body === undefined) {
      counts.aborted++;
      return;
    }
    if (!Buffer.isBuffer(body)) return refuse(exchange, body);

    admission.received(exchange, client, body.length);
    const nowMs = now();
    const parsed = parseEvent(body, {
      nowMs,
      maxFutureMs: eventSettings.maxFutureMs,
      retentionMs: eventSettings.retentionMs,
      maxBytes: eventSettings.maxBytes,
      defaultSource: client.defaultSource,
      typeSchemas: schemas,
    });
    if (!parsed.ok) return refuse(exchange, refusalOf(parsed, body));

    const id = formatUuid(parsed.event.id);
    const record = makeRecord(parsed.event, body, { id, receivedAtMs: nowMs, traceparent: headers.traceparent });
    const failure = await appendRecord(producer, record, settings.deadlineMs);
    if (failure) return refuse(exchange, failure.refusal, failure.cause);
    counts.accepted++;
    sendJson(exchange, 202, `{"status":"accepted","id":"${id}"}`);
  };
}

export const STOPPING: Refusal = {
  code: 'stopping',
  detail: 'This receiver is stopping. Send the same event again.',
};

function refusalOf({ kind, problems }: ParseResult & { ok: false }, body: Buffer): Refusal {
  const first = problems[0];
  switch (first?.code) {
    case 'empty_body':
    case 'byte_order_mark':
    case 'invalid_utf8':
      return { code: first.code, detail: first.detail, errors: problems };
    case 'event_too_large':
      return { code: 'event_too_large', detail: first.detail, errors: problems };
    case 'not_an_object':
      if (/^\s*\[/.test(body.toString('latin1', 0, 1024))) {
        const detail = 'The body is a JSON array: this version takes one event a request, as a JSON object.';
        return { code: 'batch_unsupported', detail, errors: problems };
      }
      break;
    default:
  }
  if (kind === 'syntax') return { code: 'invalid_json', detail: first?.detail ?? '', errors: problems };
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  return { code: 'invalid_event', detail: `The event has ${count}; errors lists them.`, errors: problems };
}
