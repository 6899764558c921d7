import { compareSchemas, readSchema, subjectOf } from '@kero/schemas';
import { printable } from '../../printable.ts';
import { type CommandContext, CommandRefused, type CommandResult } from '../../run-command.ts';
import { describeComparison } from './describe-comparison.ts';
import { configOf, withRegistry } from './known-schemas.ts';
import { readTarget } from './schema-target.ts';

/** `kero schemas register`: whether it fits is up to the rules of the registry; what breaks is told by Kero. */
export async function registerSchema(
  file: string,
  { type }: { readonly type?: string },
  context: CommandContext,
): Promise<CommandResult> {
  const config = configOf(context);
  if (config.driver !== 'registry')
    throw new CommandRefused('There is no registry to register it in: set SCHEMA_REGISTRY_URL.');
  const { eventType, text, schema } = await readTarget(file, type);
  const subject = subjectOf(config.subject, eventType);
  return await withRegistry(config, async (client) => {
    const lines: string[] = [];
    const latest = await client.latest(subject);
    const before = latest?.schemaType === 'JSON' ? readSchema(latest.schema) : undefined;
    if (before?.ok)
      lines.push(...describeComparison(compareSchemas(before.schema, schema), `version ${latest?.version}`));
    const verdict = latest && (await client.compatibility(subject, text));
    if (verdict?.compatible === false) {
      lines.push(...verdict.messages.map(printable));
      lines.push(`Not registered: by the rules of the registry it is not compatible with ${printable(subject)}.`);
      return { text: lines.join('\n'), failed: true };
    }
    const id = await client.register(subject, text);
    const registered = await client.latest(subject);
    const version = registered?.id === id ? `version ${registered.version}` : 'a version';
    lines.push(
      `Registered: ${version} of ${printable(subject)}, id ${id}. Events are checked against it within SCHEMA_REGISTRY_REFRESH.`,
    );
    return { text: lines.join('\n'), failed: false };
  });
}
