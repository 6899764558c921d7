import assert from 'node:assert/strict';
import type { LogRecord } from '@kero/messaging';
import { type Answer, EVENT } from './receiver-under-test.ts';

export const NDJSON = { 'content-type': 'application/x-ndjson' };
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The text of an event that no other one of these tests is. */
export function event(eventId: string, members: Record<string, unknown> = {}): string {
  return JSON.stringify({ ...EVENT, event_id: eventId, ...members });
}

export interface ItemProblem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly retryable: boolean;
  readonly errors?: readonly { readonly pointer: string; readonly code: string }[];
}

export type Result = { index: number; status: string; id?: string; problem?: ItemProblem };

export function resultsOf(answer: Answer): Result[] {
  return answer.json.results as Result[];
}

/** Each result in a word: `id`, or the code of its problem. */
export function outcomes(answer: Answer): string[] {
  const results = resultsOf(answer);
  assert.deepEqual(
    results.map(({ index }) => index),
    results.map((_, n) => n),
  );
  return results.map(({ status, id, problem }) => {
    if (status !== 'accepted') {
      assert.equal(status, 'rejected');
      assert.ok(problem?.title && problem.detail && typeof problem.retryable === 'boolean');
      return problem.type.replace('urn:kero:problem:', '');
    }
    assert.match(id ?? '', UUID);
    return 'id';
  });
}

export function valuesOf(records: readonly LogRecord[]): string[] {
  return records.map(({ value }) => String(value));
}

export function headerOf(record: LogRecord | undefined, name: string): string | undefined {
  return record?.headers.find(([known]) => known === name)?.[1].toString();
}
