import type { HealthState } from '@kero/runtime';
import type { AppendOptions, NewRecord, Producer } from '../messaging.ts';
import { AppendError, messagingError } from '../messaging-errors.ts';
import type { AppendFailure } from './append-queue.ts';
import type { LogWriter } from './log-writer.ts';
import { contentBytes, encodedBytes } from './record-encoding.ts';

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
    let index = 0;
    for (const record of records) {
      const size = encodedBytes(record);
      const refusal = this.#refuse(contentBytes(record, size));
      if (refusal) failures.set(index, refusal);
      else bytes += size;
      index++;
    }
    const accepted = failures.size === 0 ? records : records.filter((_, index) => !failures.has(index));
    const failure = accepted.length === 0 ? undefined : await this.#write(accepted, bytes, deadlineMs);
    if (failure) throw new AppendError(new Map(records.map((_, index) => [index, failures.get(index) ?? failure])));
    if (failures.size > 0) throw new AppendError(failures);
  }

  health(): HealthState {
    return this.#writer.health();
  }

  async close(): Promise<void> {
    this.#closed = true;
    // Bounded: each of them has its deadline.
    await Promise.all(this.#inFlight);
  }

  async #write(records: readonly NewRecord[], bytes: number, deadlineMs: number): Promise<AppendFailure | undefined> {
    const written = this.#writer.append(records, bytes, deadlineMs);
    this.#inFlight.add(written);
    const failure = await written;
    this.#inFlight.delete(written);
    return failure;
  }

  #refuse(bytes: number): AppendFailure | undefined {
    if (this.#closed) return messagingError('log_closed', 'the log was closed before this record was given to it');
    if (bytes <= this.#maxRecordBytes) return undefined;
    return messagingError('record_too_large', `the record has ${bytes} bytes; the limit is ${this.#maxRecordBytes}`);
  }
}
