import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';
import type { PostgresConfig } from '@kero/database';
import { createLogger, type Logger } from '@kero/runtime';
import { chooseRunAs } from '../../../packages/database/src/embedded/run-as.ts';
import { type ClusterTools, createCluster } from '../../../packages/database/src/embedded/server-cluster.ts';
import { startServer, stopServer } from '../../../packages/database/src/embedded/server-control.ts';
import { findFreePort, serverFolder } from '../../../packages/database/src/embedded/server-folder.ts';
import { serverPid } from '../../../packages/database/src/embedded/server-pid.ts';
import { findServerPrograms } from '../../../packages/database/src/embedded/server-program.ts';
import { runQuery } from '../../../packages/database/src/postgres/run-query.ts';

export const silentLogger: Logger = createLogger({ level: 'silent', format: 'json', name: 'test' });

type ServerConfig = Pick<PostgresConfig, 'hosts' | 'user' | 'password'>;

/** A real PostgreSQL server for tests, and throwaway databases on it. */
export class PostgresServer {
  readonly #server: ServerConfig;
  /** A database that is there already, for statements about the others. */
  readonly #maintenance: string;
  #databases = 0;

  constructor(server: ServerConfig, maintenance = 'postgres') {
    this.#server = server;
    this.#maintenance = maintenance;
  }

  config(database: string, overrides: Partial<PostgresConfig> = {}): PostgresConfig {
    return {
      driver: 'postgres',
      ...this.#server,
      database,
      sslMode: 'disable',
      sslCaFile: undefined,
      migrate: true,
      applicationName: 'kero-test',
      maxConnections: 2,
      ...overrides,
    };
  }

  /** A new, empty database that is dropped after the test. */
  async newDatabase(t: TestContext, overrides: Partial<PostgresConfig> = {}): Promise<PostgresConfig> {
    const name = `kero_test_${process.pid}_${Date.now()}_${++this.#databases}`;
    await this.run(`create database ${name}`);
    t.after(async () => {
      // On a server that the test has stopped there is nothing to tidy up.
      await this.run(`drop database if exists ${name} with (force)`).catch(() => {});
    });
    return this.config(name, overrides);
  }

  /** Runs a statement as superuser; values as PostgreSQL prints them. */
  async run(sql: string, database = this.#maintenance): Promise<readonly (readonly (string | null)[])[]> {
    return (await runQuery(this.config(database), sql)).rows;
  }
}

/** A server of our own, which tests may stop, kill and start again. */
export class OwnPostgresServer extends PostgresServer {
  readonly port: number;
  readonly #tools: ClusterTools;

  constructor(tools: ClusterTools, port: number, password: string) {
    super({ hosts: [{ host: '127.0.0.1', port }], user: 'kero', password });
    this.port = port;
    this.#tools = tools;
  }

  async start(): Promise<void> {
    const started = await startServer(this.#tools, this.port);
    if (!started.ok) throw new Error(started.reason);
  }

  async stop(): Promise<void> {
    await stopServer(this.#tools);
  }

  /** Takes back what ALTER SYSTEM has set, for a server that is stopped. */
  resetConfiguration(): void {
    writeFileSync(join(this.#tools.folder.data, 'postgresql.auto.conf'), '');
  }

  /** kill -9 of the server as a whole; SIGQUIT is what `pg_ctl stop -m immediate` sends. */
  kill(signal: 'SIGKILL' | 'SIGQUIT' = 'SIGKILL'): void {
    const pid = this.pid;
    if (pid !== undefined) process.kill(pid, signal);
  }

  /** Process id of the postmaster; undefined while the server is down. */
  get pid(): number | undefined {
    return serverPid(this.#tools.folder.data);
  }
}

/**
 * Starts a new server from the npm binaries in a temporary folder, or in the given one, which must be there and empty.
 * `stop` with `remove` at the end of the test file.
 */
export async function startPostgresServer(
  path = mkdtempSync(join(tmpdir(), 'kero-postgres-')),
): Promise<{ server: OwnPostgresServer; remove: () => Promise<void> }> {
  const programs = findServerPrograms();
  const tools: ClusterTools = { folder: serverFolder(path), programs, runAs: await chooseRunAs(path, programs) };
  const password = 'test';
  await createCluster(tools, { user: 'kero', password }, () => {});
  const server = new OwnPostgresServer(tools, await findFreePort(), password);
  await server.start();
  return {
    server,
    remove: async () => {
      await server.stop();
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** The server that TEST_POSTGRES_HOST (_PORT, _DB, _USER, _PASSWORD) names, whose user may create databases; else our own. */
export async function anyPostgresServer(): Promise<{ server: PostgresServer; remove: () => Promise<void> }> {
  const {
    TEST_POSTGRES_HOST: host,
    TEST_POSTGRES_PORT: port = '5432',
    TEST_POSTGRES_DB: database = 'postgres',
    TEST_POSTGRES_USER: user = 'postgres',
    TEST_POSTGRES_PASSWORD: password,
  } = process.env;
  if (host === undefined) return startPostgresServer();
  return {
    server: new PostgresServer({ hosts: [{ host, port: Number(port) }], user, password }, database),
    remove: async () => {},
  };
}
