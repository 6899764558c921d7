import process from 'node:process';
import { runCli } from './cli.ts';

process.exitCode = await runCli(process);
