import type { Consumer } from '@platformatic/kafka';
import type { LogRecord } from '../messaging.ts';

/** The client exports no names for these. */
export type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>;
type PartitionResponse = FetchResponse['responses'][number]['partitions'][number];

/** A record that waits to be handed out, with its size for the limits of a batch. */
export interface ReadRecord {
  readonly record: LogRecord;
  readonly bytes: number;
}

export interface Decoded {
  readonly records: ReadRecord[];
  /** Where the next fetch begins: after everything in the answer, also after what is not for us. */
  readonly next: bigint;
}

const CONTROL_BATCH = 1 << 5;
const LOG_APPEND_TIME = 1 << 3;

/**
 * Takes the records from `from` on out of a partition's part of a fetch answer. The first batch may begin before `from`
 * (the broker sends whole batches), and control batches (marks of transactions) hold no records.
 */
export function decodePartition(part: PartitionResponse, from: bigint): Decoded {
  const records: ReadRecord[] = [];
  let next = from;
  for (const batch of part.records ?? []) {
    const end = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n;
    if (!(batch.attributes & CONTROL_BATCH)) {
      for (const raw of batch.records) {
        const offset = batch.firstOffset + BigInt(raw.offsetDelta);
        if (offset < from) continue;
        const time =
          batch.attributes & LOG_APPEND_TIME ? batch.maxTimestamp : batch.firstTimestamp + raw.timestampDelta;
        let bytes = (raw.key?.length ?? 0) + (raw.value?.length ?? 0);
        const headers = raw.headers.map(([name, value]): readonly [string, Buffer] => {
          bytes += (name?.length ?? 0) + (value?.length ?? 0);
          return [name?.toString() ?? '', value ?? Buffer.alloc(0)];
        });
        records.push({
          record: { offset, timestampMs: Number(time), key: raw.key, value: raw.value, headers },
          bytes,
        });
      }
    }
    if (end > next) next = end;
  }
  return { records, next };
}
