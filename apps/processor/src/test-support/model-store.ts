import type {
  DeadLetter,
  DeadLetterReason,
  EventStore,
  StoreBatch,
  StoreEvent,
  StoreRecord,
  StoreResult,
} from '@kero/database';
import { databaseError } from '@kero/database';

export const LOG_ID = '6b65726f-0000-4000-8000-000000000001';

export function position(partition: number, offset: bigint): string {
  return `${partition}:${offset}`;
}

export interface StoredRow {
  readonly position: string;
  readonly content: string;
}

/** Keeps the contract of EventStore in memory, at once. `isBad`: what PostgreSQL would refuse because of its data. */
export class ModelTables {
  /** By id. */
  readonly events = new Map<string, StoredRow>();
  /** Of `events`. */
  readonly contents = new Set<string>();
  /** By position. */
  readonly letters = new Map<string, DeadLetterReason>();
  readonly #isBad: (event: StoreEvent) => boolean;

  constructor(isBad: (event: StoreEvent, tables: ModelTables) => boolean) {
    this.#isBad = (event) => isBad(event, this);
  }

  /** All that is new of it, or, with data_refused, nothing. `leavesOut`: what is left out although it is new. */
  writeTogether(
    batches: readonly StoreBatch[],
    leavesOut: (batch: StoreBatch) => boolean,
  ): readonly (StoreResult | undefined)[] {
    const isNew = ({ events, deadLetters }: StoreBatch) => {
      const ids = new Set(events.map(({ id }) => id.toString('hex')));
      return deadLetters.length === 0 && ids.size === events.length && ![...ids].some((id) => this.events.has(id));
    };
    const chosen = batches.map((batch) => (isNew(batch) && !leavesOut(batch) ? batch : undefined));
    if (chosen.some((batch) => batch?.events.some(this.#isBad))) throw databaseError('data_refused', 'one is refused');
    return chosen.map((batch) => batch && this.write(batch));
  }

  /** All of it or, with data_refused, nothing. */
  write({ logPartition, events, deadLetters }: StoreBatch): StoreResult {
    if (events.some(this.#isBad))
      throw databaseError('data_refused', 'a record is refused', { cause: new Error('bad') });
    const letters: DeadLetter[] = [...deadLetters];
    const result = { stored: 0, duplicates: 0, redelivered: 0, deadLetters: new Map<DeadLetterReason, number>() };
    for (const event of [...events].sort(byOffset)) {
      const id = event.id.toString('hex');
      const row = { position: position(logPartition, event.record.offset), content: contentOf(event) };
      const known = this.events.get(id);
      if (!known) {
        this.events.set(id, row);
        this.contents.add(row.content);
        result.stored++;
      } else if (known.content !== row.content) {
        letters.push({ id: event.id, reason: 'conflict', detail: '', record: event.record });
      } else if (known.position === row.position) result.redelivered++;
      else result.duplicates++;
    }
    for (const { reason, record } of letters) {
      const place = position(logPartition, record.offset);
      if (this.letters.has(place)) {
        result.redelivered++;
        continue;
      }
      this.letters.set(place, reason);
      result.deadLetters.set(reason, (result.deadLetters.get(reason) ?? 0) + 1);
    }
    return result;
  }
}

/** A store that does at once what `write` does, each batch by itself, and counts the calls. */
export function directStore(write: (batch: StoreBatch) => StoreResult): EventStore & { readonly calls: StoreBatch[] } {
  const calls: StoreBatch[] = [];
  return {
    calls,
    store: async (batch) => {
      calls.push(batch);
      return write(batch);
    },
    storeTogether: async (batches) => batches.map(() => undefined),
  };
}

export function contentOf({ eventId, eventType, eventData }: StoreEvent): string {
  return `${eventId} ${eventType} ${eventData.toString()}`;
}

function byOffset(a: { record: StoreRecord }, b: { record: StoreRecord }): number {
  return a.record.offset < b.record.offset ? -1 : 1;
}

export function modelRecord(offset: bigint): StoreRecord {
  return { offset, key: null, value: Buffer.from(`${offset}`), headers: [], receivedAtMicros: 0 };
}

/** An event whose id follows from `name`. */
export function modelEvent(offset: bigint, fields: { name?: string; type?: string; data?: string } = {}): StoreEvent {
  const { name = String(offset), type = 'view', data = '{}' } = fields;
  return {
    id: Buffer.from(name.padStart(16, '0').slice(-16)),
    userId: 'user-1',
    eventType: type,
    timestampMicros: 0,
    eventData: Buffer.from(data),
    source: 'default',
    eventId: undefined,
    record: modelRecord(offset),
  };
}

export function modelLetter(offset: bigint, reason: DeadLetterReason = 'not_an_event'): DeadLetter {
  return { id: undefined, reason, detail: '', record: modelRecord(offset) };
}
