import type { StoredKey, WithNewKey } from '@kero/auth';
import { printable } from '../../printable.ts';
import { formatTime } from '../dead-letters/list.ts';

/** What a person is told about a key that was made, and the key itself, for the only time. */
export function describeNewKey({ made, text }: WithNewKey, path: string): string {
  const lines = [
    `key      ${text}`,
    `id       ${made.id}`,
    ...(made.name === undefined ? [] : [`name     ${printable(made.name)}`]),
    `sources  ${describeSources(made)}`,
    `scopes   ${made.scopes.join(', ')}`,
    `expires  ${describeTime(made.expiresAtMs)}`,
  ];
  return `${lines.join('\n')}\n\nThe key is shown this once: ${path} has only its hash. It counts within two seconds, without a restart.`;
}

/** The first one is that of events that name none. */
export function describeSources({ sources, anySource }: StoredKey): string {
  const [first, ...others] = sources.map(printable);
  const more = anySource ? [...others, 'any other'] : others;
  return more.length === 0 ? `${first}` : `${first} (default), ${more.join(', ')}`;
}

export function describeTime(ms: number | undefined): string {
  return ms === undefined ? 'never' : formatTime(new Date(ms));
}
