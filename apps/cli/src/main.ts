import process from 'node:process';
import { runCli } from './cli.ts';

// Whoever reads our output may stop early (`kero sql ... | head`): that is not an error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
process.exitCode = await runCli(process);
