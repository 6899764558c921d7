import { eventSchema, type JsonSchema, purchaseSchema } from '@kero/events';
import { batchProblemMembers } from './batches.ts';
import { cloudEventSchema } from './cloud-events.ts';

/** The published schemas, with the rule that ties a type to the schema of its data. */
export function eventSchemas(): Record<string, unknown> {
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

/** What answers are made of. */
export const answerSchemas = {
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
