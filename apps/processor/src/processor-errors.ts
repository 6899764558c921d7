import { errorFactory } from '@kero/runtime';

/** Errors of the processor as a whole. */
export const processorErrors = {
  processor_stalled: {
    retryable: true,
    meaning:
      'Events wait in the log, nothing moves, and a new consumer did not help, three times in a row. The process ends.',
    remedy:
      'Let a supervisor start it again: nothing is lost, it goes on at the committed offset. If it comes back, read the log lines before it.',
  },
} as const;

export const processorError = errorFactory(processorErrors);
