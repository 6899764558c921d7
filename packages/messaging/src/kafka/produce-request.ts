import {
  type CompressionAlgorithmValue,
  type Connection,
  compressionsAlgorithms,
  createAPI,
  ProtocolError,
  produceV9,
  produceV10,
  produceV11,
  ResponseError,
  Writer,
} from '@platformatic/kafka';
import type { BatchCompression } from './encode-batch.ts';

/** One batch a partition: `bytes` is what {@link encodeBatch} made. */
export interface PartitionBatch {
  readonly partition: number;
  readonly bytes: Buffer;
}

/** By partition: undefined, its batch is durable; else what the broker has answered. A partition that is missing has no answer. */
export type ProduceAnswer = ReadonlyMap<number, ProtocolError | undefined>;

export const PRODUCE_API = 'Produce';
/** All in-sync replicas. */
const ACKS_ALL = -1;

type ProduceResponse = ReturnType<typeof produceV11.parseResponse>;
type RequestArguments = [topic: string, batches: readonly PartitionBatch[], timeoutMs: number];

const PRODUCE = 0;
const apis = new Map(
  [
    { version: 11, parse: produceV11.parseResponse },
    { version: 10, parse: produceV10.parseResponse },
    { version: 9, parse: produceV9.parseResponse },
  ].map(({ version, parse }) => [
    version,
    createAPI<RequestArguments, ProduceResponse>(PRODUCE, version, requestOf, parse),
  ]),
);

/** The newest version that both know; undefined: the broker is older than Kafka 2.4. */
export function produceVersion(minVersion: number, maxVersion: number): number | undefined {
  return [...apis.keys()].find((version) => minVersion <= version && version <= maxVersion);
}

/**
 * Sends one request with batches of several partitions that this broker leads. Resolves with the broker's answer for each of them,
 * and rejects when there is none: then nobody knows which are stored.
 */
export async function produce(
  connection: Connection,
  version: number,
  topic: string,
  batches: readonly PartitionBatch[],
  timeoutMs: number,
): Promise<ProduceAnswer> {
  const api = apis.get(version);
  if (!api) throw new Error(`Produce has no version ${version} here`);
  const answer = new Map<number, ProtocolError | undefined>();
  for (const { partitionResponses } of (await responseOf(api.async(connection, topic, batches, timeoutMs))).responses) {
    for (const { index, errorCode, errorMessage } of partitionResponses) {
      answer.set(index, errorCode === 0 ? undefined : new ProtocolError(errorCode, errorMessage));
    }
  }
  return answer;
}

/** Of an answer with errors the client makes one error of its own, which has the answer with it. */
async function responseOf(answered: Promise<ProduceResponse>): Promise<ProduceResponse> {
  try {
    return await answered;
  } catch (error) {
    if (error instanceof ResponseError && 'response' in error) return error.response as ProduceResponse;
    throw error;
  }
}

/** https://kafka.apache.org/protocol#The_Messages_Produce, versions 9 to 11. */
function requestOf(...[topic, batches, timeoutMs]: RequestArguments): Writer {
  return Writer.create()
    .appendString(null)
    .appendInt16(ACKS_ALL)
    .appendInt32(timeoutMs)
    .appendArray([topic], (writer, name) => {
      writer.appendString(name).appendArray([...batches], (part, { partition, bytes }) => {
        part.appendInt32(partition).appendBytes(bytes);
      });
    })
    .appendTaggedFields();
}

/** As encodeBatch takes it. */
export function batchCompression(name: CompressionAlgorithmValue): BatchCompression | undefined {
  if (name === 'none') return undefined;
  const algorithm = compressionsAlgorithms[name];
  const compress = 'compress' in algorithm ? algorithm.compress : algorithm.compressSync;
  return { bitmask: algorithm.bitmask, compress };
}
