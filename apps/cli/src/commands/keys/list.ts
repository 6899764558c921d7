import { keyState, loadKeys, type StoredKey } from '@kero/auth';
import { printable } from '../../printable.ts';
import { renderTable } from '../../render-table.ts';
import type { CommandContext } from '../../run-command.ts';
import { describeSources, describeTime } from './describe-key.ts';
import { type KeysFileOptions, keysFile } from './keys-file.ts';

/** `kero keys list`: every key that was ever made, also those that have ended. Never a hash. */
export async function listKeys(
  options: KeysFileOptions,
  { settings, nowMs }: CommandContext & { readonly nowMs: number },
): Promise<string> {
  const path = keysFile(options, settings);
  return renderKeys(await loadKeys(path), path, nowMs);
}

export function renderKeys(keys: readonly StoredKey[], path: string, nowMs: number): string {
  if (keys.length === 0) return `There are no keys in ${path}.`;
  const table = renderTable(
    ['id', 'name', 'sources', 'scopes', 'created', 'expires', 'state'],
    keys.map((key) => [
      key.id,
      printable(key.name ?? ''),
      describeSources(key),
      key.scopes.join(', '),
      describeTime(key.createdAtMs),
      describeTime(key.expiresAtMs),
      describeState(key, nowMs),
    ]),
  );
  const live = keys.filter((key) => keyState(key, nowMs) === 'live').length;
  return `${table}\n(${keys.length} in ${path}; ${live} can be used)`;
}

function describeState(key: StoredKey, nowMs: number): string {
  const state = keyState(key, nowMs);
  return state === 'revoked' ? `revoked ${describeTime(key.revokedAtMs)}` : state;
}
