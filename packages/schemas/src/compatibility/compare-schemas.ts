import type { JsonSchema, JsonValue } from '@kero/events';
import { GapFinder } from './find-gaps.ts';
import type { Gap, Place } from './gap.ts';
import { samplesOf } from './samples.ts';
import { SchemaDocument } from './schema-document.ts';
import { canonicalText, isSchemaObject } from './schema-value.ts';

/** One thing that the new schema refuses and the old one does not, or perhaps does not. */
export interface SchemaChange {
  /** A JSON Pointer in `event_data`; `*` stands for any item or any other member. */
  readonly pointer: string;
  readonly detail: string;
  /** An `event_data` that the old schema accepts and the new one refuses; undefined: none was found, and nobody can tell. */
  readonly example: JsonValue | undefined;
}

/**
 * `compatible`: every `event_data` that keeps the old schema keeps the new one, for certain. `incompatible`: there is one that does
 * not, and here it is. `unclear`: neither was found out.
 */
export interface SchemaComparison {
  readonly verdict: 'compatible' | 'incompatible' | 'unclear';
  readonly changes: readonly SchemaChange[];
}

const MAX_CHANGES = 50;

/** Whether events that are good by the old schema are good by the new one. Both must be schemas that compile. Pure. */
export function compareSchemas(old: JsonSchema, next: JsonSchema): SchemaComparison {
  if (canonicalText(old) === canonicalText(next)) return { verdict: 'compatible', changes: [] };
  const oldDocument = new SchemaDocument(ofObjects(old));
  const nextDocument = new SchemaDocument(next);
  const top: Place = { shown: '', pointer: '', wrap: (value) => value };
  const gaps =
    oldDocument.isSimple && nextDocument.isSimple
      ? new GapFinder(oldDocument, nextDocument).find(oldDocument.root, nextDocument.root, top)
      : [{ place: top, keyword: '$id', detail: 'the schemas use keywords that cannot be compared', candidates: [] }];
  const isBreak = (value: JsonValue) =>
    isSchemaObject(value) &&
    oldDocument.accepts(oldDocument.root, value) &&
    !nextDocument.accepts(nextDocument.root, value);

  const changes = new Map<string, SchemaChange>();
  for (const gap of gaps.slice(0, 10 * MAX_CHANGES)) {
    const example = exampleOf(gap, isBreak, nextDocument);
    const { shown: pointer } = gap.place;
    const key = `${pointer} ${gap.detail}`;
    if (changes.get(key)?.example === undefined) changes.set(key, { pointer, detail: gap.detail, example });
  }
  const found = [...changes.values()].slice(0, MAX_CHANGES);
  if (found.length > 0 && !found.some(({ example }) => example !== undefined)) {
    const example = samplesOf(oldDocument.root, oldDocument).find(isBreak);
    if (example !== undefined) found.push({ pointer: '', detail: 'this one is refused', example });
  }
  if (found.length === 0) return { verdict: 'compatible', changes: [] };
  const isCertain = found.some(({ example }) => example !== undefined);
  return { verdict: isCertain ? 'incompatible' : 'unclear', changes: found };
}

/** event_data is an object, whatever its schema says. */
function ofObjects(schema: JsonSchema): JsonSchema {
  const types = [schema.type ?? 'object'].flat();
  // Where the schema is used within itself its type counts there, too.
  return types.includes('object') && !JSON.stringify(schema).includes('"#"') ? { ...schema, type: 'object' } : schema;
}

/** A document that is good by the old schema and bad by the new one, if possible for the very reason of the gap. */
function exampleOf(
  { place, keyword, candidates }: Gap,
  isBreak: (value: JsonValue) => boolean,
  nextDocument: SchemaDocument,
): JsonValue | undefined {
  const breaking = candidates.map((value) => place.wrap(value)).filter(isBreak);
  const isItsReason = (value: JsonValue) =>
    nextDocument
      .breaks(nextDocument.root, value)
      ?.some(
        (error) => error.instancePath === place.pointer && (keyword === 'false schema' || error.keyword === keyword),
      );
  return breaking.find(isItsReason) ?? breaking[0];
}
