import { type Logger, sleep, withDeadline } from '@kero/runtime';
import type { ReadOptions, ReadPosition, RecordBatch } from '../messaging.ts';
import { type MessagingErrorCode, messagingErrors } from '../messaging-errors.ts';
import type { Connection } from './client-options.ts';
import { Epoch } from './epoch.ts';
import { Fetcher } from './fetcher.ts';
import { GroupMember } from './group-member.ts';
import { type Generation, GroupOffsets } from './group-offsets.ts';
import { reasonOf } from './kafka-errors.ts';
import type { PartitionReader } from './partition-reader.ts';

const COMMIT_INTERVAL_MS = 300;
const START_OFFSETS_PATIENCE_MS = 30_000;
const RETRY_PAUSE_MS = 250;
/** Longer than a rebalance with every other member at its slowest. */
const NOT_READING_LIMIT_MS = 60_000;
/** Shorter silences are normal when a leader changes. */
const SILENCE_PROBLEM_MS = 15_000;
const SILENCE_LIMIT_MS = 30_000;
const CLOSE_PATIENCE_MS = 3000;

export interface GroupSessionOptions {
  readonly connection: Connection;
  readonly topic: string;
  readonly groupId: string;
  readonly rotation: number;
  readonly sessionTimeoutMs: number;
  readonly logger: Logger;
  /** A batch may be ready. */
  readonly onReady: () => void;
  /** What this member was given is being read: the brokers answer. */
  readonly onReading: () => void;
}

/**
 * One membership of the group, from the join until it is closed or broken, with three clients of its own: GroupMember
 * joins and sends heartbeats, Fetcher fetches, GroupOffsets commits.
 *
 *   joining --group:join, start offsets read--> reading (an epoch is current)
 *   reading --group:join (rebalance), or the topic was made anew--> joining: the epoch ends, the next one begins
 *   reading --a commit is refused because the group goes on without us--> joining: the client joins again by itself
 *   any --the join failed, heartbeats stalled, or nothing moves for too long--> broken; the owner closes it and makes another
 *   any --close()--> closed
 */
export class GroupSession {
  readonly #options: GroupSessionOptions;
  readonly #member: GroupMember;
  readonly #offsets: GroupOffsets;
  readonly #fetcher: Fetcher;
  readonly #broken = Promise.withResolvers<string>();
  readonly #closing = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #epoch: Epoch | undefined;
  /** Since when there is no epoch, or one that ends with the rebalance that has begun. */
  #notReadingSince: number | undefined = performance.now();
  /** Counts the attempts to begin an epoch; only the newest one goes on. */
  #beginnings = 0;
  #fetching = true;
  #rebalancing = false;
  #committing: Promise<boolean> | undefined;
  #commitFailure: { readonly reason: string; readonly since: number } | undefined;

