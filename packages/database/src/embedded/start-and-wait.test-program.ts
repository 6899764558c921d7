/**
 * Opens the embedded database of the folder given as first argument, prints the pid of the server, and waits to be killed.
 * Run by embedded-server.int.test.ts, which needs a process of its own for that.
 */
import process from 'node:process';
import { createLogger } from '@kero/runtime';
import { openDatabase } from '../open-database.ts';
import { serverFolder } from './server-folder.ts';
import { serverPid } from './server-pid.ts';

const [, , directory = ''] = process.argv;
await openDatabase(
  {
    driver: 'embedded',
    directory,
    port: undefined,
    database: 'processor',
    user: 'kero',
    password: undefined,
    applicationName: 'kero-test',
    maxConnections: 2,
  },
  { logger: createLogger({ level: 'silent', format: 'json', name: 'test' }) },
);
// Ctrl-C is for the parent to send; what matters is whether the server survives it.
process.on('SIGINT', () => process.stdout.write('interrupted\n'));
process.stdout.write(`server ${serverPid(serverFolder(directory).data)}\n`);
setInterval(() => {}, 60_000);
