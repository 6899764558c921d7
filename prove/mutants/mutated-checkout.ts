import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Edit } from './mutants.ts';

/** A copy of the checkout with the edits made, ready to run. Throws when an edit does not fit the code any more. */
export function mutatedCheckout(root: string, edits: readonly Edit[]): string {
  const copy = mkdtempSync(join(tmpdir(), 'kero-mutant-'));
  // Also what is new and not added yet: a file that is there already may import it.
  const wanted = ['--cached', '--others', '--exclude-standard', 'apps', 'packages'];
  const files = execFileSync('git', ['ls-files', '-z', ...wanted], { cwd: root, encoding: 'utf8' });
  for (const file of files.split('\0').filter((name) => name !== '' && existsSync(join(root, name)))) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file));
  }
  linkDependencies(root, copy);
  for (const { file, find, replace } of edits) {
    const path = join(copy, file);
    const parts = readFileSync(path, 'utf8').split(find);
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${find}`);
    writeFileSync(path, parts.join(replace));
  }
  return copy;
}

/** Dependencies are those of the checkout; the workspaces are those of the copy. */
function linkDependencies(root: string, copy: string): void {
  const modules = join(copy, 'node_modules');
  mkdirSync(join(modules, '@kero'), { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== '@kero' && name !== 'kero') symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  for (const group of ['packages', 'apps']) {
    for (const part of readdirSync(join(copy, group))) {
      const manifest = JSON.parse(readFileSync(join(copy, group, part, 'package.json'), 'utf8')) as { name: string };
      if (manifest.name.startsWith('@kero/')) symlinkSync(join(copy, group, part), join(modules, manifest.name));
      const own = join(root, group, part, 'node_modules');
      if (existsSync(own)) symlinkSync(own, join(copy, group, part, 'node_modules'));
    }
  }
}
