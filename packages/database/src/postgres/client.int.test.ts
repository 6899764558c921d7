import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anyPostgresServer } from '../../../../test/support/postgres/postgres-server.ts';
import { connectWritable, writerLimits } from './client.ts';

// That this is what it takes was tried with a firewall that drops packets, which tests may not count on.
test('the server notices soon that the machine of a client is gone, also in the middle of a COPY', async (t) => {
  const { server, remove } = await anyPostgresServer();
  t.after(remove);
  const { client } = await connectWritable(server.config('postgres'), writerLimits);
  t.after(() => client.end());
  const { rows } = await client.query(
    `select current_setting('tcp_keepalives_idle') as idle, current_setting('tcp_keepalives_interval') as interval,
      current_setting('tcp_keepalives_count') as count`,
  );
  assert.deepEqual(rows, [{ idle: '10', interval: '5', count: '3' }]);
});
