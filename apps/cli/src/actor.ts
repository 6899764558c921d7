import { hostname, userInfo } from 'node:os';

/** Who runs this command, for the audit log. */
export function actor(): string {
  return `${userName()}@${hostname()}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without a name, as containers have them.
    return 'unknown';
  }
}
