import { scopes } from '@kero/auth';
import type { Command } from 'commander';
import type { RunCommand } from '../../run-command.ts';
import { type CreateKeyOptions, createKey } from './create.ts';
import { collectScope, collectSource, parseDuration, parseExpiry, parseKeyId } from './key-options.ts';
import type { KeysFileOptions } from './keys-file.ts';
import { listKeys } from './list.ts';
import { revokeKeyById } from './revoke.ts';
import { type RotateKeyOptions, rotateKeyById } from './rotate.ts';

const FILE = [
  '--file <path>',
  'the file of the keys (default: API_KEYS_FILE, else api-keys.json in the data folder)',
] as const;
const QUIET = ['--quiet', 'print the key and nothing else, for scripts'] as const;
const ID = ['<id>', 'the id of the key: the part between its two underscores', parseKeyId] as const;
const EXPIRES = '--expires <when>';

/** Adds `kero keys` and its commands. */
export function registerKeys(program: Command, run: RunCommand, nowMs: () => number = Date.now): void {
  const keys = program.command('keys').description('API keys: who may send events, and for which sources');
  keys
    .command('create')
    .description('make a key, and the file of the keys where there is none')
    .requiredOption('--source <source>', 'a source that it may send for; the first is the default', collectSource)
    .option('--any-source', 'it may send for sources besides those, too')
    .option('--scope <scope>', `what it may do: ${scopes.join(', ')} (default: events:write)`, collectScope)
    .option(EXPIRES, 'how long it lives (90d), or when it ends (2027-03-31) (default: never)', parseExpiry(nowMs))
    .option('--name <text>', 'for people, to know it again')
    .option(...QUIET)
    .option(...FILE)
    .action((options: CreateKeyOptions) => run((context) => createKey(options, { ...context, nowMs: nowMs() })));
  keys
    .command('list')
    .description('every key, without its secret')
    .option(...FILE)
    .action((options: KeysFileOptions) => run((context) => listKeys(options, { ...context, nowMs: nowMs() })));
  keys
    .command('revoke')
    .description('end a key, at once and for good')
    .argument(...ID)
    .option(...FILE)
    .action((id: string, options: KeysFileOptions) =>
      run((context) => revokeKeyById(id, options, { ...context, nowMs: nowMs() })),
    );
  keys
    .command('rotate')
    .description('make a second key of the same client, and let the old one end after an overlap')
    .argument(...ID)
    .option('--overlap <duration>', 'how long both work (default: 24h)', parseDuration)
    .option(EXPIRES, 'of the new key (default: it lives as long as the old one was made for)', parseExpiry(nowMs))
    .option(...QUIET)
    .option(...FILE)
    .action((id: string, options: RotateKeyOptions) =>
      run((context) => rotateKeyById(id, options, { ...context, nowMs: nowMs() })),
    );
}
