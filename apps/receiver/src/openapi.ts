import type { AcceptedCredentials } from '@kero/auth';
import { type EventSettings, eventSchema, type JsonSchema, purchaseSchema } from '@kero/events';
import type { Handler } from './exchange.ts';
import { type HttpProblemCode, type HttpProblemDefinition, httpProblems, problemBody } from './http-problems.ts';
import {
  acceptedAnswer,
  type BatchLimits,
  batchExample,
  batchProblemExample,
  batchProblemMembers,
  batchSchemas,
  batchText,
  eventOrArray,
  ndjsonContent,
  partialAnswer,
} from './openapi-batches.ts';
import { cloudEventContent, cloudEventSchema, cloudEventText } from './openapi-cloud-events.ts';
import type { ReceiverSettings } from './receiver-settings.ts';
import { sendJson } from './responses.ts';

export interface OpenApiOptions extends BatchLimits {
  readonly maxBodyBytes: number;
  readonly maxEventBytes: number;
  /** What clients have to show; undefined: nothing. */
  readonly credentials: AcceptedCredentials | undefined;
  /** event_timestamp of the examples, RFC 3339; recent, so that they can be sent as they are. */
  readonly exampleTime: string;
}

const REQUEST_ID = '0b7c6f3e-5a52-4d0c-9d3c-0d8c4a6f1f10';

/** Of other routes. */
const OTHER_PROBLEMS: ReadonlySet<string> = new Set<HttpProblemCode>(['not_found', 'method_not_allowed']);

/** Only where clients have to show who they are. */
const AUTH_PROBLEMS: ReadonlySet<string> = new Set<HttpProblemCode>([
  'misplaced_credentials',
  'unauthorized',
  'missing_scope',
  'source_not_allowed',
  'auth_unavailable',
]);

/** The problems that POST /api/v1/events can answer with. */
function eventProblems({ credentials }: OpenApiOptions): HttpProblemCode[] {
  const codes = Object.keys(httpProblems) as HttpProblemCode[];
  return codes.filter((code) => !OTHER_PROBLEMS.has(code) && (credentials !== undefined || !AUTH_PROBLEMS.has(code)));
}

/** The OpenAPI 3.1 document of the HTTP API, made from the same schemas and tables that the code runs on. */
export function openApiDocument(options: OpenApiOptions): Record<string, unknown> {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Kero',
      version: '1.0.0',
      license: { name: 'MIT', identifier: 'MIT' },
      description: [
        'Send events. Each request ends as one of three:',
        '',
        '- **2xx**: the event is in the log and ends as exactly one row.',
        '- **4xx**: it was refused and is stored nowhere.',
        '- **5xx, a time-out, a broken connection**: nobody knows. Send the same event again, with the same content: it is stored once.',
        '',
        'Errors are problems as in RFC 9457; `x-request-id` finds the request in the log lines of the receiver.',
      ].join('\n'),
    },
    servers: [{ url: '/' }],
    tags: [{ name: 'events' }, { name: 'health' }, { name: 'documentation' }],
    paths: {
      '/api/v1/events': { post: sendEvent(options) },
      '/health/live': { get: liveOperation },
      '/health/ready': { get: readyOperation },
      '/api/v1/openapi.json': { get: openApiOperation },
      '/docs': { get: docsOperation },
    },
    components: {
      schemas: { ...eventSchemas(), ...answerSchemas, ...batchSchemas },
      ...(options.credentials && { securitySchemes: securitySchemes(options.credentials) }),
      headers: {
        RequestId: {
          description: 'Finds this request in the log lines of the receiver.',
          schema: { type: 'string' },
          example: REQUEST_ID,
        },
      },
    },
  };
}

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

const REQUEST_ID_HEADER = { 'x-request-id': { $ref: '#/components/headers/RequestId' } };

function sendEvent(options: OpenApiOptions) {
  const { maxBodyBytes, maxEventBytes, credentials, exampleTime } = options;
  return {
    operationId: 'sendEvent',
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
        description: 'Your own id of this request; another one is made when it does not match the pattern.',
        schema: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$' },
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
          schema: eventOrArray(options),
          examples: { ...eventExamples(exampleTime), ...batchExample(exampleTime) },
        },
        ...ndjsonContent(exampleTime),
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
function securitySchemes({ keys, tokens }: AcceptedCredentials) {
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

/** One response a status; each of its codes is an example. */
function problemResponses(codes: readonly HttpProblemCode[]): Record<string, unknown> {
  const byStatus = Map.groupBy(codes, (code) => httpProblems[code].status);
  return Object.fromEntries([...byStatus].map(([status, group]) => [status, problemResponse(group)]));
}

function problemResponse(codes: readonly HttpProblemCode[]) {
  const definitions = codes.map((code): [HttpProblemCode, HttpProblemDefinition] => [code, httpProblems[code]]);
  const retryAfter = definitions.some(([, { retryAfterSeconds }]) => retryAfterSeconds !== undefined);
  return {
    description: definitions.map(([code, { meaning }]) => `\`${code}\`: ${meaning}`).join('\n\n'),
    headers: {
      ...REQUEST_ID_HEADER,
      ...(retryAfter && {
        'retry-after': { description: 'Seconds to wait before sending again.', schema: { type: 'integer' } },
      }),
      ...(codes.includes('unauthorized') && {
        'www-authenticate': { description: 'What is expected, as in RFC 6750.', schema: { type: 'string' } },
      }),
    },
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(codes.map((code) => [code, { value: problemExample(code) }])),
      },
    },
  };
}

