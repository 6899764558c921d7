import type { AcceptedCredentials } from '@kero/auth';
import type { EventSettings } from '@kero/events';
import type { Handler } from '../exchange.ts';
import type { ReceiverSettings } from '../receiver-settings.ts';
import { sendJson } from '../responses.ts';
import { openApiDocument } from './openapi-document.ts';

/** GET /api/v1/openapi.json. Its examples carry the time of the look, so that they are never too old to be accepted. */
export function openApiRoute(options: {
  settings: ReceiverSettings;
  eventSettings: EventSettings;
  credentials: AcceptedCredentials | undefined;
  now: () => number;
}): Handler {
  const { settings, eventSettings, credentials, now } = options;
  return (exchange) => {
    const exampleTime = new Date(now()).toISOString();
    const document = openApiDocument({
      maxBodyBytes: settings.maxBodyBytes,
      maxDecompressedBytes: settings.maxDecompressedBytes,
      maxRatio: settings.maxRatio,
      maxBatchEvents: settings.maxBatchEvents,
      maxEventBytes: eventSettings.maxBytes,
      credentials,
      exampleTime,
    });
    sendJson(exchange, 200, JSON.stringify(document));
  };
}
