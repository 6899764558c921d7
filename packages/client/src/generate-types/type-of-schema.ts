import { literalType, memberName, typeName, union, withComment } from './type-text.ts';

/** A JSON Schema, as it is parsed: an object, or true or false. */
export type Schema = unknown;

type Keywords = Readonly<Record<string, unknown>>;

/** A named type of the generated file, with its text. */
export interface NamedType {
  readonly name: string;
  readonly description: string | undefined;
  readonly text: string;
}

/** The text of TypeScript for a JSON number that may need more digits than JavaScript's numbers have. */
const NUMBER = 'JsonNumber';

const OBJECT_KEYWORDS = ['properties', 'required', 'additionalProperties', 'patternProperties'];
const ARRAY_KEYWORDS = ['items', 'prefixItems'];

/**
 * Turns one JSON Schema (draft 2020-12) into types of TypeScript: the one that is asked for, and those that `$ref` leads to.
 * A type says less than its schema (no patterns, ranges, lengths, `not`, `if`): the receiver checks the whole. In two places it says
 * more, to catch slips: members that a schema neither names nor mentions (no `additionalProperties`) are not in the type, and a
 * schema with `properties` or `items` but without `type` is taken to mean objects or arrays.
 */
export class TypesOfSchema {
  readonly #root: Schema;
  readonly #takenNames: Set<string>;
  readonly #named = new Map<string, NamedType>();
  /** What could not be followed, for a person. */
  readonly warnings: string[] = [];

  /** Names that the file has already are in `takenNames`; new ones are added to it. */
  constructor(root: Schema, takenNames: Set<string>) {
    this.#root = root;
    this.#takenNames = takenNames;
  }

