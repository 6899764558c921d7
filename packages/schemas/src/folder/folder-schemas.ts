import { describeError, type HealthState, type Logger } from '@kero/runtime';
import { schemaError } from '../schema-errors.ts';
import type { SchemaSource } from '../schema-source.ts';
import { withFallback } from '../with-fallback.ts';
import { type FolderLook, FolderState } from './folder-state.ts';
import type { FolderProblem, FolderSchema } from './read-folder.ts';

export interface FolderSchemasOptions {
  readonly directory: string;
  readonly unknownTypes: 'accept' | 'refuse';
  readonly logger: Logger;
  /** Between two looks at the folder, in milliseconds. Events of file systems are not to be relied on (network, containers). */
  readonly intervalMs?: number;
  readonly now?: () => number;
}

/**
 * Schemas from a folder, which is looked at every second. What is wrong at the start refuses the start; what goes wrong later is told
 * in one log line, and the schemas that were good serve on.
 *
 * Throws KeroError `schema_invalid` with everything that is wrong.
 */
export async function openFolderSchemas(options: FolderSchemasOptions): Promise<FolderSchemas> {
  const state = new FolderState(options.directory, options.now ?? Date.now);
  let first: FolderLook;
  try {
    first = await state.look();
  } catch (error) {
    throw schemaError('schema_invalid', `the folder ${options.directory} cannot be read (SCHEMAS_DIR)`, {
      cause: error,
    });
  }
  if (first.problems.length > 0) {
    const lines = first.problems.map(describeProblem).join('\n  ');
    throw schemaError('schema_invalid', `schemas in ${options.directory} (SCHEMAS_DIR) cannot be used:\n  ${lines}`);
  }
  return new FolderSchemas(state, first, options);
}

export class FolderSchemas implements SchemaSource {
  readonly description: string;
  readonly #state: FolderState;
  readonly #options: FolderSchemasOptions;
  readonly #timer: NodeJS.Timeout;
  #current: ReadonlyMap<string, FolderSchema>;
  /** Problems that were there at the last look, and whether they have been told. */
  #problems: ReadonlyMap<string, 'new' | 'told'> = new Map();
  #looking: Promise<void> | undefined;

  constructor(state: FolderState, first: FolderLook, options: FolderSchemasOptions) {
    this.#state = state;
    this.#options = options;
    this.#current = first.current;
    const types = first.current.size;
    this.description = `folder ${options.directory} (${types} ${types === 1 ? 'type' : 'types'})`;
    this.#timer = setInterval(() => {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
      });
    }, options.intervalMs ?? 1000);
    // Schemas alone keep no process alive.
    this.#timer.unref();
  }

  /** The schemas of the folder that serve now. */
  get current(): ReadonlyMap<string, FolderSchema> {
    return this.#current;
  }

  find(eventType: string) {
    return withFallback(eventType, this.#current.get(eventType), this.#options.unknownTypes);
  }

  async load(): Promise<void> {}

  /** A folder that went bad is told in the log; the schemas in hand serve on. */
  health(): HealthState {
    return { up: true };
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    try {
      const { current, problems } = await this.#state.look();
      this.#take(current);
      this.#tell(problems);
    } catch (error) {
      this.#tell([{ path: '', problem: `the folder cannot be read: ${describeError(error)}` }]);
    }
  }

  #take(found: ReadonlyMap<string, FolderSchema>): void {
    const { logger, directory } = this.#options;
    for (const [eventType, { label }] of this.#current) {
      if (!found.has(eventType))
        logger.warn({ eventType, schema: label }, `schema ${label} was removed from ${directory}`);
    }
    for (const [eventType, schema] of found) {
      const before = this.#current.get(eventType);
      if (before === schema) continue;
      const message = `schema ${schema.label} ${before ? `replaces ${before.label}` : 'is new'} (${schema.path})`;
      logger.info({ eventType, schema: schema.label }, message);
    }
    this.#current = found;
  }

  /** A problem is told when it is seen twice, so that a file which is being written is none; and once. */
  #tell(found: readonly FolderProblem[]): void {
    const { logger, directory } = this.#options;
    const problems = new Map<string, 'new' | 'told'>();
    for (const problem of found) {
      const text = describeProblem(problem);
      const before = this.#problems.get(text);
      problems.set(text, before ? 'told' : 'new');
      if (before !== 'new') continue;
      logger.error({ path: problem.path }, `schemas in ${directory}: ${text}; the schemas that were good serve on`);
    }
    const told = (map: ReadonlyMap<string, 'new' | 'told'>) => [...map.values()].includes('told');
    if (told(this.#problems) && problems.size === 0) logger.info(`schemas in ${directory}: all files are good again`);
    this.#problems = problems;
  }
}

function describeProblem({ path, problem }: FolderProblem): string {
  return path === '' ? problem : `${path}: ${problem}`;
}
