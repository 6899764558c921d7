import type { RegistryTypeSchema } from './registered-schema.ts';

/** What is known of one event type. */
export interface CacheEntry {
  /** Undefined: the registry has no schema for it. */
  readonly schema: RegistryTypeSchema | undefined;
  /** When the registry said so; monotonic, in milliseconds. */
  readonly askedAt: number;
}

/** Compiled schemas take some 50 KB each. */
const MAX_SCHEMAS = 2000;
/** Types without a schema take only their name, and their names come from clients. */
const MAX_ABSENT = 20_000;

/**
 * The schemas and absences that are known, of each only so many: the ones that were put in longest ago go first. Types come from
 * clients, so the number of names must not be theirs to choose.
 */
export class SchemaCache {
  readonly #schemas = new Map<string, CacheEntry>();
  readonly #absent = new Map<string, CacheEntry>();

  get isEmpty(): boolean {
    return this.#schemas.size + this.#absent.size === 0;
  }

  get(eventType: string): CacheEntry | undefined {
    return this.#schemas.get(eventType) ?? this.#absent.get(eventType);
  }

  set(eventType: string, entry: CacheEntry): void {
    this.#schemas.delete(eventType);
    this.#absent.delete(eventType);
    const [map, limit] = entry.schema ? [this.#schemas, MAX_SCHEMAS] : [this.#absent, MAX_ABSENT];
    map.set(eventType, entry);
    const [oldest] = map.keys();
    if (map.size > limit && oldest !== undefined) map.delete(oldest);
  }
}
