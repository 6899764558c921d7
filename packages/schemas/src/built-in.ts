import type { SchemaSource } from './schema-source.ts';
import { withFallback } from './with-fallback.ts';

/** The schemas that come with Kero, and no others: always at hand. */
export function openBuiltIn(unknownTypes: 'accept' | 'refuse'): SchemaSource {
  return {
    description: 'built-in',
    find: (eventType) => withFallback(eventType, undefined, unknownTypes),
    load: async () => {},
    health: () => ({ up: true }),
    close: async () => {},
  };
}

export const builtInSchemas: SchemaSource = openBuiltIn('accept');
