import { connectDatabase, type QueryResult } from '@kero/database';
import type { Logger } from '@kero/runtime';
import type { AllSettings } from '../all-settings.ts';
import { cliDatabaseConfig } from '../cli-configs.ts';
import { printable } from '../printable.ts';
import { renderTable } from '../render-table.ts';

/**
 * `kero sql`: runs one statement on the database that Kero uses, for those without psql. An embedded server that is
 * running is used as it is; one that is not is started for the statement. Resolves to the text to print.
 */
export async function runSql(sql: string, settings: AllSettings, logger: Logger): Promise<string> {
  const database = await connectDatabase(cliDatabaseConfig(settings), { logger });
  try {
    return renderResult(await database.query(sql));
  } finally {
    await database.close();
  }
}

function renderResult({ columns, rows, command, rowCount }: QueryResult): string {
  if (columns.length === 0) return `${command}${rowCount === null ? '' : ` ${rowCount}`}`;
  const table = renderTable(
    columns.map(printable),
    rows.map((row) => row.map((value) => printable(value ?? ''))),
  );
  return `${table}\n(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`;
}
