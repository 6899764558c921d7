import { openSchemas, type SchemaSource, schemaConfig } from '@kero/schemas';
import type { CommandContext } from './run-command.ts';

/** The schemas that the settings name, for a command. To be disposed. */
export async function openCliSchemas({
  settings,
  logger,
}: Pick<CommandContext, 'settings' | 'logger'>): Promise<{ readonly source: SchemaSource } & AsyncDisposable> {
  const source = await openSchemas(schemaConfig(settings.schemas, settings.messaging), { logger });
  return { source, [Symbol.asyncDispose]: () => source.close() };
}
