import { availableParallelism } from 'node:os';
import { type SettingType, SettingValueError } from '@kero/runtime';

const MAX_WORKERS = 256;

export type WorkerCount = number | 'auto';

/** Of the setting: a number of processes, or `auto`. */
export function workerCount(): SettingType<WorkerCount> {
  return {
    name: `integer 1..${MAX_WORKERS}, or auto`,
    parse: (input) => {
      if (input === 'auto') return 'auto';
      const count = /^\d{1,3}$/.test(input) ? Number(input) : 0;
      if (count < 1 || count > MAX_WORKERS) {
        throw new SettingValueError(`expected a whole number from 1 to ${MAX_WORKERS}, or auto`);
      }
      return count;
    },
  };
}

/** How many processes that is here: `auto` is as many as there are cores, or as a container may use. */
export function resolveWorkerCount(count: WorkerCount, cores = availableParallelism()): number {
  return count === 'auto' ? Math.max(1, Math.min(MAX_WORKERS, cores)) : count;
}
