import { errorFactory } from './errors.ts';

/** Errors of starting and stopping a process. */
export const runtimeErrors = {
  settings_invalid: {
    retryable: false,
    meaning: 'One or more settings cannot be used. All of them are listed, before any socket is opened.',
    remedy: 'Correct the named environment variables; `kero config --check` shows every value and where it came from.',
  },
  address_in_use: {
    retryable: false,
    meaning: 'A port that Kero was told to listen on is taken by another program.',
    remedy: 'Stop the other program, or choose another port with the named setting.',
  },
  folder_in_use: {
    retryable: false,
    meaning: 'Another Kero process owns this data folder.',
    remedy: 'Stop the process whose id is named, or give this one its own KERO_DATA_DIR.',
  },
  folder_unusable: {
    retryable: false,
    meaning: 'A data folder cannot be made or written.',
    remedy: 'Check that the named folder exists, belongs to the user that runs Kero, and that the disk is not full.',
  },
  worker_failed: {
    retryable: false,
    meaning: 'A worker process ended although nobody told it to, and starting others in its place did not help.',
    remedy:
      'Look at the last log lines of the worker (field `worker`), and at the memory of the machine when it ended with SIGKILL.',
  },
  stopped: {
    retryable: true,
    meaning: 'The process was told to stop while it was starting. It ends in order; this is not a failure.',
    remedy: 'Nothing to do: start it again when it is wanted.',
  },
} as const;

export const runtimeError = errorFactory(runtimeErrors);
