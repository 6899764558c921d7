import type { JsonSchema, TypeSchema } from '@kero/events';
import { readSchema } from '../read-schema.ts';
import { schemaError } from '../schema-errors.ts';
import type { RegisteredSchema } from './registry-client.ts';

export interface RegistryTypeSchema extends TypeSchema {
  readonly registered: RegisteredSchema;
  readonly schema: JsonSchema;
}

/** Makes what the registry holds ready for checks. Throws `schemas_unavailable` for what cannot be used. */
export function compileRegistered(registered: RegisteredSchema): RegistryTypeSchema {
  const { subject, version, schemaType } = registered;
  const refuse = (why: string) =>
    schemaError('schemas_unavailable', `version ${version} of the subject ${subject} cannot be used: ${why}`, {
      remedy: 'Register a version that can be used, or delete this one; Kero asks again by itself.',
    });
  if (schemaType !== 'JSON') throw refuse(`it is ${schemaType}, and events are checked by JSON Schema`);
  if (registered.hasReferences) throw refuse('it refers to other subjects: copy what it needs into $defs');
  const reading = readSchema(registered.schema);
  if (!reading.ok) throw refuse(reading.problems.join('; '));
  return { label: `registry:${registered.id}`, check: reading.check, registered, schema: reading.schema };
}
