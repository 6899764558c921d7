import { readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Database } from '@kero/database';
import { describeError } from '@kero/runtime';
import { compareSchemas, listFolder } from '@kero/schemas';
import { printable } from '../../printable.ts';
import { type CommandContext, CommandRefused, type CommandResult } from '../../run-command.ts';
import { withDatabase } from '../../with-database.ts';
import { describeComparison } from './describe-comparison.ts';
import { configOf, type KnownSchema, schemaInUse } from './known-schemas.ts';
import { checkRecentEvents } from './recent-events.ts';
import { readPrevious, readTarget, type SchemaTarget } from './schema-target.ts';

export interface CheckOptions {
  readonly against?: string;
  readonly type?: string;
  readonly recent?: number;
  readonly strict?: boolean;
}

interface Finding {
  readonly lines: readonly string[];
  readonly failed: boolean;
}

const DEFAULT_RECENT = 1000;

/** `kero schemas check`: of a folder the newest version of each type. */
export async function checkSchemas(
  path: string,
  options: CheckOptions,
  context: CommandContext,
): Promise<CommandResult> {
  const targets = await targetsAt(path, options);
  const findings = await lookAtStoredEvents(targets, options, context);
  const parts: string[] = [];
  let failed = false;
  for (const [index, target] of targets.entries()) {
    const compared = await compareWithPrevious(target, options, context);
    const found = [compared, findings[index]].filter((it) => it !== undefined);
    failed ||= found.some((it) => it.failed);
    const lines = found.flatMap((it) => it.lines).map((line) => `  ${line}`);
    parts.push([`${printable(target.eventType)} (${printable(target.path)})`, ...lines].join('\n'));
  }
  return { text: parts.join('\n\n'), failed };
}

async function targetsAt(path: string, { type, against }: CheckOptions): Promise<SchemaTarget[]> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    (error: unknown) => {
      throw new CommandRefused(`${path} cannot be read: ${describeError(error)}`);
    },
  );
  if (!isFolder) return [await readTarget(path, type)];
  if (type !== undefined || against !== undefined) {
    throw new CommandRefused('--type and --against are for one schema: name its file.');
  }
  const { files, problems } = await listFolder(path);
  if (problems.length > 0) {
    const lines = problems.map((it) => `${it.path}: ${it.problem}`);
    throw new CommandRefused(`${path} cannot be used:\n  ${lines.join('\n  ')}`);
  }
  if (files.length === 0) throw new CommandRefused(`There are no schemas in ${path}.`);
  const newest = [...Map.groupBy(files, ({ eventType }) => eventType).values()].flatMap((versions) =>
    versions.sort((a, b) => (b.version ?? 0) - (a.version ?? 0)).slice(0, 1),
  );
  return await Promise.all(newest.map((file) => readTarget(join(path, file.path), file.eventType)));
}

async function compareWithPrevious(
  target: SchemaTarget,
  options: CheckOptions,
  context: CommandContext,
): Promise<Finding> {
  const previous = await previousOf(target, options, context);
  if (!previous) return { lines: ['there is no schema before it to compare with'], failed: false };
  const comparison = compareSchemas(previous.schema, target.schema);
  const { verdict } = comparison;
  const failed = verdict === 'incompatible' || (verdict === 'unclear' && options.strict === true);
  return { lines: describeComparison(comparison, previous.from), failed };
}

async function previousOf(
  target: SchemaTarget,
  { against }: CheckOptions,
  context: CommandContext,
): Promise<KnownSchema | undefined> {
  if (against !== undefined) return { schema: (await readTarget(against, target.eventType)).schema, from: against };
  const beside = await readPrevious(target, await readdir(dirname(target.path)));
  if (beside) return { schema: beside.schema, from: beside.path };
  const isItself = (directory: string, path: string) => resolve(directory, path) === resolve(target.path);
  return await schemaInUse(configOf(context), target.eventType, isItself);
}

/** One finding for each target; none where nobody asked and there is no database to look at. */
async function lookAtStoredEvents(
  targets: readonly SchemaTarget[],
  options: CheckOptions,
  context: CommandContext,
): Promise<Finding[]> {
  const { recent = DEFAULT_RECENT } = options;
  if (recent === 0) return [];
  try {
    return await withDatabase(context, async (database) => {
      const findings: Finding[] = [];
      for (const target of targets) findings.push(await lookAtEventsOf(target, database, recent));
      return findings;
    });
  } catch (error) {
    if (options.recent !== undefined) throw error;
    const reason = printable(describeError(error));
    return targets.map(() => ({ lines: [`stored events were not looked at: ${reason}`], failed: false }));
  }
}

async function lookAtEventsOf(target: SchemaTarget, database: Database, limit: number): Promise<Finding> {
  const { looked, refused, example } = await checkRecentEvents(database, target, limit);
  if (looked === 0) return { lines: ['stored events: none of this type'], failed: false };
  const newest = looked === 1 ? 'the newest one' : `the newest ${looked}`;
  const lines = [`stored events: of ${newest} of this type ${refused === 0 ? 'none' : refused} would be refused`];
  if (example) lines.push(`  for example ${example.id}: ${printable(example.problem)}`);
  return { lines, failed: refused > 0 };
}
