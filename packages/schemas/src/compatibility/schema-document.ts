import { type JsonValue, useJsonEquality } from '@kero/events';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import {
  canonicalText,
  isSchema,
  isSchemaObject,
  type Schema,
  type SchemaObject,
  walkSchemas,
} from './schema-value.ts';

const OPTIONS = {
  strict: false,
  validateFormats: false,
  validateSchema: false,
  logger: false,
  allErrors: true,
} as const;

/** What a value breaks. */
export type Breaks = readonly Pick<ErrorObject, 'keyword' | 'instancePath'>[];

/** A whole schema, in which the references of its parts lead. */
export class SchemaDocument {
  readonly root: SchemaObject;
  /** Nothing in it makes `#/...` mean another place than the one in this document. */
  readonly isSimple: boolean;
  /** What references to `#/$defs` and `#/definitions` mean. */
  readonly definitions: string;
  readonly #checks = new Map<Schema, ((value: JsonValue) => Breaks) | undefined>();

  constructor(root: SchemaObject) {
    this.root = root;
    this.definitions = canonicalText({ $defs: root.$defs, definitions: root.definitions });
    let isSimple = true;
    walkSchemas(root, (schema) => {
      const strange = ['$anchor', '$dynamicAnchor', '$dynamicRef', '$recursiveRef', '$recursiveAnchor', 'nullable'];
      if (strange.some((keyword) => keyword in schema) || ('$id' in schema && schema !== root)) isSimple = false;
    });
    this.isSimple = isSimple;
  }

  /** The schema that a reference leads to; undefined where it leads nowhere that is known here. */
  resolve(reference: unknown): Schema | undefined {
    if (typeof reference !== 'string' || !/^#(\/|$)/.test(reference)) return undefined;
    let at: unknown = this.root;
    for (const token of decodeURIComponent(reference).split('/').slice(1)) {
      if (typeof at !== 'object' || at === null) return undefined;
      at = (at as SchemaObject)[token.replaceAll('~1', '/').replaceAll('~0', '~')];
    }
    return isSchema(at) ? at : undefined;
  }

  /** What a value breaks of a part of this document; undefined where that cannot be found out. */
  breaks(part: Schema, value: JsonValue): Breaks | undefined {
    if (!this.#checks.has(part)) this.#checks.set(part, this.#compile(part));
    return this.#checks.get(part)?.(value);
  }

  accepts(part: Schema, value: JsonValue): boolean {
    return this.breaks(part, value)?.length === 0;
  }

  #compile(part: Schema): ((value: JsonValue) => Breaks) | undefined {
    const { $defs, definitions } = this.root;
    // Other references than those to definitions do not lead anywhere in a part alone, and the part does not compile.
    const whole =
      part === this.root
        ? part
        : { $defs: { ...Object($defs) }, definitions: { ...Object(definitions) }, allOf: [part] };
    try {
      const validate = useJsonEquality(new Ajv2020(OPTIONS)).compile(whole as SchemaObject);
      return (value) => (validate(value) ? [] : (validate.errors ?? []));
    } catch {
      return undefined;
    }
  }
}

/**
 * A schema as a list of schemas that all have to be kept: without `allOf` and without references that lead somewhere. What cannot be
 * taken apart stays as it is.
 */
export function conjuncts(schema: Schema, document: SchemaDocument, seen: readonly Schema[] = []): SchemaObject[] {
  if (schema === true) return [];
  if (schema === false) return [{ not: {} }];
  const { allOf, $ref, ...rest } = schema;
  const target = '$ref' in schema && !seen.includes(schema) ? document.resolve($ref) : undefined;
  const own = '$ref' in schema && target === undefined ? { ...rest, $ref } : rest;
  const inner = [...(target === undefined ? [] : [target]), ...(Array.isArray(allOf) ? allOf.filter(isSchema) : [])];
  const parts = inner.flatMap((part) => conjuncts(part, document, [...seen, schema]));
  return isSchemaObject(own) && Object.keys(own).length > 0 ? [own, ...parts] : parts;
}
