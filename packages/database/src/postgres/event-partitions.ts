import type { ClientBase } from 'pg';
import type { StoreEvent } from '../event-store.ts';

const ENSURE_PARTITION = 'select public.kero_ensure_events_partition($1::date)';

/** Makes the monthly partitions of events before the rows that need them, and remembers which are there. */
export class EventPartitions {
  readonly #known = new Set<string>();

  /**
   * Each month is a transaction of its own, before that of the batch: the new table is seen by everybody at once, and
   * no lock on it outlives the call. The events are sorted by time.
   */
  async ensure(client: ClientBase, events: readonly StoreEvent[]): Promise<void> {
    let endOfMonth = Number.NEGATIVE_INFINITY;
    for (const { timestampMicros } of events) {
      if (timestampMicros < endOfMonth) continue;
      const day = new Date(Math.floor(timestampMicros / 1000));
      endOfMonth = Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1) * 1000;
      const month = `${day.toISOString().slice(0, 7)}-01`;
      if (this.#known.has(month)) continue;
      await client.query(ENSURE_PARTITION, [month]);
      this.#known.add(month);
    }
  }

  /** For when a row had no partition after all: retention, or a person, dropped it. */
  forget(): void {
    this.#known.clear();
  }
}
