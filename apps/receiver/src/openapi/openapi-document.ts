import type { AcceptedCredentials } from '@kero/auth';
import { answerSchemas, eventSchemas } from './answer-schemas.ts';
import { type BatchLimits, batchSchemas } from './batches.ts';
import { docsOperation, liveOperation, openApiOperation, readyOperation } from './other-operations.ts';
import { REQUEST_ID } from './request-id-header.ts';
import { securitySchemes, sendEvents } from './send-events-operation.ts';

export interface OpenApiOptions extends BatchLimits {
  readonly maxBodyBytes: number;
  readonly maxEventBytes: number;
  /** What clients have to show; undefined: nothing. */
  readonly credentials: AcceptedCredentials | undefined;
  /** event_timestamp of the examples, RFC 3339; recent, so that they can be sent as they are. */
  readonly exampleTime: string;
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
      '/api/v1/events': { post: sendEvents(options) },
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
