import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EventTypeSchema } from '../generate-types/types-file.ts';

/**
 * Reads a folder as SCHEMAS_DIR of the receiver: `<event_type>.json`, or `<event_type>/<version>.json` of which the highest version
 * counts; names are percent-decoded. Throws with a sentence that names the file.
 */
export function readSchemas(directory: string): EventTypeSchema[] {
  const schemas = new Map<string, { readonly path: string; readonly schema: unknown }>();
  for (const entry of entriesOf(directory)) {
    const isFolder = entry.isDirectory();
    if (!isFolder && !entry.name.endsWith('.json')) continue;
    const eventType = eventTypeOf(isFolder ? entry.name : entry.name.slice(0, -'.json'.length), directory);
    const path = isFolder ? latestVersion(join(directory, entry.name)) : join(directory, entry.name);
    if (path === undefined) continue;
    const other = schemas.get(eventType);
    if (other) throw new Error(`${path} and ${other.path} are for the same event type: keep one of them`);
    schemas.set(eventType, { path, schema: parse(path) });
  }
  if (schemas.size === 0) throw new Error(`${directory} has no schemas: expected <event_type>.json in it`);
  return [...schemas].map(([eventType, { schema }]) => ({ eventType, schema }));
}

function entriesOf(directory: string) {
  return readdirSync(directory, { withFileTypes: true })
    .filter(({ name }) => !name.startsWith('.'))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function latestVersion(folder: string): string | undefined {
  const versions = entriesOf(folder).flatMap(({ name }) => {
    if (!name.endsWith('.json')) return [];
    const version = /^([1-9]\d{0,8})\.json$/.exec(name)?.[1];
    if (version === undefined)
      throw new Error(`${join(folder, name)}: expected a version as its name: 1.json, 2.json and so on`);
    return [Number(version)];
  });
  return versions.length === 0 ? undefined : join(folder, `${Math.max(...versions)}.json`);
}

function eventTypeOf(name: string, directory: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    throw new Error(`${join(directory, name)}: the name is no event type (percent-encoding)`);
  }
}

function parse(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Error(`${path} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}
