import type { DeadLetterStatus, StoredDeadLetter } from '@kero/database';

/** What a person does about a letter that is open, by its reason. */
const ADVICE: Readonly<Record<string, string>> = {
  not_an_event:
    'No receiver made this record: find the program that writes to the topic, correct it, and have it write the event again. A replay would fail again. Then discard the letter.',
  invalid:
    'Correct the program that wrote it and have it write the event again, then discard the letter. A replay helps only when the rule has changed since: a newer Kero, or other EVENTS_ settings.',
  conflict:
    'Two different events claim the same identity, and the first one is stored. If the first is right, discard this letter. If both are real, give this one an event_id of its own, send it again, and discard the letter. A replay conflicts again as long as the first is there.',
  refused_by_database:
    'PostgreSQL refused it: the detail says why. Mostly a constraint, trigger or index that somebody added to events. Change that, then replay the letter.',
  expired:
    'It was older than EVENTS_RETENTION when it was processed. Discard it; or raise EVENTS_RETENTION for the processor, then replay it.',
};

/** Lines for a person: what to do about this letter now. */
export function adviceFor(
  { status, reason, deadLetterId, payload }: Pick<StoredDeadLetter, 'status' | 'reason' | 'deadLetterId' | 'payload'>,
  { isStored }: { readonly isStored: boolean },
): string {
  const done: Readonly<Record<Exclude<DeadLetterStatus, 'open'>, string>> = {
    replayed: isStored
      ? 'It was sent again, and an event with its id is stored.'
      : 'It was sent again; the processor stores it, or makes a new letter of it (see above). Nothing is left to do here.',
    discarded: `Somebody decided that it is not needed. kero dead-letters replay --id ${deadLetterId} --status discarded sends it all the same.`,
  };
  if (status !== 'open') return done[status];
  const commands = [
    ...(payload === null ? [] : [`kero dead-letters replay --id ${deadLetterId} --dry-run    would it be stored now?`]),
    ...(payload === null ? [] : [`kero dead-letters replay --id ${deadLetterId}`]),
    `kero dead-letters discard --id ${deadLetterId} --note "why"`,
  ];
  return `${ADVICE[reason] ?? 'The detail says what was wrong.'}\n\n${commands.map((line) => `  ${line}`).join('\n')}`;
}
