import type { JsonObject, JsonValue } from '@kero/events';
import { escapeToken, type Gap, type Pair, type Place, type Rule } from './gap.ts';
import { OTHER_MEMBER } from './samples.ts';
import { namesAt, numberAt, type Schema, type SchemaObject, schemaAt, schemasAt } from './schema-value.ts';

export const requiredRule: Rule = (premise, demand, { place, types, samples }) => {
  if (!types.has('object')) return [];
  const known = namesAt(premise, 'required');
  return namesAt(demand, 'required')
    .filter((name) => !known.includes(name))
    .map((name): Gap => {
      const without = samples().map((value) =>
        isObject(value) ? Object.fromEntries(Object.entries(value).filter(([member]) => member !== name)) : value,
      );
      const shown = `${place.shown}/${escapeToken(name)}`;
      const detail = 'is required now';
      return { place: { ...place, shown }, keyword: 'required', detail, candidates: without };
    });
};

export const memberCountRule: Rule = (premise, demand, { place, types, samples }) => {
  if (!types.has('object')) return [];
  const gaps: Gap[] = [];
  const least = numberAt(demand, 'minProperties') ?? 0;
  const known = Math.max(numberAt(premise, 'minProperties') ?? 0, new Set(namesAt(premise, 'required')).size);
  if (least > known) {
    const detail = `must have at least ${least} members`;
    gaps.push({ place, keyword: 'minProperties', detail, candidates: samples() });
  }
  const most = numberAt(demand, 'maxProperties');
  const isClosed = premise.additionalProperties === false && schemasAt(premise, 'patternProperties').size === 0;
  const named = isClosed ? schemasAt(premise, 'properties').size : Number.POSITIVE_INFINITY;
  if (most !== undefined && most < Math.min(named, numberAt(premise, 'maxProperties') ?? Number.POSITIVE_INFINITY)) {
    const [base = {}] = samples().filter(isObject);
    const more = Object.fromEntries(
      Array.from({ length: Math.min(most + 1, 1000) }, (_, n) => [`${OTHER_MEMBER}${n}`, 1]),
    );
    const detail = `must have at most ${most} members`;
    gaps.push({ place, keyword: 'maxProperties', detail, candidates: [...samples(), { ...base, ...more }] });
  }
  return gaps;
};

export const memberNameRule: Rule = (premise, demand, { place, types, samples, compare }) => {
  if (!types.has('object') || !('propertyNames' in demand)) return [];
  const names: Schema = { allOf: [{ type: 'string' }, schemaAt(premise, 'propertyNames')] };
  const gaps = compare(names, schemaAt(demand, 'propertyNames'), place);
  if (gaps.length === 0) return [];
  const inner = gaps[0]?.detail ?? '';
  const [base = {}] = samples().filter(isObject);
  const renamed = gaps.flatMap(({ candidates }) => candidates.map((name) => ({ ...base, [String(name)]: 1 })));
  return [
    { place, keyword: 'propertyNames', detail: `names of members: ${inner}`, candidates: [...samples(), ...renamed] },
  ];
};

/** `properties`, `patternProperties` and `additionalProperties`, which together say what schema each member has. */
export const membersRule: Rule = (premise, demand, pair) => {
  if (!pair.types.has('object')) return [];
  const gaps: Gap[] = [];
  const before = membersOf(premise);
  const after = membersOf(demand);
  for (const [name, next] of after.named) gaps.push(...compareMember(name, before.of(name), next, pair));
  for (const [pattern, next] of after.patterns) {
    for (const [name] of before.named) {
      if (matches(pattern, name)) gaps.push(...compareMember(name, before.of(name), next, pair));
    }
    const same = before.patterns.get(pattern);
    // Names that match a pattern are not known: they may be any that the old schema leaves over, or match another of its patterns.
    const others = same === undefined ? [before.additional, ...before.patterns.values()] : [same];
    for (const other of others) gaps.push(...compareOther(`names like ${pattern}`, undefined, other, next, pair));
  }
  if (!('additionalProperties' in demand)) return gaps;
  for (const [name] of before.named) {
    if (!after.named.has(name) && ![...after.patterns.keys()].some((pattern) => matches(pattern, name))) {
      gaps.push(...compareMember(name, before.of(name), after.additional, pair));
    }
  }
  for (const [pattern, old] of before.patterns) {
    if (!after.patterns.has(pattern)) {
      gaps.push(...compareOther(`names like ${pattern}`, undefined, old, after.additional, pair));
    }
  }
  return [...gaps, ...compareOther('*', OTHER_MEMBER, before.additional, after.additional, pair)];
};

interface Members {
  readonly named: ReadonlyMap<string, Schema>;
  readonly patterns: ReadonlyMap<string, Schema>;
  readonly additional: Schema;
  /** Every schema that a member of this name has to keep. */
  of(name: string): Schema;
}

function membersOf(schema: SchemaObject): Members {
  const named = schemasAt(schema, 'properties');
  const patterns = schemasAt(schema, 'patternProperties');
  const additional = schemaAt(schema, 'additionalProperties');
  return {
    named,
    patterns,
    additional,
    of: (name) => {
      const own = named.get(name);
      const schemas = [...patterns].filter(([pattern]) => matches(pattern, name)).map(([, it]) => it);
      if (own !== undefined) schemas.unshift(own);
      const [only] = schemas;
      if (only === undefined) return additional;
      return schemas.length === 1 ? only : { allOf: schemas };
    },
  };
}

function compareMember(name: string, old: Schema, next: Schema, pair: Pair): Gap[] {
  return compareOther(escapeToken(name), name, old, next, pair);
}

/** `name`: the member of an example; undefined where nobody can think of one. */
function compareOther(shown: string, name: string | undefined, old: Schema, next: Schema, pair: Pair): Gap[] {
  const { place, compare } = pair;
  const member = name ?? OTHER_MEMBER;
  const inside: Place = {
    shown: `${place.shown}/${shown}`,
    pointer: `${place.pointer}/${escapeToken(member)}`,
    wrap: (value) => {
      const base = pair.samples().find((it): it is JsonObject => isObject(it)) ?? {};
      return place.wrap({ ...base, [member]: value });
    },
  };
  return compare(old, next, inside);
}

function matches(pattern: string, name: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(name);
  } catch {
    return false;
  }
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
