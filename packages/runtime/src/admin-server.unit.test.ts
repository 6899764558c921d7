import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startAdminServer } from './admin-server.ts';
import { Health, type HealthState } from './health.ts';
import { Metrics } from './metrics.ts';

test('the admin port tells health with reasons, liveness apart from readiness, and metrics', async () => {
  const health = new Health();
  const metrics = new Metrics();
  let database: HealthState = { up: true };
  let progress: HealthState = { up: true };
  health.register('log', () => ({ up: true }));
  health.register('database', () => database);
  health.registerLive('progress', () => progress);
  metrics.add({ name: 'kero_things_total', type: 'counter', help: 'Things.' }, () => 3);
  await using admin = await startAdminServer({ host: '127.0.0.1', port: 0, health, metrics });
  const get = async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${admin.port}${path}`, { method });
    const text = await response.text();
    return { status: response.status, text, type: response.headers.get('content-type') };
  };

  const stop = new AbortController();
  const started = health.registerProcess(stop.signal);
  assert.match((await get('/health/ready')).text, /"process":\{"up":false,"reason":"starting"\}/);
  started();
  assert.equal((await get('/health/ready')).status, 200);
  assert.equal((await get('/health/live')).status, 200);
  database = { up: false, reason: 'read-only' };
  const ready = await get('/health/ready');
  assert.equal(ready.status, 503);
  assert.deepEqual(JSON.parse(ready.text), {
    status: 'down',
    parts: { log: { up: true }, database: { up: false, reason: 'read-only' }, process: { up: true } },
  });
  stop.abort();
  assert.match((await get('/health/ready')).text, /"process":\{"up":false,"reason":"stopping"\}/);
  assert.equal((await get('/health/live')).status, 200, 'an outage elsewhere is no reason to be restarted');
  progress = { up: false, reason: 'nothing moves' };
  const live = await get('/health/live');
  assert.equal(live.status, 503);
  assert.match(live.text, /nothing moves/);

  const scraped = await get('/metrics');
  assert.equal(scraped.status, 200);
  assert.match(scraped.type ?? '', /^text\/plain; version=0\.0\.4/);
  assert.match(scraped.text, /^kero_things_total 3$/m);
  assert.equal((await get('/metrics', 'POST')).status, 405);
  assert.equal((await get('/')).status, 404);
});
