import type { HealthState } from '@kero/runtime';
import { errors, jwtVerify } from 'jose';
import type { Verdict } from '../auth.ts';
import { type SigningKeys, SigningKeysUnavailable } from './signing-keys.ts';
import { tokenIdentity } from './token-identity.ts';

export interface TokenRules {
  readonly issuer: string;
  /** A token is for us when it names one of them. */
  readonly audience: readonly string[];
  readonly sourceClaim: string;
  readonly clockToleranceMs: number;
}

/** Public-key signatures only: with HS256, who knows the public key could sign; with none, anybody. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

/** Decides about JWTs of one issuer. */
export class TokenVerifier implements Disposable {
  readonly #keys: SigningKeys;
  readonly #rules: TokenRules;
  readonly #now: () => number;

  /** Disposes the keys when it is disposed. `now`: Unix milliseconds. */
  constructor(keys: SigningKeys, rules: TokenRules, now: () => number) {
    this.#keys = keys;
    this.#rules = rules;
    this.#now = now;
  }

  /** Never rejects. */
  async verify(token: string): Promise<Verdict> {
    const { issuer, audience, sourceClaim, clockToleranceMs } = this.#rules;
    try {
      const { payload } = await jwtVerify(token, this.#keys.find, {
        issuer,
        audience: [...audience],
        algorithms: ALGORITHMS,
        clockTolerance: clockToleranceMs / 1000,
        requiredClaims: ['exp', 'sub'],
        currentDate: new Date(this.#now()),
      });
      const identity = tokenIdentity(payload, sourceClaim);
      if ('problem' in identity) return invalid(identity.problem);
      return { outcome: 'known', identity };
    } catch (error) {
      return verdictOf(error);
    }
  }

  health(): HealthState {
    return this.#keys.health();
  }

  [Symbol.dispose](): void {
    this.#keys[Symbol.dispose]();
  }
}

function verdictOf(error: unknown): Verdict {
  if (error instanceof SigningKeysUnavailable) return { outcome: 'unavailable', detail: error.message };
  if (error instanceof errors.JWTExpired) return { outcome: 'refused', reason: 'expired' };
  if (error instanceof errors.JWTClaimValidationFailed) return invalid(`${error.code}: ${error.claim}`);
  // Codes and names only: messages may quote what was sent.
  return invalid(
    error instanceof errors.JOSEError ? error.code : `unusable (${error instanceof Error ? error.name : ''})`,
  );
}

function invalid(detail: string): Verdict {
  return { outcome: 'refused', reason: 'invalid_token', detail };
}
