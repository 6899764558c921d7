import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createLogger } from '@kero/runtime';
import type { LogRecord, Messaging, NewRecord } from '../messaging.ts';
import { AppendError } from '../messaging-errors.ts';
import type { EmbeddedConfig } from '../messaging-settings.ts';
import { type EmbeddedTuning, openEmbedded } from './open-embedded.ts';

export const GENEROUS = { deadlineMs: 30_000 };

const logger = createLogger({ name: 'test', level: 'silent', format: 'json' });

export async function temporaryFolder(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'kero-embedded-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export function embeddedConfig(directory: string, config: Partial<EmbeddedConfig> = {}): EmbeddedConfig {
  return { driver: 'embedded', directory, retentionMs: 60_000, maxRecordBytes: 1 << 20, ...config };
}

/** An open log that closes at the end of its block. */
export async function openLog(config: EmbeddedConfig, tuning?: EmbeddedTuning): Promise<Messaging & AsyncDisposable> {
  const messaging = await openEmbedded(config, { logger }, tuning);
  return { ...messaging, [Symbol.asyncDispose]: () => messaging.close() };
}

export function record(key: string, value: string | Buffer): NewRecord {
  return { key: Buffer.from(key), value: Buffer.from(value), headers: [] };
}

/** Reads and commits until the condition holds, or until nothing is left when there is none. */
export async function readAll(
  messaging: Messaging,
  { groupId = 'g', commit = true, expected }: { groupId?: string; commit?: boolean; expected: number },
): Promise<LogRecord[]> {
  const consumer = await messaging.consumer(groupId);
  const stop = new AbortController();
  const records: LogRecord[] = [];
  if (expected === 0) stop.abort();
  for await (const batch of consumer.read({ stop: stop.signal, maxRecords: 5000, maxBytes: 16 << 20 })) {
    records.push(...batch.records);
    if (commit) batch.commit();
    if (records.length >= expected) stop.abort();
  }
  await consumer.close();
  return records;
}

/** The codes of a rejected append, by index; none when it was confirmed. */
export async function failureCodes(append: Promise<void>): Promise<string[]> {
  try {
    await append;
    return [];
  } catch (error) {
    assert.ok(error instanceof AppendError, String(error));
    return [...error.failures.values()].map((failure) => failure.code);
  }
}
