/**
 * Kafka's own command line tools as an independent reader and writer: they share no code with Kero, so what they see in a
 * topic is what is there.
 */
import { spawn } from 'node:child_process';
import type { KafkaCluster } from './kafka-cluster.ts';
import { kafkaClassPath } from './kafka-jars.ts';
import { JAVA_OPTIONS } from './kafka-node.ts';

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
 * are there (quick), or until nothing came for two seconds.
 */
export async function readTopic(kafka: KafkaCluster, topic: string, count?: number): Promise<ConsoleRecord[]> {
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
  const output = await java('org.apache.kafka.tools.consumer.ConsoleConsumer', [
    ...['--bootstrap-server', kafka.bootstrapServers.join(','), '--topic', topic, '--from-beginning'],
    ...(count === undefined ? ['--timeout-ms', '2000'] : ['--timeout-ms', '20000', '--max-messages', String(count)]),
    ...Object.entries(properties).flatMap(([name, value]) => ['--formatter-property', `${name}=${value}`]),
  ]);
  // The tool's own log lines come through the same pipe.
  const lines = output.split('\n').filter((line) => /^(CreateTime|LogAppendTime|NO_TIMESTAMP)/.test(line));
  const records = lines.map(parseLine);
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

/** Writes records without headers, as any other program would. A null value is a tombstone. */
export async function writeTopic(
  kafka: KafkaCluster,
  topic: string,
  records: readonly { key: string; value: string | null }[],
): Promise<void> {
  const properties = { 'parse.key': 'true', 'key.separator': SEPARATOR, 'null.marker': NULL };
  const input = records.map(({ key, value }) => `${key}${SEPARATOR}${value ?? NULL}\n`).join('');
  await java(
    'org.apache.kafka.tools.ConsoleProducer',
    [
      ...['--bootstrap-server', kafka.bootstrapServers.join(','), '--topic', topic],
      ...Object.entries(properties).flatMap(([name, value]) => ['--reader-property', `${name}=${value}`]),
    ],
    input,
  );
}

async function java(mainClass: string, args: string[], input = ''): Promise<string> {
  const child = spawn('java', [...JAVA_OPTIONS, '-cp', await kafkaClassPath(), mainClass, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const output: Buffer[] = [];
  let errors = '';
  child.stdout.on('data', (data: Buffer) => output.push(data));
  child.stderr.on('data', (data: Buffer) => {
    errors += data.toString();
  });
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  // The console consumer ends with 1 when its time without records is over.
  const timedOut = /TimeoutException/.test(errors) && mainClass.endsWith('ConsoleConsumer');
  if (code !== 0 && !timedOut) throw new Error(`${mainClass} ended with ${code}:\n${errors}`);
  return Buffer.concat(output).toString('latin1');
}
