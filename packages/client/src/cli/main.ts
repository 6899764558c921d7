#!/usr/bin/env node
import process from 'node:process';
import { typesFile } from '../generate-types/types-file.ts';
import { readSchemas } from './read-schemas.ts';

const USAGE = `usage: kero-client types FOLDER > kero-events.ts

Writes TypeScript types for createClient<EventTypes>() from the JSON Schemas in a folder, which is laid out as
SCHEMAS_DIR of the receiver: <event_type>.json or <event_type>/<version>.json.
`;

const [command, folder, ...more] = process.argv.slice(2);
if (command === '--help' || command === '-h') {
  process.stdout.write(USAGE);
} else if (command !== 'types' || folder === undefined || more.length > 0) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else {
  try {
    const { text, warnings } = typesFile(readSchemas(folder));
    for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
    process.stdout.write(text);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
