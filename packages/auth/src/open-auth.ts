import type { HealthState, Logger } from '@kero/runtime';
import { type Authenticator, type RefusalReason, type RequestHead, refusalReasons, type Verdict } from './auth.ts';
import { type AuthSettings, isAuthConfigured } from './auth-settings.ts';
import { readCredential } from './credential.ts';
import { WatchedKeys } from './keys/watched-keys.ts';
import { allows, type Scope } from './scopes.ts';
import { SigningKeys } from './tokens/signing-keys.ts';
import { TokenVerifier } from './tokens/token-verifier.ts';

export interface OpenAuthOptions {
  readonly logger: Logger;
  /** Unix milliseconds; Date.now by default. */
  readonly now?: () => number;
  /** Monotonic milliseconds; performance.now by default. */
  readonly elapsed?: () => number;
  /** How often the file of keys is read. */
  readonly pollMs?: number;
}

/**
 * Opens what the settings name; undefined when they name nothing, and everybody may send who reaches the port. Rejects with
 * KeroError `keys_file_unusable`. An issuer that does not answer is no reason not to start: its tokens get 503 until it does.
 */
export async function openAuth(settings: AuthSettings, options: OpenAuthOptions): Promise<Authenticator | undefined> {
  if (!isAuthConfigured(settings)) return undefined;
  const { logger, now = Date.now, elapsed = () => performance.now(), pollMs } = options;
  const clocks = { logger, now, elapsed, ...(pollMs !== undefined && { pollMs }) };
  const { keysFile, keysMaxAgeMs, issuer, audience = [] } = settings;
  const description: string[] = [];
  let keys: WatchedKeys | undefined;
  let tokens: TokenVerifier | undefined;
  if (keysFile !== undefined) {
    keys = await WatchedKeys.open({ path: keysFile, maxAgeMs: keysMaxAgeMs, ...clocks });
    description.push(`API keys of ${keysFile} (${keys.countLive()} can be used)`);
  }
  if (issuer !== undefined) {
    const { jwksUrl, jwksMaxAgeMs, sourceClaim, clockToleranceMs } = settings;
    const signingKeys = new SigningKeys({ issuer, jwksUrl, maxAgeMs: jwksMaxAgeMs, logger, elapsed });
    tokens = new TokenVerifier(signingKeys, { issuer, audience, sourceClaim, clockToleranceMs }, now);
    description.push(`tokens of ${issuer}`);
  }
  return createAuthenticator(keys, tokens, description.join(', '));
}

/** For the log line at start. */
export function describeAuth(authenticator: Authenticator | undefined): string {
  return authenticator?.description ?? 'none, everybody who reaches the port may send events';
}

function createAuthenticator(
  keys: WatchedKeys | undefined,
  tokens: TokenVerifier | undefined,
  description: string,
): Authenticator {
  const refusals = Object.fromEntries(refusalReasons.map((reason) => [reason, 0])) as Record<RefusalReason, number>;

  const verify = (request: RequestHead): Verdict | Promise<Verdict> => {
    const credential = readCredential(request);
    switch (credential.kind) {
      case 'none':
        return { outcome: 'refused', reason: 'no_credentials' };
      case 'key':
        return keys ? keys.verify(credential.text) : { outcome: 'refused', reason: 'malformed' };
      case 'token':
        return tokens ? tokens.verify(credential.text) : { outcome: 'refused', reason: 'malformed' };
      default:
        return { outcome: 'refused', reason: credential.kind };
    }
  };
  /** A key is looked at once for all requests whose heads are the same bytes of one connection: who sends them has proven it there. */
  const verifyOnce = (request: RequestHead): Verdict | Promise<Verdict> => {
    const { memory } = request;
    const again = memory?.known && keys?.verifyAgain(memory.known);
    if (again) return again;
    const verdict = verify(request);
    if (memory && !(verdict instanceof Promise) && verdict.outcome === 'known') memory.known = verdict;
    return verdict;
  };
  const judge = (verdict: Verdict, needed: Scope): Verdict => {
    if (verdict.outcome === 'known') {
      const { id, scopes } = verdict.identity;
      if (allows(scopes, needed)) return verdict;
      refusals.missing_scope++;
      return { outcome: 'refused', reason: 'missing_scope', id };
    }
    refusals[verdict.outcome === 'refused' ? verdict.reason : 'unavailable']++;
    return verdict;
  };
  return {
    authenticate: (request, needed) => {
      const verdict = verifyOnce(request);
      return verdict instanceof Promise ? verdict.then((late) => judge(late, needed)) : judge(verdict, needed);
    },
    accepts: { keys: keys !== undefined, tokens: tokens !== undefined },
    health: () => eitherUp(keys?.health(), tokens?.health()),
    refusals,
    keysAgeSeconds: () => keys?.ageSeconds(),
    description,
    [Symbol.dispose]: () => {
      keys?.[Symbol.dispose]();
      tokens?.[Symbol.dispose]();
    },
  };
}

/** Whoever has a key that can be checked must not be turned away because an issuer is down, and the other way round. */
function eitherUp(...states: (HealthState | undefined)[]): HealthState {
  const reasons: string[] = [];
  for (const state of states) {
    if (state?.up) return state;
    if (state) reasons.push(state.reason);
  }
  return { up: false, reason: reasons.join('; ') };
}
