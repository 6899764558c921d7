import type { JsonValue } from '@kero/events';
import { itemCountRule, itemsRule } from './array-rules.ts';
import type { Gap, Pair, Place, Rule } from './gap.ts';
import { type JsonType, typesOf } from './json-types.ts';
import { memberCountRule, memberNameRule, membersRule, requiredRule } from './object-rules.ts';
import { samplesOf } from './samples.ts';
import { dependentRule, numberRule, opaqueRule, textRule, typeRule, valuesRule } from './scalar-rules.ts';
import { conjuncts, type SchemaDocument } from './schema-document.ts';
import { canonicalText, type Schema, type SchemaObject, valuesAt } from './schema-value.ts';

/** Keywords that no rule knows say nothing: the checks leave them alone, too. */
const RULES: readonly Rule[] = [
  ...[typeRule, valuesRule, textRule, numberRule, requiredRule, membersRule, memberCountRule, memberNameRule],
  ...[dependentRule, itemCountRule, itemsRule, opaqueRule],
];

const MAX_DEPTH = 32;
/** Of a schema that contains itself twice there is no end of pairs to compare. */
const MAX_PAIRS = 5000;

/**
 * Everything in `next` that `old` does not imply by its structure. None means: whatever keeps the old schema keeps the new one. The
 * other way round it is a guess: a gap may be closed by something that the rules do not see.
 */
export class GapFinder {
  readonly #oldDocument: SchemaDocument;
  readonly #nextDocument: SchemaDocument;
  readonly #samples = new Map<Schema, readonly JsonValue[]>();
  #depth = 0;
  #pairs = 0;

  constructor(oldDocument: SchemaDocument, nextDocument: SchemaDocument) {
    this.#oldDocument = oldDocument;
    this.#nextDocument = nextDocument;
  }

  find(old: Schema, next: Schema, place: Place): Gap[] {
    if (next === true || old === false || this.#areEqual(old, next)) return [];
    if (this.#depth >= MAX_DEPTH || ++this.#pairs > MAX_PAIRS) {
      return [{ place, keyword: '$ref', detail: 'goes on and on: too much to compare', candidates: [] }];
    }
    this.#depth++;
    try {
      return this.#compare(old, next, place);
    } finally {
      this.#depth--;
    }
  }

  #compare(old: Schema, next: Schema, place: Place): Gap[] {
    const premises = conjuncts(old, this.#oldDocument);
    const types = typesOf(premises);
    if (types.size === 0) return [];
    const samples = () => this.#samplesOf(old);
    if (next === false)
      return [{ place, keyword: 'false schema', detail: 'may not be there any more', candidates: samples() }];
    const few = this.#allValues(old, premises, types);
    if (few) return this.#compareValues(few, next, place);
    const pair: Pair = {
      ...{ place, old, next, types, samples, oldDocument: this.#oldDocument },
      compare: (oldPart, nextPart, inside) => this.find(oldPart, nextPart, inside),
      areEqual: (oldPart, nextPart) => this.#areEqual(oldPart, nextPart),
    };
    // One premise is enough; with none of them the first gaps are as good as any.
    const known: readonly SchemaObject[] = premises.length > 0 ? premises : [{}];
    return conjuncts(next, this.#nextDocument).flatMap((demand) =>
      RULES.flatMap((rule) => gapsOf(rule, known, demand, pair)),
    );
  }

  /** Where the old schema allows only a few values they are tried one by one. */
  #compareValues(values: readonly JsonValue[], next: Schema, place: Place): Gap[] {
    const refused = values.filter((value) => !this.#nextDocument.accepts(next, value));
    if (refused.length === 0) return [];
    const detail = `may not be ${refused.map((value) => JSON.stringify(value)).join(' or ')} any more`;
    return [{ place, keyword: 'enum', detail, candidates: refused }];
  }

  /** Every value that keeps the old schema, where that are few; undefined otherwise. */
  #allValues(old: Schema, premises: readonly SchemaObject[], types: ReadonlySet<JsonType>): JsonValue[] | undefined {
    let values = premises.map(valuesAt).find((it) => it !== undefined);
    if (!values && [...types].every((type) => type === 'null' || type === 'boolean')) values = [null, true, false];
    if (!values || this.#oldDocument.breaks(old, null) === undefined) return undefined;
    return values.filter((value) => this.#oldDocument.accepts(old, value));
  }

  #samplesOf(old: Schema): readonly JsonValue[] {
    const known = this.#samples.get(old);
    if (known) return known;
    const made = samplesOf(old, this.#oldDocument);
    this.#samples.set(old, made);
    return made;
  }

  #areEqual(old: Schema, next: Schema): boolean {
    const text = canonicalText(old);
    if (text !== canonicalText(next)) return false;
    if (!text.includes('"$ref"')) return true;
    const { definitions } = this.#oldDocument;
    return definitions === this.#nextDocument.definitions && REFERENCES_TO_DEFINITIONS.test(text + definitions);
  }
}

/** No reference to anything else. (A member called "$ref" may be taken for one, which only makes it look closer.) */
const REFERENCES_TO_DEFINITIONS = /^(?!.*"\$ref":(?!"#\/(\$defs|definitions)\/))/s;

function gapsOf(rule: Rule, premises: readonly SchemaObject[], demand: SchemaObject, pair: Pair): Gap[] {
  let first: Gap[] | undefined;
  for (const premise of premises) {
    const gaps = rule(premise, demand, pair);
    if (gaps.length === 0) return [];
    first ??= gaps;
  }
  return first ?? [];
}
