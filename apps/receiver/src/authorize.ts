import type { Authenticator, Scope, Verdict } from '@kero/auth';
import type { RequestHead } from './exchange.ts';
import type { Refusal } from './http-problems.ts';

/** Who sends, as far as the receiver needs to know. */
export interface Client {
  /** The source of events that name none. */
  readonly defaultSource: string;
  /** The sources that its events may name; undefined: any. */
  readonly sources: ReadonlySet<string> | undefined;
  /** For log lines and limits: the id of its key, or the subject of its token. Never the secret. Undefined: anybody. */
  readonly id: string | undefined;
}

/** Decides from the head of a request, before a byte of its body is read. */
export type Authorize = (request: RequestHead) => Client | Refusal | Promise<Client | Refusal>;

const ANYBODY: Client = { defaultSource: 'default', sources: undefined, id: undefined };

/** AUTH=none, and loopback: who reaches the port may send. */
export const anybody: Authorize = () => ANYBODY;

/** Lets in who may do what is needed. Only a token is waited for: an API key is decided about at once. */
export function createAuthorize(authenticator: Authenticator, needed: Scope): Authorize {
  const decide = (verdict: Verdict): Client | Refusal =>
    verdict.outcome === 'known' ? verdict.identity : refusalOf(verdict, needed);
  return (request) => {
    const verdict = authenticator.authenticate(request, needed);
    return verdict instanceof Promise ? verdict.then(decide) : decide(verdict);
  };
}

/** The same for a key that is not known, wrong, expired or revoked: who tries keys learns nothing. The log line has the reason. */
const UNAUTHORIZED: Refusal = {
  code: 'unauthorized',
  detail: 'Send a valid key or token, once: "Authorization: Bearer ..." or "X-API-Key: ...".',
};

const MISPLACED: Refusal = {
  code: 'misplaced_credentials',
  detail: 'Send one key or token, in one header, once, and never in the URL.',
  headers: challenge('error="invalid_request"'),
};

const UNAVAILABLE: Refusal = {
  code: 'auth_unavailable',
  detail: 'Whether this key or token is valid cannot be checked now. Nothing was stored; send the same again.',
};

function refusalOf(verdict: Exclude<Verdict, { outcome: 'known' }>, needed: Scope): Refusal {
  if (verdict.outcome === 'unavailable') return { ...UNAVAILABLE, log: { reason: verdict.detail } };
  const { reason, id, detail } = verdict;
  const log = {
    reason: detail === undefined ? reason : `${reason}: ${detail}`,
    ...(id !== undefined && { clientId: id }),
  };
  switch (reason) {
    case 'no_credentials':
      // RFC 6750, 3.1: who sent none gets no error code.
      return { ...UNAUTHORIZED, headers: challenge(), log };
    case 'misplaced':
      return { ...MISPLACED, log };
    case 'missing_scope':
      return {
        code: 'missing_scope',
        detail: `This key or token has not got the scope ${needed}.`,
        headers: challenge('error="insufficient_scope"', `scope="${needed}"`),
        log,
      };
    default:
      return { ...UNAUTHORIZED, headers: challenge('error="invalid_token"'), log };
  }
}

function challenge(...parameters: string[]): string[] {
  return ['www-authenticate', `Bearer ${['realm="kero"', ...parameters].join(', ')}`];
}
