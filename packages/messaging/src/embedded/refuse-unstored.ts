import { messagingError } from '../messaging-errors.ts';
import { countUnstored } from './count-unstored.ts';

/**
 * Throws `log_left_behind` when an embedded log still holds records that the group has not stored: whoever switches to Kafka
 * would leave accepted events behind without noticing.
 */
export function refuseUnstored({ directory, groupId }: { readonly directory: string; readonly groupId: string }): void {
  const unstored = countUnstored(directory, groupId);
  if (unstored === 0) return;
  throw messagingError(
    'log_left_behind',
    `the embedded log in ${directory} still holds ${unstored} ${unstored === 1 ? 'event that was' : 'events that were'} accepted and not stored yet`,
  );
}
