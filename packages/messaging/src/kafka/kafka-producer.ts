import type { Logger } from '@kero/runtime';
import { headerBytes } from '../header-bytes.ts';
import type { AppendOptions, NewRecord, Producer } from '../messaging.ts';
import { messagingError } from '../messaging-errors.ts';
import type { KafkaConfig } from '../messaging-settings.ts';
import { partitionForKey } from '../partition-for-key.ts';
import { AppendCall } from './append-call.ts';
import { BATCH_OVERHEAD_BYTES } from './check-topic.ts';
import type { Connection } from './client-options.ts';
import { Lane } from './lane.ts';
import { ProduceClient } from './produce-client.ts';
import { type TopicState, whyNotWritable } from './topic-state.ts';
import { TopicWatch } from './topic-watch.ts';

/** What one batch holds at most, and one request with the batches of several partitions. Larger ones are no faster and keep others waiting longer. */
const BATCH_RECORDS = 4096;
const BATCH_BYTES = 512 * 1024;
const REQUEST_BYTES = 1024 * 1024;
/** Records that wait or are being sent. One call may exceed it, when nothing else waits. */
const QUEUE_BYTES = 64 * 1024 * 1024;
const CLOSE_GRACE_MS = 10_000;

export interface KafkaProducerOptions {
  readonly connection: Connection;
  readonly config: Pick<KafkaConfig, 'topic' | 'compression' | 'maxRecordBytes'>;
  readonly state: TopicState;
  readonly minInSync: number;
  /** The topic's limit of a batch. */
  readonly maxMessageBytes: number;
  readonly logger: Logger;
}

/** Says which partition a record goes to, how many may wait, and whether they are taken at all; the lane sends them. */
export class KafkaProducer implements Producer {
  readonly #options: KafkaProducerOptions;
  readonly #lane: Lane;
  readonly #watch: TopicWatch;
  /** Why no partition can be written, as the brokers say. */
  #unwritable: { readonly reason: string; readonly since: number } | undefined;
  #partitions: number;
  #queuedBytes = 0;
  #closing: Promise<void> | undefined;

  constructor(options: KafkaProducerOptions) {
    this.#options = options;
    const { connection, config, state, minInSync, maxMessageBytes, logger } = options;
    this.#partitions = state.partitions.length;
    const bytes = Math.min(BATCH_BYTES, maxMessageBytes - BATCH_OVERHEAD_BYTES);
    this.#lane = new Lane({
      newClient: (rotation) => new ProduceClient({ connection, topic: config.topic, rotation }),
      topic: config.topic,
      compression: config.compression,
      minInSync,
      limits: { records: BATCH_RECORDS, bytes },
      requestBytes: REQUEST_BYTES,
      logger,
      onReleased: (released) => {
        this.#queuedBytes -= released;
      },
    });
    this.#watch = new TopicWatch({
      connection,
      topic: config.topic,
      logger,
      onState: (found) => this.#onState(found),
      onAway: (unanswered) => this.#lane.doubt(unanswered),
    });
  }

  append(records: readonly NewRecord[], { deadlineMs }: AppendOptions): Promise<void> {
    if (records.length === 0) return Promise.resolve();
    const call = new AppendCall(records.length, deadlineMs, ({ startedAt }) => {
      this.#lane.missedDeadline(startedAt, `no confirmation within ${deadlineMs} ms`);
    });
    if (this.#closing !== undefined) {
      call.failRest(messagingError('log_closed', 'the producer is closed'));
      return call.promise;
    }
    const sizes = new Array<number>(records.length);
    let total = 0;
    for (let index = 0; index < records.length; index++) {
      const record = records[index] as NewRecord;
      const size = record.key.length + record.value.length + headerBytes(record);
      sizes[index] = size;
      total += size;
    }
    if (this.#queuedBytes > 0 && this.#queuedBytes + total > QUEUE_BYTES) {
      call.failRest(messagingError('log_overloaded', `${this.#queuedBytes} bytes wait for the log already`));
      return call.promise;
    }
    // By partition, asked once a call, so that the records of one partition have the same answer. Empty: it takes records.
    const whyDown: (string | undefined)[] = [];
    for (let index = 0; index < records.length; index++) {
      const record = records[index] as NewRecord;
      const bytes = sizes[index] as number;
      if (bytes > this.#options.config.maxRecordBytes) {
        call.settle(index, tooLarge(bytes, this.#options.config.maxRecordBytes));
        continue;
      }
      const partition = partitionForKey(record.key, this.#partitions);
      whyDown[partition] ??= this.#lane.whyDown(partition) ?? '';
      const reason = whyDown[partition];
      if (reason !== '') {
        call.settle(index, messagingError('log_unavailable', `the log takes no records now: ${reason}`));
        continue;
      }
      this.#queuedBytes += bytes;
      this.#lane.push(partition, { call, index, record, bytes });
    }
    return call.promise;
  }

  /** Down when nothing can be written, or there is trouble and nothing was confirmed since: what can be taken is still served. */
  health(): { readonly up: true } | { readonly up: false; readonly reason: string } {
    if (this.#closing !== undefined) return { up: false, reason: 'closed' };
    const { confirmedAt } = this.#lane;
    const { away } = this.#watch;
    if (away && away.askedAt > confirmedAt) return { up: false, reason: away.reason };
    for (const trouble of [this.#unwritable, this.#lane.trouble]) {
      if (trouble && trouble.since > confirmedAt) return { up: false, reason: trouble.reason };
    }
    return { up: true };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([this.#watch.close(), this.#lane.close(CLOSE_GRACE_MS)]);
  }

  #onState(state: TopicState | undefined): void {
    const { minInSync, config } = this.#options;
    if (!state) {
      this.#setUnwritable(`the topic ${config.topic} does not exist`);
      return;
    }
    this.#followPartitions(state);
    const reasons = state.partitions.map((_, partition) => whyNotWritable(state, partition, minInSync));
    for (const [partition, reason] of reasons.entries()) {
      if (reason !== undefined) this.#lane.learnDown(partition, reason);
    }
    this.#setUnwritable(reasons.every((reason) => reason !== undefined) ? reasons[0] : undefined);
  }

  #setUnwritable(reason: string | undefined): void {
    this.#unwritable =
      reason === undefined ? undefined : { reason, since: this.#unwritable?.since ?? performance.now() };
  }

  /** Partitions may be added while we run. The order of a key starts anew then, because its partition changes. */
  #followPartitions(state: TopicState): void {
    const { logger, config } = this.#options;
    if (state.partitions.length === this.#partitions) return;
    logger.warn(
      { topic: config.topic, before: this.#partitions, after: state.partitions.length },
      'the number of partitions changed: the order of events of one user starts anew',
    );
    this.#partitions = state.partitions.length;
  }
}

function tooLarge(bytes: number, limit: number) {
  return messagingError('record_too_large', `the record has ${bytes} bytes and the limit is ${limit}`);
}
