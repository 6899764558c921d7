import { type NamedType, type Schema, TypesOfSchema } from './type-of-schema.ts';
import { withComment } from './type-text.ts';

/** The schema of one event type. */
export interface EventTypeSchema {
  readonly eventType: string;
  readonly schema: Schema;
}

export interface TypesFile {
  readonly text: string;
  /** What the types do not say although the schemas do, for a person. */
  readonly warnings: readonly string[];
}

/** Writes the file that gives `createClient<EventTypes>()` its types. The same schemas give the same text. */
export function typesFile(schemas: readonly EventTypeSchema[]): TypesFile {
  const takenNames = new Set(['EventTypes', 'JsonNumber']);
  const types: NamedType[] = [];
  const entries: string[] = [];
  const warnings: string[] = [];
  for (const { eventType, schema } of schemas.toSorted((a, b) => (a.eventType < b.eventType ? -1 : 1))) {
    const ofSchema = new TypesOfSchema(schema, takenNames);
    const { name, types: named } = ofSchema.generate(`${eventType} data`);
    types.push(...named);
    entries.push(`  readonly ${JSON.stringify(eventType)}: ${name};`);
    warnings.push(...ofSchema.warnings.map((warning) => `${eventType}: ${warning}`));
  }
  const declarations = types.map(({ name, description, text }) =>
    withComment(description, '', `export type ${name} = ${text};`),
  );
  const importLine = types.some(({ text }) => /\bJsonNumber\b/.test(text))
    ? ["import type { JsonNumber } from '@kero/client';"]
    : [];
  const eventTypes = [
    '/** From event_type to the type of its event_data: `createClient<EventTypes>({ ... })`. */',
    'export interface EventTypes {',
    ...entries,
    '}',
  ].join('\n');
  const head = ['// Written by `kero-client types` from JSON Schemas. Do not edit.', ...importLine].join('\n');
  return { text: `${[head, eventTypes, ...declarations].join('\n\n')}\n`, warnings };
}
