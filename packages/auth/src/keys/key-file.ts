import { authError } from '../auth-errors.ts';
import { isScope, type Scope, scopes } from '../scopes.ts';
import { isSource, MAX_SOURCE } from '../sources.ts';
import { isKeyId } from './key-text.ts';
import type { StoredKey } from './stored-key.ts';

/** What a file of keys looks like is described in docs/authentication.md; a change of it needs another version. */
const VERSION = 1;
const MAX_PROBLEMS = 10;

export function renderKeyFile(keys: readonly StoredKey[]): string {
  const time = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString());
  const members = keys.map((key) => ({
    id: key.id,
    name: key.name,
    secret_sha256: key.secretSha256,
    sources: key.sources,
    any_source: key.anySource || undefined,
    scopes: key.scopes,
    created_at: time(key.createdAtMs),
    expires_at: time(key.expiresAtMs),
    revoked_at: time(key.revokedAtMs),
    replaces: key.replaces,
  }));
  return `${JSON.stringify({ version: VERSION, keys: members }, undefined, 2)}\n`;
}

/**
 * Reads the text of a key file. Strict: a member that is not known might restrict a key, so it is not passed over. Throws
 * KeroError `keys_file_unusable` that names every mistake by its place, and never quotes what stands there.
 */
export function parseKeyFile(text: string, path: string): StoredKey[] {
  const problems: string[] = [];
  const keys = readKeys(text, problems);
  if (problems.length === 0) return keys;
  const more = problems.length > MAX_PROBLEMS ? [`and ${problems.length - MAX_PROBLEMS} more`] : [];
  const shown = [...problems.slice(0, MAX_PROBLEMS), ...more].join('; ');
  throw authError('keys_file_unusable', `the API keys in ${path} cannot be used: ${shown}`);
}

type Members = Readonly<Record<string, unknown>>;

function readKeys(text: string, problems: string[]): StoredKey[] {
  const file = parseJson(text);
  if (!isObject(file)) {
    problems.push('it is not a JSON object');
    return [];
  }
  if (file.version !== VERSION) {
    problems.push(`version is not ${VERSION}: another Kero has written it, or it is no key file`);
    return [];
  }
  refuseUnknown(file, ['version', 'keys'], '', problems);
  if (!Array.isArray(file.keys)) {
    problems.push('keys is not a list');
    return [];
  }
  const seen = new Set<string>();
  return file.keys.map((entry: unknown, index) => {
    const place = `keys[${index}]`;
    const key = readKey(isObject(entry) ? entry : {}, place, problems);
    if (seen.has(key.id)) problems.push(`${place}.id is there twice`);
    seen.add(key.id);
    return key;
  });
}

const MEMBERS = [
  'id',
  'name',
  'secret_sha256',
  'sources',
  'any_source',
  'scopes',
  'created_at',
  'expires_at',
  'revoked_at',
  'replaces',
];

function readKey(entry: Members, place: string, problems: string[]): StoredKey {
  const check = (ok: boolean, member: string, expected: string) => {
    if (!ok) problems.push(`${place}.${member} is not ${expected}`);
  };
  const time = (member: string) => {
    const ms = parseTime(entry[member]);
    check(entry[member] === undefined || ms !== undefined, member, 'a time such as 2026-11-23T10:00:00.000Z');
    return ms;
  };
  refuseUnknown(entry, MEMBERS, `${place}.`, problems);
  const { id, name, secret_sha256: digest, sources, any_source: anySource = false, scopes: granted, replaces } = entry;
  check(typeof id === 'string' && isKeyId(id), 'id', '12 of the characters a-z and 2-7');
  check(name === undefined || typeof name === 'string', 'name', 'text');
  check(typeof digest === 'string' && /^[0-9a-f]{64}$/.test(digest), 'secret_sha256', '64 hexadecimal digits');
  check(isListOf(sources, isSource), 'sources', `a list of texts of 1 to ${MAX_SOURCE} characters`);
  check(typeof anySource === 'boolean', 'any_source', 'true or false');
  check(isListOf(granted, isScope), 'scopes', `a list of ${scopes.join(', ')}`);
  check(entry.created_at !== undefined, 'created_at', 'there');
  check(replaces === undefined || (typeof replaces === 'string' && isKeyId(replaces)), 'replaces', 'the id of a key');
  return {
    // What is not of its type is among the problems by now: then nobody uses the key.
    id: id as string,
    name: name as string | undefined,
    secretSha256: digest as string,
    sources: sources as [string, ...string[]],
    anySource: anySource === true,
    scopes: granted as Scope[],
    createdAtMs: time('created_at') ?? 0,
    expiresAtMs: time('expires_at'),
    revokedAtMs: time('revoked_at'),
    replaces: replaces as string | undefined,
  };
}

/** The message of JSON.parse quotes the text around the mistake: it is left out. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isItem);
}

function refuseUnknown(value: Members, known: readonly string[], place: string, problems: string[]): void {
  const count = Object.keys(value).filter((name) => !known.includes(name)).length;
  if (count > 0) problems.push(`${place || 'the file '}has ${count} unknown ${count === 1 ? 'member' : 'members'}`);
}

function parseTime(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/.test(value)) return undefined;
  const ms = Date.parse(value);
  // Date.parse takes the 30th of February for the 2nd of March.
  return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 19) !== value.slice(0, 19) ? undefined : ms;
}
