import { boolean, bytes, duration, integer, list, setting, settingsGroup, type ValuesOf } from '@kero/runtime';

export const processorSettings = settingsGroup('Processor', {
  allowedTypes: setting('EVENTS_ALLOWED_TYPES', list(), {
    default: '',
    description: 'Store only events of these types; empty stores all. Others are skipped and counted.',
  }),
  deniedTypes: setting('EVENTS_DENIED_TYPES', list(), {
    default: '',
    description: 'Skip events of these types (and count them), also where they are allowed.',
  }),
  commitSkipped: setting('EVENTS_COMMIT_SKIPPED', boolean(), {
    default: 'true',
    description:
      'false: skipped records are committed only together with the next stored one, so that a restart reads them again.',
  }),
  batchMaxRecords: setting('PROCESSOR_BATCH_MAX_RECORDS', integer(1, 100_000), {
    default: '5000',
    description: 'Most records that are written in one transaction.',
  }),
  batchMaxBytes: setting('PROCESSOR_BATCH_MAX_BYTES', bytes(1024, 256 * 1024 ** 2), {
    default: '8MiB',
    description: 'Most bytes of records that are written in one transaction.',
  }),
  connections: setting('PROCESSOR_CONNECTIONS', integer(1, 64), {
    default: '2',
    description:
      'Transactions side by side, each on its own database connection. More than 2 for each 2 cores of the database adds nothing.',
  }),
  stallAfterMs: setting('WATCHDOG_STALL_AFTER', duration(1000), {
    default: '30s',
    description:
      'How long events may wait with nothing moving (an outage of the database aside) before the consumer is built anew; after three times in five minutes the process ends.',
  }),
});

export type ProcessorSettings = ValuesOf<typeof processorSettings>;
