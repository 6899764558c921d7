import { spawn } from 'node:child_process';
import { kafkaClassPath } from './kafka-jars.ts';
import { JAVA_OPTIONS } from './kafka-node.ts';

export interface KafkaToolOptions {
  readonly input?: string;
  /** Called for each line of its standard output, which is read as Latin-1: a character is a byte. */
  readonly onLine?: (line: string) => void;
  /** Ends the tool. */
  readonly signal?: AbortSignal;
}

/** Runs one of Kafka's own command line tools to its end. Rejects when it fails. */
export async function runKafkaTool(
  mainClass: string,
  args: readonly string[],
  { input = '', onLine = () => {}, signal }: KafkaToolOptions = {},
): Promise<void> {
  const child = spawn('java', [...JAVA_OPTIONS, '-cp', await kafkaClassPath(), mainClass, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  });
  let rest = '';
  child.stdout.setEncoding('latin1');
  child.stdout.on('data', (data: string) => {
    const lines = (rest + data).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  let errors = '';
  child.stderr.on('data', (data: Buffer) => {
    errors = (errors + data.toString()).slice(-20_000);
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (rest !== '') onLine(rest);
  // The console consumer ends with 1 when its time without records is over.
  const timedOut = /TimeoutException/.test(errors) && mainClass.endsWith('ConsoleConsumer');
  if (code !== 0 && !timedOut) throw new Error(`${mainClass} ended with ${code}:\n${errors}`);
}
