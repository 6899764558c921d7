import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Authenticator, Identity } from '@kero/auth';
import { builtInSchemas, type SchemaSource } from '@kero/schemas';
import { event, headerOf, outcomes, resultsOf, valuesOf } from './batches-under-test.ts';
import { problemOf, startTestReceiver } from './receiver-under-test.ts';

describe('a client that may send for some sources', () => {
  const identity: Identity = {
    id: 'key:1',
    defaultSource: 'shop',
    sources: new Set(['shop', 'till']),
    scopes: new Set(['events:write'] as const),
  };
  const auth: Authenticator = {
    authenticate: () => ({ outcome: 'known', identity }),
    accepts: { keys: true, tokens: false },
    health: () => ({ up: true }),
    refusals: {} as Authenticator['refusals'],
    keysAgeSeconds: () => undefined,
    description: 'one client',
    [Symbol.dispose]: () => {},
  };

  test('gets 403 for an event of another one, alone or as an item', async (t) => {
    const kero = await startTestReceiver(t, { auth });
    problemOf(await kero.post(event('a', { source: 'bank' })), 403, 'source_not_allowed');
    const items = [event('b'), event('c', { source: 'bank' }), event('d', { source: 'till' })];
    const answer = await kero.post(`[${items}]`);
    assert.equal(answer.status, 207);
    assert.deepEqual(outcomes(answer), ['id', 'source_not_allowed', 'id']);
    assert.deepEqual([resultsOf(answer)[1]?.problem?.status, resultsOf(answer)[1]?.problem?.retryable], [403, false]);
    problemOf(await kero.post(`[${items[1]}]`), 422, 'batch_refused');
    const line = kero.logLines.find(({ requestId }) => requestId === answer.headers.get('x-request-id'));
    assert.equal(line?.clientId, 'key:1');
    const records = await kero.records();
    assert.deepEqual(valuesOf(records), [items[0], items[2]]);
    assert.deepEqual(
      records.map((record) => headerOf(record, 'kero-source')),
      ['shop', 'till'],
    );
  });
});

describe('schemas that have to be loaded', () => {
  /** A source that knows `visit` once it was loaded, and fails to load every other type but `purchase`. */
  function loadingSchemas(load: (eventType: string) => Promise<void>) {
    const loaded: string[] = [];
    const ready = new Set<string>();
    const schemas: SchemaSource = {
      ...builtInSchemas,
      find: (type) =>
        type === 'purchase' ? 'unknown' : ready.has(type) ? builtInSchemas.find('purchase') : 'not_loaded',
      load: async (type) => {
        loaded.push(type);
        await load(type);
        ready.add(type);
      },
    };
    return { schemas, loaded };
  }
  const unavailable = async (type: string) => {
    if (type !== 'visit') throw new Error('registry-3.internal is away');
  };

  test('are waited for, once for each type of a batch; events keep their order and their answers', async (t) => {
    const { schemas, loaded } = loadingSchemas(unavailable);
    const kero = await startTestReceiver(t, { schemas });
    const items = [
      event('0'),
      event('1', { event_type: 'visit' }),
      event('2'),
      event('3', { event_type: 'visit', event_data: { item_id: 1, price: 1 } }),
      event('4', { event_type: 'other' }),
      event('5', { user_id: '' }),
      event('6', { event_type: 'visit' }),
    ];
    const answer = await kero.post(`[${items}]`);
    assert.equal(answer.status, 207, answer.text);
    const bad = 'invalid_event';
    assert.deepEqual(outcomes(answer), ['id', 'id', 'id', bad, 'schemas_unavailable', bad, 'id']);
    assert.equal(resultsOf(answer)[4]?.problem?.retryable, true);
    assert.deepEqual(loaded, ['visit', 'other']);
    assert.doesNotMatch(answer.text, /registry-3/);
    assert.match(JSON.stringify(kero.logLines), /registry-3/);
    assert.deepEqual(
      valuesOf(await kero.records()),
      [0, 1, 2, 6].map((n) => items[n]),
    );
  });

  test('and cannot be had make a batch 503 with Retry-After, where nothing else of it was accepted', async (t) => {
    const { schemas } = loadingSchemas(unavailable);
    const kero = await startTestReceiver(t, { schemas });
    const answer = await kero.post(`[${event('a', { event_type: 'other' })},{}]`);
    problemOf(answer, 503, 'batch_not_confirmed');
    assert.equal(answer.headers.get('retry-after'), '5');
    assert.deepEqual(outcomes(answer), ['schemas_unavailable', 'invalid_event']);
    assert.deepEqual(await kero.records(), []);
  });

  test('of a single event are waited for, too', async (t) => {
    const { schemas, loaded } = loadingSchemas(unavailable);
    const kero = await startTestReceiver(t, { schemas });
    assert.equal((await kero.post(event('a', { event_type: 'visit' }))).status, 202);
    const answer = await kero.post(event('b', { event_type: 'other' }));
    problemOf(answer, 503, 'schemas_unavailable');
    assert.equal(answer.headers.get('retry-after'), '5');
    assert.deepEqual(loaded, ['visit', 'other']);
    assert.equal((await kero.records()).length, 1);
  });

  test('that never come are given up at RECEIVER_DEADLINE', async (t) => {
    const { schemas } = loadingSchemas(() => new Promise(() => {}));
    const kero = await startTestReceiver(t, { schemas, settings: { RECEIVER_DEADLINE: '100ms' } });
    const types = Array.from({ length: 40 }, (_, n) => event('a', { event_type: `type-${n}` }));
    const answer = await kero.post(`[${[...types, event('b')]}]`);
    assert.equal(answer.status, 207);
    assert.equal(outcomes(answer).filter((outcome) => outcome === 'schemas_unavailable').length, 40);
    problemOf(await kero.post(types[0]!), 503, 'schemas_unavailable');
    assert.deepEqual(valuesOf(await kero.records()), [event('b')]);
  });
});
