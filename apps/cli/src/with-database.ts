import { connectDatabase, type Database } from '@kero/database';
import { cliDatabaseConfig } from './cli-configs.ts';
import type { CommandContext } from './run-command.ts';

/** Runs `work` with the database that the settings name, and closes it. */
export async function withDatabase<T>(
  { settings, logger }: Pick<CommandContext, 'settings' | 'logger'>,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const database = await connectDatabase(cliDatabaseConfig(settings), { logger });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}
