import type { JsonValue } from '@kero/events';
import type { JsonType } from './json-types.ts';
import type { SchemaDocument } from './schema-document.ts';
import type { Schema, SchemaObject } from './schema-value.ts';

/** A place in a document that is being put together. */
export interface Place {
  /** For people: a JSON Pointer in which `*` stands for any item or any other member. */
  readonly shown: string;
  /** The same place in the examples that are made for it. */
  readonly pointer: string;
  /** A whole document in which a value stands at this place, and which the old schema accepts if it accepts the value there. */
  readonly wrap: (value: JsonValue) => JsonValue;
}

/** Something the new schema asks for and the old one does not, as far as their structure shows. */
export interface Gap {
  readonly place: Place;
  /** The keyword of the new schema. */
  readonly keyword: string;
  readonly detail: string;
  /** Values at the place that may keep the old schema and break the new one. */
  readonly candidates: readonly JsonValue[];
}

/** Two schemas for the values at one place. */
export interface Pair {
  readonly place: Place;
  readonly old: Schema;
  readonly next: Schema;
  /** What values that keep the old schema may be. */
  readonly types: ReadonlySet<JsonType>;
  /** Values that keep the old schema. */
  readonly samples: () => readonly JsonValue[];
  readonly oldDocument: SchemaDocument;
  /** Compares schemas of places further inside. */
  readonly compare: (old: Schema, next: Schema, place: Place) => Gap[];
  /** They say the same, at a glance. */
  readonly areEqual: (old: Schema, next: Schema) => boolean;
}

/**
 * Decides about some keywords: what `demand`, a part of the new schema, asks for by them and `premise`, a part of the old one, does
 * not imply. No gaps means: whatever keeps the premise (and is of one of the types) keeps these keywords.
 */
export type Rule = (premise: SchemaObject, demand: SchemaObject, pair: Pair) => Gap[];

export function escapeToken(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
