import type { AcceptedCredentials } from '@kero/auth';
import { acceptedAnswer, batchExample, batchText, eventOrArray, ndjsonContent, partialAnswer } from './batches.ts';
import { cloudEventContent, cloudEventText } from './cloud-events.ts';
import type { OpenApiOptions } from './openapi-document.ts';
import { eventProblems, problemResponses } from './problem-responses.ts';
import { REQUEST_ID_HEADER } from './request-id-header.ts';

/** POST /api/v1/events. */
export function sendEvents(options: OpenApiOptions) {
  const { maxBodyBytes, maxEventBytes, credentials, exampleTime } = options;
  return {
    operationId: 'sendEvents',
    tags: ['events'],
    summary: 'Send events',
    description: [
      'Answers 202 after the log has confirmed what was sent. The same event sent twice has the same id and is stored once.',
      `A body may have ${maxBodyBytes} bytes, the text of an event ${maxEventBytes}. A slash at the end of the path changes nothing.`,
      batchText(options),
      cloudEventText,
    ].join('\n\n'),
    parameters: [
      {
        name: 'x-request-id',
        in: 'header',
        description:
          'Your own id of this request, 1 to 64 of the characters `A-Z a-z 0-9 . _ -`; another one is made where it is something else.',
        schema: { type: 'string' },
      },
      {
        name: 'traceparent',
        in: 'header',
        description: 'W3C Trace Context; travels with the event through the log.',
        schema: { type: 'string' },
      },
    ],
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: eventOrArray,
          examples: { ...eventExamples(exampleTime), ...batchExample(exampleTime) },
        },
        ...ndjsonContent,
        ...cloudEventContent(exampleTime),
      },
    },
    responses: {
      202: {
        description: 'The event is in the log, or every event of the batch is.',
        headers: REQUEST_ID_HEADER,
        content: { 'application/json': acceptedAnswer },
      },
      207: {
        description: 'Some events of the batch are in the log, and some are not; `results` has the outcome of each.',
        headers: REQUEST_ID_HEADER,
        content: { 'application/json': partialAnswer },
      },
      ...problemResponses(eventProblems(options)),
    },
    ...(credentials && { security: Object.keys(securitySchemes(credentials)).map((name) => ({ [name]: [] })) }),
  };
}

/** Any one of them lets a client in, if it may do what the operation needs. */
export function securitySchemes({ keys, tokens }: AcceptedCredentials) {
  const kinds = [...(keys ? ['an API key'] : []), ...(tokens ? ['a JWT'] : [])].join(' or ');
  return {
    bearer: { type: 'http', scheme: 'bearer', description: `Authorization: Bearer, with ${kinds}.` },
    ...(keys && { apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API key.' } }),
  };
}

function eventExamples(exampleTime: string) {
  const event = { user_id: 'user-1', event_type: 'purchase', event_timestamp: exampleTime };
  return {
    purchase: {
      summary: 'A purchase',
      value: { ...event, event_data: { item_id: '42', price: 19.9, tags: ['gift'] } },
    },
    purchaseWithOwnId: {
      summary: 'With your own id, which makes sending again safe whatever else is equal',
      value: { ...event, event_id: 'order-77', source: 'shop', event_data: { item_id: '42', price: '19.90' } },
    },
    anotherType: {
      summary: 'A type without a schema: any object is its data',
      value: { ...event, event_type: 'page_view', event_data: { path: '/', seconds: 12 } },
    },
  };
}
