/** The naive pipeline, second half: message by message into the table; what is there already is left out. */
import { Consumer, stringDeserializers } from '@platformatic/kafka';
import pg from 'pg';
import { offer } from '../support/program.ts';
import { naturalKeyTable } from './natural-key-table.ts';

const INSERT = `insert into naive_events (user_id, event_type, event_timestamp, event_data) values ($1, $2, $3, $4)
  on conflict (user_id, event_type, event_timestamp) do nothing`;

offer({
  start: async ({ brokers, topic, server }: { brokers: string[]; topic: string; server: pg.ClientConfig }) => {
    const client = new pg.Client(server);
    await client.connect();
    await client.query(naturalKeyTable('naive_events'));
    const consumer = new Consumer({
      clientId: 'naive',
      groupId: `naive-${topic}`,
      bootstrapBrokers: brokers,
      deserializers: stringDeserializers,
    });
    const stream = await consumer.consume({ topics: [topic], autocommit: 5000, fallbackMode: 'earliest' });
    void store();

    async function store(): Promise<void> {
      for await (const { value } of stream) {
        const { user_id, event_type, event_timestamp, event_data } = JSON.parse(value);
        const values = [user_id, event_type, event_timestamp, JSON.stringify(event_data)];
        await client.query({ name: 'insert', text: INSERT, values });
      }
    }
  },
});
