import type { HealthState } from '@kero/runtime';
import type { AppendOptions, NewRecord, Producer } from '../messaging.ts';
import { AppendError, messagingError } from '../messaging-errors.ts';
import type { AppendFailure } from './append-queue.ts';
import type { LogWriter } from './log-writer.ts';
import { recordBytes } from './record-encoding.ts';

export class EmbeddedProducer implements Producer {
  readonly #writer: LogWriter;
  readonly #maxRecordBytes: number;
  readonly #inFlight = new Set<Promise<unknown>>();
  #closed = false;

  constructor(options: { readonly writer: LogWriter; readonly maxRecordBytes: number }) {
    this.#writer = options.writer;
    this.#maxRecordBytes = options.maxRecordBytes;
  }

  async append(records: readonly NewRecord[], { deadlineMs }: AppendOptions): Promise<void> {
    if (records.length === 0) return;
    const failures = new Map<number, AppendFailure>();
    let bytes = 0;
    for (const [index, record] of records.entries()) {
      const size = recordBytes(record);
      const failure = this.#refuse(size);
      if (failure) failures.set(index, failure);
      else bytes += size;
    }
    const accepted = failures.size === 0 ? records : records.filter((_, index) => !failures.has(index));
    if (accepted.length > 0) {
      const written = this.#writer.append(accepted, bytes, deadlineMs);
      this.#inFlight.add(written);
      const failure = await written;
      this.#inFlight.delete(written);
      if (failure) {
        for (const index of records.keys()) if (!failures.has(index)) failures.set(index, failure);
      }
    }
    if (failures.size > 0) throw new AppendError(new Map([...failures].sort(([a], [b]) => a - b)));
  }

  health(): HealthState {
    return this.#writer.health();
  }

  async close(): Promise<void> {
    this.#closed = true;
    // Bounded: each of them has its deadline.
    await Promise.all(this.#inFlight);
  }

  #refuse(bytes: number): AppendFailure | undefined {
    if (this.#closed) return messagingError('log_closed', 'the log was closed before this record was given to it');
    if (bytes <= this.#maxRecordBytes) return undefined;
    return messagingError('record_too_large', `the record has ${bytes} bytes; the limit is ${this.#maxRecordBytes}`);
  }
}
