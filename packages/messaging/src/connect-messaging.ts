import type { Logger } from '@kero/runtime';
import type { Messaging } from './messaging.ts';
import type { MessagingConfig } from './messaging-settings.ts';
import { openMessaging } from './open-messaging.ts';

/** What a command of a person needs of a log that other processes are working with. */
export type ConnectedMessaging = Pick<Messaging, 'description' | 'producer' | 'close'>;

/**
 * Connects to the configured log to append to it, beside the processes that use it. The embedded log of a running
 * `kero start` is appended to through that process (shareEmbeddedLog); one that nobody runs is opened, and owned until
 * close(). Never makes a log: throws `log_unusable` where there is none, and otherwise what openMessaging throws.
 */
export async function connectMessaging(
  config: MessagingConfig,
  context: { readonly logger: Logger },
): Promise<ConnectedMessaging> {
  if (config.driver === 'kafka') return openMessaging(config, context);
  const { connectEmbedded } = await import('./embedded/connect-embedded.ts');
  return connectEmbedded(config, context);
}

/**
 * Lets other processes of the same user append to the embedded log that this process owns, until what it resolves to is
 * disposed. On Kafka there is nothing to share. Never rejects: without it only connectMessaging of others does not work.
 */
export async function shareMessaging(
  messaging: Messaging,
  config: MessagingConfig,
  context: { readonly logger: Logger },
): Promise<AsyncDisposable> {
  if (config.driver === 'kafka') return { [Symbol.asyncDispose]: async () => {} };
  const { shareEmbeddedLog } = await import('./embedded/append-server.ts');
  return shareEmbeddedLog(messaging, config, context);
}
