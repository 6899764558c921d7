import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type FolderProblem, type FolderSchema, listFolder, readSchemaFile, type SchemaFile } from './read-folder.ts';

/** A file whose last change is younger than this may change again without its times and size telling. */
const SETTLED_AFTER_MS = 2000;

interface KnownFile {
  /** Changes with the file; undefined where it cannot be trusted yet. */
  readonly mark: string | undefined;
  readonly problems: readonly string[];
  /** The last one that could be used: it stays while the file is wrong. */
  readonly good: FolderSchema | undefined;
  /** It was not there at the last look. */
  readonly missed?: boolean;
}

/** What one look at the folder found. */
export interface FolderLook {
  /** By event type, the current one of each: that with the highest version. */
  readonly current: ReadonlyMap<string, FolderSchema>;
  readonly problems: readonly FolderProblem[];
}

/**
 * What is in the folder, look by look. Only what changed is read again; a file that went bad keeps the schema it had. A file that
 * is gone at two looks takes its schema with it (an editor may take it away for a moment); but a folder that is empty all at once is
 * a mount that went away, not a decision, and takes none.
 */
export class FolderState {
  readonly #directory: string;
  /** Unix milliseconds, by the clock that the file system goes by. */
  readonly #now: () => number;
  #files = new Map<string, KnownFile>();

  constructor(directory: string, now: () => number) {
    this.#directory = directory;
    this.#now = now;
  }

  /** Rejects when the folder cannot be read; then everything stays as it is. */
  async look(): Promise<FolderLook> {
    const { files, problems } = await listFolder(this.#directory);
    const doubtful = new Set(problems.map(({ path }) => path));
    const known = new Map<string, KnownFile>();
    const found: FolderProblem[] = [...problems];
    for (const file of files) {
      const before = this.#files.get(file.path);
      // Which of two files counts, a person has to say; until then the one counts that did before.
      const state = doubtful.has(file.path) ? before : await this.#readWhereChanged(file, before);
      if (!state) continue;
      known.set(file.path, state);
      found.push(...state.problems.map((problem) => ({ path: file.path, problem })));
    }
    const gone = [...this.#files].filter(([path]) => !known.has(path));
    const isEmptied = files.length === 0 && gone.some(([, { good }]) => good !== undefined);
    if (isEmptied) found.push({ path: '', problem: 'the folder is empty; to give its schemas up, restart Kero' });
    for (const [path, state] of gone) {
      if (isEmptied || !state.missed) known.set(path, { ...state, mark: undefined, missed: true });
    }
    this.#files = known;
    return { current: currentOf(known.values()), problems: found };
  }

  async #readWhereChanged(file: SchemaFile, before: KnownFile | undefined): Promise<KnownFile> {
    const mark = await this.#markOf(file);
    if (before && mark !== undefined && mark === before.mark) return before;
    const reading = await readSchemaFile(this.#directory, file);
    if (!reading.ok) return { mark, problems: reading.problems, good: before?.good };
    // An equal text keeps what was compiled from it.
    const same = JSON.stringify(before?.good?.schema) === JSON.stringify(reading.found.schema);
    return {
      mark,
      problems: [],
      good: same && before?.good?.label === reading.found.label ? before.good : reading.found,
    };
  }

  /** Taken before the text is read, so that a change in between is seen next time. */
  async #markOf({ path }: SchemaFile): Promise<string | undefined> {
    try {
      const { mtimeNs, ctimeNs, ctimeMs, size, ino } = await stat(join(this.#directory, path), { bigint: true });
      const age = this.#now() - Number(ctimeMs);
      return age > SETTLED_AFTER_MS ? `${mtimeNs} ${ctimeNs} ${size} ${ino}` : undefined;
    } catch {
      return undefined;
    }
  }
}

function currentOf(files: Iterable<KnownFile>): Map<string, FolderSchema> {
  const current = new Map<string, FolderSchema>();
  for (const { good } of files) {
    if (!good) continue;
    const other = current.get(good.eventType);
    if (!other || (good.version ?? 0) > (other.version ?? 0)) current.set(good.eventType, good);
  }
  return current;
}
