import process from 'node:process';
import { runMain } from '@kero/runtime';
import { receiverService } from './receiver-process.ts';
import { receiverGroups } from './receiver-service.ts';

process.exitCode = await runMain(process, receiverGroups, (context, { settings, logger }) =>
  receiverService(context, settings, logger),
);
