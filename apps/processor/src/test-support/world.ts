import type { LogRecord } from '@kero/messaging';
import { position } from './model-store.ts';

/** When it plays. */
export const NOW = Date.UTC(2026, 10, 23, 12);

/** `view` is stored, `noise` skipped, `evil` refused by the database; a name and a partition make an identity. */
export interface Entry {
  readonly kind: 'view' | 'noise' | 'evil' | 'garbage' | 'tombstone';
  readonly name: number;
  readonly data: number;
  /** Offsets before it that hold no record. */
  readonly gap: number;
}

export interface World {
  readonly seed: number;
  readonly partitions: readonly (readonly Entry[])[];
  readonly connections: number;
  readonly batchMaxRecords: number;
  readonly commitSkipped: boolean;
  /** How many times something is broken or moved before everything is healed for good. */
  readonly troubles: number;
}

export function recordsOf(entries: readonly Entry[], partition: number): LogRecord[] {
  let offset = -1n;
  return entries.map(({ kind, name, data, gap }) => {
    offset += BigInt(1 + gap);
    const event = {
      event_id: kind === 'evil' ? `evil-${partition}-${offset}` : `${partition}-${name}`,
      user_id: 'user-1',
      event_type: kind,
      event_timestamp: '2026-11-23T10:00:00Z',
      event_data: { data },
    };
    const text = kind === 'garbage' ? 'garbage' : JSON.stringify(event);
    return {
      offset,
      timestampMs: NOW,
      key: null,
      value: kind === 'tombstone' ? null : Buffer.from(text),
      headers: [],
    };
  });
}

export function contentOf(partition: number, { name, data }: { name: number; data: number }): string {
  return `${partition}-${name} view {"data":${data}}`;
}

/** What the tables must hold in the end: the first of each identity, and a letter for each record that did not fit. */
export function expectedTables(world: World) {
  const rows: string[] = [];
  const letters: [string, string][] = [];
  for (const [partition, entries] of world.partitions.entries()) {
    const first = new Map<number, number>();
    const records = recordsOf(entries, partition);
    for (const [index, { kind, name, data }] of entries.entries()) {
      const place = position(partition, records[index]?.offset ?? 0n);
      if (kind === 'noise') continue;
      if (kind === 'garbage' || kind === 'tombstone') letters.push([place, 'not_an_event']);
      else if (kind === 'evil') letters.push([place, 'refused_by_database']);
      else if (!first.has(name)) {
        first.set(name, data);
        rows.push(`${place} ${contentOf(partition, { name, data })}`);
      } else if (first.get(name) !== data) letters.push([place, 'conflict']);
    }
  }
  return { rows: rows.sort(), letters: letters.sort() };
}
