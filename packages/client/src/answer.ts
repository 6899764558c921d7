import type { KeroProblem } from './errors.ts';

/** What one request said about one of its events. */
export type ItemOutcome =
  | { readonly kind: 'accepted'; readonly id: string }
  | { readonly kind: 'refused'; readonly problem: KeroProblem }
  | {
      /** Send the same event again. */
      readonly kind: 'again';
      /** False when this request certainly stored nothing. */
      readonly mayBeStored: boolean;
      readonly problem?: KeroProblem;
      readonly cause?: unknown;
    };

/** What one request said. */
export interface BatchOutcome {
  /** In the order of the events that were sent. */
  readonly items: readonly ItemOutcome[];
  /** The whole body was too large; smaller ones may pass. */
  readonly tooLarge: boolean;
  readonly status?: number;
  /** How long the receiver wants to be left alone. */
  readonly retryAfterMs?: number;
}

interface Answer {
  readonly status: number;
  readonly headers: Pick<Headers, 'get'>;
  readonly text: string;
}

/**
 * Reads the answer to a batch of `count` events. What does not look like an answer of Kero is never a yes: a 2xx from something
 * else (a login page, a proxy) leaves the outcome unknown. Without an answer for it an event is sent again.
 */
export function readAnswer(answer: Answer, count: number, nowMs: number): BatchOutcome {
  const { status, headers } = answer;
  const requestId = headers.get('x-request-id') ?? undefined;
  const retryAfterMs = readRetryAfter(headers.get('retry-after'), nowMs);
  const body = membersOf(parse(answer.text));
  const outcome = (items: readonly ItemOutcome[]): BatchOutcome => ({
    items,
    tooLarge: status === 413,
    status,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
  const all = (item: ItemOutcome) => outcome(Array.from({ length: count }, () => item));

  if (Array.isArray(body.results)) return outcome(readResults(body.results, count, status, requestId));
  if (status >= 200 && status < 300) {
    const ids = Array.isArray(body.ids) ? body.ids : [body.id];
    if (body.status !== 'accepted' || ids.length !== count || !ids.every(isText)) {
      return all({ kind: 'again', mayBeStored: true, problem: unexpected(status, answer.text, requestId) });
    }
    return outcome(ids.map((id) => ({ kind: 'accepted', id })));
  }
  const problem = readProblem(body, status, requestId, answer.text);
  if (isRetryable(status)) return all({ kind: 'again', mayBeStored: status >= 500, problem });
  return all({ kind: 'refused', problem });
}

function readResults(results: readonly unknown[], count: number, status: number, requestId: string | undefined) {
  const items: (ItemOutcome | undefined)[] = Array.from({ length: count });
  const contradictory = new Set<number>();
  for (const result of results) {
    const { index, status: verdict, id, problem } = membersOf(result);
    if (typeof index !== 'number' || !(index in items)) continue;
    if (items[index]) contradictory.add(index);
    if (verdict === 'accepted' && isText(id)) items[index] = { kind: 'accepted', id };
    if (verdict === 'rejected') items[index] = rejected(membersOf(problem), status, requestId);
  }
  return items.map((item, index): ItemOutcome => {
    if (item && !contradictory.has(index)) return item;
    return {
      kind: 'again',
      mayBeStored: true,
      problem: unexpected(status, 'no clear result for the event', requestId),
    };
  });
}

function rejected(members: Members, batchStatus: number, requestId: string | undefined): ItemOutcome {
  const status = typeof members.status === 'number' ? members.status : batchStatus;
  const problem = readProblem(members, status, requestId, '');
  const again = typeof members.retryable === 'boolean' ? members.retryable : isRetryable(status);
  return again ? { kind: 'again', mayBeStored: status >= 500, problem } : { kind: 'refused', problem };
}

/** 5xx: nobody knows. 408, 425 and 429: certainly not stored, but welcome later. Every other answer is final. */
function isRetryable(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429;
}

function readProblem(members: Members, status: number, requestId: string | undefined, text: string): KeroProblem {
  const code = isText(members.type) ? /^urn:kero:problem:(\w+)$/.exec(members.type)?.[1] : undefined;
  const detail = isText(members.detail) ? members.detail : detailOf(status, text);
  const errors = Array.isArray(members.errors) ? members.errors.map(membersOf).filter(isErrorItem) : [];
  return {
    status,
    ...(code !== undefined && { code }),
    ...(isText(members.title) && { title: members.title }),
    detail,
    errors,
    ...(requestId !== undefined && { requestId }),
  };
}

function detailOf(status: number, text: string): string {
  const isRedirect = status === 0 || (status >= 300 && status < 400);
  if (isRedirect) return 'The URL of the receiver leads elsewhere (a redirect): use the final one.';
  return excerpt(text) || `HTTP status ${status}`;
}

function unexpected(status: number, text: string, requestId: string | undefined): KeroProblem {
  const detail = `not an answer of Kero: ${excerpt(text)}`;
  return { status, detail, errors: [], ...(requestId !== undefined && { requestId }) };
}

/** Retry-After as milliseconds from now: seconds or a date. What is neither does not count. */
export function readRetryAfter(value: string | null, nowMs: number): number | undefined {
  if (value === null) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

type Members = Readonly<Record<string, unknown>>;

function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null ? (value as Members) : {};
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isErrorItem(value: Members): value is KeroProblem['errors'][number] & Members {
  return typeof value.pointer === 'string' && typeof value.code === 'string' && typeof value.detail === 'string';
}

function excerpt(text: string): string {
  return text.trim().slice(0, 200);
}
