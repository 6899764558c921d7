import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { authUnderTest } from './auth-under-test.ts';
import { httpProblems } from './http-problems.ts';
import { startTestReceiver, type TestOptions } from './receiver-under-test.ts';

type Json = { readonly [name: string]: Json } & { readonly [index: number]: Json };

/** Every value of a document with the path to it. */
function* walk(value: unknown, path = '#'): Generator<[path: string, value: unknown]> {
  yield [path, value];
  if (typeof value !== 'object' || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    yield* walk(member, `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`);
  }
}

describe('the OpenAPI document', () => {
  test('is OpenAPI 3.1 whose references all lead somewhere', async (t) => {
    const kero = await startTestReceiver(t);
    const answer = await kero.request('/api/v1/openapi.json');
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'application/json');
    assert.match(String(answer.json.openapi), /^3\.1\.\d+$/);
    const places = new Map(walk(answer.json));
    const references = [...places].filter(([path]) => path.endsWith('/$ref'));
    assert.ok(references.length > 5);
    for (const [path, target] of references) assert.ok(places.has(String(target)), `${path} -> ${target}`);
    for (const [path, value] of places) assert.notEqual(value, undefined, path);
  });

  test('has every path and method that is served, with an id, a summary and answers with a request id', async (t) => {
    const kero = await startTestReceiver(t);
    const { paths } = (await kero.request('/api/v1/openapi.json')).json as unknown as { paths: Json };
    assert.deepEqual(Object.keys(paths).sort(), [
      '/api/v1/events',
      '/api/v1/openapi.json',
      '/docs',
      '/health/live',
      '/health/ready',
    ]);
    const operations = Object.values(paths).flatMap((item) => Object.values(item));
    assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length);
    for (const operation of operations) {
      assert.ok(operation.summary);
      for (const response of Object.values(operation.responses ?? {})) {
        assert.ok(response.description);
        assert.ok(response.headers?.['x-request-id']);
        assert.ok(response.content);
      }
    }
    for (const [path, item] of Object.entries(paths)) {
      if (!item.get) continue;
      const answer = await kero.request(path);
      assert.equal(answer.status, 200);
      const types = Object.keys(item.get.responses?.['200']?.content ?? {});
      assert.equal(types[0], answer.headers.get('content-type')?.split(';')[0]);
    }
  });

  test('has examples of events that are accepted as they are', async (t) => {
    const kero = await startTestReceiver(t, { settings: { EVENTS_RETENTION: '1h' } });
    const document = (await kero.request('/api/v1/openapi.json')).json as unknown as Json;
    const content = document.paths?.['/api/v1/events']?.post?.requestBody?.content?.['application/json'];
    const examples = Object.values(content?.examples ?? {});
    assert.equal(examples.length, 4);
    const accepted = document.paths?.['/api/v1/events']?.post?.responses?.['202']?.content?.['application/json'];
    for (const { value } of examples) {
      const answer = await kero.post(JSON.stringify(value));
      assert.equal(answer.status, 202, answer.text);
      const example = accepted?.examples?.[Array.isArray(value) ? 'batch' : 'event']?.value;
      assert.deepEqual(Object.keys(answer.json), Object.keys(example ?? {}));
    }
  });

  test('has answers to batches that look like the real ones', async (t) => {
    const kero = await startTestReceiver(t);
    const document = (await kero.request('/api/v1/openapi.json')).json as unknown as Json;
    const { requestBody, responses } = document.paths?.['/api/v1/events']?.post ?? {};
    const events = requestBody?.content?.['application/json']?.examples?.batch?.value as unknown as readonly unknown[];
    const lines = events.map((event) => `${JSON.stringify(event)}\n`).join('');
    const ndjson = { 'content-type': 'application/x-ndjson' };
    assert.equal((await kero.post(lines, ndjson)).status, 202);

    const shape = (value: unknown) => [...walk(value)].map(([path]) => path).filter((path) => !/errors.\d/.test(path));
    const partial = responses?.['207']?.content?.['application/json']?.example;
    const answer = await kero.post(`${lines.split('\n')[0]}\n{}`, ndjson);
    assert.equal(answer.status, 207);
    assert.deepEqual(shape(answer.json), shape(partial));
    const refused = responses?.['422']?.content?.['application/problem+json']?.examples?.batch_refused?.value;
    const refusal = await kero.post('[{}]');
    assert.equal(refusal.status, 422);
    assert.deepEqual(shape(refusal.json), shape(refused));
  });

  test('lists every problem that an event can meet, at its status', async (t) => {
    const { auth } = await authUnderTest(t);
    const kero = await startTestReceiver(t, { auth });
    const document = (await kero.request('/api/v1/openapi.json')).json as unknown as Json;
    const responses = document.paths?.['/api/v1/events']?.post?.responses ?? {};
    for (const [code, { status }] of Object.entries(httpProblems)) {
      if (status === 404 || status === 405) continue;
      const example = responses[status]?.content?.['application/problem+json']?.examples?.[code]?.value;
      assert.equal(example?.type, `urn:kero:problem:${code}`);
      assert.equal(responses[status]?.headers?.['retry-after'] !== undefined, status === 429 || status === 503);
    }
  });

  test('says how to show who one is, where that is asked for, and nothing of it where it is not', async (t) => {
    const { auth } = await authUnderTest(t);
    const read = async (options: TestOptions) =>
      (await (await startTestReceiver(t, options)).request('/api/v1/openapi.json')).json as unknown as Json;
    const asked = await read({ auth });
    const operation = asked.paths?.['/api/v1/events']?.post;
    assert.deepEqual(operation?.security, [{ bearer: [] }, { apiKey: [] }]);
    assert.deepEqual(Object.keys(asked.components?.securitySchemes ?? {}), ['bearer', 'apiKey']);
    assert.ok(operation?.responses?.['401']?.headers?.['www-authenticate']);
    for (const path of ['/health/live', '/health/ready', '/docs', '/api/v1/openapi.json']) {
      assert.equal(asked.paths?.[path]?.get?.security, undefined, path);
    }

    const open = await read({});
    assert.equal(open.paths?.['/api/v1/events']?.post?.security, undefined);
    assert.equal(open.components?.securitySchemes, undefined);
    assert.equal(open.paths?.['/api/v1/events']?.post?.responses?.['401'], undefined);
    assert.doesNotMatch(JSON.stringify(open), /auth_unavailable|missing_scope|source_not_allowed/);
  });

  test('tells the limits that are set', async (t) => {
    const kero = await startTestReceiver(t, { settings: { RECEIVER_MAX_BODY: '54321', EVENTS_MAX_BYTES: '12345' } });
    const { text } = await kero.request('/api/v1/openapi.json');
    assert.match(text, /54321 bytes.*12345/);
  });
});

