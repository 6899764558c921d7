import type { AttemptLine } from '../ledger-format.ts';
import type { Random } from '../random.ts';
import type { LogUnderTest } from '../system/system.ts';
import type { Deliveries } from './deliveries.ts';
import { type NewContent, validEvent } from './events.ts';
import type { Ledger } from './ledger.ts';

interface GarbageOptions {
  readonly ledger: Ledger;
  readonly deliveries: Deliveries;
  readonly log: LogUnderTest;
  readonly random: Random;
  readonly run: string;
}

const KINDS: readonly ((marker: string) => string)[] = [
  (marker) => `not json ${marker}`,
  (marker) => `{"user_id":"${marker}"}`,
  (marker) => `["${marker}"]`,
  (marker) => `"${marker}"`,
  (marker) => `{"user_id":"u","event_type":"purchase","event_timestamp":"yesterday","event_data":{"x":"${marker}"}}`,
  (marker) =>
    `{"user_id":"u","event_type":"purchase","event_timestamp":"2025-10-07T10:00:00Z","event_data":{"item_id":"${marker}","price":"a lot"}}`,
  (marker) =>
    `{"user_id":"u","event_type":"view","event_timestamp":"2025-10-07T10:00:00Z","event_data":{"a":"\\u0000${marker}"}}`,
  (marker) =>
    `{"user_id":"u","event_type":"view","event_timestamp":"2025-10-07T10:00:00Z","event_data":{"a":1e400,"b":"${marker}"}}`,
  (marker) => `${'{"a":'.repeat(50)}"${marker}"${'}'.repeat(50)}`,
];
/** Of all records that are written, these are events that another program wrote, without headers. */
const FOREIGN_SHARE = 0.3;
/** Above the numbers that any client gives. */
const FIRST_NUMBER = 100_000_000;

/**
 * Writes some records into the topic with a program that is not Kero. Whether they arrived is not known from the program's
 * end, so the ledger has them as unknown; those that the log holds must be dead letters, or rows.
 */
export async function produceGarbage({ ledger, deliveries, log, random, run }: GarbageOptions): Promise<void> {
  if (!log.write) throw new Error('only Kero can write into this log');
  const contents = Array.from({ length: random.int(3, 12) }, (): NewContent => {
    const unique = FIRST_NUMBER + random.int(0, 99_999_999);
    const user = `other-program-${random.int(0, 5)}`;
    if (random.chance(FOREIGN_SHARE)) return foreignEvent(random, { user, run, unique });
    const marker = `${run}-${unique}-garbage`;
    return { class: 'garbage', kind: 'garbage', marker, user, body: random.pick(KINDS)(marker) };
  });
  const attempts: AttemptLine[] = [];
  for (const content of contents) {
    const line = deliveries.record(content);
    attempts.push(await ledger.attempt({ content: line.content, purpose: 'first', via: 'console producer' }));
  }
  await log.write(contents.map(({ user, body }) => ({ key: user, value: body }))).finally(() => {
    for (const { attempt } of attempts) ledger.outcome({ attempt, outcome: 'unknown', why: 'the tool has ended' });
  });
}

/** The tool takes one record a line and a TAB after the key. */
function foreignEvent(random: Random, options: { user: string; run: string; unique: number }): NewContent {
  for (let n = 0; ; n++) {
    const { content } = validEvent(random.fork(n), { ...options, class: 'foreign' });
    if (!/[\t\n\r]/.test(content.body)) return content;
  }
}
