import process from 'node:process';
import { runMain } from '@kero/runtime';
import { processorGroups, processorService } from './processor-service.ts';

process.exitCode = await runMain(process, processorGroups, (context, { settings, logger }) =>
  processorService(context, settings, logger),
);
