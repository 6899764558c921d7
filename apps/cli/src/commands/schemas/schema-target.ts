import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { JsonSchema, SchemaCheck } from '@kero/events';
import { describeError } from '@kero/runtime';
import { eventTypeOfName, readSchema } from '@kero/schemas';
import { CommandRefused } from '../../run-command.ts';

/** A schema that a person asks about. */
export interface SchemaTarget {
  readonly eventType: string;
  readonly version: number | undefined;
  readonly path: string;
  readonly text: string;
  readonly schema: JsonSchema;
  readonly check: SchemaCheck;
}

const VERSION = /^[1-9]\d{0,8}$/;

/** Reads a file; its type is that of its name (`<type>.json`, `<type>/<version>.json`) unless it is given. */
export async function readTarget(path: string, type?: string): Promise<SchemaTarget> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new CommandRefused(`${path} cannot be read: ${describeError(error)}`);
  });
  const reading = readSchema(text);
  if (!reading.ok) throw new CommandRefused(`${path} cannot be used:\n  ${reading.problems.join('\n  ')}`);
  const name = basename(path, '.json');
  const version = VERSION.test(name) ? Number(name) : undefined;
  const eventType = type ?? eventTypeOfName(version === undefined ? name : basename(dirname(resolve(path))));
  if (eventType === undefined) throw new CommandRefused(`The name of ${path} is no event type: give it with --type.`);
  return { eventType, version, path, text, schema: reading.schema, check: reading.check };
}

/** The version before a file that is one, if it lies beside it. */
export async function readPrevious(
  { version, path }: SchemaTarget,
  siblings: readonly string[],
): Promise<SchemaTarget | undefined> {
  if (version === undefined) return undefined;
  const before = siblings
    .map((name) => basename(name, '.json'))
    .filter((name) => VERSION.test(name) && Number(name) < version)
    .sort((a, b) => Number(b) - Number(a))[0];
  return before === undefined ? undefined : await readTarget(join(dirname(path), `${before}.json`));
}
