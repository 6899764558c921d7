import { databaseSettings } from '@kero/database';
import { eventSettings } from '@kero/events';
import { messagingSettings } from '@kero/messaging';
import { processorSettings } from '@kero/processor';
import { receiverSettings } from '@kero/receiver';
import { runtimeSettings, type ValuesOf } from '@kero/runtime';

/** Every setting of Kero, in the order of the docs. */
export const allGroups = {
  runtime: runtimeSettings,
  receiver: receiverSettings,
  events: eventSettings,
  messaging: messagingSettings,
  database: databaseSettings,
  processor: processorSettings,
};

export type AllSettings = { readonly [K in keyof typeof allGroups]: ValuesOf<(typeof allGroups)[K]> };
