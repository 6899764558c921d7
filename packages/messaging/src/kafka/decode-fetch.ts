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

type Batch = NonNullable<PartitionResponse['records']>[number];

const CONTROL_BATCH = 1 << 5;
const TRANSACTIONAL = 1 << 4;
const LOG_APPEND_TIME = 1 << 3;
/** The format of batches since Kafka 0.11. */
const MAGIC = 2;
const ABORT = 0;

/**
 * Takes the records from `from` on out of a partition's part of a fetch answer. The first batch may begin before `from`
 * (the broker sends whole batches), control batches (marks of transactions) hold no records, and those of transactions that
 * were aborted do not count. Throws when a batch contradicts itself.
 *
 * The client takes out aborted batches too, but not all: of a transaction whose end is not in the same answer, and of all
 * but the last one of a producer, it leaves them in.
 */
export function decodePartition(part: PartitionResponse, from: bigint): Decoded {
  const records: ReadRecord[] = [];
  const isAborted = abortedFilter(part);
  let next = from;
  for (const batch of part.records ?? []) {
    check(batch);
    const end = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n;
    if (!isAborted(batch) && !(batch.attributes & CONTROL_BATCH)) {
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

/** To be asked for each batch in order; the broker names the aborted transactions that overlap with what it answers. */
function abortedFilter({ abortedTransactions }: PartitionResponse): (batch: Batch) => boolean {
  const coming = [...(abortedTransactions ?? [])].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  const aborting = new Set<bigint>();
  return (batch) => {
    const last = batch.firstOffset + BigInt(batch.lastOffsetDelta);
    for (; coming[0] && coming[0].firstOffset <= last; coming.shift()) aborting.add(coming[0].producerId);
    if (!(batch.attributes & TRANSACTIONAL)) return false;
    if (batch.attributes & CONTROL_BATCH) {
      if (batch.records[0]?.key?.readInt16BE(2) === ABORT) aborting.delete(batch.producerId);
      return false;
    }
    return aborting.has(batch.producerId);
  };
}

/** The client does not look at checksums; but the numbers of a batch have to agree. */
function check({ magic, firstOffset, lastOffsetDelta, records, attributes }: Batch): void {
  let agrees = magic === MAGIC && (records.length > 0 || (attributes & CONTROL_BATCH) !== 0);
  let previous = -1;
  for (const { offsetDelta } of records) {
    agrees &&= offsetDelta > previous && offsetDelta <= lastOffsetDelta;
    previous = offsetDelta;
  }
  if (!agrees) throw new Error(`the batch at offset ${firstOffset} contradicts itself`);
}
