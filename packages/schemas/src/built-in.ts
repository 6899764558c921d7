import { builtInTypeSchemas } from '@kero/events';
import type { SchemaSource } from './schema-source.ts';

/** The schemas that come with Kero, and no others: always at hand. */
export const builtInSchemas: SchemaSource = {
  description: 'built-in',
  find: (eventType) => builtInTypeSchemas.find(eventType),
  load: async () => {},
  health: () => ({ up: true }),
  close: async () => {},
};
