import type { StoredDeadLetter } from '@kero/database';
import type { NewRecord, RecordHeader } from '@kero/messaging';

/** Names the letter that a record replays (docs/architecture.md, "The log record"). */
const REPLAY_OF = 'kero-replay-of';

export type ReplayRecord =
  | { readonly possible: true; readonly record: NewRecord }
  | { readonly possible: false; readonly reason: string };

/**
 * The record of a letter, to be appended again: the same key, value and headers, so that the event in it keeps its identity and
 * a replay cannot make a second row. A letter that a replay ended as names itself, not the one before.
 */
export function replayRecord({ deadLetterId, key, payload, headers }: StoredDeadLetter): ReplayRecord {
  if (payload === null) return { possible: false, reason: 'a tombstone: there is nothing that could be sent' };
  const replayOf: RecordHeader = [REPLAY_OF, Buffer.from(String(deadLetterId))];
  const kept = headers.filter(([name]) => name !== REPLAY_OF);
  // A record without a key may be in any partition, so an empty one is as good.
  return { possible: true, record: { key: key ?? Buffer.alloc(0), value: payload, headers: [...kept, replayOf] } };
}
