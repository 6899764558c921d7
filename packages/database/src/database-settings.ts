import {
  boolean,
  type HostPort,
  hosts,
  integer,
  oneOf,
  setting,
  settingsGroup,
  text,
  type ValuesOf,
} from '@kero/runtime';

const DEFAULT_PORT = 5432;

export const databaseSettings = settingsGroup('Database', {
  hosts: setting('POSTGRES_HOST', hosts(), {
    description:
      'PostgreSQL server, or a list of host[:port]; the one that takes writes is used. Without it PostgreSQL is embedded.',
    example: '127.0.0.1',
  }),
  port: setting('POSTGRES_PORT', integer(1, 65_535), {
    description: 'Port of the server (5432 without it); embedded: the port to listen on (a free one without it).',
    example: String(DEFAULT_PORT),
  }),
  name: setting('POSTGRES_DB', text(), { default: 'processor', description: 'Database.' }),
  user: setting('POSTGRES_USER', text(), {
    description: 'Role to connect as (kero without it).',
    example: 'kero',
  }),
  password: setting('POSTGRES_PASSWORD', text(), {
    description: 'Password of the role; embedded: generated once without it.',
    secret: true,
  }),
  sslMode: setting('POSTGRES_SSL_MODE', oneOf('disable', 'require', 'verify-full'), {
    default: 'disable',
    description: 'TLS to the server: none, unverified, or verified against POSTGRES_SSL_CA_FILE and the host name.',
  }),
  sslCaFile: setting('POSTGRES_SSL_CA_FILE', text(), {
    description: 'PEM file with the CA of the server, for verify-full; without it the CAs that Node trusts.',
  }),
  migrateOnStart: setting('MIGRATE_ON_START', boolean(), {
    default: 'false',
    description: 'Run the migrations at start (embedded mode always does).',
  }),
});

export type DatabaseSettings = ValuesOf<typeof databaseSettings>;

export interface PostgresConfig {
  readonly driver: 'postgres';
  /** Tried in order; the first one that takes writes is used. */
  readonly hosts: readonly HostPort[];
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
  readonly sslMode: 'disable' | 'require' | 'verify-full';
  readonly sslCaFile: string | undefined;
  /** Run the migrations when opening; without it a schema that is behind is an error. */
  readonly migrate: boolean;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  readonly maxConnections: number;
}

export interface EmbeddedDatabaseConfig {
  readonly driver: 'embedded';
  /** Folder of the cluster and of what is kept about it (port, password). One process owns it. */
  readonly directory: string;
  readonly port: number | undefined;
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
  readonly applicationName: string;
  readonly maxConnections: number;
}

/** The tagged choice of a driver: one exhaustive switch in open-database.ts builds it. */
export type DatabaseConfig = PostgresConfig | EmbeddedDatabaseConfig;

export function databaseConfig(
  settings: DatabaseSettings,
  context: { readonly dataDirectory: string; readonly applicationName: string; readonly maxConnections: number },
): DatabaseConfig {
  const common = {
    database: settings.name,
    user: settings.user ?? 'kero',
    password: settings.password,
    applicationName: context.applicationName,
    maxConnections: context.maxConnections,
  };
  if (!settings.hosts) {
    return { driver: 'embedded', directory: `${context.dataDirectory}/postgres`, port: settings.port, ...common };
  }
  const port = settings.port ?? DEFAULT_PORT;
  return {
    driver: 'postgres',
    hosts: settings.hosts.map((host) => ({ host: host.host, port: host.port ?? port })),
    sslMode: settings.sslMode,
    sslCaFile: settings.sslCaFile,
    migrate: settings.migrateOnStart,
    ...common,
  };
}

/** What a configuration chooses, for the first log line: `embedded PostgreSQL in ...` or `PostgreSQL host:port, database ...`. */
export function describeDatabaseConfig(config: DatabaseConfig): string {
  if (config.driver === 'embedded') return `embedded PostgreSQL in ${config.directory}`;
  const places = config.hosts.map(({ host, port }) => `${host}:${port}`).join(', ');
  return `PostgreSQL ${places}, database ${config.database}`;
}
