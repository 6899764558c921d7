import { builtInTypeSchemas, type TypeSchema, type TypeSchemaLookup } from '@kero/events';

/**
 * What a type is whose source has no schema: the one that comes with Kero, and without one either free or refused
 * (SCHEMA_UNKNOWN_TYPES).
 */
export function withFallback(
  eventType: string,
  found: TypeSchema | undefined,
  unknownTypes: 'accept' | 'refuse',
): TypeSchemaLookup {
  if (found) return found;
  const builtIn = builtInTypeSchemas.find(eventType);
  return builtIn === 'unknown' && unknownTypes === 'refuse' ? 'refused' : builtIn;
}
