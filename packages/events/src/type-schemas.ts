import { isPlainPurchase } from './plain/plain-purchase.ts';
import type { DataSpans } from './plain/scan-event.ts';
import { compileSchema, type SchemaCheck } from './schema-check.ts';
import { purchaseSchema } from './schemas.ts';

/** The schema of one event type, ready to check `event_data` with. */
export interface TypeSchema {
  /** Which schema it is, for people and for the record header `kero-schema`, for example `purchase/2` or `registry:17`. */
  readonly label: string;
  /** A quick look that may only say yes where `check` does; a no means nothing. */
  readonly isPlain?: (data: DataSpans) => boolean;
  /** Names every problem; see SchemaCheck. */
  readonly check: SchemaCheck;
}

/**
 * What is known of a type at this moment: its schema; `unknown`: it has none, and any object is its data; `refused`: it has none,
 * and events of such types are not taken; `not_loaded`: whoever keeps the schemas has to be asked first, which takes time.
 */
export type TypeSchemaLookup = TypeSchema | 'unknown' | 'refused' | 'not_loaded';

/** Where the schemas of event types come from. Called for every event, so an answer must be at hand. */
export interface TypeSchemas {
  find(eventType: string): TypeSchemaLookup;
}

const builtIn: ReadonlyMap<string, TypeSchema> = new Map([
  ['purchase', { label: 'built-in:purchase', isPlain: isPlainPurchase, check: compileSchema(purchaseSchema) }],
]);

/** Those that come with Kero: `purchase`. */
export const builtInTypeSchemas: TypeSchemas = { find: (eventType) => builtIn.get(eventType) ?? 'unknown' };
