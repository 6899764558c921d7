import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

/**
 * The folder of an embedded server:
 *
 *   data/          the PostgreSQL cluster
 *   server.log     what the server says
 *   server.json    how to connect (0600): survives restarts, so that the port and the generated password stay
 *   pgpass         the same for psql (0600): PGPASSFILE=.../pgpass psql -h 127.0.0.1 -p PORT -U USER -d DATABASE
 *   kero.lock      held by the Kero process that runs the server
 */
export interface ServerFolder {
  readonly path: string;
  readonly data: string;
  readonly log: string;
  readonly passfile: string;
}

export interface Connection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export const LOOPBACK = '127.0.0.1';

/** Below the range from which systems take the ports of outgoing connections, so that a kept port stays free. */
const FIRST_PORT = 20_000;
const PORTS = 10_000;

export function serverFolder(path: string): ServerFolder {
  return { path, data: join(path, 'data'), log: join(path, 'server.log'), passfile: join(path, 'pgpass') };
}

/** What was kept at the last start; undefined when there was none, or its file is damaged. */
export function readConnection(folder: ServerFolder): Connection | undefined {
  try {
    const kept = JSON.parse(readFileSync(join(folder.path, 'server.json'), 'utf8')) as Partial<Connection>;
    const { port, user, password, database } = kept;
    if (typeof port !== 'number' || typeof user !== 'string') return undefined;
    if (typeof password !== 'string' || typeof database !== 'string') return undefined;
    return { host: LOOPBACK, port, user, password, database };
  } catch {
    return undefined;
  }
}

export function keepConnection(folder: ServerFolder, connection: Connection): void {
  const { port, user, password, database } = connection;
  writePrivate(join(folder.path, 'server.json'), `${JSON.stringify({ port, user, password, database }, null, 2)}\n`);
  const escaped = [LOOPBACK, String(port), '*', user, password].map((part, index) =>
    index === 2 ? part : part.replace(/[\\:]/g, '\\$&'),
  );
  writePrivate(folder.passfile, `${escaped.join(':')}\n`);
}

export function generatePassword(): string {
  return randomBytes(18).toString('base64url');
}

/** A port of 127.0.0.1 on which nobody listens at the moment. */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (await isPortFree(port)) return port;
  }
}

export async function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, LOOPBACK, () => server.close(() => resolve(true)));
  });
}

/** Written beside and renamed, so that a crash leaves the old file or the new one. */
function writePrivate(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
