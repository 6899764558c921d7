import type { Command } from 'commander';
import { parseNumber } from '../../option-values.ts';
import type { RunCommand } from '../../run-command.ts';
import { type CheckOptions, checkSchemas } from './check.ts';
import { listSchemas } from './list.ts';
import { registerSchema } from './register-schema.ts';

/** Adds `kero schemas` and its commands. */
export function registerSchemas(program: Command, run: RunCommand): void {
  const schemas = program
    .command('schemas')
    .description('the JSON Schemas of event types, and what a change of one breaks');
  schemas
    .command('list')
    .description('which types have a schema, in which versions, and from where')
    .action(() => run(listSchemas));
  schemas
    .command('check')
    .description(
      'compare a schema with the one before it and with stored events; exit 1 when something would be refused',
    )
    .argument('<path>', 'a schema, or a folder such as SCHEMAS_DIR')
    .option('--against <file>', 'the schema before it (default: the version before it, or that of the settings)')
    .option('--type <event_type>', 'the event type (default: by the name of the file)')
    .option(
      '--recent <number>',
      'look at so many of the newest stored events of the type; 0 at none (default: 1000)',
      parseNumber,
    )
    .option('--strict', 'exit 1 also when it cannot be told')
    .action((path: string, options: CheckOptions) => run((context) => checkSchemas(path, options, context)));
  schemas
    .command('register')
    .description('register a schema as the next version of its subject in the Schema Registry')
    .argument('<file>', 'the schema')
    .option('--type <event_type>', 'the event type (default: by the name of the file)')
    .action((file: string, options: { type?: string }) => run((context) => registerSchema(file, options, context)));
}
