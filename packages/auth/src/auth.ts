import type { HealthState } from '@kero/runtime';
import type { Scope } from './scopes.ts';

/** Who a credential belongs to. */
export interface Identity {
  /** `key:<id>` or `jwt:<sub>`: for log lines and limits, never a secret. */
  readonly id: string;
  /** The source of events that name none. */
  readonly defaultSource: string;
  /** The sources that events may name; undefined: any. */
  readonly sources: ReadonlySet<string> | undefined;
  readonly scopes: ReadonlySet<Scope>;
}

/** Why a request is not let in. Only for log lines and metrics: the client is not told which of them it was. */
export const refusalReasons = [
  'no_credentials',
  'misplaced',
  'malformed',
  'unknown_key',
  'wrong_secret',
  'revoked',
  'expired',
  'invalid_token',
  'missing_scope',
  'unavailable',
] as const;

export type RefusalReason = (typeof refusalReasons)[number];

export interface KnownVerdict {
  readonly outcome: 'known';
  readonly identity: Identity;
}

export type Verdict =
  | KnownVerdict
  | {
      readonly outcome: 'refused';
      readonly reason: Exclude<RefusalReason, 'unavailable'>;
      /** Whose credential it seems to be; not proven unless the reason is `revoked`, `expired` (of a key) or `missing_scope`. */
      readonly id?: string;
      /** More about the reason, for a log line; never a part of the credential. */
      readonly detail?: string;
    }
  /** Nobody can tell now; the same request may be let in later. */
  | { readonly outcome: 'unavailable'; readonly detail: string };

/** The part of a request that is looked at; an IncomingMessage has it. */
export interface RequestHead {
  /** Name, value, name, value: as they came, with the duplicates that Node drops from `headers`. */
  readonly rawHeaders: readonly string[];
  readonly url?: string | undefined;
  /** There where one head stands for many requests of a connection, which have sent it byte for byte. */
  readonly memory?: HeadMemory | undefined;
}

/** What is remembered of a head that comes again; empty at first. Only the authenticator looks into it. */
export interface HeadMemory {
  known?: KnownVerdict;
}

export interface AcceptedCredentials {
  readonly keys: boolean;
  readonly tokens: boolean;
}

/** What the receiver asks before it reads a body. */
export interface Authenticator extends Disposable {
  /** Decides at once about API keys, later about tokens. Never throws or rejects. */
  authenticate(request: RequestHead, needed: Scope): Verdict | Promise<Verdict>;
  readonly accepts: AcceptedCredentials;
  /** Down while nobody can be let in, whatever they send. */
  health(): HealthState;
  /** How often each reason was the answer, since the start. */
  readonly refusals: Readonly<Record<RefusalReason, number>>;
  /** Seconds since the file of the keys was last read and found good; undefined without a file. */
  keysAgeSeconds(): number | undefined;
  /** For the log line at start. */
  readonly description: string;
}
