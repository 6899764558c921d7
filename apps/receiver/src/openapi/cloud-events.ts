import { eventSchema } from '@kero/events';

/** The content types of CloudEvents for the OpenAPI document; `exampleTime` as in OpenApiOptions. */
export function cloudEventContent(exampleTime: string): Record<string, unknown> {
  const value = {
    specversion: '1.0',
    id: 'order-77',
    source: 'https://shop.example/orders',
    type: 'purchase',
    subject: 'user-1',
    time: exampleTime,
    data: { item_id: '42', price: 19.9 },
  };
  const another = { ...value, id: 'order-78', traceid: '4bf92f35' };
  return {
    'application/cloudevents+json': {
      schema: { $ref: '#/components/schemas/CloudEvent' },
      examples: { cloudEvent: { summary: 'A CloudEvent', value } },
    },
    'application/cloudevents-batch+json': {
      schema: { type: 'array', minItems: 1, items: { $ref: '#/components/schemas/CloudEvent' } },
      examples: { cloudEvents: { summary: 'Several CloudEvents', value: [value, another] } },
    },
  };
}

/** For the description of the operation: what cannot be said by content types. */
export const cloudEventText =
  'A CloudEvent in binary mode has its attributes in headers (`ce-specversion: 1.0`, `ce-id`, `ce-source`, `ce-type`, `ce-time`, ' +
  '`ce-subject`, percent-encoded) and its data as the body, of a content type that is JSON. In problems `/ce-id` is such a header, ' +
  'and `/data/price` a member of the body.';

const { event_timestamp: time } = eventSchema.properties as { readonly event_timestamp: object };

/** What a control character in an attribute breaks; JSON Schema has no shorter word for it. */
const TEXT = { type: 'string', pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$' };

/** A CloudEvent 1.0 as far as a schema can say it: what it maps to is an event, and keeps the rules of one. */
export const cloudEventSchema = {
  title: 'CloudEvent',
  description:
    'A CloudEvent 1.0 in the JSON format. id, source, type, time and data become event_id, source, event_type, event_timestamp and ' +
    'event_data; subject becomes user_id, which otherwise stands in the data. Every other member is an extension: it travels with ' +
    'the event through the log, and is not stored in the row.',
  type: 'object',
  required: ['specversion', 'id', 'source', 'type', 'time', 'data'],
  propertyNames: { pattern: '^([a-z0-9]+|data_base64)$' },
  properties: {
    specversion: { const: '1.0' },
    id: { ...TEXT, description: 'Unique within its source.', minLength: 1, maxLength: 200 },
    source: {
      description: 'Which system says so: a URI-reference.',
      type: 'string',
      format: 'uri-reference',
      minLength: 1,
      maxLength: 256,
    },
    type: { ...TEXT, description: 'What happened.', minLength: 1, maxLength: 128 },
    time,
    subject: {
      ...TEXT,
      description: 'Whom the event is about; user_id in the data where there is none.',
      type: ['string', 'null'],
      minLength: 1,
      maxLength: 256,
    },
    datacontenttype: {
      description: 'A media type that is JSON; null is absence.',
      type: ['string', 'null'],
      pattern: '^[A-Za-z0-9.-]+/([A-Za-z0-9.-]+\\+)?[Jj][Ss][Oo][Nn]( *; *charset=[Uu][Tt][Ff]-8)?$',
    },
    dataschema: {
      description: 'Travels with the event through the log as an extension does.',
      type: ['string', 'null'],
      format: 'uri',
    },
    data: { description: 'Numbers are stored exactly as they are written.', type: 'object' },
    data_base64: { description: 'Binary data is not read.', type: 'null' },
  },
  additionalProperties: {
    description: 'An extension: a string, an integer of 32 bits or a boolean; null is absence.',
    ...TEXT,
    type: ['string', 'integer', 'boolean', 'null'],
    minimum: -2_147_483_648,
    maximum: 2_147_483_647,
  },
  anyOf: [
    { required: ['subject'], properties: { subject: { type: 'string' } } },
    {
      properties: {
        data: {
          required: ['user_id'],
          properties: { user_id: { type: 'string', minLength: 1, maxLength: 256 } },
        },
      },
    },
  ],
  if: { properties: { type: { const: 'purchase' } }, required: ['type'] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
  then: { properties: { data: { $ref: '#/components/schemas/PurchaseData' } } },
};
