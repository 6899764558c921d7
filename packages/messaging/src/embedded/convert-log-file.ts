import type { DatabaseSync } from 'node:sqlite';
import { readIdentity, readNumber } from './log-connection.ts';
import { allColumns, createRecordTables } from './log-tables.ts';

/**
 * Makes format 2 of a file of format 1, where each partition had a table of its own: all or nothing, whenever it is
 * interrupted. Takes room for the log once more while it lasts. Throws what SQLite throws.
 */
export function convertFormat1(database: DatabaseSync): void {
  const { partitions } = readIdentity(database);
  const columns = allColumns(partitions);
  database.exec('BEGIN EXCLUSIVE');
  try {
    for (const partition of columns.keys()) {
      database.exec(`ALTER TABLE partition_${partition} RENAME TO old_partition_${partition}`);
    }
    createRecordTables(database, partitions);
    const bounds = columns.map((_, partition) => ({
      start: readNumber(database, `SELECT coalesce(min(base_offset), 0) FROM old_partition_${partition}`),
      end: readNumber(database, `SELECT coalesce(max(base_offset + record_count), 0) FROM old_partition_${partition}`),
    }));
    const names = columns.flatMap(({ base, count }) => [base, count]).join(', ');
    for (const [partition, { chunk }] of columns.entries()) {
      // One partition after the other: those before it are at their ends by then, those after it at their starts.
      const numbers = bounds.map(({ start, end }, other) => {
        if (other === partition) return 'base_offset, record_count';
        return other < partition ? `${end}, 0` : `${start}, 0`;
      });
      database.exec(`
        INSERT INTO appends (timestamp_ms, ${names}, ${chunk})
        SELECT timestamp_ms, ${numbers.join(', ')}, payload FROM old_partition_${partition} ORDER BY base_offset;
        DROP TABLE old_partition_${partition};
      `);
    }
    database.exec('PRAGMA user_version = 2; COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
