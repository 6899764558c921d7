import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Authenticator, addKey, authSettings, changeKeyFile, type NewKey, openAuth, revokeKey } from '@kero/auth';
import { createLogger, loadSettings } from '@kero/runtime';

/** Who may send, by a real file of keys in a temporary folder. */
export interface AuthUnderTest {
  readonly auth: Authenticator;
  readonly file: string;
  /** What it logged, as text. */
  readonly log: () => string;
  readonly create: (wanted?: Partial<NewKey>) => Promise<{ readonly text: string; readonly id: string }>;
  readonly revoke: (id: string) => Promise<unknown>;
}

export interface AuthTestOptions {
  /** As a person would write them; the file is set already. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Monotonic milliseconds. */
  readonly elapsed?: () => number;
}

export async function authUnderTest(t: TestContext, options: AuthTestOptions = {}): Promise<AuthUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), 'kero-auth-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'api-keys.json');
  const create = async (wanted: Partial<NewKey> = {}) => {
    const key: NewKey = { sources: ['shop'], anySource: false, scopes: ['events:write'], ...wanted };
    const { text, made } = await changeKeyFile(file, (keys) => addKey(keys, key, Date.now()));
    return { text, id: made.id };
  };
  const revoke = (id: string) => changeKeyFile(file, (keys) => ({ keys: revokeKey(keys, id, Date.now()) }));
  // A file without keys is one, too.
  await changeKeyFile(file, () => ({ keys: [] }));
  let log = '';
  const destination = {
    write: (line: string) => {
      log += line;
    },
  };
  const logger = createLogger({ level: 'debug', format: 'json', name: 'test', destination });
  const environment = { API_KEYS_FILE: file, ...options.settings };
  const { values } = loadSettings({ auth: authSettings }, { environment });
  const auth = await openAuth(values.auth, {
    logger,
    pollMs: 20,
    ...(options.elapsed && { elapsed: options.elapsed }),
  });
  if (!auth) throw new Error('nothing says who may send');
  t.after(() => auth[Symbol.dispose]());
  return { auth, file, log: () => log, create, revoke };
}
