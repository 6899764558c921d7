import type { ClientBase } from 'pg';
import { databaseError } from '../database-errors.ts';
import type { StoreEvent } from '../event-store.ts';
import { type Comparison, compareEvents } from './compare-events.ts';
import type { SortedEvents } from './sort-events.ts';

/** What is there already of a batch. */
export interface Known {
  readonly stored: ReadonlySet<StoreEvent>;
  /** How these, and what repeats one of them, compare with what is there. */
  readonly compared: readonly Comparison[];
}

const NOTHING_KNOWN: Known = { stored: new Set(), compared: [] };

/** `candidates`: events of the batch that may be there; one that is not, or no more, counts as new. `repeats`: of the whole batch. */
export async function compareKnown(
  client: ClientBase,
  repeats: SortedEvents['repeats'],
  candidates: readonly StoreEvent[],
  logPartition: number,
): Promise<Known> {
  if (candidates.length === 0) return NOTHING_KNOWN;
  const asked = new Set(candidates);
  // What repeats a stored event may be a conflict too; what repeats one that goes in now is a duplicate.
  const asking = repeats.filter(([first]) => asked.has(first)).map(([, repeat]) => repeat);
  const all = await compareEvents(client, [...candidates, ...asking], logPartition);
  const compared = all.filter(({ outcome }) => outcome !== 'absent');
  const stored = new Set(compared.map(({ event }) => event).filter((event) => asked.has(event)));
  return { stored, compared };
}

/** They have the id of an event that was stored before or goes in now. */
export async function compareTwins(
  client: ClientBase,
  twins: readonly StoreEvent[],
  logPartition: number,
): Promise<Comparison[]> {
  const compared = await compareEvents(client, twins, logPartition);
  const absent = compared.find(({ outcome }) => outcome === 'absent');
  if (absent === undefined) return compared;
  throw databaseError(
    'database_unavailable',
    `the row that repeats event ${absent.event.id.toString('hex')} was deleted in the same moment`,
  );
}
