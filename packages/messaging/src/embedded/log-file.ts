import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { describeError, isKeroError } from '@kero/runtime';
import { messagingError } from '../messaging-errors.ts';
import { convertFormat1 } from './convert-log-file.ts';
import { type LogIdentity, logFile, readIdentity, readNumber } from './log-connection.ts';
import { createRecordTables } from './log-tables.ts';

/*
 * The file of the embedded log, format 2:
 *
 *   log                 one row: the identity of the log and its number of partitions, both chosen once
 *   appends             the records: one row for what one transaction brought, in it a chunk (record-encoding.ts) a partition
 *   partition_<p>       a view of the chunks of one partition
 *   committed_offsets   per group and partition, the offset below which every record is finished
 *   idle_groups         per group, how long others were used and it was not; made when there is such a group
 *   probe               scratch space of the check whether there is room again
 *
 * One row a transaction, because SQLite writes whole pages: a row a partition (format 1) touches the last page of four
 * tables, and a row a record far more. docs/decisions/0006-embedded-log.md has the measurements.
 */
const FORMAT_VERSION = 2;
const PARTITIONS = 4;
/** "kero" in ASCII: lets `file` and a person tell what this is. */
const APPLICATION_ID = 0x6b65726f;

/**
 * Makes the file where there is none, and checks it where there is one. The caller owns the folder.
 * Throws KeroError `log_unusable` for a file of a newer format, a damaged one, or one that cannot be written.
 */
export function prepareLogFile(directory: string): LogIdentity {
  const file = logFile(directory);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    // Larger pages are fewer writes for large groups, and more bytes for small ones; 16 KiB serve both. Only a new file heeds it.
    database.exec('PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    const version = readNumber(database, 'PRAGMA user_version');
    if (version > FORMAT_VERSION) {
      throw messagingError(
        'log_unusable',
        `${file} has format ${version}; this version of Kero knows formats up to ${FORMAT_VERSION}`,
        { remedy: 'Start the newer version of Kero that wrote the log, or give this one its own KERO_DATA_DIR.' },
      );
    }
    if (version === 0) createTables(database);
    if (version === 1) convertFormat1(database);
    return readIdentity(database);
  } catch (error) {
    if (isKeroError(error)) throw error;
    throw messagingError('log_unusable', `the log ${file} cannot be used: ${describeError(error)}`, { cause: error });
  } finally {
    database?.close();
  }
}

function createTables(database: DatabaseSync): void {
  database.exec(`
    BEGIN EXCLUSIVE;
    CREATE TABLE log (log_id TEXT NOT NULL, partitions INTEGER NOT NULL) STRICT;
    CREATE TABLE committed_offsets (
      group_id TEXT NOT NULL, partition INTEGER NOT NULL, next_offset INTEGER NOT NULL, PRIMARY KEY (group_id, partition)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE probe (id INTEGER PRIMARY KEY, filler BLOB NOT NULL) STRICT;
  `);
  createRecordTables(database, PARTITIONS);
  database.exec(`
    INSERT INTO log VALUES ('${randomUUID()}', ${PARTITIONS});
    PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${FORMAT_VERSION};
    COMMIT;
  `);
}