  /** Gives all types, that of the schema itself last. */
  generate(name: string): { readonly name: string; readonly types: readonly NamedType[] } {
    const own = this.#freeName(name);
    this.#named.set('#', { name: own, description: undefined, text: '' });
    const text = this.#typeOf(this.#root, 0, own);
    this.#named.delete('#');
    const keywords = keywordsOf(this.#root);
    // event_data is an object whatever the schema says.
    const isObject = keywords.type === 'object';
    const objectText = isObject ? text : text === 'unknown' ? 'object' : `object & (${text})`;
    const description = textOf(keywords.description) ?? textOf(keywords.title);
    return { name: own, types: [...this.#named.values(), { name: own, description, text: objectText }] };
  }

  #typeOf(schema: Schema, indent: number, context: string): string {
    if (schema === false) return 'never';
    const keywords = keywordsOf(schema);
    const parts: string[] = [];
    const add = (text: string) => {
      if (text !== 'unknown' && !parts.includes(text)) parts.push(text);
    };
    if (typeof keywords.$ref === 'string') add(this.#reference(keywords.$ref, context));
    if ('const' in keywords) add(literalType(keywords.const));
    else if (Array.isArray(keywords.enum)) add(union(keywords.enum.map(literalType)));
    else add(this.#byType(keywords, indent, context));
    for (const several of [keywords.anyOf, keywords.oneOf]) {
      if (Array.isArray(several)) add(union(several.map((one) => this.#typeOf(one, indent, context))));
    }
    if (Array.isArray(keywords.allOf)) for (const one of keywords.allOf) add(this.#typeOf(one, indent, context));
    if (parts.length === 0) return 'unknown';
    return parts.length === 1 ? (parts[0] ?? '') : parts.map((part) => `(${part})`).join(' & ');
  }

  #byType(keywords: Keywords, indent: number, context: string): string {
    const types = Array.isArray(keywords.type) ? keywords.type : [keywords.type ?? impliedType(keywords)];
    return union(
      types.map((type) => {
        switch (type) {
          case 'string':
          case 'boolean':
          case 'null':
            return type;
          case 'number':
          case 'integer':
            return NUMBER;
          case 'array':
            return this.#arrayType(keywords, indent, context);
          case 'object':
            return this.#objectType(keywords, indent, context);
          default:
            return 'unknown';
        }
      }),
    );
  }

  #objectType(keywords: Keywords, indent: number, context: string): string {
    const properties = keywordsOf(keywords.properties);
    const required = new Set(Array.isArray(keywords.required) ? keywords.required.filter(isText) : []);
    const { additionalProperties: additional } = keywords;
    const isOpen = (additional !== undefined && additional !== false) || keywords.patternProperties !== undefined;
    const names = [...new Set([...Object.keys(properties), ...required])];
    if (names.length === 0) {
      if (!isOpen) return additional === false ? 'Readonly<Record<string, never>>' : 'object';
      const values = keywords.patternProperties === undefined ? this.#typeOf(additional, indent, context) : 'unknown';
      return `{ readonly [member: string]: ${values} }`;
    }
    const space = '  '.repeat(indent + 1);
    const members = names.map((name) => {
      const schema = Object.hasOwn(properties, name) ? properties[name] : true;
      const mark = required.has(name) ? '' : '?';
      const type = this.#typeOf(schema, indent + 1, `${context} ${name}`);
      const line = `${space}readonly ${memberName(name)}${mark}: ${type};`;
      return withComment(textOf(keywordsOf(schema).description), space, line);
    });
    // A narrower type of further members would have to hold the named ones too.
    if (isOpen) members.push(`${space}readonly [member: string]: unknown;`);
    return `{\n${members.join('\n')}\n${'  '.repeat(indent)}}`;
  }

  #arrayType(keywords: Keywords, indent: number, context: string): string {
    const item = () => this.#typeOf(keywords.items ?? true, indent, `${context} item`);
    if (!Array.isArray(keywords.prefixItems)) return `readonly (${item()})[]`;
    const least = typeof keywords.minItems === 'number' ? keywords.minItems : 0;
    const first = keywords.prefixItems.map((one, index) => {
      const type = this.#typeOf(one, indent, `${context} item`);
      return index < least ? type : `(${type})?`;
    });
    const rest = keywords.items === false ? [] : [`...(${item()})[]`];
    return `readonly [${[...first, ...rest].join(', ')}]`;
  }

  #reference(pointer: string, context: string): string {
    const known = this.#named.get(pointer);
    if (known) return known.name;
    const target = pointer.startsWith('#') ? resolvePointer(this.#root, pointer.slice(1)) : undefined;
    if (target === undefined) {
      this.warnings.push(`$ref ${JSON.stringify(pointer)} is not followed`);
      return 'unknown';
    }
    const name = this.#freeName(`${context.split(' ')[0]} ${pointer.split('/').at(-1)}`);
    const description = textOf(keywordsOf(target).description);
    // Known before its text is made, because it may lead back to itself.
    this.#named.set(pointer, { name, description, text: '' });
    this.#named.set(pointer, { name, description, text: this.#typeOf(target, 0, name) });
    return name;
  }

  #freeName(wanted: string): string {
    const base = typeName(wanted);
    let name = base;
    for (let number = 2; this.#takenNames.has(name); number++) name = `${base}${number}`;
    this.#takenNames.add(name);
    return name;
  }
}

function impliedType(keywords: Keywords): string | undefined {
  if (OBJECT_KEYWORDS.some((keyword) => keyword in keywords)) return 'object';
  return ARRAY_KEYWORDS.some((keyword) => keyword in keywords) ? 'array' : undefined;
}

/** What a JSON Pointer, as the fragment of a URI, leads to; undefined for anchors and for nothing. */
function resolvePointer(root: Schema, fragment: string): Schema | undefined {
  if (fragment === '') return root;
  if (!fragment.startsWith('/')) return undefined;
  let value: unknown = root;
  for (const token of fragment.slice(1).split('/')) {
    const name = decodeURIComponent(token).replace(/~1/g, '/').replace(/~0/g, '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Keywords)[name];
  }
  return value;
}

function keywordsOf(value: unknown): Keywords {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Keywords) : {};
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function textOf(value: unknown): string | undefined {
  return isText(value) ? value : undefined;
}
