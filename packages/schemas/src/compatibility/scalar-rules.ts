import type { Gap, Rule } from './gap.ts';
import { typesAt, typesBeyond } from './json-types.ts';
import { namesAt, numberAt, valuesAt } from './schema-value.ts';

export const typeRule: Rule = (_premise, demand, { place, types, samples }) => {
  const allowed = typesAt(demand);
  const lost = allowed ? typesBeyond(types, allowed) : [];
  if (lost.length === 0) return [];
  const detail = `may not be of the type ${lost.join(' or ')} any more, only ${[...(allowed ?? [])].join(' or ')}`;
  return [{ place, keyword: 'type', detail, candidates: samples() }];
};

export const valuesRule: Rule = (_premise, demand, { place, samples }) => {
  const allowed = valuesAt(demand);
  if (!allowed) return [];
  const shown = allowed.map((value) => JSON.stringify(value)).join(', ');
  const detail = `may only be ${shown.length > 200 ? `${shown.slice(0, 200)}…` : shown}`;
  return [{ place, keyword: 'const' in demand ? 'const' : 'enum', detail, candidates: samples() }];
};

export const textRule: Rule = (premise, demand, { place, types, samples }) => {
  if (!types.has('string')) return [];
  const gaps: Gap[] = [];
  const least = numberAt(demand, 'minLength') ?? 0;
  if (least > (numberAt(premise, 'minLength') ?? 0)) {
    const shorter = samples().flatMap((value) => (typeof value === 'string' ? [value, value.slice(0, least - 1)] : []));
    const detail = `must have at least ${least} characters`;
    gaps.push({ place, keyword: 'minLength', detail, candidates: shorter });
  }
  const most = numberAt(demand, 'maxLength');
  if (most !== undefined && most < (numberAt(premise, 'maxLength') ?? Number.POSITIVE_INFINITY)) {
    const longer = samples().flatMap((value) =>
      typeof value === 'string' ? [value, value.padEnd(Math.min(most + 1, 100_000), value || 'x')] : [],
    );
    gaps.push({ place, keyword: 'maxLength', detail: `must have at most ${most} characters`, candidates: longer });
  }
  if (demand.pattern !== undefined && demand.pattern !== premise.pattern) {
    const detail = `must match the regular expression ${JSON.stringify(demand.pattern)}`;
    gaps.push({ place, keyword: 'pattern', detail, candidates: samples() });
  }
  return gaps;
};

export const numberRule: Rule = (premise, demand, { place, types, samples }) => {
  if (!types.has('number') && !types.has('integer')) return [];
  const gaps: Gap[] = [];
  const gap = (keyword: string, limit: number, words: string, near: readonly number[]) =>
    gaps.push({ place, keyword, detail: `must be ${words} ${limit}`, candidates: [...near, ...samples()] });
  const low = numberAt(premise, 'minimum') ?? Number.NEGATIVE_INFINITY;
  const lowEnd = numberAt(premise, 'exclusiveMinimum') ?? Number.NEGATIVE_INFINITY;
  const high = numberAt(premise, 'maximum') ?? Number.POSITIVE_INFINITY;
  const highEnd = numberAt(premise, 'exclusiveMaximum') ?? Number.POSITIVE_INFINITY;

  const minimum = numberAt(demand, 'minimum');
  if (minimum !== undefined && !(low >= minimum || lowEnd >= minimum)) {
    gap(
      'minimum',
      minimum,
      'at least',
      [low, lowEnd + 1, lowEnd + 0.5, minimum - 1, minimum - 0.5].filter(Number.isFinite),
    );
  }
  const above = numberAt(demand, 'exclusiveMinimum');
  if (above !== undefined && !(low > above || lowEnd >= above)) {
    gap('exclusiveMinimum', above, 'more than', [low, above, lowEnd + 0.5, above - 1].filter(Number.isFinite));
  }
  const maximum = numberAt(demand, 'maximum');
  if (maximum !== undefined && !(high <= maximum || highEnd <= maximum)) {
    gap(
      'maximum',
      maximum,
      'at most',
      [high, highEnd - 1, highEnd - 0.5, maximum + 1, maximum + 0.5].filter(Number.isFinite),
    );
  }
  const below = numberAt(demand, 'exclusiveMaximum');
  if (below !== undefined && !(high < below || highEnd <= below)) {
    gap('exclusiveMaximum', below, 'less than', [high, below, highEnd - 0.5, below + 1].filter(Number.isFinite));
  }
  const step = numberAt(demand, 'multipleOf');
  if (step !== undefined && !isMultiple(numberAt(premise, 'multipleOf'), step)) {
    gap('multipleOf', step, 'a multiple of', [numberAt(premise, 'multipleOf') ?? 1, step / 2, step + 1]);
  }
  return gaps;
};

/** Only of whole numbers: with others the check itself, in doubles, is not exact. */
function isMultiple(of: number | undefined, step: number): boolean {
  if (of === step) return true;
  return of !== undefined && Number.isSafeInteger(of) && Number.isSafeInteger(step) && of % step === 0;
}

/** Keywords that stand together and are compared as a whole: the new schema must have them as the old one has. */
const GROUPS = [
  ['anyOf'],
  ['oneOf'],
  ['not'],
  ['if', 'then', 'else'],
  ['dependentSchemas'],
  ['dependencies'],
  ['contains', 'minContains', 'maxContains'],
  ['unevaluatedProperties', 'unevaluatedItems'],
  ['$ref'],
  ['$dynamicRef'],
] as const;

/**
 * What the structure does not show. `unevaluated...` depends on everything beside it, and a reference that was not followed leads to
 * what nobody has looked at: these are gaps even where the text is the same.
 */
export const opaqueRule: Rule = (premise, demand, { place, samples, compare, areEqual, old }) => {
  const gaps: Gap[] = [];
  for (const group of GROUPS) {
    const [first] = group;
    if (!group.some((keyword) => keyword in demand)) continue;
    const only = (schema: object) =>
      Object.fromEntries(Object.entries(schema).filter(([keyword]) => group.some((it) => it === keyword)));
    const isTransparent = first !== 'unevaluatedProperties' && first !== '$ref' && first !== '$dynamicRef';
    if (isTransparent && areEqual(only(premise), only(demand))) continue;
    if (first === 'anyOf') {
      const branches = Array.isArray(demand.anyOf) ? demand.anyOf : [];
      if (branches.some((branch) => compare(old, branch, place).length === 0)) continue;
    }
    const detail = `has other rules in "${group.filter((keyword) => keyword in demand).join('", "')}"`;
    gaps.push({ place, keyword: first, detail, candidates: samples() });
  }
  return gaps;
};

export const dependentRule: Rule = (premise, demand, { place, types, samples }) => {
  if (!types.has('object')) return [];
  const before = Object(premise.dependentRequired);
  const always = namesAt(premise, 'required');
  return Object.keys(Object(demand.dependentRequired)).flatMap((name): Gap[] => {
    const known = [...always, ...namesAt(before, name)];
    const missing = namesAt(Object(demand.dependentRequired), name).filter((it) => !known.includes(it));
    if (missing.length === 0) return [];
    const detail = `must have ${missing.join(', ')} where it has ${name}`;
    return [{ place, keyword: 'dependentRequired', detail, candidates: samples() }];
  });
};
