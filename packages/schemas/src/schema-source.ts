import type { TypeSchemas } from '@kero/events';
import type { HealthState } from '@kero/runtime';

/**
 * Where the schemas of event types come from: the built-in ones alone, a folder, or a registry. Who opens it closes it.
 */
export interface SchemaSource extends TypeSchemas {
  /** For the log line at the start, for example `folder ./schemas (3 types)`. */
  readonly description: string;
  /**
   * Fetches what `find()` called `not_loaded`; after it has resolved, `find()` has an answer for the type. Calls for one type at the
   * same time are one fetch. Bounded by the source's own time-outs. Rejects with a KeroError `schemas_unavailable`: nobody can tell
   * at this moment whether an event of this type is valid, and nothing may be accepted unchecked.
   */
  load(eventType: string): Promise<void>;
  health(): HealthState;
  close(): Promise<void>;
}
