import { describeError, type HealthState, type Logger, sleep } from '@kero/runtime';
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { isSecureUrl } from '../auth-settings.ts';
import { fetchJson } from './fetch-json.ts';

export interface SigningKeysOptions {
  readonly issuer: string;
  /** Undefined: found by the issuer's OpenID configuration. */
  readonly jwksUrl: string | undefined;
  /** How long keys count after they were last fetched. */
  readonly maxAgeMs: number;
  readonly logger: Logger;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
  readonly refreshMs?: number;
}

/** A key that the issuer took away is not accepted for longer than this. */
const REFRESH_MS = 300_000;
const RETRY_MS = 10_000;
/** Tokens that name an unknown key make us ask the issuer, but not more often: anybody can send them. */
const COOLDOWN_MS = 5000;
const FETCH_TIMEOUT_MS = 5000;

/** Nobody can tell whether a token is right: its issuer does not answer. */
export class SigningKeysUnavailable extends Error {}

/**
 * The public keys of an issuer. Fetched at the start in the background, then every few minutes, and at once when a token names
 * a key that is not among them (the issuer has a new one). While the issuer does not answer, those of before count.
 *
 * jose's own remote set is not used: it forgets its keys after ten minutes without an answer.
 */
export class SigningKeys implements Disposable {
  readonly #options: SigningKeysOptions;
  readonly #stop = new AbortController();
  #find: JWTVerifyGetKey | undefined;
  #fetchedAt = 0;
  #askedAt = Number.NEGATIVE_INFINITY;
  #failing: string | undefined;
  #asking: Promise<void> | undefined;

  constructor(options: SigningKeysOptions) {
    this.#options = options;
    void this.#keepFresh();
  }

  /**
   * The key for a token, as jose asks for it. Rejects with SigningKeysUnavailable, or with an error of jose when the issuer has
   * no such key.
   */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    if (!this.#usable()) await this.#ask();
    const find = this.#usable();
    if (!find) throw new SigningKeysUnavailable(this.#failing ?? 'the keys of the issuer are not known');
    try {
      return await find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#ask();
      const newer = this.#usable();
      if (newer && newer !== find) return await newer(header, token);
      // It may be a key that the issuer made since it stopped answering.
      if (this.#failing !== undefined) throw new SigningKeysUnavailable(this.#failing);
      throw error;
    }
  };

  health(): HealthState {
    return this.#usable()
      ? { up: true }
      : { up: false, reason: this.#failing ?? 'the keys of the issuer are not known' };
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  #usable(): JWTVerifyGetKey | undefined {
    return this.#options.elapsed() - this.#fetchedAt <= this.#options.maxAgeMs ? this.#find : undefined;
  }

  async #keepFresh(): Promise<void> {
    const { refreshMs = REFRESH_MS } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#ask();
      await sleep(this.#failing === undefined ? refreshMs : Math.min(refreshMs, RETRY_MS), signal);
    }
  }

  /** Never rejects. Whoever asks while an answer is on its way waits for that one. */
  #ask(): Promise<void> {
    if (this.#asking !== undefined) return this.#asking;
    if (this.#options.elapsed() - this.#askedAt < COOLDOWN_MS) return Promise.resolve();
    this.#asking = this.#fetch().finally(() => {
      this.#asking = undefined;
      // From the end of an attempt: an issuer that hangs must not keep every request waiting, one attempt after the other.
      this.#askedAt = this.#options.elapsed();
    });
    return this.#asking;
  }

  async #fetch(): Promise<void> {
    const { issuer, logger } = this.#options;
    try {
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(FETCH_TIMEOUT_MS)]);
      const keys = await fetchJson(await this.#locate(signal), signal);
      this.#find = createLocalJWKSet(keys as JSONWebKeySet);
      this.#fetchedAt = this.#options.elapsed();
      if (this.#failing !== undefined) logger.info(`the keys of the issuer ${issuer} can be fetched again`);
      this.#failing = undefined;
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      const reason = describeError(error);
      const meanwhile = this.#usable() ? 'those of before count meanwhile' : 'tokens get 503 until they can';
      if (this.#failing === undefined)
        logger.warn(`the keys of the issuer ${issuer} cannot be fetched: ${reason}; ${meanwhile}`);
      this.#failing = reason;
    }
  }

  async #locate(signal: AbortSignal): Promise<string> {
    const { issuer, jwksUrl } = this.#options;
    if (jwksUrl !== undefined) return jwksUrl;
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const found = (await fetchJson(url, signal)) as { readonly issuer?: unknown; readonly jwks_uri?: unknown } | null;
    // OpenID Connect Discovery 4.3: else one issuer could speak for another.
    if (found?.issuer !== issuer) throw new Error(`${url} is not about ${issuer}: its issuer is another one`);
    if (!isSecureUrl(found.jwks_uri)) throw new Error(`${url} names no https:// jwks_uri`);
    return found.jwks_uri;
  }
}
