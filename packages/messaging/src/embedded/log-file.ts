import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { describeError, isKeroError } from '@kero/runtime';
import { messagingError } from '../messaging-errors.ts';
import { type LogIdentity, logFile, readIdentity, readNumber } from './log-connection.ts';

/*
 * The file of the embedded log, format 1:
 *
 *   log                 one row: the identity of the log and its number of partitions, both chosen once
 *   partition_<p>       the records of a partition, in chunks (record-encoding.ts): one row for what one transaction brought
 *   committed_offsets   per group and partition, the offset below which every record is finished
 *   idle_groups         per group, how long others were used and it was not; made when there is such a group
 *   probe               scratch space of the check whether there is room again
 *
 * Chunks instead of a row a record, and a table a partition instead of a common one WITHOUT ROWID, because the writer then
 * takes 1.3 times as many records a second when 64 travel together, and 1.6 to 1.8 times as many with 500 or 1,000.
 */
const FORMAT_VERSION = 1;
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
    // 8 KiB pages: a tenth more records a second than 4 KiB; 16 KiB make small commits a fifth slower. Only a new file heeds it.
    database.exec('PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    const version = readNumber(database, 'PRAGMA user_version');
    if (version > FORMAT_VERSION) {
      throw messagingError(
        'log_unusable',
        `${file} has format ${version}; this version of Kero knows formats up to ${FORMAT_VERSION}`,
        { remedy: 'Start the newer version of Kero that wrote the log, or give this one its own KERO_DATA_DIR.' },
      );
    }
    if (version === 0) createTables(database);
    return readIdentity(database);
  } catch (error) {
    if (isKeroError(error)) throw error;
    throw messagingError('log_unusable', `the log ${file} cannot be used: ${describeError(error)}`, { cause: error });
  } finally {
    database?.close();
  }
}

function createTables(database: DatabaseSync): void {
  const partitionTables = Array.from(
    { length: PARTITIONS },
    (_, partition) => `
      CREATE TABLE partition_${partition} (
        base_offset INTEGER PRIMARY KEY, record_count INTEGER NOT NULL, timestamp_ms INTEGER NOT NULL, payload BLOB NOT NULL
      ) STRICT;`,
  );
  database.exec(`
    BEGIN EXCLUSIVE;
    CREATE TABLE log (log_id TEXT NOT NULL, partitions INTEGER NOT NULL) STRICT;
    CREATE TABLE committed_offsets (
      group_id TEXT NOT NULL, partition INTEGER NOT NULL, next_offset INTEGER NOT NULL, PRIMARY KEY (group_id, partition)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE probe (id INTEGER PRIMARY KEY, filler BLOB NOT NULL) STRICT;
    ${partitionTables.join('')}
    INSERT INTO log VALUES ('${randomUUID()}', ${PARTITIONS});
    PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${FORMAT_VERSION};
    COMMIT;
  `);
}
