import type { Scope } from '../scopes.ts';

/** A key as the file has it: everything but the secret. Times are Unix milliseconds. */
export interface StoredKey {
  readonly id: string;
  /** For people. */
  readonly name?: string | undefined;
  /** SHA-256 of the secret, 64 hexadecimal digits. */
  readonly secretSha256: string;
  /** At least one; the first is the source of events that name none. */
  readonly sources: readonly [string, ...string[]];
  /** Its events may name sources besides those too. */
  readonly anySource: boolean;
  readonly scopes: readonly Scope[];
  readonly createdAtMs: number;
  readonly expiresAtMs?: number | undefined;
  readonly revokedAtMs?: number | undefined;
  /** The id of the key that it was made to take over from. */
  readonly replaces?: string | undefined;
}

export type KeyState = 'live' | 'expired' | 'revoked';

export function keyState({ revokedAtMs, expiresAtMs }: StoredKey, nowMs: number): KeyState {
  if (revokedAtMs !== undefined) return 'revoked';
  return expiresAtMs !== undefined && expiresAtMs <= nowMs ? 'expired' : 'live';
}
