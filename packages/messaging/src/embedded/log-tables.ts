import type { DatabaseSync } from 'node:sqlite';

/** What a partition has in a row of `appends`: the offset of its first record there, how many there are, their bytes. */
export interface PartitionColumns {
  /** Where the row holds nothing of the partition, the offset that its next record gets. Never falls from row to row. */
  readonly base: string;
  /** 0 where the row holds nothing of it. */
  readonly count: string;
  /** NULL where the row holds nothing of it. */
  readonly chunk: string;
}

export function columnsOf(partition: number): PartitionColumns {
  return { base: `base_${partition}`, count: `count_${partition}`, chunk: `chunk_${partition}` };
}

export function allColumns(partitions: number): PartitionColumns[] {
  return Array.from({ length: partitions }, (_, partition) => columnsOf(partition));
}

/**
 * The table of the records, and a view a partition that shows its chunks alone, for people and checks.
 *
 * The numbers come before the chunks, so that looking for an offset reads one page a row, however long the chunks are.
 */
export function createRecordTables(database: DatabaseSync, partitions: number): void {
  const columns = allColumns(partitions);
  database.exec(`
    CREATE TABLE appends (
      seq INTEGER PRIMARY KEY, timestamp_ms INTEGER NOT NULL,
      ${columns.map(({ base, count }) => `${base} INTEGER NOT NULL, ${count} INTEGER NOT NULL`).join(', ')},
      ${columns.map(({ chunk }) => `${chunk} BLOB`).join(', ')}
    ) STRICT;
    ${columns
      .map(
        ({ base, count, chunk }, partition) => `
          CREATE VIEW partition_${partition} AS
          SELECT ${base} AS base_offset, ${count} AS record_count, timestamp_ms, ${chunk} AS payload
          FROM appends WHERE ${count} > 0;`,
      )
      .join('')}
  `);
}
