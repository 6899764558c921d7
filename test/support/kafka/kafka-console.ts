/**
 * Kafka's own command line tools as an independent reader and writer: they share no code with Kero, so what they see in a
 * topic is what is there.
 */
import type { KafkaCluster } from './kafka-cluster.ts';
import { runKafkaTool } from './kafka-tool.ts';

type Brokers = Pick<KafkaCluster, 'bootstrapServers'>;

export interface ConsoleRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[];
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

const BYTES = 'org.apache.kafka.common.serialization.BytesDeserializer';
// The deserializer writes every byte outside printable ASCII, and the backslash, as \xHH: so none of these is in a field.
const NULL = '\u0002';
const SEPARATOR = '\t';
const HEADER_SEPARATOR = '\u0001';

/**
 * Every record of the topic from its beginning, in the order of its partitions and offsets. Reads until `count` records
 * are there (quick), or until nothing came for six seconds: on a busy machine a partition may take that long to begin.
 */
export async function readTopic(kafka: Brokers, topic: string, count?: number): Promise<ConsoleRecord[]> {
  const properties = {
    'print.timestamp': 'true',
    'print.partition': 'true',
    'print.offset': 'true',
    'print.headers': 'true',
    'print.key': 'true',
    'key.separator': SEPARATOR,
    'headers.separator': HEADER_SEPARATOR,
    'null.literal': NULL,
    'key.deserializer': BYTES,
    'value.deserializer': BYTES,
    'headers.deserializer': BYTES,
  };
  const records: ConsoleRecord[] = [];
  const args = [
    ...['--bootstrap-server', kafka.bootstrapServers.join(','), '--topic', topic, '--from-beginning'],
    ...(count === undefined ? ['--timeout-ms', '6000'] : ['--timeout-ms', '20000', '--max-messages', String(count)]),
    ...Object.entries(properties).flatMap(([name, value]) => ['--formatter-property', `${name}=${value}`]),
  ];
  await runKafkaTool('org.apache.kafka.tools.consumer.ConsoleConsumer', args, {
    onLine: (line) => {
      // The tool's own log lines come through the same pipe.
      if (/^(CreateTime|LogAppendTime|NO_TIMESTAMP)/.test(line)) records.push(parseLine(line));
    },
  });
  return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}

function parseLine(line: string): ConsoleRecord {
  const [time = '', partition = '', offset = '', headers = '', key = '', value = ''] = line.split(SEPARATOR);
  return {
    timestampMs: number(time),
    partition: number(partition),
    offset: number(offset),
    headers: headers === 'NO_HEADERS' ? [] : headers.split(HEADER_SEPARATOR).map(parseHeader),
    key: bytes(key),
    value: bytes(value),
  };
}

function parseHeader(text: string): readonly [string, Buffer | null] {
  const colon = text.indexOf(':');
  return [text.slice(0, colon), bytes(text.slice(colon + 1))];
}

/** `Partition:3` -> 3 */
function number(field: string): number {
  return Number(field.slice(field.indexOf(':') + 1));
}

function bytes(text: string): Buffer | null {
  if (text === NULL) return null;
  return Buffer.from(
    text.replaceAll(/\\x([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
}

/**
 * Writes records without headers, as any other program would. A null value is a tombstone. `producer` are settings of the
 * tool's producer.
 */
export async function writeTopic(
  kafka: Brokers,
  topic: string,
  records: readonly { key: string; value: string | null }[],
  producer: Readonly<Record<string, string>> = {},
): Promise<void> {
  const properties = { 'parse.key': 'true', 'key.separator': SEPARATOR, 'null.marker': NULL };
  const input = records.map(({ key, value }) => `${key}${SEPARATOR}${value ?? NULL}\n`).join('');
  const args = [
    ...['--bootstrap-server', kafka.bootstrapServers.join(','), '--topic', topic],
    ...Object.entries(properties).flatMap(([name, value]) => ['--reader-property', `${name}=${value}`]),
    ...Object.entries(producer).flatMap(([name, value]) => ['--command-property', `${name}=${value}`]),
  ];
  await runKafkaTool('org.apache.kafka.tools.ConsoleProducer', args, { input });
}

export interface CommitRecord {
  readonly partition: number;
  /** The committed offset. */
  readonly offset: number;
  /** When the broker took it, in Unix milliseconds. */
  readonly committedAt: number;
}

const OFFSET_RECORD =
  /\{"key":\{"type":1,"data":\{"group":("(?:[^"\\]|\\.)*"),"topic":("(?:[^"\\]|\\.)*"),"partition":(\d+)\}\},"value":\{"version":\d+,"data":(\{[^{}]*\})/g;

/** Every commit that the group has ever made on the topic and that compaction has left, from Kafka's own topic of offsets. */
export async function readCommits(kafka: Brokers, groupId: string, topic: string): Promise<CommitRecord[]> {
  const commits: CommitRecord[] = [];
  const args = [
    ...['--bootstrap-server', kafka.bootstrapServers.join(','), '--topic', '__consumer_offsets', '--from-beginning'],
    ...['--formatter', 'org.apache.kafka.tools.consumer.OffsetsMessageFormatter', '--timeout-ms', '3000'],
  ];
  await runKafkaTool('org.apache.kafka.tools.consumer.ConsoleConsumer', args, {
    // This formatter writes one record after the other into the same line, and the tool its own log lines between.
    onLine: (line) => {
      for (const [, group, name, partition, value] of line.matchAll(OFFSET_RECORD)) {
        if (JSON.parse(group ?? '') !== groupId || JSON.parse(name ?? '') !== topic) continue;
        const { offset, commitTimestamp } = JSON.parse(value ?? '') as { offset: number; commitTimestamp: number };
        commits.push({ partition: Number(partition), offset, committedAt: commitTimestamp });
      }
    },
  });
  return commits;
}
