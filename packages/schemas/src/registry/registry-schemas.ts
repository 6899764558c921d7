import type { TypeSchemaLookup } from '@kero/events';
import { describeError, type HealthState, isKeroError, type KeroError, type Logger, withDeadline } from '@kero/runtime';
import { schemaError } from '../schema-errors.ts';
import { type RegistryConfig, subjectOf } from '../schema-settings.ts';
import type { SchemaSource } from '../schema-source.ts';
import { withFallback } from '../with-fallback.ts';
import { FetchGate } from './fetch-gate.ts';
import { compileRegistered } from './registered-schema.ts';
import { RegistryClient } from './registry-client.ts';
import { type CacheEntry, SchemaCache } from './schema-cache.ts';

export interface RegistrySchemasOptions {
  readonly config: RegistryConfig;
  readonly logger: Logger;
  /** Monotonic, in milliseconds. */
  readonly now?: () => number;
}

/** That a type has no schema is believed for a shorter time: somebody may be about to register one. */
const ABSENT_FOR_MS = 10_000;
/** After a failure nobody asks for this long; what is known serves, what is not is refused at once. */
const RETRY_AFTER_MS = 2000;
const MAX_TROUBLED_TYPES = 1000;

/**
 * Schemas from a registry. What is known of a type goes through three ages:
 *
 * fresh --refresh interval--> aging: serves, and is asked for anew beside it --the same again--> old: asked for anew before it serves
 *
 * While the registry cannot answer, what is known serves whatever its age; a type of which nothing is known is refused with
 * `schemas_unavailable`.
 */
export class RegistrySchemas implements SchemaSource {
  readonly description: string;
  readonly #options: RegistrySchemasOptions;
  readonly #client: RegistryClient;
  readonly #now: () => number;
  readonly #cache = new SchemaCache();
  readonly #gate: FetchGate;
  readonly #fetching = new Map<string, Promise<void>>();
  /** The registry as a whole, while it cannot be asked. */
  #down: { readonly until: number; readonly error: KeroError } | undefined;
  /** Types whose schema cannot be used, and when to ask again. */
  readonly #troubled = new Map<string, { readonly until: number; readonly error: KeroError }>();
  #closed = false;
  /** What is wrong now and has been told. */
  readonly #told = new Set<string>();

  constructor(options: RegistrySchemasOptions) {
    const { config, now = () => performance.now() } = options;
    this.#options = options;
    this.#now = now;
    this.#client = new RegistryClient(config);
    this.#gate = new FetchGate(now);
    this.description = `registry ${config.url} (subjects ${subjectOf(config.subject, '<event_type>')})`;
  }

