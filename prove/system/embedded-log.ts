import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { CommitSeen, LogUnderTest, StoredRecord } from './system.ts';

const SAMPLE_EVERY_MS = 500;
const RECORD_HEAD = 12;
const HEADER_HEAD = 8;

/**
 * The embedded log, read from its file as docs/decisions/0006-embedded-log.md describes it and with no code of Kero.
 *
 * It is only opened while Kero runs: SQLite's recovery after a kill -9 is part of what is tested, so nobody else may do it
 * first. Every look is one synchronous call, so nothing of the prover can kill Kero in the middle of it.
 */
export class EmbeddedLog implements LogUnderTest, Disposable {
  readonly description = 'its SQLite file, read by node:sqlite; committed offsets are sampled twice a second';
  readonly #file: string;
  readonly #isUp: () => boolean;
  readonly #commits: CommitSeen[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(file: string, isUp: () => boolean) {
    this.#file = file;
    this.#isUp = isUp;
    this.#timer = setInterval(() => this.sample(), SAMPLE_EVERY_MS);
  }

  /** Also called right before a process is killed, when commits and rows are most likely to disagree. */
  sample(): void {
    if (!this.#isUp() || !existsSync(this.#file)) return;
    try {
      for (const { partition, committed } of this.#read(readProgress)) {
        const last = this.#commits.findLast((commit) => commit.partition === partition);
        if (committed > 0 && last?.offset !== committed) {
          this.#commits.push({ partition, offset: committed, at: Date.now() });
        }
      }
    } catch {
      // Locked for a moment, or its tables are not made yet.
    }
  }

  async progress() {
    if (!this.#isUp()) throw new Error('kero start is down');
    return this.#read(readProgress);
  }

  async records(): Promise<StoredRecord[]> {
    return this.#read((database) =>
      partitionsOf(database).flatMap((partition) =>
        database
          .prepare(`SELECT base_offset, payload FROM partition_${partition} ORDER BY base_offset`)
          .all()
          .flatMap(({ base_offset, payload }) =>
            decodeChunk(Buffer.from(payload as Uint8Array), partition, Number(base_offset)),
          ),
      ),
    );
  }

  async commits(): Promise<CommitSeen[]> {
    this.sample();
    return this.#commits;
  }

  #read<T>(look: (database: DatabaseSync) => T): T {
    const database = new DatabaseSync(this.#file, { readOnly: true, timeout: 200 });
    try {
      return look(database);
    } finally {
      database.close();
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

function readProgress(database: DatabaseSync): { partition: number; committed: number; end: number }[] {
  return partitionsOf(database).map((partition) => {
    const last = database
      .prepare(`SELECT base_${partition} + count_${partition} AS next FROM appends ORDER BY seq DESC LIMIT 1`)
      .get();
    const committed = database.prepare('SELECT next_offset FROM committed_offsets WHERE partition = ?').get(partition);
    return { partition, committed: Number(committed?.next_offset ?? 0), end: Number(last?.next ?? 0) };
  });
}

function partitionsOf(database: DatabaseSync): number[] {
  const found = database.prepare('SELECT partitions FROM log').get();
  return Array.from({ length: Number(found?.partitions ?? 0) }, (_, partition) => partition);
}

/** A record: length of key, of value, of all headers; then the three. A header: length of name, of value; then the two. */
function decodeChunk(chunk: Buffer, partition: number, baseOffset: number): StoredRecord[] {
  const records: StoredRecord[] = [];
  for (let at = 0; at < chunk.length; ) {
    const keyAt = at + RECORD_HEAD;
    const valueAt = keyAt + chunk.readUInt32LE(at);
    const headersAt = valueAt + chunk.readUInt32LE(at + 4);
    const end = headersAt + chunk.readUInt32LE(at + 8);
    records.push({
      partition,
      offset: baseOffset + records.length,
      key: chunk.toString('utf8', keyAt, valueAt),
      value: chunk.toString('utf8', valueAt, headersAt),
      headers: decodeHeaders(chunk.subarray(headersAt, end)),
    });
    at = end;
  }
  return records;
}

function decodeHeaders(bytes: Buffer): [string, string][] {
  const headers: [string, string][] = [];
  for (let at = 0; at < bytes.length; ) {
    const nameAt = at + HEADER_HEAD;
    const valueAt = nameAt + bytes.readUInt32LE(at);
    const end = valueAt + bytes.readUInt32LE(at + 4);
    headers.push([bytes.toString('utf8', nameAt, valueAt), bytes.toString('utf8', valueAt, end)]);
    at = end;
  }
  return headers;
}
