import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import { connectDatabase, type Database } from '@kero/database';
import { createLogger } from '@kero/runtime';
import { type Ended, type KeroProcess, runKero, startKero } from './kero-process.ts';
import { waitUntil } from './wait-until.ts';

const logger = createLogger({ level: 'silent', format: 'json', name: 'test' });

/** What became of the records that a processor read, as it says when it stops. */
export interface StoppedCounts {
  readonly read: number;
  readonly stored: number;
  readonly duplicates: number;
  readonly redelivered: number;
  readonly skipped: number;
  readonly deadLetters: Readonly<Record<string, number>>;
}

/** `kero start` with nothing but a data folder and free ports, again and again on the same folder. */
export class EmbeddedKero {
  readonly environment: Record<string, string>;
  readonly #t: TestContext;
  readonly #folder: string;
  #kero: KeroProcess | undefined;
  #database: Database | undefined;
  #url = '';

  constructor(t: TestContext, folder: string) {
    this.#t = t;
    this.#folder = folder;
    this.environment = { KERO_DATA_DIR: folder, RECEIVER_PORT: '0', ADMIN_PORT: '0' };
    t.after(() => this.#database?.close());
  }

  /** Of the receiver. */
  get url(): string {
    return this.#url;
  }

  async start(extra: Readonly<Record<string, string>> = {}): Promise<KeroProcess> {
    this.#kero = startKero(this.#t, ['start'], { ...this.environment, ...extra });
    const [, url] = await this.#kero.printed(/receiver +(http:\S+)/);
    this.#url = url ?? '';
    const directory = join(this.#folder, 'postgres');
    const settings = { port: undefined, database: 'processor', user: 'kero', password: undefined };
    this.#database = await connectDatabase(
      { driver: 'embedded', directory, ...settings, applicationName: 'test', maxConnections: 1 },
      { logger },
    );
    return this.#kero;
  }

  /** Stops it politely, which must succeed, and gives the counts of its processor. */
  async stop(): Promise<StoppedCounts> {
    const { output, code } = await this.#end('SIGTERM');
    if (code !== 0) throw new Error(`it ended with ${code}:\n${output}`);
    const line = output.split('\n').find((text) => text.includes('"processor stopped"'));
    if (!line) throw new Error(`no counts in:\n${output}`);
    return JSON.parse(line) as StoppedCounts;
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Runs a command on the same data. */
  async run(...args: string[]): Promise<Ended> {
    return runKero(this.#t, args, this.environment);
  }

  /** Values as PostgreSQL prints them. Only while it runs. */
  async sql(statement: string): Promise<(string | null)[][]> {
    if (!this.#database) throw new Error('it does not run');
    return (await this.#database.query(statement)).rows.map((row) => [...row]);
  }

  async count(table: string): Promise<number> {
    return Number((await this.sql(`select count(*) from ${table}`))[0]?.[0]);
  }

  /** Waits until everything in the log is committed. */
  async drained(): Promise<void> {
    await waitUntil(() => this.#positions().every(({ end, committed }) => end === committed), {
      what: () => `the log to be drained: ${JSON.stringify(this.#positions())}`,
    });
  }

  /** Sets the group back to the beginning, as if no commit had reached the log. Only while it is stopped. */
  rewind(): void {
    this.#onLog((log) => log.exec('UPDATE committed_offsets SET next_offset = 0'));
  }

  /** The log begins anew: the same positions, another identity. Only while it is stopped. */
  removeLog(): void {
    rmSync(join(this.#folder, 'messaging'), { recursive: true });
  }

  #positions(): { end: number; committed: number }[] {
    return this.#onLog((log) => {
      const partitions = Number(log.prepare('SELECT partitions FROM log').get()?.partitions);
      return Array.from({ length: partitions }, (_, partition) => {
        const end = log.prepare(`SELECT max(base_offset + record_count) AS n FROM partition_${partition}`).get();
        const committed = log.prepare('SELECT max(next_offset) AS n FROM committed_offsets WHERE partition = ?');
        return { end: Number(end?.n ?? 0), committed: Number(committed.get(partition)?.n ?? 0) };
      });
    });
  }

  #onLog<T>(work: (log: DatabaseSync) => T): T {
    const log = new DatabaseSync(join(this.#folder, 'messaging', 'log.sqlite'), { timeout: 5000 });
    try {
      return work(log);
    } finally {
      log.close();
    }
  }

  async #end(signal: NodeJS.Signals): Promise<Ended> {
    await this.#database?.close();
    this.#database = undefined;
    if (!this.#kero) throw new Error('it does not run');
    return this.#kero.stop(signal);
  }
}
