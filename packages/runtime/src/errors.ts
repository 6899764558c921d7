/** What one error code means, whether trying the same thing again can help, and what a person does about it. */
export interface ErrorDefinition {
  /** True when the same call may succeed later without anybody changing the data or the settings. */
  readonly retryable: boolean;
  readonly meaning: string;
  readonly remedy: string;
}

export type ErrorTable<Code extends string = string> = Readonly<Record<Code, ErrorDefinition>>;

export interface KeroErrorOptions {
  readonly cause?: unknown;
  /** Replaces the table's remedy where the place of the error knows a better one. */
  readonly remedy?: string;
}

/**
 * An error with a stable code. Code that decides what to do asks `code` and `retryable`, never the message: messages are
 * for people and may change. Every code is declared in one of the tables that `docs/errors.md` is generated from.
 */
export class KeroError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly retryable: boolean;
  readonly remedy: string;

  constructor(code: Code, definition: ErrorDefinition, message: string, options: KeroErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'KeroError';
    this.code = code;
    this.retryable = definition.retryable;
    this.remedy = options.remedy ?? definition.remedy;
  }
}

/** Makes the function that a package throws with: `throw messagingError('log_unavailable', 'no broker answered', { cause })`. */
export function errorFactory<Code extends string>(
  table: ErrorTable<Code>,
): (code: Code, message: string, options?: KeroErrorOptions) => KeroError<Code> {
  return (code, message, options) => new KeroError(code, table[code], message, options);
}

/** True for a KeroError with one of the given codes (any code when none is given). */
export function isKeroError(error: unknown, ...codes: string[]): error is KeroError {
  return error instanceof KeroError && (codes.length === 0 || codes.includes(error.code));
}

/** The message of anything that was thrown, followed by the messages of its causes, for a log line or an answer to a person. */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at !== undefined && parts.length < 5; at = at instanceof Error ? at.cause : undefined) {
    const text = at instanceof Error ? at.message || at.name : String(at);
    // Wrapping errors often quote the one they wrap.
    if (!parts.some((part) => part.includes(text))) parts.push(text);
  }
  return parts.join(': ');
}
