export { type AdminServer, type AdminServerOptions, startAdminServer } from './admin-server.ts';
export {
  describeError,
  type ErrorDefinition,
  type ErrorTable,
  errorFactory,
  isKeroError,
  KeroError,
  type KeroErrorOptions,
} from './errors.ts';
export { runtimeMetrics } from './event-loop-watch.ts';
export { lockFolder } from './folder-lock.ts';
export { Health, type HealthReport, type HealthState } from './health.ts';
export {
  aborted,
  logFailure,
  type ProcessLike,
  runService,
  type ServiceContext,
  type ServiceOptions,
} from './lifecycle.ts';
export { listen } from './listen.ts';
export { createLogger, type Logger, type LoggerOptions } from './logger.ts';
export { type MetricDefinition, type MetricSnapshot, Metrics, type MetricTable, type Reading } from './metrics.ts';
export { type ObservedProcess, observeProcess } from './observe-process.ts';
export { type BackoffOptions, backoffMs, type Clock, sleep, systemClock, withDeadline } from './retry.ts';
export { type MainContext, type MainProcess, runMain } from './run-main.ts';
export { runtimeErrors } from './runtime-errors.ts';
export { type RuntimeSettings, runtimeSettings } from './runtime-settings.ts';
export { renderEnvExample, renderSettingsTables } from './settings/describe-settings.ts';
export {
  loadSettings,
  type ReadSettings,
  readDotEnv,
  readSettings,
  type SettingReport,
  type SettingSource,
  type SettingsInput,
  settingsInvalid,
} from './settings/load-settings.ts';
export {
  type OtherGroups,
  type Setting,
  type SettingsGroup,
  type SettingsOf,
  type SettingType,
  SettingValueError,
  setting,
  settingsGroup,
  type ValuesOf,
} from './settings/setting.ts';
export {
  boolean,
  bytes,
  duration,
  type Host,
  type HostPort,
  hostPorts,
  hosts,
  integer,
  list,
  oneOf,
  text,
} from './settings/setting-types.ts';
export { START_PATIENCE_MS, StartWait, type StartWaitOptions } from './start-wait.ts';
export { throwIfStopped, unlessStopped } from './stopped.ts';
export { forkWorker, type WorkerHandle } from './workers/fork-worker.ts';
export { prepareWorkers, type Workers, type WorkersOptions, workerMetrics } from './workers/run-workers.ts';
export { WorkerLink, workerNumber } from './workers/worker-link.ts';
