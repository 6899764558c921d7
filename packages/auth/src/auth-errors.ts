import { errorFactory } from '@kero/runtime';

/** Errors of API keys and their file. */
export const authErrors = {
  keys_file_unusable: {
    retryable: false,
    meaning:
      'The file of API keys (API_KEYS_FILE) is missing, cannot be read, or is not what docs/authentication.md describes. At the start Kero refuses to run; later it goes on with the keys of before for API_KEYS_MAX_AGE.',
    remedy:
      'Check the named file and its rights. `kero keys create --source NAME` makes one; a damaged one comes back from a backup.',
  },
  keys_file_not_written: {
    retryable: false,
    meaning: 'The file of API keys could not be changed. It is what it was before.',
    remedy: 'Run the command as a user who may write the folder of the file, and see that its disk is not full.',
  },
  key_not_found: {
    retryable: false,
    meaning: 'No key in the file has this id.',
    remedy: '`kero keys list` shows the ids. An id is the part of a key between its two underscores.',
  },
  key_revoked: {
    retryable: false,
    meaning: 'The key was revoked, and a revoked key gets no successor.',
    remedy: 'Make a new key with `kero keys create`, with the same --source.',
  },
} as const;

export type AuthErrorCode = keyof typeof authErrors;

export const authError = errorFactory<AuthErrorCode>(authErrors);
