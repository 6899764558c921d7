export { createEventFilter } from './event-filter.ts';
export { type Interpreted, type InterpretOptions, interpretRecord } from './interpret-record.ts';
export { processEvents } from './process-events.ts';
export { createProcessorCounts, type ProcessorCounts } from './processor-counts.ts';
export { processorErrors } from './processor-errors.ts';
export { processorMetrics } from './processor-metrics.ts';
export {
  type ProcessorServiceSettings,
  processorDatabaseConfig,
  processorGroups,
  processorService,
  type RunProcessorDeps,
  runProcessor,
} from './processor-service.ts';
export { type ProcessorSettings, processorSettings } from './processor-settings.ts';
