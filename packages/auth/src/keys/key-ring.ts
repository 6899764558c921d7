import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Identity, Verdict } from '../auth.ts';
import { digestOf, parseKey } from './key-text.ts';
import { keyState, type StoredKey } from './stored-key.ts';

interface RingKey {
  readonly stored: StoredKey;
  readonly digest: Buffer;
  readonly known: Verdict & { readonly outcome: 'known' };
}

const MALFORMED: Verdict = { outcome: 'refused', reason: 'malformed' };

/** The keys of one file, ready to be asked: everything that does not depend on the request is made once. */
export class KeyRing {
  readonly #keys: ReadonlyMap<string, RingKey>;
  /** What the secret of an unknown id is compared with. Nobody knows a text that has this digest. */
  readonly #nobody = randomBytes(32);

  constructor(keys: readonly StoredKey[]) {
    this.#keys = new Map(
      keys.map((stored) => [
        stored.id,
        {
          stored,
          digest: Buffer.from(stored.secretSha256, 'hex'),
          known: { outcome: 'known', identity: identityOf(stored) },
        },
      ]),
    );
  }

  /** How many keys a client could use now. */
  countLive(nowMs: number): number {
    return [...this.#keys.values()].filter(({ stored }) => keyState(stored, nowMs) === 'live').length;
  }

  /**
   * Synchronous and cheap: one hash, one comparison of 32 bytes that takes the same time wherever they differ. Both are done
   * whether there is a key of this id or not, and before it matters whether it is live.
   */
  verify(text: string, nowMs: number): Verdict {
    const parts = parseKey(text);
    if (!parts) return MALFORMED;
    const key = this.#keys.get(parts.id);
    const same = timingSafeEqual(digestOf(parts.secret), key?.digest ?? this.#nobody);
    const id = `key:${parts.id}`;
    if (!key) return { outcome: 'refused', reason: 'unknown_key', id };
    if (!same) return { outcome: 'refused', reason: 'wrong_secret', id };
    const state = keyState(key.stored, nowMs);
    return state === 'live' ? key.known : { outcome: 'refused', reason: state, id };
  }
}

function identityOf({ id, sources, anySource, scopes }: StoredKey): Identity {
  return {
    id: `key:${id}`,
    defaultSource: sources[0],
    sources: anySource ? undefined : new Set(sources),
    scopes: new Set(scopes),
  };
}