  find(eventType: string): TypeSchemaLookup {
    const entry = this.#cache.get(eventType);
    if (!entry) return 'not_loaded';
    const age = this.#now() - entry.askedAt;
    const freshFor = this.#freshFor(entry);
    if (age >= freshFor && this.#blocked(eventType) === undefined) {
      if (age >= 2 * freshFor) return 'not_loaded';
      // Its failure is told by #ask.
      this.#ask(eventType).catch(() => {});
    }
    return withFallback(eventType, entry.schema, this.#options.config.unknownTypes);
  }

  async load(eventType: string): Promise<void> {
    const isKnown = this.#cache.get(eventType) !== undefined;
    const blocked = this.#blocked(eventType);
    if (blocked && isKnown) return;
    if (blocked) throw blocked;
    if (!isKnown && !this.#fetching.has(eventType)) this.#gate.admitNewType();
    const { timeoutMs } = this.#options.config;
    const late = () =>
      schemaError('schemas_unavailable', `the schema of this type did not come within ${2 * timeoutMs} ms`);
    try {
      await withDeadline(this.#ask(eventType), 2 * timeoutMs, late);
    } catch (error) {
      if (!isKeroError(error, 'schemas_unavailable') || !this.#cache.get(eventType)) throw error;
      this.#letServe(eventType, error);
    }
  }

  /** Down only while nothing at all is known: else events are checked by what is. */
  health(): HealthState {
    if (this.#down === undefined || !this.#cache.isEmpty) return { up: true };
    return { up: false, reason: this.#down.error.message };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#client.close();
    await Promise.allSettled(this.#fetching.values());
  }

  #freshFor({ schema }: CacheEntry): number {
    const { refreshMs } = this.#options.config;
    return schema ? refreshMs : Math.min(refreshMs, ABSENT_FOR_MS);
  }

  /** Why the registry is not to be asked for a type at this moment. */
  #blocked(eventType: string): KeroError | undefined {
    const trouble = this.#down ?? this.#troubled.get(eventType);
    return trouble && trouble.until > this.#now() ? trouble.error : undefined;
  }

  /** After `load` the type has an answer also where the last one was not to be had in time. */
  #letServe(eventType: string, error: KeroError): void {
    if (this.#blocked(eventType) === undefined) this.#trouble(eventType, error);
  }

  #ask(eventType: string): Promise<void> {
    const known = this.#fetching.get(eventType);
    if (known !== undefined) return known;
    const fetching = this.#gate.run(() => this.#fetch(eventType)).finally(() => this.#fetching.delete(eventType));
    this.#fetching.set(eventType, fetching);
    return fetching;
  }

  async #fetch(eventType: string): Promise<void> {
    // Those that waited for their turn while the registry went away need not find out one by one.
    const blocked = this.#blocked(eventType);
    if (blocked) throw blocked;
    const { config, logger } = this.#options;
    const registered = await this.#client.latest(subjectOf(config.subject, eventType)).catch((error: unknown) => {
      throw isKeroError(error) ? this.#goDown(error) : error;
    });
    if (this.#down) {
      this.#down = undefined;
      logger.info(`schemas: the registry ${config.url} answers again`);
    }
    const before = this.#cache.get(eventType);
    const isSame = registered !== undefined && before?.schema?.registered.id === registered.id;
    try {
      const schema = isSame ? before?.schema : registered && compileRegistered(registered);
      this.#cache.set(eventType, { schema, askedAt: this.#now() });
      this.#troubled.delete(eventType);
      this.#told.delete(eventType);
      if (before && before.schema?.label !== schema?.label) {
        const change = `${schema?.label ?? 'no schema'} replaces ${before.schema?.label ?? 'no schema'}`;
        logger.info({ eventType, schema: schema?.label }, `schemas: ${change}`);
      }
    } catch (error) {
      if (isKeroError(error)) this.#trouble(eventType, error);
      throw error;
    }
  }

  #goDown(error: KeroError): KeroError {
    const { logger } = this.#options;
    const isNews = this.#down === undefined && !this.#closed;
    this.#down = { until: this.#now() + RETRY_AFTER_MS, error };
    const known = this.#cache.isEmpty
      ? 'nothing is known yet: events are answered with 503'
      : 'what is known serves on';
    if (isNews) logger.error({ code: error.code }, `schemas: ${describeError(error)}; ${known}. ${error.remedy}`);
    return error;
  }

  #trouble(eventType: string, error: KeroError): void {
    const { logger } = this.#options;
    this.#troubled.delete(eventType);
    this.#troubled.set(eventType, { until: this.#now() + RETRY_AFTER_MS, error });
    if (!this.#told.has(eventType)) {
      const known = this.#cache.get(eventType) ? '; the one before it serves on' : '';
      logger.error({ eventType, code: error.code }, `schemas: ${describeError(error)}${known}. ${error.remedy}`);
    }
    this.#told.add(eventType);
    const [oldest] = this.#troubled.keys();
    if (this.#troubled.size <= MAX_TROUBLED_TYPES || oldest === undefined) return;
    this.#troubled.delete(oldest);
    this.#told.delete(oldest);
  }
}
