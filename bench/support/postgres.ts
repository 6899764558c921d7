import type { PostgresConfig } from '@kero/database';
import { migrate } from '@kero/database';
import { createLogger } from '@kero/runtime';
import { startPostgresServer } from '../../test/support/postgres/postgres-server.ts';

const logger = createLogger({ level: 'silent', format: 'json', name: 'bench' });

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export interface BenchDatabase {
  /** As Kero takes it. */
  readonly config: PostgresConfig;
  /** The same as the `pg` library takes it. */
  readonly client: ServerAddress;
  /** The same as settings of Kero. */
  readonly settings: Readonly<Record<string, string>>;
  /** Values as PostgreSQL prints them. */
  run(sql: string): Promise<readonly (readonly (string | null)[])[]>;
  /** The number of rows at the moment of the call. */
  count(table: string): Promise<number>;
  /** Empty tables, and a server that has nothing left to write. */
  clear(): Promise<void>;
}

export interface BenchPostgres {
  /** New, with the tables of Kero. */
  newDatabase(): Promise<BenchDatabase>;
}

/** A PostgreSQL server as it comes, with default settings, in a temporary folder. Stopped and removed at the end. */
export async function startPostgres(resources: AsyncDisposableStack): Promise<BenchPostgres> {
  const { server, remove } = await startPostgresServer();
  resources.defer(remove);
  let databases = 0;
  return {
    async newDatabase() {
      const name = `bench_${++databases}`;
      await server.run(`create database ${name}`);
      const config = server.config(name, { applicationName: 'bench' });
      await migrate(config, { logger });
      const run = (sql: string) => server.run(sql, name);
      const [host] = config.hosts;
      const address = { host: host?.host ?? '127.0.0.1', port: host?.port ?? 5432 };
      const password = config.password ?? '';
      return {
        config,
        client: { ...address, user: config.user, password, database: name },
        settings: {
          POSTGRES_HOST: address.host,
          POSTGRES_PORT: String(address.port),
          POSTGRES_USER: config.user,
          POSTGRES_PASSWORD: password,
          POSTGRES_DB: name,
        },
        run,
        count: async (table) => Number((await run(`select count(*) from ${table}`))[0]?.[0]),
        clear: async () => {
          await run('truncate events, dead_letters');
          await run('checkpoint');
        },
      };
    },
  };
}
