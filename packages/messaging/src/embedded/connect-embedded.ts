import { existsSync } from 'node:fs';
import { isKeroError, type Logger } from '@kero/runtime';
import type { ConnectedMessaging } from '../connect-messaging.ts';
import { messagingError } from '../messaging-errors.ts';
import type { EmbeddedConfig } from '../messaging-settings.ts';
import { readAddress } from './append-protocol.ts';
import { logFile } from './log-connection.ts';
import { openEmbedded } from './open-embedded.ts';
import { RemoteProducer } from './remote-producer.ts';

/** See connectMessaging. */
export async function connectEmbedded(
  config: EmbeddedConfig,
  context: { readonly logger: Logger },
): Promise<ConnectedMessaging> {
  const { directory } = config;
  // Nobody would ever read a log that is made here.
  if (!existsSync(logFile(directory))) throw noLog(directory);
  try {
    return await openEmbedded(config, context);
  } catch (error) {
    const address = isKeroError(error, 'folder_in_use') ? readAddress(directory) : undefined;
    if (!address) throw error;
    const producer = new RemoteProducer(address);
    return {
      description: `embedded log in ${directory}, through the process that runs it`,
      producer: async () => producer,
      close: () => producer.close(),
    };
  }
}

/** The error for a folder that holds no log. */
export function noLog(directory: string) {
  return messagingError('log_unusable', `there is no embedded log in ${directory}`, {
    remedy:
      'Run this in the folder where `kero start` runs, or set KERO_DATA_DIR as there; with Kafka, set KAFKA_BOOTSTRAP_SERVERS.',
  });
}
