import { authError } from '../auth-errors.ts';
import type { Scope } from '../scopes.ts';
import { digestOf, keyText, makeKey } from './key-text.ts';
import { keyState, type StoredKey } from './stored-key.ts';

export interface NewKey {
  readonly name?: string | undefined;
  readonly sources: readonly [string, ...string[]];
  readonly anySource: boolean;
  readonly scopes: readonly Scope[];
  readonly expiresAtMs?: number | undefined;
  readonly replaces?: string | undefined;
}

/** The keys after a change. `text` is the whole new key: the only moment at which it exists outside of its client. */
export interface WithNewKey {
  readonly keys: readonly StoredKey[];
  readonly made: StoredKey;
  readonly text: string;
}

export function addKey(keys: readonly StoredKey[], wanted: NewKey, nowMs: number): WithNewKey {
  const parts = makeKey();
  const made: StoredKey = {
    ...wanted,
    id: parts.id,
    secretSha256: digestOf(parts.secret).toString('hex'),
    createdAtMs: nowMs,
  };
  return { keys: [...keys, made], made, text: keyText(parts) };
}

/** Revoking a revoked key changes nothing. Throws `key_not_found`. */
export function revokeKey(keys: readonly StoredKey[], id: string, nowMs: number): readonly StoredKey[] {
  const { revokedAtMs = nowMs } = findKey(keys, id);
  return keys.map((key) => (key.id === id ? { ...key, revokedAtMs } : key));
}

export interface Rotation {
  /** How long the old key still works beside the new one. */
  readonly overlapMs: number;
  /** When the new key ends; undefined: as long after now as the old one ended after it was made, or never. */
  readonly expiresAtMs?: number | undefined;
}

/**
 * Makes a second key of the same client: the same sources with the same default, so the identities of its events stay, and
 * the same scopes. The old one ends after the overlap. Throws `key_not_found` or `key_revoked`.
 */
export function rotateKey(
  keys: readonly StoredKey[],
  id: string,
  { overlapMs, expiresAtMs }: Rotation,
  nowMs: number,
): WithNewKey {
  const old = findKey(keys, id);
  if (keyState(old, nowMs) === 'revoked') throw authError('key_revoked', `the key ${id} is revoked`);
  const { name, sources, anySource, scopes } = old;
  const lifetimeMs = lifetimeOf(keys, old);
  const endOfOld = Math.min(old.expiresAtMs ?? Number.POSITIVE_INFINITY, nowMs + overlapMs);
  const ending = keys.map((key) => (key.id === id ? { ...key, expiresAtMs: endOfOld } : key));
  const end = expiresAtMs ?? (lifetimeMs === undefined ? undefined : nowMs + lifetimeMs);
  return addKey(ending, { name, sources, anySource, scopes, expiresAtMs: end, replaces: id }, nowMs);
}

/** For how long a key was made. The end of one that was rotated before is that of its overlap: its successor has the right one. */
function lifetimeOf(keys: readonly StoredKey[], key: StoredKey): number | undefined {
  let model = key;
  for (const later of keys.slice(keys.indexOf(key) + 1)) if (later.replaces === model.id) model = later;
  return model.expiresAtMs === undefined ? undefined : model.expiresAtMs - model.createdAtMs;
}

function findKey(keys: readonly StoredKey[], id: string): StoredKey {
  const key = keys.find((candidate) => candidate.id === id);
  if (!key) throw authError('key_not_found', `there is no key ${id}`);
  return key;
}
