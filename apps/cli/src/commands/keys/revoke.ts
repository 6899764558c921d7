import { changeKeyFile, loadKeys, revokeKey } from '@kero/auth';
import type { CommandContext } from '../../run-command.ts';
import { howToUse, type KeysFileOptions, keysFile } from './keys-file.ts';

/** `kero keys revoke`: ends a key for good. */
export async function revokeKeyById(
  id: string,
  options: KeysFileOptions,
  { settings, nowMs }: CommandContext & { readonly nowMs: number },
): Promise<string> {
  const path = keysFile(options, settings);
  // Refused here where there is no file: nothing is made for a key that cannot be in it.
  await loadKeys(path);
  await changeKeyFile(path, (keys) => ({ keys: revokeKey(keys, id, nowMs) }));
  return `${id} is revoked: receivers refuse it within two seconds, without a restart.${howToUse(path, settings)}`;
}
