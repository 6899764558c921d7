import { readFileSync } from 'node:fs';
import { LAUNCHER } from '../../test/support/kero-process.ts';

/** The flags of Node that Kero runs with, as the first line of its command has them. Whatever is measured beside it has them, too. */
export const KERO_FLAGS: readonly string[] = firstLine(LAUNCHER)
  .split(' ')
  .filter((word) => word.startsWith('--'));

function firstLine(file: string): string {
  const [line = ''] = readFileSync(file, 'utf8').split('\n', 1);
  return line;
}
