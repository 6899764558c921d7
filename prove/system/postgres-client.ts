import pg from 'pg';

export interface PostgresAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** A connection that has its own ideas about read-only defaults and time-outs, whatever the nemesis has set. */
export async function connectPostgres(address: PostgresAddress, name: string): Promise<pg.Client> {
  const client = new pg.Client({
    ...address,
    application_name: name,
    connectionTimeoutMillis: 3000,
    keepAlive: true,
    options: '-c default_transaction_read_only=off -c statement_timeout=0 -c lock_timeout=0',
  });
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    client.end().catch(() => {});
    throw error;
  }
  return client;
}
