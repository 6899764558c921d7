import type { DeadLetterStore, StoredDeadLetter } from '@kero/database';
import { formatUuid } from '@kero/events';
import { createEventFilter, interpretRecord } from '@kero/processor';
import type { AllSettings } from '../../all-settings.ts';
import { replayRecord } from './replay-record.ts';

/** What a replay of a letter would come to. */
export type Forecast =
  | { readonly kind: 'row' }
  /** Its event is stored already: with the same content it is a repeat and counted, with other content a conflict. */
  | { readonly kind: 'stored_already' }
  /** By the processor's own filter. */
  | { readonly kind: 'skipped' }
  | { readonly kind: 'fails_again'; readonly reason: string; readonly detail: string }
  /** It is not sent at all. */
  | { readonly kind: 'impossible'; readonly detail: string };

/**
 * Asks the processor's own rules, with the settings of this command (they should be those of the processor), and looks for the
 * events that are stored already. What PostgreSQL itself would refuse nobody can know before.
 */
export async function forecastReplay(
  letters: readonly StoredDeadLetter[],
  deadLetters: Pick<DeadLetterStore, 'eventsById'>,
  { settings, nowMs }: { readonly settings: Pick<AllSettings, 'events' | 'processor'>; readonly nowMs: number },
): Promise<Forecast[]> {
  const { allowedTypes, deniedTypes } = settings.processor;
  const options = { eventSettings: settings.events, stores: createEventFilter(allowedTypes, deniedTypes), nowMs };
  const interpreted = letters.map((letter) => {
    const replay = replayRecord(letter);
    if (!replay.possible) return { impossible: replay.reason };
    return interpretRecord({ ...replay.record, offset: 0n, timestampMs: nowMs }, options);
  });
  const ids = interpreted.flatMap((it) => ('kind' in it && it.kind === 'event' ? [formatUuid(it.event.id)] : []));
  const stored = new Set((await deadLetters.eventsById(ids)).map(({ id }) => id));
  return interpreted.map((it, index): Forecast => {
    if ('impossible' in it) return { kind: 'impossible', detail: it.impossible };
    if (it.kind === 'skipped') return { kind: 'skipped' };
    if (it.kind === 'dead_letter') return { kind: 'fails_again', reason: it.letter.reason, detail: it.letter.detail };
    if (!stored.has(formatUuid(it.event.id))) return { kind: 'row' };
    if (letters[index]?.reason !== 'conflict') return { kind: 'stored_already' };
    const detail = 'the first event with this id is still stored; a replay without a change conflicts again';
    return { kind: 'fails_again', reason: 'conflict', detail };
  });
}
