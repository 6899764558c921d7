import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonSchema, TypeSchema } from '@kero/events';
import { describeError } from '@kero/runtime';
import { readSchema } from '../read-schema.ts';
import { eventTypeOfName } from './file-name.ts';

/** One file of the folder that says by its place which schema it holds. */
export interface SchemaFile {
  /** Relative to the folder. */
  readonly path: string;
  readonly eventType: string;
  /** Undefined for `<event_type>.json`. */
  readonly version: number | undefined;
}

/** A schema that can be used. */
export interface FolderSchema extends TypeSchema, SchemaFile {
  readonly schema: JsonSchema;
}

/** A file, or the folder itself, that cannot be used. */
export interface FolderProblem {
  readonly path: string;
  readonly problem: string;
}

export interface FolderListing {
  readonly files: readonly SchemaFile[];
  readonly problems: readonly FolderProblem[];
}

export type FileReading =
  | { readonly ok: true; readonly found: FolderSchema }
  | { readonly ok: false; readonly problems: readonly string[] };

const MAX_FILE_BYTES = 1024 * 1024;
const VERSION = /^[1-9]\d{0,8}$/;

/**
 * Which schemas the folder has, without opening them: `<event_type>.json` and `<event_type>/<version>.json`. What does not end
 * with `.json`, and names that begin with a dot, are none of ours. Rejects when the folder cannot be read.
 */
export async function listFolder(directory: string): Promise<FolderListing> {
  const files: SchemaFile[] = [];
  const problems: FolderProblem[] = [];
  for (const name of await namesIn(directory)) {
    const isFolder = (await stat(join(directory, name))).isDirectory();
    if (!isFolder && !name.endsWith('.json')) continue;
    const eventType = eventTypeOfName(isFolder ? name : name.slice(0, -'.json'.length));
    if (eventType === undefined) {
      problems.push({ path: name, problem: 'the name is no event type (percent-encoding, 1 to 128 characters)' });
    } else if (!isFolder) {
      files.push({ path: name, eventType, version: undefined });
    } else {
      for (const inner of (await namesIn(join(directory, name))).filter((it) => it.endsWith('.json'))) {
        const path = `${name}/${inner}`;
        const version = inner.slice(0, -'.json'.length);
        if (VERSION.test(version)) files.push({ path, eventType, version: Number(version) });
        else problems.push({ path, problem: 'expected a version as its name: 1.json, 2.json and so on' });
      }
    }
  }
  return { files, problems: [...problems, ...ambiguities(files)] };
}

async function namesIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => !name.startsWith('.')).sort();
}

/** Two names may mean the same type (`a.json` and `%61.json`), and a type may have a file or versions, not both. */
function ambiguities(files: readonly SchemaFile[]): FolderProblem[] {
  const problems: FolderProblem[] = [];
  const seen = new Map<string, SchemaFile>();
  for (const file of files) {
    const other = seen.get(file.eventType);
    const isNextVersion =
      file.version !== undefined && other?.version !== undefined && folderOf(file) === folderOf(other);
    if (other && !isNextVersion) {
      problems.push({ path: file.path, problem: `${other.path} is for the same event type: keep one of them` });
    } else seen.set(file.eventType, file);
  }
  return problems;
}

function folderOf({ path }: SchemaFile): string {
  return path.slice(0, path.indexOf('/') + 1);
}

/** Reads one file of the folder. Never rejects. */
export async function readSchemaFile(directory: string, file: SchemaFile): Promise<FileReading> {
  let bytes: Buffer;
  try {
    const path = join(directory, file.path);
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) return { ok: false, problems: [`larger than ${MAX_FILE_BYTES} bytes`] };
    bytes = await readFile(path);
  } catch (error) {
    return { ok: false, problems: [`cannot be read: ${describeError(error)}`] };
  }
  const reading = readSchema(bytes.toString('utf8'));
  if (!reading.ok) return reading;
  const { schema, check } = reading;
  return { ok: true, found: { ...file, label: labelOf(file, bytes), schema, check } };
}

/** A file without a version is told by what is in it: the label of another text is another one. */
function labelOf({ eventType, version }: SchemaFile, bytes: Buffer): string {
  if (version !== undefined) return `${eventType}/${version}`;
  return `${eventType}@${createHash('sha256').update(bytes).digest('hex').slice(0, 8)}`;
}
