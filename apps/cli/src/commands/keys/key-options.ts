import { isKeyId, isSource, type Scope, scopes } from '@kero/auth';
import { parseTimestamp } from '@kero/events';
import { duration, SettingValueError } from '@kero/runtime';
import { InvalidArgumentError } from 'commander';

/** Values of options; what cannot be one is a mistake of usage (exit code 2). */

/** May be given several times; the first one is the default source. */
export function collectSource(text: string, before: readonly string[] = []): string[] {
  if (text === '*') {
    throw new InvalidArgumentError('There is no pattern for sources: name the default one, and add --any-source.');
  }
  if (!isSource(text)) throw new InvalidArgumentError('Expected 1 to 256 characters.');
  return [...new Set([...before, text])];
}

/** May be given several times. */
export function collectScope(text: string, before: readonly Scope[] = []): Scope[] {
  const found = scopes.find((scope) => scope === text);
  if (found === undefined) throw new InvalidArgumentError(`Expected one of: ${scopes.join(', ')}.`);
  return [...new Set([...before, found])];
}

export function parseKeyId(text: string): string {
  if (!isKeyId(text)) {
    throw new InvalidArgumentError('Expected the id of a key (the part between its two underscores), not the key.');
  }
  return text;
}

export function parseDuration(text: string): number {
  const ms = durationOf(text);
  if (ms === undefined) throw new InvalidArgumentError('Expected a number with a unit, such as 30m, 24h or 7d.');
  return ms;
}

/** A moment in Unix milliseconds that is still to come: how long until then, a day (its beginning, UTC) or RFC 3339. */
export function parseExpiry(nowMs: () => number): (text: string) => number {
  return (text) => {
    const lifetime = durationOf(text);
    const time = parseTimestamp(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
    const expiresAt =
      lifetime !== undefined ? nowMs() + lifetime : time.ok ? Math.floor(time.micros / 1000) : undefined;
    if (expiresAt === undefined) {
      throw new InvalidArgumentError(
        'Expected how long it lives (90d), or when it ends (2027-03-31, 2027-03-31T12:00:00Z).',
      );
    }
    if (expiresAt <= nowMs()) throw new InvalidArgumentError('That has passed already.');
    return expiresAt;
  };
}

function durationOf(text: string): number | undefined {
  try {
    return duration().parse(text);
  } catch (error) {
    if (error instanceof SettingValueError) return undefined;
    throw error;
  }
}
