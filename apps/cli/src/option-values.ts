import { formatTimestamp, parseTimestamp } from '@kero/events';
import { duration, SettingValueError } from '@kero/runtime';
import { InvalidArgumentError } from 'commander';

/** Values of options; what cannot be one is a mistake of usage (exit code 2). */

export function parseCount(text: string): number {
  const count = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new InvalidArgumentError('Expected a whole number above 0.');
  return count;
}

/** A whole number from 0 on. */
export function parseNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}

export function parseList(text: string): string[] {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  if (items.length === 0) throw new InvalidArgumentError('Expected at least one value.');
  return items;
}

export function parseListOf<const V extends string>(known: readonly V[]): (text: string) => V[] {
  return (text) =>
    parseList(text).map((item) => {
      const found = known.find((value) => value === item);
      if (found === undefined) throw new InvalidArgumentError(`Expected some of: ${known.join(', ')}.`);
      return found;
    });
}

const MAX_BIGINT = 2n ** 63n - 1n;

export function parseId(text: string): bigint {
  const id = /^\d{1,19}$/.test(text) ? BigInt(text) : 0n;
  if (id < 1n || id > MAX_BIGINT) throw new InvalidArgumentError('Expected the number of a dead letter.');
  return id;
}

export function parseIds(text: string): bigint[] {
  return parseList(text).map(parseId);
}

/** A moment in Unix microseconds: RFC 3339, or how long ago it was. */
export function parseMoment(nowMs: () => number): (text: string) => number {
  return (text) => {
    const parsed = parseTimestamp(text);
    if (parsed.ok) return parsed.micros;
    try {
      return (nowMs() - duration().parse(text)) * 1000;
    } catch (error) {
      if (!(error instanceof SettingValueError)) throw error;
      const example = formatTimestamp(Math.floor(nowMs() / 1000) * 1_000_000);
      throw new InvalidArgumentError(`Expected a time (${example}) or how long ago it was (30m, 2h, 7d).`);
    }
  };
}
