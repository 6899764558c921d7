import { type SchemaSource, schemaError } from '@kero/schemas';
import type { Schedule } from './schedule.ts';

/** A registry that has to be asked for the schema of `view`, which takes time and fails while `isAway()`. Any object fits. */
export function modelSchemas(schedule: Schedule, owner: unknown, isAway: () => boolean): SchemaSource {
  let isLoaded = false;
  return {
    description: 'model',
    find: (eventType) => {
      if (eventType === 'view' && !isLoaded) return 'not_loaded';
      return 'unknown';
    },
    load: () =>
      new Promise((resolve, reject) => {
        schedule.later(20, owner, () => {
          if (isAway()) return reject(schemaError('schemas_unavailable', 'the registry does not answer'));
          isLoaded = true;
          resolve();
        });
      }),
    health: () => ({ up: true }),
    close: async () => {},
  };
}
