import { existsSync } from 'node:fs';
import { type Logger, throwIfStopped } from '@kero/runtime';
import type { Messaging } from './messaging.ts';
import type { MessagingConfig } from './messaging-settings.ts';

export interface OpenMessagingContext {
  readonly logger: Logger;
  /** For what is found out at the start and said once; `logger` where nobody else has said it. */
  readonly startLogger?: Logger;
  /** Ends the wait for brokers with `stopped`. */
  readonly stop?: AbortSignal | undefined;
  /** How long brokers that are away are waited for, in milliseconds (START_PATIENCE_MS); Infinity until they are there. */
  readonly patienceMs?: number | undefined;
}

/**
 * Opens the log that the configuration names. Drivers are loaded when they are chosen, so that a process on Kafka does
 * not load SQLite, nor the other way round.
 *
 * Throws KeroError: what each driver says, all of them in docs/errors.md.
 */
export async function openMessaging(config: MessagingConfig, context: OpenMessagingContext): Promise<Messaging> {
  throwIfStopped(context.stop);
  switch (config.driver) {
    case 'kafka': {
      if (config.leftBehind && existsSync(config.leftBehind.directory)) {
        const { refuseUnstored } = await import('./embedded/refuse-unstored.ts');
        refuseUnstored(config.leftBehind);
      }
      const { openKafka } = await import('./kafka/open-kafka.ts');
      return openKafka(config, context);
    }
    case 'embedded': {
      const { openEmbedded } = await import('./embedded/open-embedded.ts');
      return openEmbedded(config, context);
    }
    default: {
      const unknown: never = config;
      throw new TypeError(`no messaging driver for ${JSON.stringify(unknown)}`);
    }
  }
}
