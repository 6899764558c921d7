import { type HttpProblemCode, httpProblems, itemProblemBody } from '../http-problems.ts';

export interface BatchLimits {
  readonly maxBatchEvents: number;
  readonly maxDecompressedBytes: number;
  readonly maxRatio: number;
}

/** For the description of the operation. */
export function batchText({ maxBatchEvents, maxDecompressedBytes, maxRatio }: BatchLimits): string {
  return [
    `**Batches**: an array, or one event a line (application/x-ndjson), of up to ${maxBatchEvents} events. Each has its own outcome, told by`,
    'its index in the batch: 202 when all were accepted, 207 when some were, 422 or 503 when none was. Blank lines are skipped and have',
    'no index. What is wrong with an array as a text (its syntax) refuses the whole body; what is wrong with a line is the problem of that',
    'line alone. Send again what is `retryable`.',
    '',
    '**Content-Encoding**: gzip, br, zstd or identity, one of them. Decompressed, a body may have',
    `${maxDecompressedBytes} bytes, and be ${maxRatio} times as large as it was sent.`,
  ].join('\n');
}

/** An array is the other thing that application/json may be. How long it may be is a setting, and a 413: not a rule of the schema. */
export const eventOrArray = {
  oneOf: [
    { $ref: '#/components/schemas/Event' },
    { type: 'array', minItems: 1, items: { $ref: '#/components/schemas/Event' } },
  ],
};

export function batchExample(exampleTime: string) {
  return { batch: { summary: 'Several events', value: someEvents(exampleTime) } };
}

/**
 * The content type of lines. Without an example of its own: tools that make requests from this document take one as a reason
 * to send it, and then do not know how to write this type.
 */
export const ndjsonContent = {
  'application/x-ndjson': {
    schema: { type: 'string', description: 'One event a line, each as the schema Event has it.' },
  },
};

function someEvents(exampleTime: string) {
  const event = { user_id: 'user-1', event_timestamp: exampleTime };
  return [
    { ...event, event_id: 'visit-1', event_type: 'page_view', event_data: { path: '/' } },
    { ...event, event_id: 'order-77', event_type: 'purchase', event_data: { item_id: '42', price: 19.9 } },
  ];
}

const IDS = ['0199be1d-1100-8548-b29d-d65d5192914d', '0199be1d-1100-8c1e-9a3f-5b0a7d2f4e61'];

export const acceptedAnswer = {
  schema: { oneOf: [{ $ref: '#/components/schemas/Accepted' }, { $ref: '#/components/schemas/AcceptedBatch' }] },
  examples: {
    event: { summary: 'To one event', value: { status: 'accepted', id: IDS[0] } },
    batch: { summary: 'To a batch', value: { status: 'accepted', accepted: 2, rejected: 0, ids: IDS } },
  },
};

const INVALID = itemProblemBody({
  code: 'invalid_event',
  detail: 'The event has one problem; errors lists them.',
  errors: [{ pointer: '/user_id', code: 'missing_member', detail: 'This member is required.' }],
});

export const partialAnswer = {
  schema: { $ref: '#/components/schemas/PartialBatch' },
  example: {
    status: 'partial',
    accepted: 1,
    rejected: 1,
    results: [
      { index: 0, status: 'accepted', id: IDS[0] },
      { index: 1, status: 'rejected', problem: INVALID },
    ],
  },
};

/** The members that the problem of a batch has besides; undefined for other problems. */
export function batchProblemExample(code: HttpProblemCode): Record<string, unknown> | undefined {
  if (code !== 'batch_refused' && code !== 'batch_not_confirmed') return undefined;
  const { meaning } = httpProblems.log_unavailable;
  const problem = code === 'batch_refused' ? INVALID : itemProblemBody({ code: 'log_unavailable', detail: meaning });
  return { accepted: 0, rejected: 1, results: [{ index: 0, status: 'rejected', problem }] };
}

const index = { description: 'The place of the event in the batch, from 0.', type: 'integer', minimum: 0 };
const id = { description: 'The id of the row.', type: 'string', format: 'uuid' };
const results = {
  description: 'One for each event, in the order of the batch.',
  type: 'array',
  minItems: 1,
  items: { oneOf: [{ $ref: '#/components/schemas/AcceptedItem' }, { $ref: '#/components/schemas/RejectedItem' }] },
};

/** Members of Problem that only batches have. */
export const batchProblemMembers = {
  accepted: { description: 'Of a batch: 0.', type: 'integer', minimum: 0 },
  rejected: { description: 'Of a batch: how many events it has.', type: 'integer', minimum: 0 },
  results: { ...results, description: 'Of a batch: one for each event, in the order of the batch.' },
};

export const batchSchemas = {
  AcceptedBatch: {
    description: 'Every event of the batch is in the log.',
    type: 'object',
    required: ['status', 'accepted', 'rejected', 'ids'],
    additionalProperties: false,
    properties: {
      status: { const: 'accepted' },
      accepted: { type: 'integer', minimum: 1 },
      rejected: { const: 0 },
      ids: { description: 'The ids of the rows, in the order of the batch.', type: 'array', minItems: 1, items: id },
    },
  },
  PartialBatch: {
    description: 'Some events of the batch are in the log, and some are not.',
    type: 'object',
    required: ['status', 'accepted', 'rejected', 'results'],
    additionalProperties: false,
    properties: {
      status: { const: 'partial' },
      accepted: { type: 'integer', minimum: 1 },
      rejected: { type: 'integer', minimum: 1 },
      results,
    },
  },
  AcceptedItem: {
    type: 'object',
    required: ['index', 'status', 'id'],
    additionalProperties: false,
    properties: { index, status: { const: 'accepted' }, id },
  },
  RejectedItem: {
    type: 'object',
    required: ['index', 'status', 'problem'],
    additionalProperties: false,
    properties: { index, status: { const: 'rejected' }, problem: { $ref: '#/components/schemas/ItemProblem' } },
  },
  ItemProblem: {
    description:
      'Why one event of a batch is not accepted: a problem as in RFC 9457. Pointers are relative to the event.',
    type: 'object',
    required: ['type', 'title', 'status', 'detail', 'retryable'],
    additionalProperties: false,
    properties: {
      type: { description: 'Stable: urn:kero:problem:<code>.', type: 'string', format: 'uri' },
      title: { type: 'string' },
      status: { description: 'What the answer to the event alone would have been.', type: 'integer' },
      detail: { type: 'string' },
      errors: {
        description: 'Every problem of the event, with its place; of a batch with very many the first of each event.',
        type: 'array',
        items: { $ref: '#/components/schemas/ErrorItem' },
      },
      retryable: {
        description: 'True: send the same event again, it is stored once. False: it will be refused again.',
        type: 'boolean',
      },
    },
  },
};
