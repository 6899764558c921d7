import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { createLogger, loadSettings } from '@kero/runtime';
import { openSchemas, schemaConfig, schemaSettings } from '@kero/schemas';
import { type FaultyRegistry, silence, startFaultyRegistry } from '../../../test/support/registry/faulty-registry.ts';
import { EVENT, problemOf, startTestReceiver } from './receiver-under-test.ts';

const PAGE = { type: 'object', required: ['page'], properties: { page: { type: 'string', pattern: '^/' } } };

const view = (data: unknown) => JSON.stringify({ ...EVENT, event_type: 'view', event_data: data });

/** A receiver with the schemas that these settings name. */
async function start(t: TestContext, environment: Record<string, string>) {
  const logger = createLogger({ level: 'fatal', format: 'json', name: 'test', destination: { write: () => {} } });
  const { values } = loadSettings({ schemas: schemaSettings }, { environment });
  const schemas = await openSchemas(schemaConfig(values.schemas, { topic: 'events' }), { logger });
  t.after(() => schemas.close());
  return await startTestReceiver(t, { schemas });
}

function folder(t: TestContext, files: Record<string, unknown>): string {
  const directory = mkdtempSync(join(tmpdir(), 'kero-schemas-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  for (const [name, schema] of Object.entries(files)) writeFileSync(join(directory, name), JSON.stringify(schema));
  return directory;
}

function withRegistry(registry: FaultyRegistry, more: Record<string, string> = {}): Record<string, string> {
  return { SCHEMA_REGISTRY_URL: registry.url, ...more };
}

describe('a receiver with a folder of schemas', () => {
  test('answers 503 to an event that its schema cannot be applied to, and takes its neighbours', async (t) => {
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
    const endless = { if: { required: ['loop'] }, then: { $ref: '#' } };
    const { post, records } = await start(t, { SCHEMAS_DIR: folder(t, { 'view.json': endless }) });
    problemOf(await post(view({ loop: 1 })), 503, 'schemas_unavailable');
    const batch = await post(`[${view({ loop: 1 })},${view({})}]`);
    assert.equal(batch.status, 207);
    const [first] = batch.json.results as { problem: { retryable: boolean } }[];
    assert.equal(first?.problem.retryable, true);
    assert.equal((await records()).length, 1);
  });

  test('refuses what breaks the schema of its type, with the place, and tells the log which schema it asked', async (t) => {
    const { post, records } = await start(t, { SCHEMAS_DIR: folder(t, { 'view.json': PAGE }) });
    const problem = problemOf(await post(view({ page: 'home' })), 422, 'invalid_event');
    assert.deepEqual(problem.errors, [
      {
        pointer: '/event_data/page',
        code: 'schema_mismatch',
        detail: 'Must match the regular expression "^/".',
      },
    ]);
    assert.equal((await post(view({ page: '/home' }))).status, 202);
    assert.equal((await post(JSON.stringify({ ...EVENT, event_type: 'free', event_data: {} }))).status, 202);
    const headers = (await records()).map((record) => new Map(record.headers).get('kero-schema')?.toString());
    assert.equal(headers.length, 2);
    assert.ok(headers.some((header) => /^view@[0-9a-f]{8}$/.test(header ?? '')));
    assert.ok(headers.includes(undefined));
  });

  test('refuses types without a schema where that is asked for', async (t) => {
    const environment = { SCHEMAS_DIR: folder(t, { 'view.json': PAGE }), SCHEMA_UNKNOWN_TYPES: 'refuse' };
    const { post, records } = await start(t, environment);
    const free = JSON.stringify({ ...EVENT, event_type: 'free', event_data: {} });
    const problem = problemOf(await post(free), 422, 'invalid_event');
    assert.deepEqual(
      problem.errors?.map(({ pointer, code }) => [pointer, code]),
      [['/event_type', 'unknown_event_type']],
    );
    assert.deepEqual(await records(), []);
  });

  test('a schema of its own for purchase replaces the built-in one', async (t) => {
    const environment = { SCHEMAS_DIR: folder(t, { 'purchase.json': { required: ['sku'] } }) };
    const { post } = await start(t, environment);
    problemOf(await post(JSON.stringify(EVENT)), 422, 'invalid_event');
    assert.equal((await post(JSON.stringify({ ...EVENT, event_data: { sku: 1 } }))).status, 202);
  });
});

describe('a receiver with a registry', () => {
  test('asks it for the schema of a type, once for many events', async (t) => {
    const registry = await startFaultyRegistry(t);
    registry.put('events-view', PAGE);
    const { post, records } = await start(t, withRegistry(registry));
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(view({ page: '/' }))));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202]));
    problemOf(await post(view({})), 422, 'invalid_event');
    assert.equal(registry.requests.filter((line) => line.includes('events-view')).length, 1);
    const [record] = await records();
    assert.equal(new Map(record?.headers).get('kero-schema')?.toString(), 'registry:1');
  });

  test('that is away and has told nothing yet answers 503 and stores nothing', async (t) => {
    const registry = await startFaultyRegistry(t);
    registry.put('events-view', PAGE);
    await registry.stop();
    const { post, records } = await start(t, withRegistry(registry));
    const answer = await post(view({ page: '/' }));
    const { detail } = problemOf(answer, 503, 'schemas_unavailable');
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
    assert.doesNotMatch(detail, /127\.0\.0\.1|http:/);
    assert.deepEqual(await records(), []);
  });

  test('that never answers is not waited for longer than its time-out', async (t) => {
    const registry = await startFaultyRegistry(t);
    registry.fault = silence;
    const { post, records } = await start(t, withRegistry(registry, { SCHEMA_REGISTRY_TIMEOUT: '50ms' }));
    problemOf(await post(view({ page: '/' })), 503, 'schemas_unavailable');
    assert.deepEqual(await records(), []);
  });

  test('that goes away later is not missed: what is known decides', async (t) => {
    const registry = await startFaultyRegistry(t);
    registry.put('events-view', PAGE);
    const { post } = await start(t, withRegistry(registry, { SCHEMA_REGISTRY_REFRESH: '100ms' }));
    assert.equal((await post(view({ page: '/' }))).status, 202);
    await registry.stop();
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal((await post(view({ page: '/' }))).status, 202);
    problemOf(await post(view({ page: 1 })), 422, 'invalid_event');
    problemOf(await post(JSON.stringify({ ...EVENT, event_type: 'new', event_data: {} })), 503, 'schemas_unavailable');
  });

  test('in a batch only the events wait whose schema cannot be had', async (t) => {
    const registry = await startFaultyRegistry(t);
    registry.put('events-view', PAGE);
    registry.put('events-broken', 'nonsense');
    const { post } = await start(t, withRegistry(registry));
    const broken = JSON.stringify({ ...EVENT, event_type: 'broken', event_data: {} });
    const answer = await post(`[${[view({ page: '/' }), broken, view({})].join(',')}]`);
    assert.equal(answer.status, 207, answer.text);
    const results = answer.json.results as { status: string; problem?: { type: string; retryable: boolean } }[];
    assert.deepEqual(
      results.map(({ status, problem }) => [status, problem?.type, problem?.retryable]),
      [
        ['accepted', undefined, undefined],
        ['rejected', 'urn:kero:problem:schemas_unavailable', true],
        ['rejected', 'urn:kero:problem:invalid_event', false],
      ],
    );
  });
});