describe('the docs page', () => {
  test('is there with and without a slash, and so is everything that it loads', async (t) => {
    const kero = await startTestReceiver(t);
    const page = await kero.request('/docs');
    assert.equal(page.status, 200);
    assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
    assert.equal((await kero.request('/docs/')).text, page.text);
    const loaded = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '');
    assert.ok(loaded.length >= 4);
    for (const path of loaded) {
      assert.match(path, /^\//, 'nothing from elsewhere');
      const answer = await kero.request(path);
      assert.equal(answer.status, 200, path);
      assert.ok(answer.text.length > 100);
    }
    assert.match((await kero.request('/docs/swagger-ui-bundle.js')).text, /SwaggerUIBundle/);
  });

  test('allows no script but its own, and contains none inline', async (t) => {
    const kero = await startTestReceiver(t);
    const page = await kero.request('/docs');
    const policy = page.headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self';/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(page.text, /<script>|<script [^>]*>[^<]|\son\w+=/);
    const script = await kero.request('/docs/docs.js');
    assert.match(script.text, /url: '\/api\/v1\/openapi.json'/);
    assert.doesNotMatch(script.text, /https?:/);
  });

  test('serves no other file of the package', async (t) => {
    const kero = await startTestReceiver(t);
    for (const name of ['package.json', 'index.html', 'swagger-ui.js', '../package.json', '%2e%2e/package.json']) {
      assert.equal((await kero.request(`/docs/${name}`)).status, 404, name);
    }
  });
});

describe('health', () => {
  test('is up while everything is, also to HEAD', async (t) => {
    const kero = await startTestReceiver(t);
    for (const path of ['/health/live', '/health/ready']) {
      const answer = await kero.request(path);
      assert.equal(answer.status, 200);
      assert.equal(answer.text, '{"status":"up"}');
      const head = await kero.request(path, { method: 'HEAD' });
      assert.equal(head.status, 200);
      assert.equal(head.text, '');
      assert.equal(head.headers.get('content-length'), '15');
    }
  });
});
