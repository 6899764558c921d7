import { setImmediate as nextTurn } from 'node:timers/promises';
import { backoffMs, describeError, type HealthState, type Logger, sleep } from '@kero/runtime';
import type { Consumer, ReadOptions, ReadPosition, RecordBatch } from '../messaging.ts';
import type { ConsumerGroup, GroupMember } from './consumer-group.ts';
import type { LogWriter } from './log-writer.ts';
import type { PartitionLease } from './partition-lease.ts';

/** A member of a group: takes batches in turn from the partitions that it was given. */
export class EmbeddedConsumer implements Consumer, GroupMember {
  readonly #group: ConsumerGroup;
  readonly #writer: LogWriter;
  readonly #logger: Logger;
  readonly #closing = new AbortController();
  #leases: PartitionLease[] = [];
  #closed: Promise<void> | undefined;
  #reading = false;
  #awake = Promise.withResolvers<void>();
  #trouble: string | undefined;

  constructor(options: { readonly group: ConsumerGroup; readonly writer: LogWriter; readonly logger: Logger }) {
    this.#group = options.group;
    this.#writer = options.writer;
    this.#logger = options.logger;
  }

  async *read({ stop, maxRecords, maxBytes }: ReadOptions): AsyncGenerator<RecordBatch, void> {
    if (this.#reading) throw new Error('Consumer.read is to be called once');
    this.#reading = true;
    const ended = AbortSignal.any([stop, this.#closing.signal]);
    if (ended.aborted) return;
    const onEnded = () => this.wake();
    ended.addEventListener('abort', onEnded);
    this.#group.join(this);
    try {
      for (let failures = 0; !ended.aborted; ) {
        try {
          const batch = this.#nextBatch(maxRecords, maxBytes);
          failures = 0;
          this.#trouble = undefined;
          if (batch) {
            yield batch;
            // A reader that is always behind must not keep sockets and timers waiting.
            await nextTurn();
          } else {
            await this.#awake.promise;
          }
        } catch (error) {
          this.#trouble = `the embedded log cannot be read: ${describeError(error)}`;
          if (failures === 0) this.#logger.error({ err: error }, 'the embedded log cannot be read; trying again');
          await sleep(backoffMs(failures++, { firstMs: 100, maxMs: 5000 }), ended);
        }
      }
    } finally {
      ended.removeEventListener('abort', onEnded);
    }
  }

  positions(): readonly ReadPosition[] | undefined {
    if (!this.#reading || this.#closing.signal.aborted) return undefined;
    return this.#leases
      .filter(({ revoked }) => !revoked)
      .map(({ partition, finished, stopped }) => ({ partition, finished: BigInt(finished), stopped }));
  }

  health(): HealthState {
    const reason = this.#trouble ?? this.#leases.find((lease) => lease.stopped !== undefined)?.stopped;
    return reason === undefined ? { up: true } : { up: false, reason };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  assign(lease: PartitionLease): void {
    this.#leases.push(lease);
  }

  wake(): void {
    this.#awake.resolve();
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    this.#group.leave(this);
    await this.#writer.flush();
  }

  #nextBatch(maxRecords: number, maxBytes: number): RecordBatch | undefined {
    this.#awake = Promise.withResolvers<void>();
    this.#leases = this.#leases.filter((lease) => !lease.revoked);
    const failures: unknown[] = [];
    for (const [index, lease] of this.#leases.entries()) {
      try {
        const batch = lease.nextBatch(maxRecords, maxBytes);
        if (!batch) continue;
        // To the end of the line: every partition has its turn.
        this.#leases.push(...this.#leases.splice(index, 1));
        return batch;
      } catch (error) {
        // A partition that cannot be read must not hold up the others.
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return undefined;
  }
}
