import {
  type Consumer,
  createAPI,
  fetchV13,
  fetchV14,
  fetchV15,
  fetchV16,
  fetchV17,
  type Connection as KafkaConnection,
  ProtocolError,
  type Reader,
} from '@platformatic/kafka';

const FETCH = 1;
/** Before 13 a topic had no id; the answers of all of these read alike. */
const VERSIONS = new Map(
  [
    { version: 13, createRequest: fetchV13.createRequest },
    { version: 14, createRequest: fetchV14.createRequest },
    { version: 15, createRequest: fetchV15.createRequest },
    { version: 16, createRequest: fetchV16.createRequest },
    { version: 17, createRequest: fetchV17.createRequest },
  ].map(({ version, createRequest }) => [
    version,
    createAPI<Parameters<typeof createRequest>, Answer>(FETCH, version, createRequest, parseAnswer),
  ]),
);
const READ_COMMITTED = 1;
const MIN_BYTES = 1;
/** Without a session a request names all partitions, each time; a session would save that for those that do not move. */
const NO_SESSION = { id: 0, epoch: -1 };
/** Whoever fetches asks the metadata for the leaders. */
const NO_LEADER_EPOCH = -1;
const NO_RACK = '';

export interface PartitionWish {
  readonly partition: number;
  readonly position: bigint;
  /** A broker sends at least one whole batch of the first partition that has one, whatever its size. */
  readonly maxBytes: number;
}

export interface FetchWish {
  readonly topic: string;
  /** Kafka's topic id. */
  readonly topicId: string;
  /** Those that come first are served first, until `maxBytes` are full. */
  readonly partitions: readonly PartitionWish[];
  readonly maxBytes: number;
  /** How long the broker waits for a first record. */
  readonly maxWaitMs: number;
}

/** What a broker says about one partition. */
export interface PartitionAnswer {
  readonly partition: number;
  /** Kafka's error code; 0 for none. */
  readonly errorCode: number;
  /** Overlapping with what is in `records`. */
  readonly abortedTransactions: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[];
  /** Record batches, the last of which may be cut off. A copy: nothing of the other partitions is kept alive by it. */
  readonly records: Buffer;
}

/**
 * Fetches with the connections of the client, but decodes the answer here: the client makes objects of every field of every
 * record, which costs more than all that is done with them afterwards. Knows which version of the request a client's brokers
 * take.
 */
export class FetchCalls {
  readonly #versions = new WeakMap<Consumer, number>();

  /** Rejects when the broker cannot be asked, or refuses the whole; errors of single partitions are in their answers. */
  async fetch(client: Consumer, broker: number, wish: FetchWish): Promise<PartitionAnswer[]> {
    const version = this.#versions.get(client) ?? (await this.#negotiate(client));
    // Whoever fetches has just asked for it.
    const { brokers } = client.currentMetadata ?? (await client.metadata({ topics: [wish.topic] }));
    const address = brokers.get(broker);
    if (!address) throw new Error(`the brokers do not know the broker ${broker}`);
    const connection = await client.connections.get(address);
    const { errorCode, partitions } = await send(connection, version, wish);
    if (errorCode === 0) return partitions;
    // The next call asks again what the brokers take.
    this.#versions.delete(client);
    throw new ProtocolError(errorCode);
  }

  async #negotiate(client: Consumer): Promise<number> {
    const { minVersion = 0, maxVersion = 0 } = (await client.listApis()).find(({ apiKey }) => apiKey === FETCH) ?? {};
    const version = [...VERSIONS.keys()].findLast((known) => known >= minVersion && known <= maxVersion);
    if (version === undefined) throw new Error('the brokers are too old: Kafka 3.1 is needed');
    this.#versions.set(client, version);
    return version;
  }
}

interface Answer {
  readonly errorCode: number;
  readonly partitions: PartitionAnswer[];
}

function send(
  connection: KafkaConnection,
  version: number,
  { topicId, partitions, maxBytes, maxWaitMs }: FetchWish,
): Promise<Answer> {
  const api = VERSIONS.get(version);
  if (!api) throw new Error(`Fetch has no version ${version} here`);
  const wanted = {
    topicId,
    partitions: partitions.map((wish) => ({
      partition: wish.partition,
      currentLeaderEpoch: NO_LEADER_EPOCH,
      fetchOffset: wish.position,
      lastFetchedEpoch: NO_LEADER_EPOCH,
      partitionMaxBytes: wish.maxBytes,
    })),
  };
  const { id, epoch } = NO_SESSION;
  return api.async(connection, maxWaitMs, MIN_BYTES, maxBytes, READ_COMMITTED, id, epoch, [wanted], [], NO_RACK);
}

function parseAnswer(_correlationId: number, _apiKey: number, _version: number, reader: Reader): Answer {
  return readFetchAnswer(reader);
}

/** Takes the parts of the partitions out of an answer. Throws when the bytes are no answer. */
export function readFetchAnswer(reader: Reader): Answer {
  reader.readInt32(); // How long the broker throttled.
  const errorCode = reader.readInt16();
  reader.readInt32(); // Session
  const topics = reader.readArray((ofTopic) => {
    ofTopic.readUUID();
    return ofTopic.readArray(readPartition);
  });
  // What follows are tagged fields: where the new leaders are.
  return { errorCode, partitions: topics.flat() };
}

function readPartition(reader: Reader): PartitionAnswer {
  const partition = reader.readInt32();
  const errorCode = reader.readInt16();
  reader.skip(3 * 8); // High watermark, last stable offset, start of the log
  const abortedTransactions = reader.readNullableArray((of) => ({
    producerId: of.readInt64(),
    firstOffset: of.readInt64(),
  }));
  reader.readInt32(); // A replica that is nearer; there is none without a rack.
  const size = Math.max(0, reader.readUnsignedVarInt() - 1);
  const records = copyOf(reader, size);
  reader.skip(size);
  return { partition, errorCode, abortedTransactions: abortedTransactions ?? [], records };
}

/**
 * The client keeps an answer as the pieces that the socket gave, with all partitions in them. One partition that
 * stands still must not keep those of the others alive; nor may it share memory of Node's pool with them.
 */
function copyOf(reader: Reader, size: number): Buffer {
  const pieces = reader.buffer.subarray(reader.position, reader.position + size).buffers;
  const copy = Buffer.allocUnsafeSlow(size);
  let end = 0;
  for (const piece of pieces) end += piece.copy(copy, end);
  return copy;
}
