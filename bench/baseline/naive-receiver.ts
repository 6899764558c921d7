/** The naive pipeline, first half: a web framework, a schema, and one message for each request. */
import { Producer, stringSerializers } from '@platformatic/kafka';
import fastify from 'fastify';
import { offer } from '../support/program.ts';

const text = { type: 'string', minLength: 1, maxLength: 256 };
const eventSchema = {
  type: 'object',
  required: ['user_id', 'event_type', 'event_timestamp', 'event_data'],
  additionalProperties: false,
  properties: {
    user_id: text,
    event_type: text,
    event_timestamp: { type: 'string', format: 'date-time' },
    event_id: text,
    event_data: {
      type: 'object',
      required: ['item_id', 'price'],
      properties: { item_id: { type: 'string' }, price: { type: 'number' } },
    },
  },
};

interface Event {
  readonly user_id: string;
}

offer({
  listen: async ({ brokers, topic }: { brokers: string[]; topic: string }) => {
    const producer = new Producer({
      clientId: 'naive',
      bootstrapBrokers: brokers,
      serializers: stringSerializers,
      acks: -1,
    });
    const app = fastify();
    app.post<{ Body: Event }>('/api/v1/events', { schema: { body: eventSchema } }, async ({ body }, reply) => {
      await producer.send({ messages: [{ topic, key: body.user_id, value: JSON.stringify(body) }] });
      return reply.code(202).send({ status: 'accepted' });
    });
    return Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port);
  },
});
