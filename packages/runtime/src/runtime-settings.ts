import { setting, settingsGroup, type ValuesOf } from './settings/setting.ts';
import { duration, integer, oneOf, text } from './settings/setting-types.ts';

/** What every process needs, whatever it does. */
export const runtimeSettings = settingsGroup('Process', {
  projectName: setting('PROJECT_NAME', text(), {
    default: 'kero',
    description: 'Name of this deployment, as it stands in log lines and client ids.',
  }),
  dataDirectory: setting('KERO_DATA_DIR', text(), {
    default: './data',
    description: 'Folder of everything embedded: the log and the PostgreSQL cluster.',
  }),
  logLevel: setting('LOG_LEVEL', oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal'), {
    default: 'info',
    description: 'Least severe log line that is written.',
  }),
  logFormat: setting('LOG_FORMAT', oneOf('json', 'pretty'), {
    description: 'Form of the log lines. Without it: pretty on a terminal, else json.',
    example: 'json',
  }),
  adminHost: setting('ADMIN_HOST', text(), {
    default: '127.0.0.1',
    description: 'Address of the admin port (health with reasons, metrics). Keep it away from the public.',
  }),
  adminPort: setting('ADMIN_PORT', integer(0, 65_535), {
    description: 'Admin port; 0 takes a free one. Without it: 9101 for receiver and start, 9102 for processor.',
    example: '9101',
  }),
  startTimeoutMs: setting('START_TIMEOUT', duration(1000), {
    description:
      'Longest wait at the start for Kafka or PostgreSQL when they are away; then the process ends with 1. Without it, it waits until they are there, and is not ready before.',
    example: '60s',
  }),
  shutdownTimeoutMs: setting('SHUTDOWN_TIMEOUT', duration(1000), {
    default: '25s',
    description:
      'From the first stop signal to the end of the process; then it is ended by force (nothing accepted is lost).',
  }),
});

export type RuntimeSettings = ValuesOf<typeof runtimeSettings>;
