import { type ClusterMetadata, Producer } from '@platformatic/kafka';
import { messagingError } from '../messaging-errors.ts';
import { type Connection, clientOptions } from './client-options.ts';
import { type PartitionBatch, PRODUCE_API, type ProduceAnswer, produce, produceVersion } from './produce-request.ts';
import { readTopicState, type TopicState } from './topic-state.ts';

const REQUEST_TIMEOUT_MS = 4000;
/** So long the library believes what brokers said of themselves. */
const METADATA_MAX_AGE_MS = 60_000;
/** The broker answers before the client gives up. */
const BROKER_TIMEOUT_MS = 3500;

/** As whom batches are sent: the broker tells by it which it has stored already. */
export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/**
 * The client library as a lane uses it: for connections, metadata and identities. Requests with records are our own, one try each:
 * the library sends again by itself, what it should not, and may confirm what is not stored (decision 0005).
 *
 * Nothing here has a deadline that can be relied on: the caller keeps one.
 */
export class ProduceClient {
  readonly #topic: string;
  readonly #client: Producer;
  #version: number | undefined;
  #requests = 0;
  #retired = false;

  constructor({ connection, topic, rotation }: ProduceClientOptions) {
    this.#topic = topic;
    this.#client = new Producer({
      ...clientOptions(connection, 'producer', rotation),
      retries: 0,
      connectTimeout: 1500,
      requestTimeout: REQUEST_TIMEOUT_MS,
      timeout: BROKER_TIMEOUT_MS,
      metadataMaxAge: METADATA_MAX_AGE_MS,
    });
    this.#client.on('error', () => {});
  }

  /** The broker that leads each partition, -1 where there is none now. `refresh`: as the brokers say at this moment. */
  async leaders(refresh: boolean): Promise<readonly number[]> {
    const metadata = await this.#metadata(refresh);
    const found = metadata.topics.get(this.#topic);
    if (!found) throw messagingError('log_unavailable', `the brokers know no topic ${this.#topic}`);
    return found.partitions.map(({ leader }) => (metadata.brokers.has(leader) ? leader : -1));
  }

  topicState(): Promise<TopicState | undefined> {
    return readTopicState(this.#client, this.#topic);
  }

  /** A new one with each call; its sequence for each partition begins at 0. */
  async newIdentity(): Promise<ProducerIdentity> {
    const { producerId, producerEpoch } = await this.#client.initIdempotentProducer({});
    return { producerId, producerEpoch };
  }

  /** One request to the broker that leads these partitions; see {@link produce}. */
  async produce(leader: number, batches: readonly PartitionBatch[]): Promise<ProduceAnswer> {
    this.#requests++;
    try {
      this.#version ??= await this.#negotiate();
      const broker = (await this.#metadata(false)).brokers.get(leader);
      if (!broker) throw messagingError('log_unavailable', `broker ${leader} is gone`);
      const connection = await this.#client.connections.get(broker);
      return await produce(connection, this.#version, this.#topic, batches, BROKER_TIMEOUT_MS);
    } finally {
      this.#requests--;
      if (this.#retired) this.#closeWhenIdle();
    }
  }

  /** Closes it when the requests that are out have ended, so that those to other brokers than the one in trouble get their answers. */
  retire(): void {
    this.#retired = true;
    this.#closeWhenIdle();
  }

  async close(): Promise<void> {
    await this.#client.close(true).catch(() => {});
  }

  #closeWhenIdle(): void {
    if (this.#requests === 0) void this.close();
  }

  /** What the library remembers is taken from it without asking, which costs as much as a small request. */
  async #metadata(refresh: boolean): Promise<ClusterMetadata> {
    const known = this.#client.currentMetadata;
    const lastUpdate = known?.topics.get(this.#topic)?.lastUpdate ?? Number.NEGATIVE_INFINITY;
    if (!refresh && known && lastUpdate > Date.now() - METADATA_MAX_AGE_MS) return known;
    return this.#client.metadata({ topics: [this.#topic], forceUpdate: refresh });
  }

  async #negotiate(): Promise<number> {
    const api = (await this.#client.listApis()).find(({ name }) => name === PRODUCE_API);
    const version = api && produceVersion(api.minVersion, api.maxVersion);
    if (version === undefined) throw messagingError('log_unavailable', 'the brokers are too old: Kafka 3.1 is needed');
    return version;
  }
}

export interface ProduceClientOptions {
  readonly connection: Connection;
  readonly topic: string;
  readonly rotation: number;
}
