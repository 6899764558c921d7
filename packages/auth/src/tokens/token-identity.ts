import type { JWTPayload } from 'jose';
import type { Identity } from '../auth.ts';
import { isScope, type Scope } from '../scopes.ts';
import { isSource } from '../sources.ts';

const MAX_SUBJECT = 256;
const MAX_SOURCES = 1000;

/** Whose token it is, or in what its claims fall short. */
export function tokenIdentity(payload: JWTPayload, sourceClaim: string): Identity | { readonly problem: string } {
  const { sub } = payload;
  if (typeof sub !== 'string' || sub === '' || sub.length > MAX_SUBJECT) {
    return { problem: `sub is not a text of 1 to ${MAX_SUBJECT} characters` };
  }
  const claim = Object.hasOwn(payload, sourceClaim) ? payload[sourceClaim] : undefined;
  const sources: unknown[] = Array.isArray(claim) ? claim : [claim];
  const [first] = sources;
  if (sources.length > MAX_SOURCES || !sources.every(isSource) || !isSource(first)) {
    return { problem: `${sourceClaim} names no source (AUTH_JWT_SOURCE_CLAIM)` };
  }
  return { id: `jwt:${sub}`, defaultSource: first, sources: new Set(sources as string[]), scopes: scopesOf(payload) };
}

/** `scope` (RFC 8693) or `scp` (other issuers); both come as text with blanks between, or as a list. Others' scopes are passed over. */
function scopesOf({ scope, scp }: JWTPayload): ReadonlySet<Scope> {
  const words = [scope, scp].flatMap((claim) => (typeof claim === 'string' ? claim.split(' ') : claim));
  return new Set(words.filter(isScope));
}
