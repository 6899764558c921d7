import type { ParseOptions, RecordItem } from '@kero/events';
import type { NewRecord, Producer } from '@kero/messaging';
import type { Logger } from '@kero/runtime';
import type { SchemaSource } from '@kero/schemas';
import { answerBatch } from './answer-batch.ts';
import { appendRecords } from './append-record.ts';
import type { Client } from './authorize.ts';
import { BatchOutcome } from './batch-outcome.ts';
import type { BodyFormat, BodyItems } from './body-formats.ts';
import type { Deadlines } from './deadlines.ts';
import type { MakeEventRecord } from './event-record.ts';
import type { Exchange } from './exchange.ts';
import type { Refusal } from './http-problems.ts';
import { refusalOfItem, refusalOfSource } from './item-refusals.ts';
import type { BytesInFlight } from './limits/bytes-in-flight.ts';
import { loadSchemas } from './load-schemas.ts';
import type { LoopShare } from './loop-share.ts';
import { overloaded } from './read-body.ts';
import type { ReceiverCounts } from './receiver-counts.ts';
import type { Refuse } from './responses.ts';

export interface AcceptBatchOptions {
  readonly producer: Producer;
  readonly schemas: SchemaSource;
  readonly settings: {
    readonly deadlineMs: number;
    readonly maxBatchEvents: number;
  };
  /** Of appends. */
  readonly deadlines: Deadlines;
  readonly makeRecord: MakeEventRecord;
  readonly share: LoopShare;
  readonly counts: ReceiverCounts;
  readonly room: BytesInFlight;
  readonly logger: Logger;
  readonly refuse: Refuse;
}

/** A body that was read and is a batch. */
export interface Batch {
  readonly exchange: Exchange;
  readonly client: Client;
  readonly format: BodyFormat;
  readonly items: BodyItems;
  readonly parseOptions: ParseOptions;
}

export type AcceptBatch = (batch: Batch) => Promise<void>;

/**
 * items -> events -> records -> one append -> an outcome for each. An item that is bad does not hurt its neighbours; what is wrong
 * with the body as a whole refuses all of them before one has touched the log.
 */
export function createAcceptBatch(options: AcceptBatchOptions): AcceptBatch {
  const { producer, deadlines, counts, room, logger, refuse } = options;
  return async (batch) => {
    const { exchange } = batch;
    const reading = new BatchReading(batch, options);
    const interrupted = await reading.readAll();
    exchange.cancelBody = undefined;
    if (interrupted === 'left') {
      counts.aborted++;
      return;
    }
    if (interrupted) return refuse(exchange, interrupted);

    const { outcome, records, indexes } = reading;
    let { cause } = reading;
    if (records.length > 0) {
      const failures = await appendRecords(producer, records, deadlines);
      for (const [number, failure] of failures) {
        cause ??= failure.cause;
        outcome.refuse(indexes[number] as number, failure.refusal);
      }
    }
    return answerBatch(exchange, outcome, { logger, counts, room }, cause);
  };
}

/** What an event takes until its batch has its answer, besides its text: key, headers, id. Of small events it is the most. */
const ITEM_BYTES = 1024;

/** The same for an extension of a CloudEvent, which is a header of its record. */
const EXTENSION_BYTES = 128;

/**
 * After so many bytes of items, ITEM_BYTES included, it is looked whether there is room and time for more: to ask after each item
 * costs a tenth of reading it.
 */
const STEP_BYTES = 16 * 1024;

/** Why the reading of a batch ended early: with this refusal of all of it, or because there is nobody to answer. */
type Interruption = Refusal | 'left';

/** Makes records of the items of one batch, and an outcome of those that are refused. Leaves the event loop to others in between. */
class BatchReading {
  readonly outcome = new BatchOutcome();
  /** In the order of the items. */
  readonly records: NewRecord[] = [];
  /** Of the item that the record is made of. */
  readonly indexes: number[] = [];
  /** Why schemas could not be loaded, for the log line. */
  cause: unknown;
  readonly #batch: Batch;
  readonly #options: AcceptBatchOptions;
  /** The items from the first one on whose schema has to be loaded: later ones must not overtake it. */
  readonly #waiting: { readonly index: number; readonly text: Buffer; readonly parsed: RecordItem }[] = [];
  readonly #cancellation: Cancellation;

  constructor(batch: Batch, options: AcceptBatchOptions) {
    this.#batch = batch;
    this.#options = options;
    this.#cancellation = makeCancellable(batch.exchange);
  }

