import { changeKeyFile, loadKeys, rotateKey } from '@kero/auth';
import type { CommandContext } from '../../run-command.ts';
import { describeNewKey, describeTime } from './describe-key.ts';
import { howToUse, type KeysFileOptions, keysFile } from './keys-file.ts';

export interface RotateKeyOptions extends KeysFileOptions {
  /** Milliseconds. */
  readonly overlap?: number;
  readonly expires?: number;
  readonly quiet?: boolean;
}

const DAY_MS = 86_400_000;

/** `kero keys rotate`: a second key of the same client; both work until the overlap is over. */
export async function rotateKeyById(
  id: string,
  options: RotateKeyOptions,
  { settings, nowMs }: CommandContext & { readonly nowMs: number },
): Promise<string> {
  const path = keysFile(options, settings);
  await loadKeys(path);
  const rotation = { overlapMs: options.overlap ?? DAY_MS, expiresAtMs: options.expires };
  const result = await changeKeyFile(path, (keys) => rotateKey(keys, id, rotation, nowMs));
  if (options.quiet) return result.text;
  const old = result.keys.find((key) => key.id === id);
  const ending = `The old key ${id} works until ${describeTime(old?.expiresAtMs)}: give the new one to its client before.`;
  return `${describeNewKey(result, path)}\n${ending}${howToUse(path, settings)}`;
}
