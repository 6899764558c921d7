import { authSettings } from '@kero/auth';
import { databaseSettings } from '@kero/database';
import { eventSettings } from '@kero/events';
import { messagingSettings } from '@kero/messaging';
import { processorSettings } from '@kero/processor';
import { rateLimitSettings, receiverSettings } from '@kero/receiver';
import { runtimeSettings, type ValuesOf } from '@kero/runtime';
import { schemaSettings } from '@kero/schemas';

/** Every setting of Kero, in the order of the docs. */
export const allGroups = {
  runtime: runtimeSettings,
  receiver: receiverSettings,
  auth: authSettings,
  rateLimits: rateLimitSettings,
  events: eventSettings,
  schemas: schemaSettings,
  messaging: messagingSettings,
  database: databaseSettings,
  processor: processorSettings,
};

export type AllSettings = { readonly [K in keyof typeof allGroups]: ValuesOf<(typeof allGroups)[K]> };
