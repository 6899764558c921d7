import { join, resolve } from 'node:path';
import type { AllSettings } from '../../all-settings.ts';

export interface KeysFileOptions {
  readonly file?: string;
}

/** The file that a command works on: the one it is told, else that of the receiver, else one in the data folder. */
export function keysFile({ file }: KeysFileOptions, { auth, runtime }: AllSettings): string {
  return resolve(file ?? auth.keysFile ?? join(runtime.dataDirectory, 'api-keys.json'));
}

/** What a receiver must be told to look at the file; empty where the settings say so. */
export function howToUse(path: string, { auth }: AllSettings): string {
  if (auth.keysFile !== undefined && resolve(auth.keysFile) === path) return '';
  return `\n\nAPI_KEYS_FILE is not set to this file here. Receivers look at it when they are started with API_KEYS_FILE=${path}`;
}
