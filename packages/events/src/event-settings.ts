import { bytes, duration, setting, settingsGroup, type ValuesOf } from '@kero/runtime';

/** Limits of one event, the same for receiver and processor. */
export const eventSettings = settingsGroup('Events', {
  maxFutureMs: setting('EVENTS_MAX_FUTURE', duration(), {
    default: '24h',
    description: 'How far in the future an event_timestamp may lie.',
  }),
  retentionMs: setting('EVENTS_RETENTION', duration(3_600_000), {
    description:
      'Oldest age of an event that is accepted; the processor drops the months of events that are older. Without it every age is accepted and kept.',
    example: '365d',
  }),
  maxBytes: setting('EVENTS_MAX_BYTES', bytes(1024, 10 * 1024 ** 2), {
    default: '256KiB',
    description: 'Largest text of one event.',
  }),
});

export type EventSettings = ValuesOf<typeof eventSettings>;
