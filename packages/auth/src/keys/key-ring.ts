import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Identity, KnownVerdict, Verdict } from '../auth.ts';
import { digestOf, parseKey } from './key-text.ts';
import { keyState, type StoredKey } from './stored-key.ts';

interface RingKey {
  readonly stored: StoredKey;
  readonly digest: Buffer;
  readonly known: KnownVerdict;
}

const MALFORMED: Verdict = { outcome: 'refused', reason: 'malformed' };

/** The keys of one file, ready to be asked: everything that does not depend on the request is made once. */
export class KeyRing {
  readonly #keys: ReadonlyMap<string, RingKey>;
  readonly #keysByVerdict: ReadonlyMap<KnownVerdict, RingKey>;
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
    this.#keysByVerdict = new Map(this.#keys.values().map((key) => [key.known, key]));
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
    return verdictOf(key, nowMs);
  }

  /**
   * Judges again about a credential that got this verdict, without looking at it. Undefined where another ring gave it: a file that was
   * read anew may say something else of the same key.
   */
  verifyAgain(known: KnownVerdict, nowMs: number): Verdict | undefined {
    const key = this.#keysByVerdict.get(known);
    return key && verdictOf(key, nowMs);
  }
}

function verdictOf({ stored, known }: RingKey, nowMs: number): Verdict {
  const state = keyState(stored, nowMs);
  return state === 'live' ? known : { outcome: 'refused', reason: state, id: known.identity.id };
}

function identityOf({ id, sources, anySource, scopes }: StoredKey): Identity {
  return {
    id: `key:${id}`,
    defaultSource: sources[0],
    sources: anySource ? undefined : new Set(sources),
    scopes: new Set(scopes),
  };
}
