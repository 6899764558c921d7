import { isKeroError, type Logger, sleep, withDeadline } from '@kero/runtime';
import { Admin, Consumer } from '@platformatic/kafka';
import { messagingError } from '../messaging-errors.ts';
import type { KafkaConfig } from '../messaging-settings.ts';
import { type OffsetAdmin, type PartitionPosition, type SkipResult, whyNotSkip } from '../offset-admin.ts';
import { addresses, type Connection, clientOptions, readConnection } from './client-options.ts';
import { brokerErrors, reasonOf } from './kafka-errors.ts';
import { readTopicState } from './topic-state.ts';

const EARLIEST = -2n;
const LATEST = -1n;
const SESSION_TIMEOUT_MS = 10_000;
const REBALANCE_TIMEOUT_MS = 15_000;
/** Every member of the group has to answer before the new one is in. */
const SKIP_PATIENCE_MS = 60_000;
const RETRY_PAUSE_MS = 500;
const CLOSE_PATIENCE_MS = 3000;
/** The group is being shared anew: our membership is valid again in a moment. */
const REBALANCING = ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'];

/** See openOffsetAdmin. */
export async function openKafkaOffsetAdmin(
  config: KafkaConfig,
  groupId: string,
  { logger }: { readonly logger: Logger },
): Promise<OffsetAdmin> {
  return new KafkaOffsetAdmin(await readConnection(config), config, groupId, logger);
}

class KafkaOffsetAdmin implements OffsetAdmin {
  readonly description: string;
  readonly #connection: Connection;
  readonly #topic: string;
  readonly #groupId: string;
  readonly #logger: Logger;
  readonly #admin: Admin;

  constructor(connection: Connection, config: KafkaConfig, groupId: string, logger: Logger) {
    this.description = `Kafka ${addresses(config)}, topic ${config.topic}`;
    this.#connection = connection;
    this.#topic = config.topic;
    this.#groupId = groupId;
    this.#logger = logger;
    this.#admin = new Admin({
      ...clientOptions(connection, 'offsets', 0),
      retries: 5,
      retryDelay: 300,
      connectTimeout: 2000,
      requestTimeout: 5000,
    });
    this.#admin.on('error', () => {});
  }

  async positions(): Promise<PartitionPosition[]> {
    const name = this.#topic;
    return this.#guarded(async () => {
      const state = await readTopicState(this.#admin, name);
      if (!state) throw messagingError('topic_missing', `the topic ${name} does not exist`);
      const partitions = [...state.partitions.keys()];
      const list = async (timestamp: bigint) => {
        const wanted = { name, partitions: partitions.map((partitionIndex) => ({ partitionIndex, timestamp })) };
        const listed = (await this.#admin.listOffsets({ topics: [wanted] })).find((topic) => topic.name === name);
        return new Map(listed?.partitions.map(({ partitionIndex, offset }) => [partitionIndex, offset]));
      };
      const [starts, ends, committed] = [await list(EARLIEST), await list(LATEST), await this.#committed()];
      return partitions.map((partition) => {
        const [logStart, logEnd] = [starts.get(partition), ends.get(partition)];
        if (logStart === undefined || logEnd === undefined) {
          throw messagingError('log_unavailable', `the brokers left out partition ${partition}`);
        }
        return { partition, logStart, logEnd, committed: committed.get(partition) };
      });
    });
  }

  /**
   * A group that has members takes commits only from them, for whichever partition. So this becomes one for a moment. The
   * others begin anew at the committed offsets when it comes and when it goes, the partition that stood still among them.
   */
  async skipGap(partition: number, from: bigint): Promise<SkipResult> {
    const member = this.#newMember();
    const giveUpAt = performance.now() + SKIP_PATIENCE_MS;
    const late = () =>
      messagingError('log_unavailable', `the group ${this.#groupId} did not take a new member in time`);
    let tried: bigint | undefined;
    try {
      await this.#guarded(() => withDeadline(member.joinGroup({}), SKIP_PATIENCE_MS, late));
      for (;;) {
        const position = (await this.positions())[partition];
        // An attempt before this one may have been taken although its answer got lost.
        if (tried !== undefined && position?.committed === tried) return { skipped: true, from, to: tried };
        const reason = whyNotSkip(position, from);
        if (!position || reason !== undefined)
          return { skipped: false, reason: reason ?? 'there is no such partition' };
        tried = position.logStart;
        try {
          const offsets = [{ topic: this.#topic, partition, offset: tried, leaderEpoch: -1 }];
          await member.commit({ offsets });
          return { skipped: true, from, to: tried };
        } catch (error) {
          const names = brokerErrors(error);
          const mayPass = names.size === 0 || REBALANCING.some((name) => names.has(name));
          if (!mayPass || performance.now() > giveUpAt) throw this.#toKeroError(error);
          this.#logger.debug({ reason: reasonOf(error) }, 'the group is being shared anew; trying again');
          await sleep(RETRY_PAUSE_MS);
        }
      }
    } finally {
      // Leaving is what makes the others begin anew; a member that only vanishes is missed after its session time-out.
      await withDeadline(member.close(true), CLOSE_PATIENCE_MS, late).catch(() => {});
    }
  }

  async close(): Promise<void> {
    await this.#admin.close().catch(() => {});
  }

  async #committed(): Promise<Map<number, bigint>> {
    const groups = await this.#admin.listConsumerGroupOffsets({ groups: [this.#groupId] });
    const topic = groups.flatMap((group) => group.topics).find(({ name }) => name === this.#topic);
    const partitions = topic?.partitions.filter(({ committedOffset }) => committedOffset >= 0n) ?? [];
    return new Map(partitions.map(({ partitionIndex, committedOffset }) => [partitionIndex, committedOffset]));
  }

  /** As the members of GroupSession: all of a group must offer the same protocols. */
  #newMember(): Consumer {
    const member = new Consumer({
      ...clientOptions(this.#connection, 'offsets', 0),
      groupId: this.#groupId,
      autocommit: false,
      retries: 3,
      retryDelay: 250,
      connectTimeout: 2000,
      requestTimeout: REBALANCE_TIMEOUT_MS + 5000,
      sessionTimeout: SESSION_TIMEOUT_MS,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      heartbeatInterval: 1000,
    });
    member.topics.track(this.#topic);
    member.on('error', () => {});
    return member;
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#toKeroError(error);
    }
  }

  #toKeroError(error: unknown): Error {
    if (isKeroError(error)) return error;
    const message = `the brokers did not do it (group ${this.#groupId}): ${reasonOf(error)}`;
    return messagingError('log_unavailable', message, { cause: error });
  }
}
