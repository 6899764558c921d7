import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Consumer, LogRecord, Messaging, NewRecord, Producer, ReadOptions, RecordBatch } from '../messaging.ts';
import { partitionForKey } from '../partition-for-key.ts';

/** What a driver gives the suite for one test: an empty log of its own. */
export interface ContractLog {
  /** Opens the log; called again (after everything was closed) to open the same log once more. */
  open(): Promise<Messaging>;
  /** At least 2. */
  readonly partitions: number;
  /** The limit that the log was configured with; at most 4 MiB. */
  readonly maxRecordBytes: number;
  /** Makes the log unable to confirm appends, until what it returns is disposed. Without it the tests of that are skipped. */
  stall?(): Promise<AsyncDisposable>;
}

export type NewLog = (t: TestContext) => Promise<ContractLog>;

/** Long enough for a slow rebalance on a busy machine; nothing waits that long when all is well. */
const PATIENCE_MS = 60_000;
const TEST_TIMEOUT_MS = 180_000;
export const GENEROUS = { deadlineMs: 30_000 };

/** Registers one test with a log of its own that is closed at its end. */
export function scenario(
  newLog: NewLog,
  title: string,
  body: (log: LogUnderTest, t: TestContext) => Promise<void>,
): void {
  test(title, { timeout: TEST_TIMEOUT_MS }, async (t) => {
    await using log = new LogUnderTest(await newLog(t));
    await body(log, t);
  });
}

/** A log with the few things that the tests do again and again. */
export class LogUnderTest implements AsyncDisposable {
  readonly partitions: number;
  readonly maxRecordBytes: number;
  readonly stall: (() => Promise<AsyncDisposable>) | undefined;
  readonly #log: ContractLog;
  #messaging: Messaging | undefined;
  #producer: Producer | undefined;
  readonly #readings = new Set<Reading>();

  constructor(log: ContractLog) {
    this.#log = log;
    this.partitions = log.partitions;
    this.maxRecordBytes = log.maxRecordBytes;
    this.stall = log.stall?.bind(log);
  }

  async messaging(): Promise<Messaging> {
    this.#messaging ??= await this.#log.open();
    return this.#messaging;
  }

  async producer(): Promise<Producer> {
    this.#producer ??= await (await this.messaging()).producer();
    return this.#producer;
  }

  async append(...records: NewRecord[]): Promise<void> {
    await (await this.producer()).append(records, GENEROUS);
  }

  async read(groupId: string, options: Partial<ReadingOptions> = {}): Promise<Reading> {
    const reading = new Reading(await (await this.messaging()).consumer(groupId), options);
    this.#readings.add(reading);
    return reading;
  }

  /** Closes all that is open of the log; the next call opens it again. */
  async close(): Promise<void> {
    for (const reading of this.#readings) await reading.close();
    this.#readings.clear();
    await this.#messaging?.close();
    this.#messaging = undefined;
    this.#producer = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** A key of each partition: `keys[p]` goes to partition p. */
  keys(): string[] {
    const keys: string[] = [];
    for (let n = 0; Object.keys(keys).length < this.partitions; n++) {
      keys[partitionForKey(Buffer.from(`user-${n}`), this.partitions)] ??= `user-${n}`;
    }
    return keys;
  }

  /** A key of the given partition. */
  key(partition = 0): string {
    return this.keys()[partition] ?? assert.fail(`no partition ${partition}`);
  }
}

export interface ReadingOptions extends Omit<ReadOptions, 'stop'> {
  /** False leaves every batch open, for the test to commit. */
  readonly commit: boolean;
}

/** Reads a consumer in the background and keeps what came. */
export class Reading {
  readonly consumer: Consumer;
  readonly batches: RecordBatch[] = [];
  /** Set to change whether later batches are committed as they come. */
  commit: boolean;
  ended = false;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  #failure: unknown;

  constructor(consumer: Consumer, { commit = true, maxRecords = 1000, maxBytes = 1 << 20 }: Partial<ReadingOptions>) {
    this.consumer = consumer;
    this.commit = commit;
    this.#done = this.#run({ stop: this.#stop.signal, maxRecords, maxBytes });
  }

  async #run(options: ReadOptions): Promise<void> {
    try {
      for await (const batch of this.consumer.read(options)) {
        this.batches.push(batch);
        if (this.commit) batch.commit();
      }
    } catch (error) {
      this.#failure = error;
    }
    this.ended = true;
  }

  /** Waits until the condition holds; fails with what the reading failed with, or after a long time. */
  async until(condition: () => boolean, what: string): Promise<void> {
    const soFar = () => `${what}; read so far: ${this.values().length} records in ${this.batches.length} batches`;
    await until(() => {
      this.#check();
      return condition();
    }, soFar);
  }

  async untilValues(values: readonly string[]): Promise<void> {
    await this.until(() => isSubset(values, this.values()), `these are read: ${values.join().slice(0, 200)}`);
  }

  /** Aborts the stop signal and waits for the end of the iteration, which must be a clean one. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
    this.#check();
  }

  async close(): Promise<void> {
    await this.stop();
    await this.consumer.close();
  }

  records(partition?: number): LogRecord[] {
    return this.of(partition).flatMap((batch) => batch.records);
  }

  values(partition?: number): string[] {
    return this.records(partition).map((record) => String(record.value));
  }

  of(partition?: number): RecordBatch[] {
    return this.batches.filter((batch) => partition === undefined || batch.partition === partition);
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

export function record(key: string, value: string, headers: NewRecord['headers'] = []): NewRecord {
  return { key: Buffer.from(key), value: Buffer.from(value), headers };
}

/** `series('a', 3)` is a-0, a-1, a-2. */
export function series(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${prefix}-${n}`);
}

/** Tests wait for conditions, never for a time. */
export async function until(condition: () => boolean | Promise<boolean>, what: string | (() => string)): Promise<void> {
  const giveUp = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > giveUp) {
      assert.fail(`waited ${PATIENCE_MS} ms in vain until ${typeof what === 'string' ? what : what()}`);
    }
    await delay(5);
  }
}

export function isSubset(part: readonly string[], whole: readonly string[]): boolean {
  const have = new Set(whole);
  return part.every((value) => have.has(value));
}

/** The one item of a list that must have one. */
export function only<T>(items: readonly T[], what: string): T {
  assert.equal(items.length, 1, `exactly one ${what}`);
  return items[0] as T;
}
