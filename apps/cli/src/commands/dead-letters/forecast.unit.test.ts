import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatUuid, parseEvent } from '@kero/events';
import { loadSettings } from '@kero/runtime';
import { builtInSchemas } from '@kero/schemas';
import { allGroups } from '../../all-settings.ts';
import { forecastReplay } from './forecast.ts';
import { ForecastSummary } from './forecast-summary.ts';
import { testLetter } from './test-letters.ts';

const NOW = Date.UTC(2026, 10, 23, 12);

function payload(members: Record<string, unknown> = {}): Buffer {
  const event = { user_id: 'user-1', event_type: 'view', event_timestamp: '2026-11-23T10:00:00Z', event_data: {} };
  return Buffer.from(JSON.stringify({ ...event, ...members }));
}

function idOf(value: Buffer): string {
  const options = { nowMs: NOW, maxFutureMs: 0, retentionMs: undefined, maxBytes: 1e6, defaultSource: 'default' };
  const parsed = parseEvent(value, { ...options, typeSchemas: undefined });
  return parsed.ok ? formatUuid(parsed.event.id) : assert.fail();
}

/** Forecasts with events of these ids stored already. */
async function forecast(
  letters: Parameters<typeof forecastReplay>[0],
  { stored = [], environment = {} }: { stored?: string[]; environment?: Record<string, string> } = {},
) {
  const { values: settings } = loadSettings(allGroups, { environment });
  const place = { storedAt: new Date(NOW), logPartition: 0, logOffset: 0n };
  const deadLetters = {
    eventsById: async (ids: readonly string[]) =>
      ids.filter((id) => stored.includes(id)).map((id) => ({ id, ...place })),
  };
  return forecastReplay(letters, deadLetters, { settings, schemas: builtInSchemas, nowMs: NOW });
}

const refused = testLetter({ reason: 'refused_by_database', payload: payload() });

test('an event that keeps the rules and is not stored yet would become a row', async () => {
  assert.deepEqual(await forecast([refused]), [{ kind: 'row' }]);
});

test('what breaks a rule would fail again, and says why', async () => {
  const [garbage, missing] = await forecast([
    testLetter({ payload: Buffer.from('garbage') }),
    testLetter({ payload: payload({ user_id: undefined }) }),
  ]);
  assert.ok(garbage?.kind === 'fails_again' && missing?.kind === 'fails_again');
  assert.deepEqual([garbage.reason, missing.reason], ['not_an_event', 'invalid']);
  assert.match(missing.detail, /user_id/);
});

test('a conflict conflicts again while the first event is stored, and only then', async () => {
  const conflict = testLetter({ reason: 'conflict', payload: payload() });
  const [again] = await forecast([conflict], { stored: [idOf(payload())] });
  assert.ok(again?.kind === 'fails_again' && again.reason === 'conflict');
  assert.deepEqual(await forecast([conflict]), [{ kind: 'row' }]);
});

test('another letter whose event is stored already would be a repeat', async () => {
  assert.deepEqual(await forecast([refused], { stored: [idOf(payload())] }), [{ kind: 'stored_already' }]);
});

test('the filter and the retention of the settings count', async () => {
  assert.deepEqual(await forecast([refused], { environment: { EVENTS_DENIED_TYPES: 'view' } }), [{ kind: 'skipped' }]);
  const [expired] = await forecast([refused], { environment: { EVENTS_RETENTION: '1h' } });
  assert.equal(expired?.kind === 'fails_again' && expired.reason, 'expired');
});

test('a tombstone cannot be replayed', async () => {
  const [forecasted] = await forecast([testLetter({ payload: null })]);
  assert.equal(forecasted?.kind, 'impossible');
});

test('the summary counts every letter once and gives examples', async () => {
  const letters = [refused, testLetter({ payload: null }), ...Array.from({ length: 7 }, () => testLetter())];
  const summary = new ForecastSummary();
  summary.add(letters, await forecast(letters));
  assert.deepEqual([summary.total, summary.sendable, summary.impossible, summary.failing], [9, 8, 1, 7]);
  const text = summary.render();
  assert.match(text, /^9 letters match:\n {2}1 {2}would become rows/);
  assert.match(text, /\n {2}1 {2}cannot be replayed\n/);
  assert.match(text, /\n {2}7 {2}would fail again: invalid\n/);
  assert.equal(text.match(/letter 1: .*user_id/g)?.length, 5);
  assert.match(text, /\.\.\.$/);
});