  async readAll(): Promise<Interruption | undefined> {
    const { items } = this.#batch;
    const { share, settings } = this.#options;
    let count = 0;
    let held = 0;
    let stepBytes = 0;
    for (let text = items.next(); text !== undefined; text = items.next()) {
      if (text) {
        if (count === settings.maxBatchEvents) return tooMany(settings.maxBatchEvents);
        this.#readItem(text, count++);
        stepBytes += ITEM_BYTES + text.length;
        if (stepBytes < STEP_BYTES) continue;
      }
      if (this.#holdsTooMuch(count - held)) return overloaded();
      const interruption = share.isSpent() && (await this.#rest());
      if (interruption) return interruption;
      held = count;
      stepBytes = 0;
    }
    if (this.#holdsTooMuch(count - held)) return overloaded();
    if (items.problem) return refusalOfItem({ ok: false, kind: 'syntax', problems: [items.problem] });
    if (count === 0) return EMPTY;
    return this.#waiting.length > 0 ? this.#readWaiting() : undefined;
  }

  #readItem(text: Buffer, index: number): void {
    const { format, items, parseOptions } = this.#batch;
    const parsed = format.parse(text, parseOptions, items.spans);
    if (this.#waiting.length > 0 || isWithoutSchema(parsed)) this.#waiting.push({ index, text, parsed });
    else this.#settle(index, parsed);
  }

  async #readWaiting(): Promise<Interruption | undefined> {
    const { format, parseOptions } = this.#batch;
    const { schemas, settings, share } = this.#options;
    const types = new Set<string>();
    for (const { parsed } of this.#waiting) if (isWithoutSchema(parsed)) types.add(parsed.eventType);
    this.cause = await loadSchemas(schemas, types, settings.deadlineMs);
    for (const { index, text, parsed } of this.#waiting) {
      this.#settle(index, isWithoutSchema(parsed) ? format.parse(text, parseOptions) : parsed);
      const interruption = share.isSpent() && (await this.#rest());
      if (interruption) return interruption;
    }
    return this.#interruption();
  }

  /** Whether so many items more are too much. A batch that is alone is let through, whatever it holds: it would never pass otherwise. */
  #holdsTooMuch(items: number): boolean {
    const { exchange } = this.#batch;
    const { counts, room } = this.#options;
    room.hold(exchange, items * ITEM_BYTES);
    return room.isFull() && counts.bytesInFlight > exchange.bytesHeld;
  }

  #settle(index: number, parsed: RecordItem): void {
    const { client, exchange, parseOptions } = this.#batch;
    const { traceparent } = exchange.request.headers;
    if (!parsed.ok) {
      this.outcome.refuse(index, refusalOfItem(parsed));
      return;
    }
    const foreign = refusalOfSource(parsed, client);
    if (foreign) {
      this.outcome.refuse(index, foreign);
      return;
    }
    if (parsed.extensions.length > 0) this.#options.room.hold(exchange, EXTENSION_BYTES * parsed.extensions.length);
    const origin = { id: this.outcome.accept(index, parsed.id), receivedAtMs: parseOptions.nowMs, traceparent };
    this.records.push(this.#options.makeRecord(parsed, origin));
    this.indexes.push(index);
  }

  async #rest(): Promise<Interruption | undefined> {
    await this.#options.share.turn();
    return this.#interruption();
  }

  #interruption(): Interruption | undefined {
    return this.#batch.exchange.response.destroyed ? 'left' : this.#cancellation.refusal;
  }
}

interface Cancellation {
  /** Set when the reading has to end. */
  refusal: Refusal | undefined;
}

/**
 * Until the append a stop may end a batch; then it waits for the log like every event. The exchange must not
 * hold the reading: all records of a batch were copied by the garbage collector, again and again, when they hung on this function.
 */
function makeCancellable(exchange: Exchange): Cancellation {
  const cancellation: Cancellation = { refusal: undefined };
  exchange.cancelBody = (refusal) => {
    cancellation.refusal = refusal;
  };
  return cancellation;
}

function isWithoutSchema(parsed: RecordItem): parsed is Extract<RecordItem, { kind: 'schema_not_loaded' }> {
  return !parsed.ok && parsed.kind === 'schema_not_loaded';
}

const EMPTY: Refusal = { code: 'empty_batch', detail: 'The array is empty: there is nothing to accept.' };

function tooMany(limit: number): Refusal {
  return { code: 'batch_too_large', detail: `A batch may have at most ${limit} events (RECEIVER_MAX_BATCH).` };
}
