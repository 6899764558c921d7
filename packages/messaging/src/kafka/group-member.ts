import type { Logger } from '@kero/runtime';
import { Consumer, type ConsumerGroupJoinPayload, type GroupPartitionsAssigner } from '@platformatic/kafka';
import { type Connection, clientOptions } from './client-options.ts';
import type { Generation } from './group-offsets.ts';
import { reasonOf } from './kafka-errors.ts';
import { sharePartitions } from './share-partitions.ts';

/** How long the others have to join when the group is shared anew. */
const REBALANCE_TIMEOUT_MS = 15_000;
const HEARTBEAT_INTERVAL_MS = 1000;
const METADATA_MAX_AGE_MS = 300_000;
const PARTITION_COUNT_INTERVAL_MS = 10_000;

export interface GroupMemberOptions {
  readonly connection: Connection;
  readonly topic: string;
  readonly groupId: string;
  readonly rotation: number;
  readonly sessionTimeoutMs: number;
  readonly logger: Logger;
  /** A generation of the group begins, and these partitions are ours in it. */
  readonly onJoined: (generation: Generation, partitions: readonly number[]) => void;
  /** The group is being shared anew: onJoined or onLost follows. */
  readonly onRebalance: () => void;
  /** The membership is of no more use. */
  readonly onLost: (reason: string) => void;
}

/**
 * Membership in the group, with a client that does nothing else: it joins, sends heartbeats, and joins again by itself when
 * the group is shared anew or went on without it.
 */
export class GroupMember {
  readonly #options: GroupMemberOptions;
  readonly #client: Consumer;
  readonly #timer: NodeJS.Timeout;
  /** How many partitions of which topic we dealt out, while we are the one that does so for the group. */
  #shared: ReadonlyMap<string, number> | undefined;
  #sharing: ReadonlyMap<string, number> | undefined;
  #checking = false;

  constructor(options: GroupMemberOptions) {
    this.#options = options;
    this.#client = this.#newClient();
    this.#timer = setInterval(() => void this.#checkPartitions(), PARTITION_COUNT_INTERVAL_MS);
  }

  join(): void {
    this.#client
      .joinGroup({})
      .catch((error: unknown) => this.#options.onLost(`joining the group failed: ${reasonOf(error)}`));
  }

  /** Leaves the group, so that others need not wait for the session time-out. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#client.close(true);
  }

  #newClient(): Consumer {
    const { connection, topic, groupId, rotation, sessionTimeoutMs, onJoined, onRebalance, onLost } = this.#options;
    const rebalanceTimeout = Math.max(REBALANCE_TIMEOUT_MS, sessionTimeoutMs);
    const share: GroupPartitionsAssigner = (current, members, topics, metadata) => {
      this.#sharing = new Map([...metadata.topics].map(([name, { partitionsCount }]) => [name, partitionsCount]));
      return sharePartitions(current, members, topics, metadata);
    };
    const client = new Consumer({
      ...clientOptions(connection, 'member', rotation),
      groupId,
      autocommit: false,
      retries: 3,
      retryDelay: 250,
      connectTimeout: 2000,
      // A join is answered when all others have joined.
      requestTimeout: rebalanceTimeout + 5000,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout,
      heartbeatInterval: Math.min(HEARTBEAT_INTERVAL_MS, Math.floor(sessionTimeoutMs / 5)),
      heartbeatStallTimeout: 1.5 * sessionTimeoutMs,
      // A heartbeat must not wait for the first broker to tell who the others are.
      metadataMaxAge: METADATA_MAX_AGE_MS,
      partitionAssigner: share,
    });
    client.topics.track(topic);
    client.on('consumer:group:join', ({ memberId, generationId, isLeader, assignments }: ConsumerGroupJoinPayload) => {
      const partitions = assignments?.find((assignment) => assignment.topic === topic)?.partitions ?? [];
      // A member that is alone takes all there are without being asked.
      this.#shared = isLeader ? (this.#sharing ?? new Map([[topic, partitions.length]])) : undefined;
      this.#sharing = undefined;
      onJoined({ memberId, generationId: generationId ?? -1 }, partitions);
    });
    client.on('consumer:group:rebalance', onRebalance);
    client.on('consumer:heartbeat:stalled', ({ lastError }) =>
      onLost(`no heartbeat was answered for too long${lastError ? `: ${reasonOf(lastError)}` : ''}`),
    );
    client.on('error', (error) => onLost(reasonOf(error)));
    return client;
  }

  /** Brokers do not tell a group that a topic has got more partitions; who deals them out has to look. */
  async #checkPartitions(): Promise<void> {
    const shared = this.#shared;
    if (!shared || this.#checking) return;
    this.#checking = true;
    const request = { topics: [...shared.keys()], forceUpdate: true };
    const metadata = await this.#client.metadata(request).catch(() => undefined);
    this.#checking = false;
    for (const [topic, before] of shared) {
      const after = metadata?.topics.get(topic)?.partitionsCount;
      if (after === undefined || after === before || this.#shared !== shared) continue;
      const { groupId, logger } = this.#options;
      logger.warn({ topic, groupId, before, after }, 'the number of partitions changed: the group shares them anew');
      this.#shared = undefined;
      this.join();
    }
  }
}
