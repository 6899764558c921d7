import { ERROR_PREFIX } from '@platformatic/kafka';

/** The client's errors are trees: retries and parts of a request are collected in `errors`, reasons in `cause`. */
function* errorTree(error: unknown, depth = 0): Generator<Error> {
  if (!(error instanceof Error) || depth > 8) return;
  yield error;
  if (error instanceof AggregateError) for (const part of error.errors) yield* errorTree(part, depth + 1);
  yield* errorTree(error.cause, depth + 1);
}

/** Kafka's names of the errors that brokers answered with, e.g. `NOT_LEADER_OR_FOLLOWER`, of every try. */
export function brokerErrors(error: unknown): Set<string> {
  const names = new Set<string>();
  for (const part of errorTree(error)) {
    if ('apiId' in part && typeof part.apiId === 'string') names.add(part.apiId);
  }
  return names;
}

/** True when no broker said anything for at least one of the tries: what it did with the request is unknown. */
export function hadNoAnswer(error: unknown): boolean {
  for (const part of errorTree(error)) {
    if ('code' in part && part.code === 'PLT_KFK_NETWORK') return true;
  }
  return false;
}

/** Codes of Node and of TLS, e.g. `ECONNREFUSED` or `CERT_HAS_EXPIRED`, of every try. */
export function systemErrors(error: unknown): Set<string> {
  const codes = new Set<string>();
  for (const part of errorTree(error)) {
    if ('code' in part && typeof part.code === 'string' && !part.code.startsWith(ERROR_PREFIX)) codes.add(part.code);
  }
  return codes;
}

/** Whether one of the client's own messages, which have no code, says this. */
export function says(error: unknown, text: string): boolean {
  for (const part of errorTree(error)) if (part.message.includes(text)) return true;
  return false;
}

export function isAuthenticationFailure(error: unknown): boolean {
  for (const part of errorTree(error)) {
    if ('code' in part && part.code === 'PLT_KFK_AUTHENTICATION') return true;
  }
  return brokerErrors(error).has('SASL_AUTHENTICATION_FAILED');
}

/** What went wrong, for people: the messages of the tree without repetition, the most inner ones last. */
export function reasonOf(error: unknown): string {
  const messages = new Set<string>();
  for (const part of errorTree(error)) {
    const name = 'apiId' in part ? `${part.apiId}: ` : '';
    const text = part.message || ('code' in part ? String(part.code) : part.name);
    // "metadata failed 4 times" and "Cannot connect to any broker." say nothing that the parts do not say better.
    if (part instanceof AggregateError && part.errors.length > 0) continue;
    messages.add(`${name}${text.replace(/\.$/, '')}`);
  }
  const list = [...messages];
  return list.length > 0 ? list.slice(0, 4).join('; ') : String(error);
}