function problemExample(code: HttpProblemCode) {
  const refusal = { code, detail: httpProblems[code].meaning };
  if (code !== 'invalid_event') return { ...problemBody(refusal, REQUEST_ID), ...batchProblemExample(code) };
  const errors = [{ pointer: '/user_id', code: 'missing_member', detail: 'This member is required.' }];
  return problemBody({ ...refusal, detail: 'The event has one problem; errors lists them.', errors }, REQUEST_ID);
}

const otherAnswers = {
  default: {
    description: 'A problem.',
    headers: REQUEST_ID_HEADER,
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  },
};

function statusAnswer(status: 'up' | 'down', description: string) {
  return {
    description,
    headers: REQUEST_ID_HEADER,
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Health' }, example: { status } } },
  };
}

const liveOperation = {
  operationId: 'isLive',
  tags: ['health'],
  summary: 'Whether the process answers',
  responses: { 200: statusAnswer('up', 'It does.'), ...otherAnswers },
};

const readyOperation = {
  operationId: 'isReady',
  tags: ['health'],
  summary: 'Whether this receiver should get requests',
  responses: {
    200: statusAnswer('up', 'It should.'),
    503: statusAnswer('down', 'It should not: the log is down, or the process is stopping.'),
    ...otherAnswers,
  },
};

const openApiOperation = {
  operationId: 'getOpenApi',
  tags: ['documentation'],
  summary: 'This document',
  responses: {
    200: {
      description: 'OpenAPI 3.1.',
      headers: REQUEST_ID_HEADER,
      content: { 'application/json': { schema: { type: 'object' } } },
    },
    ...otherAnswers,
  },
};

const docsOperation = {
  operationId: 'getDocs',
  tags: ['documentation'],
  summary: 'This document as a page on which the API can be tried',
  responses: {
    200: {
      description: 'HTML.',
      headers: REQUEST_ID_HEADER,
      content: { 'text/html': { schema: { type: 'string' } } },
    },
    ...otherAnswers,
  },
};

/** The published schemas, with the rule that ties a type to the schema of its data. */
function eventSchemas(): Record<string, unknown> {
  return {
    Event: {
      ...embedded(eventSchema),
      if: { properties: { event_type: { const: 'purchase' } }, required: ['event_type'] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
      then: { properties: { event_data: { $ref: '#/components/schemas/PurchaseData' } } },
    },
    PurchaseData: embedded(purchaseSchema),
    CloudEvent: cloudEventSchema,
  };
}

/** A schema as a part of this document: it has the document's dialect, and is referred to by its place in it. */
function embedded({ $schema, $id, ...schema }: JsonSchema): JsonSchema {
  return schema;
}

const answerSchemas = {
  Accepted: {
    type: 'object',
    required: ['status', 'id'],
    additionalProperties: false,
    properties: {
      status: { const: 'accepted' },
      id: { description: 'The id of the row.', type: 'string', format: 'uuid' },
    },
  },
  Problem: {
    description: 'A problem as in RFC 9457.',
    type: 'object',
    required: ['type', 'title', 'status', 'detail', 'request_id'],
    properties: {
      type: { description: 'Stable: urn:kero:problem:<code>.', type: 'string', format: 'uri' },
      title: { type: 'string' },
      status: { type: 'integer' },
      detail: { type: 'string' },
      request_id: { type: 'string' },
      errors: {
        description: 'Every problem of the body, with its place.',
        type: 'array',
        items: { $ref: '#/components/schemas/ErrorItem' },
      },
      ...batchProblemMembers,
    },
  },
  ErrorItem: {
    type: 'object',
    required: ['pointer', 'code', 'detail'],
    properties: {
      pointer: { description: 'JSON Pointer to the place; empty is the whole.', type: 'string' },
      code: { description: 'Stable.', type: 'string' },
      detail: { type: 'string' },
    },
  },
  Health: {
    type: 'object',
    required: ['status'],
    properties: { status: { enum: ['up', 'down'] } },
  },
};
