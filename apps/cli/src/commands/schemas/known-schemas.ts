import { type JsonSchema, purchaseSchema } from '@kero/events';
import {
  compileRegistered,
  type FolderProblem,
  type FolderSchema,
  listFolder,
  RegistryClient,
  readSchemaFile,
  type SchemaConfig,
  schemaConfig,
  subjectOf,
} from '@kero/schemas';
import type { CommandContext } from '../../run-command.ts';

/** A schema to compare with, and where it was found. */
export interface KnownSchema {
  readonly schema: JsonSchema;
  readonly from: string;
}

export const BUILT_IN: Readonly<Record<string, KnownSchema>> = {
  purchase: { schema: purchaseSchema, from: 'built in' },
};

export function configOf({ settings }: Pick<CommandContext, 'settings'>): SchemaConfig {
  return schemaConfig(settings.schemas, settings.messaging);
}

/** Every schema of a folder, all versions, and all that is wrong. */
export async function readFolder(
  directory: string,
): Promise<{ readonly schemas: FolderSchema[]; readonly problems: FolderProblem[] }> {
  const listing = await listFolder(directory);
  const schemas: FolderSchema[] = [];
  const problems = [...listing.problems];
  for (const file of listing.files) {
    const reading = await readSchemaFile(directory, file);
    if (reading.ok) schemas.push(reading.found);
    else problems.push(...reading.problems.map((problem) => ({ path: file.path, problem })));
  }
  return { schemas, problems };
}

/** Asks the registry and lets go of it. */
export async function withRegistry<T>(
  config: SchemaConfig & { readonly driver: 'registry' },
  work: (client: RegistryClient) => Promise<T>,
): Promise<T> {
  const client = new RegistryClient(config);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/** The schema of a type that the settings lead to; of the folder not the file `except`. Rejects when it cannot be had. */
export async function schemaInUse(
  config: SchemaConfig,
  eventType: string,
  isExcept: (directory: string, path: string) => boolean,
): Promise<KnownSchema | undefined> {
  const builtIn = Object.hasOwn(BUILT_IN, eventType) ? BUILT_IN[eventType] : undefined;
  switch (config.driver) {
    case 'built_in':
      return builtIn;
    case 'folder': {
      const { schemas } = await readFolder(config.directory);
      const found = schemas
        .filter((it) => it.eventType === eventType && !isExcept(config.directory, it.path))
        .sort((a, b) => (b.version ?? 0) - (a.version ?? 0))[0];
      return found ? { schema: found.schema, from: `${config.directory}/${found.path}` } : builtIn;
    }
    case 'registry': {
      const registered = await withRegistry(config, (client) => client.latest(subjectOf(config.subject, eventType)));
      if (!registered) return builtIn;
      const { schema } = compileRegistered(registered);
      return { schema, from: `version ${registered.version} of the subject ${registered.subject}` };
    }
  }
}
