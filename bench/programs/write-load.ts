import { computeEventId } from '@kero/events';

/** Rows to write: which ones, in batches of how many. */
export interface WriteShape {
  readonly batches: number;
  readonly batchRows: number;
  readonly connections: number;
  /** The number of the first event; rows of another run have other numbers. */
  readonly firstNumber: number;
  /** The `event_timestamp` of the first one, in Unix microseconds. */
  readonly firstMicros: number;
  /** From one event to the next one, in microseconds; `spreadMicros`: instead of it anywhere in so long a time. */
  readonly stepMicros: number;
  readonly spreadMicros?: number;
}

/** One event, as both the processor and the baseline write it. */
export interface Row {
  readonly id: Buffer;
  readonly eventId: string;
  readonly userId: string;
  readonly eventType: string;
  readonly source: string;
  readonly timestampMicros: number;
  readonly eventData: Buffer;
}

const USERS = 10_007;
const EVENT_TYPE = 'purchase';
const SOURCE = 'bench';

export function rowOf(number: number, timestampMicros: number): Row {
  const eventId = String(number).padStart(12, '0');
  const userId = `user-${String(number % USERS).padStart(6, '0')}`;
  const id = computeEventId({ source: SOURCE, eventId, userId, eventType: EVENT_TYPE, timestampMicros });
  const item = String(number % 99_991).padStart(5, '0');
  const eventData = Buffer.from(
    `{"item_id":"item-${item}","price":1${number % 90}.5,"tags":["new","sale"],"note":"left at the door","channel":"web"}`,
  );
  return { id, eventId, userId, eventType: EVENT_TYPE, source: SOURCE, timestampMicros, eventData };
}

/** The batches, each in the order of time. */
export function batchesOf(shape: WriteShape): Row[][] {
  const { batches, batchRows, firstNumber, firstMicros, stepMicros, spreadMicros } = shape;
  return Array.from({ length: batches }, (_, batch) => {
    const rows = Array.from({ length: batchRows }, (_, n) => {
      const index = batch * batchRows + n;
      const after = spreadMicros === undefined ? index * stepMicros : Math.floor(Math.random() * spreadMicros);
      return rowOf(firstNumber + index, firstMicros + after);
    });
    return rows.sort((a, b) => Buffer.compare(a.id, b.id));
  });
}

/** Seconds until all are written, when every connection takes the next batch as soon as it has written one. */
export async function writeInLanes<T>(
  batches: readonly T[],
  connections: number,
  write: (batch: T, lane: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const startedAt = performance.now();
  const lane = async (number: number) => {
    for (;;) {
      const batch = batches[next++];
      if (batch === undefined) return;
      await write(batch, number);
    }
  };
  await Promise.all(Array.from({ length: connections }, (_, number) => lane(number)));
  return (performance.now() - startedAt) / 1000;
}
