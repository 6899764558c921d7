import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runKero, startKero } from '../support/kero-process.ts';
import { eventBody, post } from '../support/post-events.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { waitUntil } from '../support/wait-until.ts';

const DISK_MEGABYTES = 200;

async function sqlValue(t: TestContext, environment: Record<string, string>, sql: string): Promise<string | undefined> {
  const { code, output } = await runKero(t, ['sql', sql], environment);
  return code === 0 ? output.split('\n')[2]?.trim() : undefined;
}

/** Posts one event; the 503 must say when to come back. */
async function send(url: string, eventId: string): Promise<number> {
  const response = await post(
    url,
    eventBody(eventId, { event_data: { item_id: '42', price: 9.99, text: 'x'.repeat(20_000) } }),
  );
  const body = await response.text();
  if (response.status === 503) assert.ok(Number(response.headers.get('retry-after')) > 0, body);
  return response.status;
}

test('kero start on a full disk answers 503, and heals when there is room: nothing accepted is lost', {
  timeout: 240_000,
}, async (t) => {
  await using cleanup = new AsyncDisposableStack();
  const disk = await mountSmallDisk(t, cleanup, DISK_MEGABYTES);
  if (disk === undefined) return;
  const data = join(disk.path, 'data');
  mkdirSync(data);
  const environment = { KERO_DATA_DIR: data, RECEIVER_PORT: '0', ADMIN_PORT: '0' };
  const kero = startKero(t, ['start'], environment);
  cleanup.defer(async () => void (await kero.stop()));
  const [, url = ''] = await kero.printed(/receiver +(http:\S+)/);
  const accepted: string[] = [];
  let sent = 0;
  const post202 = async () => {
    const eventId = `disk-${sent++}`;
    const status = await send(url, eventId);
    if (status === 202) accepted.push(eventId);
    return status;
  };
  assert.equal(await post202(), 202);

  // The database and the log each have some room of their own left for a while, so the disk is filled again and again.
  await waitUntil(
    async () => {
      disk.fill();
      const status = await post202();
      assert.ok([202, 503].includes(status), String(status));
      return status === 503;
    },
    { timeoutMs: 60_000, what: 'a 503' },
  );
  for (let n = 0; n < 20; n++) assert.equal(await post202(), 503, 'it stays refused while there is no room');
  t.diagnostic(`${accepted.length} of ${sent} events were accepted before the disk was full`);

  disk.free();
  await waitUntil(async () => (await post202()) === 202, { timeoutMs: 60_000, what: 'a 202' });
  for (let n = 0; n < 20; n++) assert.equal(await post202(), 202);
  await waitUntil(
    async () => {
      const sql = `select count(*) filter (where event_id = any('{${accepted.join(',')}}')) from events`;
      return (await sqlValue(t, environment, sql)) === String(accepted.length);
    },
    { timeoutMs: 60_000, what: () => `all rows; the output is:\n${kero.output()}` },
  );
  assert.equal(await sqlValue(t, environment, 'select count(*) from dead_letters'), '0');
  const twice = 'select count(*) - count(distinct event_id) from events';
  assert.equal(await sqlValue(t, environment, twice), '0');
  assert.equal((await kero.stop()).code, 0, kero.output());
});
