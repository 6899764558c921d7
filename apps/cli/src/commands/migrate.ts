import { migrate } from '@kero/database';
import type { Logger } from '@kero/runtime';
import type { AllSettings } from '../all-settings.ts';
import { cliDatabaseConfig } from '../cli-configs.ts';

/** `kero migrate`: brings the schema to the version of this program. Resolves to the text to print. */
export async function runMigrate(settings: AllSettings, logger: Logger): Promise<string> {
  const { applied } = await migrate(cliDatabaseConfig(settings), { logger });
  if (applied.length === 0) return 'The schema is up to date: nothing to do.';
  return `Applied ${applied.length} ${applied.length === 1 ? 'migration' : 'migrations'}: ${applied.join(', ')}`;
}
