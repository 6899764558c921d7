import { describeError } from '@kero/runtime';
import { compileRegistered, eventTypeOf, type SchemaConfig } from '@kero/schemas';
import { printable } from '../../printable.ts';
import { renderTable } from '../../render-table.ts';
import type { CommandContext, CommandResult } from '../../run-command.ts';
import { BUILT_IN, configOf, readFolder, withRegistry } from './known-schemas.ts';

interface Row {
  readonly eventType: string;
  /** The version in use. */
  readonly label: string;
  readonly others: string;
  readonly from: string;
}

/** `kero schemas list`: exit 1 when one of them cannot be used. */
export async function listSchemas(context: CommandContext): Promise<CommandResult> {
  const config = configOf(context);
  const { rows, problems, where } = await rowsOf(config);
  const types = new Set(rows.map(({ eventType }) => eventType));
  for (const [eventType, { from }] of Object.entries(BUILT_IN)) {
    if (!types.has(eventType)) rows.push({ eventType, label: `built-in:${eventType}`, others: '', from });
  }
  const table = renderTable(
    ['event type', 'schema', 'other versions', 'from'],
    rows
      .sort((a, b) => (a.eventType < b.eventType ? -1 : 1))
      .map((row) => [row.eventType, row.label, row.others, row.from].map(printable)),
  );
  const unknown = config.unknownTypes === 'refuse' ? 'refused' : 'accepted, with any object as event_data';
  const parts = [where, table, `Events of other types are ${unknown} (SCHEMA_UNKNOWN_TYPES).`];
  if (problems.length > 0) parts.push(`Cannot be used:\n  ${problems.map(printable).join('\n  ')}`);
  return { text: parts.join('\n\n'), failed: problems.length > 0 };
}

async function rowsOf(config: SchemaConfig): Promise<{ rows: Row[]; problems: string[]; where: string }> {
  switch (config.driver) {
    case 'built_in':
      return { rows: [], problems: [], where: 'Neither SCHEMAS_DIR nor SCHEMA_REGISTRY_URL is set.' };
    case 'folder':
      return { ...(await rowsOfFolder(config.directory)), where: `Folder ${config.directory} (SCHEMAS_DIR)` };
    case 'registry':
      return { ...(await rowsOfRegistry(config)), where: `Registry ${config.url} (SCHEMA_REGISTRY_URL)` };
  }
}

async function rowsOfFolder(directory: string): Promise<{ rows: Row[]; problems: string[] }> {
  const { schemas, problems } = await readFolder(directory);
  const rows: Row[] = [];
  for (const [eventType, versions] of Map.groupBy(schemas, (it) => it.eventType)) {
    const [current, ...others] = versions.sort((a, b) => (b.version ?? 0) - (a.version ?? 0));
    if (!current) continue;
    const { label, path: from } = current;
    rows.push({ eventType, label, others: others.map(({ version }) => version).join(', '), from });
  }
  return { rows, problems: problems.map(({ path, problem }) => `${path}: ${problem}`) };
}

async function rowsOfRegistry(
  config: SchemaConfig & { readonly driver: 'registry' },
): Promise<{ rows: Row[]; problems: string[] }> {
  return await withRegistry(config, async (client) => {
    const rows: Row[] = [];
    const problems: string[] = [];
    for (const subject of await client.subjects()) {
      const eventType = eventTypeOf(config.subject, subject);
      if (eventType === undefined) continue;
      const registered = await client.latest(subject);
      if (!registered) continue;
      try {
        const { label } = compileRegistered(registered);
        const others = (await client.versions(subject)).filter((version) => version !== registered.version);
        const from = `version ${registered.version} of ${subject}`;
        rows.push({ eventType, label, others: others.reverse().join(', '), from });
      } catch (error) {
        problems.push(describeError(error));
      }
    }
    return { rows, problems };
  });
}