  constructor(options: GroupSessionOptions) {
    this.#options = options;
    const { connection, topic, groupId, rotation, logger } = options;
    this.#member = new GroupMember({
      ...options,
      onJoined: (generation, partitions) => void this.#begin(generation, partitions),
      onRebalance: () => this.#onRebalance(),
      onLost: (reason) => this.#break(reason),
    });
    this.#offsets = new GroupOffsets(connection, topic, groupId, rotation);
    this.#fetcher = new Fetcher({
      connection,
      topic,
      groupId,
      rotation,
      logger,
      onAnswer: options.onReading,
      onRecords: options.onReady,
      onOutOfRange: (epoch, reader) => this.#onOutOfRange(epoch, reader),
      onUndecodable: (epoch, reader, reason) => this.#onUndecodable(epoch, reader, reason),
      onHung: () => this.#break('a fetch got no answer'),
      onTopicChanged: (epoch) => this.#onTopicChanged(epoch),
    });
    this.#timer = setInterval(() => this.#tick(), COMMIT_INTERVAL_MS);
  }

  /** Joins, and resolves with the reason when the session is of no more use. */
  async run(): Promise<string> {
    this.#member.join();
    return this.#broken.promise;
  }

  /** Undefined while all is well. */
  get problem(): { readonly reason: string; readonly forMs: number } | undefined {
    const stopped = this.#epoch?.stoppedReason();
    if (stopped) return { reason: stopped, forMs: Number.POSITIVE_INFINITY };
    const now = performance.now();
    if (this.#notReadingSince) return { reason: 'joining the group', forMs: now - this.#notReadingSince };
    const silentMs = this.#fetcher.silentMs;
    if (silentMs > SILENCE_PROBLEM_MS) return { reason: 'the brokers do not answer', forMs: silentMs };
    if (this.#commitFailure) {
      return { reason: `commits fail: ${this.#commitFailure.reason}`, forMs: now - this.#commitFailure.since };
    }
    return undefined;
  }

  get positions(): readonly ReadPosition[] | undefined {
    return this.#rebalancing ? undefined : this.#epoch?.positions();
  }

  nextBatch(options: ReadOptions): RecordBatch | undefined {
    if (this.#rebalancing) return undefined;
    const batch = this.#epoch?.nextBatch(options, () => {
      this.#options.onReady();
      this.#fetcher.pump();
    });
    // The buffer has room again: fetch while the batch is worked on.
    if (batch) this.#fetcher.pump();
    return batch;
  }

  /** Nobody will take batches any more; those that are open can still be committed. */
  stopFetching(): void {
    this.#fetching = false;
    this.#fetcher.follow(undefined);
  }

  /** Ends the epoch, makes its commits durable, leaves the group. All of it bounded. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    clearInterval(this.#timer);
    this.stopFetching();
    const epoch = this.#epoch;
    this.#endEpoch();
    if (epoch) await this.#lastCommit(epoch);
    const closed = Promise.all([this.#fetcher.close(), this.#offsets.close(), this.#member.close()]);
    await withDeadline(closed, CLOSE_PATIENCE_MS, () => new Error('the brokers did not let go in time')).catch(
      (error) => this.#options.logger.debug({ reason: reasonOf(error) }, 'left the group without an answer'),
    );
  }

  #onRebalance(): void {
    // Work that began now would be done twice. A last commit is accepted while the others still join.
    this.#rebalancing = true;
    this.#notReadingSince ??= performance.now();
    void this.#commit();
  }

  #break(reason: string): void {
    if (!this.#closing.signal.aborted) this.#broken.resolve(reason);
  }

  #endEpoch(): void {
    this.#epoch?.end();
    this.#epoch = undefined;
    this.#notReadingSince ??= performance.now();
    this.#fetcher.follow(undefined);
  }

  async #begin(generation: Generation, partitions: readonly number[]): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const mine = ++this.#beginnings;
    this.#endEpoch();
    const giveUpAt = performance.now() + START_OFFSETS_PATIENCE_MS;
    for (;;) {
      try {
        const { logId, offsets } = await this.#offsets.startOffsets(partitions);
        if (mine !== this.#beginnings || this.#closing.signal.aborted) return;
        this.#epoch = new Epoch(generation, logId, offsets);
        break;
      } catch (error) {
        if (mine !== this.#beginnings || this.#closing.signal.aborted) return;
        if (performance.now() > giveUpAt) return this.#break(`cannot read the committed offsets: ${reasonOf(error)}`);
        await sleep(RETRY_PAUSE_MS, this.#closing.signal);
      }
    }
    this.#rebalancing = false;
    this.#notReadingSince = undefined;
    const { logger, topic, groupId } = this.#options;
    logger.info({ topic, groupId, generation: generation.generationId, partitions }, 'reading from Kafka');
    if (this.#fetching) this.#fetcher.follow(this.#epoch);
    if (partitions.length === 0) this.#options.onReading();
  }

  #tick(): void {
    if (this.#notReadingSince && performance.now() - this.#notReadingSince > NOT_READING_LIMIT_MS) {
      this.#break('did not get into the group');
    } else if (this.#fetcher.silentMs > SILENCE_LIMIT_MS) {
      this.#break('the brokers do not answer');
    }
    void this.#commit();
  }

  /** One at a time. True when nothing is left to commit. */
  #commit(): Promise<boolean> {
    this.#committing ??= this.#commitOnce(this.#epoch).finally(() => {
      this.#committing = undefined;
    });
    return this.#committing;
  }

  async #commitOnce(epoch: Epoch | undefined): Promise<boolean> {
    const claims = epoch?.claims();
    if (!epoch || !claims || claims.size === 0) return true;
    try {
      const result = await this.#offsets.commit(epoch.generation, epoch.logId, claims);
      this.#commitFailure = undefined;
      if (result === 'committed') epoch.confirm(claims);
      if (result === 'fenced' && epoch === this.#epoch) this.#endEpoch();
      if (result === 'topic_changed') this.#onTopicChanged(epoch);
      return result !== 'rebalancing';
    } catch (error) {
      const reason = reasonOf(error);
      this.#commitFailure = { reason, since: this.#commitFailure?.since ?? performance.now() };
      this.#options.logger.debug({ reason }, 'a commit failed; trying again');
      return false;
    }
  }

  async #lastCommit(epoch: Epoch): Promise<void> {
    const giveUpAt = performance.now() + CLOSE_PATIENCE_MS;
    await withDeadline(this.#committing ?? Promise.resolve(true), CLOSE_PATIENCE_MS, () => new Error()).catch(() => {});
    while (performance.now() < giveUpAt) {
      const left = giveUpAt - performance.now();
      const done = await withDeadline(this.#commitOnce(epoch), left, () => new Error('late')).catch(() => false);
      if (done) return;
      await sleep(RETRY_PAUSE_MS);
    }
    this.#options.logger.warn('the last commits were not confirmed: their records will be read again');
  }

  /** The epoch of a topic that is gone claims nothing about the new one, although the offsets look alike. */
  #onTopicChanged(epoch: Epoch): void {
    if (epoch !== this.#epoch) return;
    const { logger, topic } = this.#options;
    logger.warn({ topic, logId: epoch.logId }, 'the topic was deleted and made anew; starting again with the new one');
    void this.#begin(epoch.generation, [...epoch.readers.keys()]);
  }

  /** Jumping to what is left would skip records silently, so the partition stands still until a person has decided. */
  async #onOutOfRange(epoch: Epoch, reader: PartitionReader): Promise<void> {
    const range = await this.#offsets.range(reader.partition).catch(() => undefined);
    const { position, partition } = reader;
    // The brokers may disagree for a moment while a leader changes.
    if (!range || epoch !== this.#epoch || (position >= range.earliest && position <= range.latest)) return;
    const reason =
      `partition ${partition} stands still: offset ${position} would be read next, ` +
      `but the log holds ${range.earliest} to ${range.latest}`;
    this.#stopPartition(reader, 'offset_out_of_range', reason);
  }

  #onUndecodable(epoch: Epoch, reader: PartitionReader, why: string): void {
    if (epoch !== this.#epoch) return;
    const { position, partition } = reader;
    const reason = `partition ${partition} stands still: what the log holds at offset ${position} cannot be decoded: ${why}`;
    this.#stopPartition(reader, 'records_undecodable', reason);
  }

  #stopPartition(reader: PartitionReader, code: MessagingErrorCode, reason: string): void {
    reader.stop(reason);
    const { logger, topic, groupId } = this.#options;
    const { partition, position } = reader;
    logger.error(
      { code, topic, groupId, partition, position: String(position) },
      `${reason}. ${messagingErrors[code].remedy}`,
    );
  }
}
