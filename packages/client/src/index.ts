/** Sends events to Kero: batches, retries that store nothing twice, a result for each event. See docs/clients.md. */
export { createClient, type KeroClient, type SendResult } from './client.ts';
export { type ClientErrorCode, clientErrors, KeroClientError, type KeroProblem } from './errors.ts';
export type { AnyEventTypes, EventOf, KeroEvent } from './event.ts';
export { type JsonNumber, type RawJson, rawJson } from './json-text.ts';
export type { ClientOptions, RetryInfo } from './options.ts';
export type { Accepted } from './pending-event.ts';
