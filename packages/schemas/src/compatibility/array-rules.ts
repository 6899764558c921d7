import type { JsonValue } from '@kero/events';
import type { Gap, Place, Rule } from './gap.ts';
import { numberAt, schemaAt, schemaListAt } from './schema-value.ts';

const MAX_ITEMS_IN_EXAMPLES = 1000;

export const itemCountRule: Rule = (premise, demand, { place, types, samples }) => {
  if (!types.has('array')) return [];
  const gaps: Gap[] = [];
  const lists = () => samples().filter(Array.isArray);
  const least = numberAt(demand, 'minItems') ?? 0;
  if (least > (numberAt(premise, 'minItems') ?? 0)) {
    const shorter = lists().map((list) => list.slice(0, least - 1));
    gaps.push({ place, keyword: 'minItems', detail: `must have at least ${least} items`, candidates: shorter });
  }
  const most = numberAt(demand, 'maxItems');
  if (most !== undefined && most < (numberAt(premise, 'maxItems') ?? Number.POSITIVE_INFINITY)) {
    const longer = lists().map((list) => lengthened(list, Math.min(most + 1, MAX_ITEMS_IN_EXAMPLES)));
    gaps.push({ place, keyword: 'maxItems', detail: `must have at most ${most} items`, candidates: longer });
  }
  const isShort = (numberAt(premise, 'maxItems') ?? 2) <= 1;
  if (demand.uniqueItems === true && premise.uniqueItems !== true && !isShort) {
    const twice = lists().flatMap((list) => [lengthened(list.slice(0, 1), Math.max(2, list.length)), list]);
    gaps.push({ place, keyword: 'uniqueItems', detail: 'must not have an item twice', candidates: twice });
  }
  return gaps;
};

function lengthened(list: readonly JsonValue[], length: number): JsonValue[] {
  return [...list, ...Array.from({ length: Math.max(0, length - list.length) }, () => list.at(-1) ?? 1)];
}

export const itemsRule: Rule = (premise, demand, { place, types, samples, compare }) => {
  if (!types.has('array')) return [];
  const before = schemaListAt(premise, 'prefixItems');
  const after = schemaListAt(demand, 'prefixItems');
  const most = numberAt(premise, 'maxItems') ?? Number.POSITIVE_INFINITY;
  const first = Math.max(before.length, after.length);
  const inside = (index: number, shown: string): Place => ({
    shown: `${place.shown}/${shown}`,
    pointer: `${place.pointer}/${index}`,
    wrap: (value) => {
      const lists = samples().filter(Array.isArray);
      const base = lists.find((list) => list.length > index) ?? lengthened(lists[0] ?? [], index + 1);
      return place.wrap(base.with(index, value));
    },
  });
  const gaps: Gap[] = [];
  for (let index = 0; index < Math.min(first, most); index++) {
    const old = before[index] ?? schemaAt(premise, 'items');
    gaps.push(...compare(old, after[index] ?? schemaAt(demand, 'items'), inside(index, String(index))));
  }
  if (most <= first) return gaps;
  return [...gaps, ...compare(schemaAt(premise, 'items'), schemaAt(demand, 'items'), inside(first, '*'))];
};
