import type { DeadLetterStore, StoredDeadLetter } from '@kero/database';
import { formatUuid } from '@kero/events';
import { createEventFilter, type Interpreted, interpretRecord } from '@kero/processor';
import type { SchemaSource } from '@kero/schemas';
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

export interface ForecastContext {
  readonly settings: Pick<AllSettings, 'events' | 'processor'>;
  readonly schemas: SchemaSource;
  readonly nowMs: number;
}

/**
 * Asks the processor's own rules, with the settings of this command (they should be those of the processor), and looks for the
 * events that are stored already. What PostgreSQL itself would refuse nobody can know before. Rejects with
 * `schemas_unavailable` when a schema is needed and cannot be had.
 */
export async function forecastReplay(
  letters: readonly StoredDeadLetter[],
  deadLetters: Pick<DeadLetterStore, 'eventsById'>,
  { settings, schemas, nowMs }: ForecastContext,
): Promise<Forecast[]> {
  const { allowedTypes, deniedTypes } = settings.processor;
  const stores = createEventFilter(allowedTypes, deniedTypes);
  const options = { eventSettings: settings.events, stores, typeSchemas: schemas, nowMs };
  const interpreted: (Exclude<Interpreted, { kind: 'schema_not_loaded' }> | { readonly impossible: string })[] = [];
  for (const letter of letters) {
    const replay = replayRecord(letter);
    if (!replay.possible) {
      interpreted.push({ impossible: replay.reason });
      continue;
    }
    const record = { ...replay.record, offset: 0n, timestampMs: nowMs };
    let found = interpretRecord(record, options);
    while (found.kind === 'schema_not_loaded') {
      await schemas.load(found.eventType);
      found = interpretRecord(record, options);
    }
    interpreted.push(found);
  }
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
