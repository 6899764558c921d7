import type { ParseOptions } from '../event.ts';
import type { ParsedItem } from '../parsed-item.ts';
import { builtInTypeSchemas } from '../type-schemas.ts';

/** For tests: what a receiver is told. */
export const options: ParseOptions = {
  nowMs: Date.UTC(2026, 10, 23, 10),
  maxFutureMs: 86_400_000,
  retentionMs: undefined,
  maxBytes: 262_144,
  defaultSource: 'default',
  typeSchemas: builtInTypeSchemas,
};

/** For tests: the attributes of a CloudEvent that is right. */
export const attributes = {
  specversion: '1.0',
  id: 'A-1',
  source: '/shop',
  type: 'purchase',
  subject: 'user-1',
  time: '2026-11-23T09:59:58.123456Z',
};

/** For tests: the same in the JSON format, with changes. */
export function structured(change: Readonly<Record<string, unknown>> = {}): Buffer {
  return Buffer.from(JSON.stringify({ ...attributes, data: { item_id: '42', price: 19.9 }, ...change }));
}

/** For tests: what is wrong, as `code pointer`. */
export function problemsOf(item: ParsedItem): string[] {
  return item.ok ? [] : item.problems.map(({ code, pointer }) => `${code} ${pointer}`);
}
