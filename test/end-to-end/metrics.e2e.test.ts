import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runKero, startKero, throwawayFolder } from '../support/kero-process.ts';
import { eventBody, post } from '../support/post-events.ts';
import { waitUntil } from '../support/wait-until.ts';

/** Names of the metrics in a scrape. */
function namesIn(text: string): Set<string> {
  return new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name ?? ''));
}

test('kero start shows every metric that docs/metrics.md names, and none that it does not; events move them', {
  timeout: 180_000,
}, async (t) => {
  const folder = throwawayFolder(t, 'metrics');
  const settings = { KERO_DATA_DIR: folder, API_KEYS_FILE: join(folder, 'keys.json') };
  const [key = ''] = /kero_\w+/.exec((await runKero(t, ['keys', 'create', '--source', 'shop'], settings)).output) ?? [];
  const kero = startKero(t, ['start'], { ...settings, RECEIVER_PORT: '0', ADMIN_PORT: '0' });
  const [, url = ''] = await kero.printed(/receiver +(http:\S+)/);
  const [, admin = ''] = await kero.printed(/health +(http:\S+)\/health/);
  const scrape = async () => (await fetch(`${admin}/metrics`)).text();

  const documented = new Set(
    [...readFileSync('docs/metrics.md', 'utf8').matchAll(/`((?:kero|process|nodejs)_[a-z0-9_]+)(?:\{[a-z]+\})?`/g)].map(
      ([, name]) => name ?? '',
    ),
  );
  const shown = namesIn(await scrape());
  // Without HTTPS there is nothing to tell; receiver-service.int.test.ts has it.
  documented.delete('kero_tls_certificate_expiry_timestamp_seconds');
  // Nor are there workers; workers.e2e.test.ts has them.
  for (const name of ['kero_workers_ready', 'kero_worker_restarts_total']) documented.delete(name);
  assert.deepEqual(
    [...documented].filter((name) => !shown.has(name)),
    [],
    'documented and not shown',
  );
  const ours = [...shown].filter((name) => name.startsWith('kero_'));
  assert.deepEqual(
    ours.filter((name) => !documented.has(name)),
    [],
    'shown and not documented',
  );
  const contract = [
    'kero_events_accepted_total',
    'kero_events_rejected_total',
    'kero_append_duration_seconds',
    'kero_requests_in_flight',
    'kero_records_read_total',
    'kero_events_stored_total',
    'kero_events_duplicate_total',
    'kero_events_redelivered_total',
    'kero_events_skipped_total',
    'kero_dead_letters_total',
    'kero_batch_size',
    'kero_batch_duration_seconds',
    'kero_retries_total',
    'kero_consumer_lag',
    'kero_oldest_unstored_event_seconds',
    'kero_partitions_paused',
  ];
  assert.deepEqual(
    contract.filter((name) => !shown.has(name)),
    [],
  );

  const auth = { 'x-api-key': key };
  for (const id of ['a', 'b', 'a']) assert.equal((await post(url, eventBody(id), auth)).status, 202);
  assert.equal((await post(url, '{"user_id":1}', auth)).status, 422);
  assert.equal((await post(url, eventBody('c'))).status, 401);
  // The lag is looked at every now and then: it may have been just before the last one was stored.
  const settled = [/^kero_records_read_total 3$/m, /^kero_oldest_unstored_event_seconds 0$/m];
  const text = await waitUntil(async () => {
    const scraped = await scrape();
    return settled.every((line) => line.test(scraped)) && scraped;
  });
  for (const line of [
    'kero_events_accepted_total 3',
    'kero_events_rejected_total{code="invalid_event"} 1',
    'kero_events_rejected_total{code="unauthorized"} 1',
    'kero_append_duration_seconds_count 3',
    'kero_events_stored_total 2',
    'kero_events_duplicate_total 1',
    'kero_oldest_unstored_event_seconds 0',
    'kero_partitions_paused 0',
    'kero_dead_letters_total{reason="conflict"} 0',
  ]) {
    assert.ok(text.split('\n').includes(line), `${line} is not in\n${text}`);
  }
  assert.equal((await fetch(`${url}/metrics`)).status, 404, 'never on the public port');
  assert.equal((await fetch(`${admin}/health/live`)).status, 200);
  const ready = await fetch(`${admin}/health/ready`);
  assert.equal(ready.status, 200);
  const { parts } = (await ready.json()) as { parts: Record<string, unknown> };
  assert.deepEqual(
    Object.keys(parts).sort(),
    ['auth', 'database', 'log', 'log consumer', 'process', 'processor', 'progress', 'receiver', 'schemas'],
    'the parts of both',
  );
});
