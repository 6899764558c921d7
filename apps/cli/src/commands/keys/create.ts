import { addKey, changeKeyFile, type Scope } from '@kero/auth';
import { type CommandContext, CommandRefused } from '../../run-command.ts';
import { describeNewKey } from './describe-key.ts';
import { howToUse, type KeysFileOptions, keysFile } from './keys-file.ts';

export interface CreateKeyOptions extends KeysFileOptions {
  readonly source: readonly string[];
  readonly anySource?: boolean;
  readonly scope?: readonly Scope[];
  readonly expires?: number;
  readonly name?: string;
  readonly quiet?: boolean;
}

/** `kero keys create`: makes a key, and the file where there is none. With `quiet` nothing but the key is printed. */
export async function createKey(
  options: CreateKeyOptions,
  { settings, nowMs }: CommandContext & { readonly nowMs: number },
): Promise<string> {
  const { source, anySource = false, scope = ['events:write'], expires, name } = options;
  const [first, ...others] = source;
  if (first === undefined) throw new CommandRefused('Name at least one --source.');
  const wanted = { name, sources: [first, ...others], anySource, scopes: scope, expiresAtMs: expires } as const;
  const path = keysFile(options, settings);
  const result = await changeKeyFile(path, (keys) => addKey(keys, wanted, nowMs));
  return options.quiet ? result.text : describeNewKey(result, path) + howToUse(path, settings);
}
