import { nextTick } from 'node:process';
import type { EventStore, StoreBatch, StoreResult } from '@kero/database';
import { isKeroError } from '@kero/runtime';

/** From here on the fixed costs of a transaction no longer count: a larger batch gains nothing from company. */
const COMPANY_RECORDS = 500;
const COMPANY_BYTES = 1024 ** 2;

export interface WriteOptions {
  /** By itself, in no company: what has failed in it once, and parts of a batch that hold a bad record. */
  readonly alone: boolean;
  /** Its turn has come. */
  readonly onBegin: () => void;
}

interface WaitingWrite {
  readonly batch: StoreBatch;
  readonly joins: boolean;
  readonly bytes: number;
  readonly onBegin: () => void;
  readonly resolve: (result: StoreResult) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Writes to the database, side by side on so many lanes. Small batches that wait at the same moment (of several partitions: a
 * partition has one at a time) share one transaction: it costs as much as 20 rows, which single events that trickle in pay
 * for each handful otherwise.
 *
 * Company is for the usual case only: a batch that is not all new is left out and written by itself, and when the database
 * refuses data of a shared transaction, each of them is. When it fails because the database is away, all of its batches fail with that;
 * each is then tried again by its owner, alone, so that one that is stuck does not hold up the others twice.
 */
export class WriteLanes {
  readonly #store: EventStore;
  readonly #maxRecords: number;
  #free: number;
  #waiting: WaitingWrite[] = [];
  #looking = false;

  /** `maxRecords`: of one transaction. */
  constructor(store: EventStore, { lanes, maxRecords }: { lanes: number; maxRecords: number }) {
    this.#store = store;
    this.#free = lanes;
    this.#maxRecords = Math.min(maxRecords, COMPANY_RECORDS);
  }

  /** Resolves and rejects as EventStore.store(). */
  async store(batch: StoreBatch, { alone, onBegin }: WriteOptions): Promise<StoreResult> {
    const { promise, resolve, reject } = Promise.withResolvers<StoreResult>();
    const bytes = alone ? 0 : bytesOf(batch);
    const joins = !alone && batch.deadLetters.length === 0 && this.#isSmall(batch.events.length, bytes);
    this.#waiting.push({ batch, joins, bytes, onBegin, resolve, reject });
    if (joins) this.#lookSoon();
    else this.#look();
    return promise;
  }

  #isSmall(records: number, bytes: number): boolean {
    return records <= this.#maxRecords && bytes <= COMPANY_BYTES;
  }

  /** After everything that can go on by itself has: batches that were read at once are given to us at once, one by one. */
  #lookSoon(): void {
    if (this.#looking) return;
    this.#looking = true;
    nextTick(() => {
      this.#looking = false;
      this.#look();
    });
  }

  #look(): void {
    while (this.#free > 0 && this.#waiting.length > 0) {
      this.#free--;
      void this.#write(this.#takeGroup()).finally(() => {
        this.#free++;
        this.#look();
      });
    }
  }

  /** Who waits longest, and in its company as many as fit. */
  #takeGroup(): WaitingWrite[] {
    const group: WaitingWrite[] = [];
    const others: WaitingWrite[] = [];
    let records = 0;
    let bytes = 0;
    for (const write of this.#waiting) {
      const isWelcome = group[0] === undefined || (group[0].joins && write.joins);
      if (
        isWelcome &&
        (group.length === 0 || this.#isSmall(records + write.batch.events.length, bytes + write.bytes))
      ) {
        group.push(write);
        records += write.batch.events.length;
        bytes += write.bytes;
      } else others.push(write);
    }
    this.#waiting = others;
    return group;
  }

  async #write(group: readonly WaitingWrite[]): Promise<void> {
    for (const { onBegin } of group) onBegin();
    const [first, ...company] = group;
    if (company.length > 0) return this.#writeTogether(group);
    if (first) await this.#store.store(first.batch).then(first.resolve, first.reject);
  }

  async #writeTogether(group: readonly WaitingWrite[]): Promise<void> {
    try {
      const results = await this.#store.storeTogether(group.map(({ batch }) => batch));
      for (const [index, { resolve }] of group.entries()) {
        const result = results[index];
        if (result) resolve(result);
      }
      this.#part(group.filter((_, index) => results[index] === undefined));
    } catch (error) {
      if (isKeroError(error, 'data_refused')) this.#part(group);
      else for (const { reject } of group) reject(error);
    }
  }

  /** Each by itself, before all others. */
  #part(group: readonly WaitingWrite[]): void {
    this.#waiting = [...group.map((write) => ({ ...write, joins: false })), ...this.#waiting];
  }
}

function bytesOf({ events }: StoreBatch): number {
  let bytes = 0;
  for (const event of events) {
    const { spans } = event;
    bytes += spans ? spans.dataEnd - spans.dataStart : event.eventData.length;
  }
  return bytes;
}
