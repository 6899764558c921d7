import { execFile } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { LAUNCHER } from '../../test/support/kero-process.ts';
import { temporaryFolder } from './kero-processes.ts';
import type { Program } from './program.ts';

const run = promisify(execFile);

/** Limits that are looked at for each request and never reached. */
const LIMITS = {
  RATE_LIMIT_ADDRESS_REQUESTS: '100000000',
  RATE_LIMIT_ADDRESS_BYTES: '50GiB',
  RATE_LIMIT_KEY_REQUESTS: '100000000',
  RATE_LIMIT_KEY_BYTES: '50GiB',
  RECEIVER_MAX_CONNECTIONS_PER_ADDRESS: '1000',
};

export interface EverythingOn {
  readonly environment: Readonly<Record<string, string>>;
  /** What clients send with each request. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Settings with which a receiver does all that it can do for each request: a key is checked, every limit is looked at. */
export async function everythingOn(receiver: Program, resources: AsyncDisposableStack): Promise<EverythingOn> {
  const known = new Set(await receiver.call<string[]>('settings'));
  const limits = Object.fromEntries(Object.entries(LIMITS).filter(([name]) => known.has(name)));
  const environment = { ...limits, RECEIVER_PORT: '0' };
  if (!known.has('API_KEYS_FILE')) return { environment, headers: {} };
  const keysFile = join(temporaryFolder(resources, 'keys'), 'api-keys.json');
  const withKeys = { ...environment, API_KEYS_FILE: keysFile };
  const secret = await createKey(withKeys);
  return { environment: withKeys, headers: { authorization: `Bearer ${secret}` } };
}

/** Makes a key as a person does, and gives its secret. */
async function createKey(environment: Readonly<Record<string, string>>): Promise<string> {
  const args = [LAUNCHER, 'keys', 'create', '--source', 'bench'];
  const { stdout } = await run(process.execPath, args, { env: { PATH: process.env.PATH, ...environment } });
  const [secret] = /kero_[A-Za-z0-9_-]{20,}/.exec(stdout) ?? [];
  if (secret === undefined) throw new Error(`kero keys create has printed no key:\n${stdout}`);
  return secret;
}
