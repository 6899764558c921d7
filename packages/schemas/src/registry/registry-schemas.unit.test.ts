import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { createLogger, isKeroError } from '@kero/runtime';
import { answer, type Fault, silence, startFaultyRegistry } from '../../../../test/support/registry/faulty-registry.ts';
import { RegistrySchemas } from './registry-schemas.ts';

const REFRESH_MS = 30_000;
const PAGE = { type: 'object', required: ['page'] };

async function setUp(t: TestContext, overrides: { timeoutMs?: number; unknownTypes?: 'accept' | 'refuse' } = {}) {
  const registry = await startFaultyRegistry(t);
  const lines: { level: string; msg: string }[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const logger = createLogger({ level: 'info', format: 'json', name: 'test', destination });
  const clock = { now: 0 };
  const schemas = new RegistrySchemas({
    config: {
      driver: 'registry',
      unknownTypes: 'accept',
      url: registry.url,
      subject: { before: 'events-', behind: '' },
      timeoutMs: 30_000,
      refreshMs: REFRESH_MS,
      ...overrides,
    },
    logger,
    now: () => clock.now,
  });
  t.after(() => schemas.close());
  const errors = () => lines.filter(({ level }) => level === 'error').map(({ msg }) => msg);
  return { registry, schemas, clock, lines, errors };
}

function labelIn(schemas: RegistrySchemas, eventType: string): unknown {
  const found = schemas.find(eventType);
  return typeof found === 'object' ? found.label : found;
}

async function until(look: () => boolean): Promise<void> {
  for (const giveUp = performance.now() + 60_000; performance.now() < giveUp; ) {
    if (look()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`waited in vain for ${look}`);
}

async function refusalOf(loading: Promise<void>): Promise<string> {
  try {
    await loading;
  } catch (error) {
    assert.ok(isKeroError(error, 'schemas_unavailable'), String(error));
    assert.ok(error.retryable);
    return `${error.message} ${error.remedy}`;
  }
  throw new Error('it was loaded');
}

describe('schemas from a registry', () => {
  test('are not at hand before they are asked for, and are from then on without another question', async (t) => {
    const { registry, schemas } = await setUp(t);
    registry.put('events-a/ä b', PAGE);
    assert.equal(schemas.find('a/ä b'), 'not_loaded');
    await Promise.all(Array.from({ length: 20 }, () => schemas.load('a/ä b')));
    assert.equal(labelIn(schemas, 'a/ä b'), 'registry:1');
    await schemas.load('a/ä b');
    assert.deepEqual(registry.requests.slice(0, 1), ['GET /subjects/events-a%2F%C3%A4%20b/versions/latest']);
  });

  test('of a type without a subject there is none: free, refused, or the built-in one', async (t) => {
    const free = await setUp(t);
    await free.schemas.load('view');
    assert.equal(free.schemas.find('view'), 'unknown');
    await free.schemas.load('purchase');
    assert.equal(labelIn(free.schemas, 'purchase'), 'built-in:purchase');
    const strict = await setUp(t, { unknownTypes: 'refuse' });
    await strict.schemas.load('view');
    assert.equal(strict.schemas.find('view'), 'refused');
  });

  test('are asked for anew beside their use, and the new one replaces the old one', async (t) => {
    const { registry, schemas, clock } = await setUp(t);
    registry.put('events-view', PAGE);
    await schemas.load('view');
    registry.put('events-view', { type: 'object' });
    clock.now += REFRESH_MS - 1;
    assert.equal(labelIn(schemas, 'view'), 'registry:1');
    assert.equal(registry.requests.length, 1);
    clock.now += 1;
    assert.equal(labelIn(schemas, 'view'), 'registry:1');
    await until(() => labelIn(schemas, 'view') === 'registry:2');
  });

  test('that nobody used for long are asked for before they serve', async (t) => {
    const { registry, schemas, clock } = await setUp(t);
    registry.put('events-view', PAGE);
    await schemas.load('view');
    registry.delete('events-view');
    clock.now += 2 * REFRESH_MS;
    assert.equal(schemas.find('view'), 'not_loaded');
    await schemas.load('view');
    assert.equal(schemas.find('view'), 'unknown');
  });

  test('that there is none is believed for a shorter time', async (t) => {
    const { registry, schemas, clock } = await setUp(t);
    await schemas.load('view');
    registry.put('events-view', PAGE);
    clock.now += 20_000;
    assert.equal(schemas.find('view'), 'not_loaded');
    await schemas.load('view');
    assert.equal(labelIn(schemas, 'view'), 'registry:1');
  });
});

describe('a registry that is away', () => {
  test('what is known serves whatever its age, and what is not is refused at once', async (t) => {
    const { registry, schemas, clock, errors, lines } = await setUp(t);
    registry.put('events-view', PAGE);
    await schemas.load('view');
    await schemas.load('free');
    await registry.stop();
    clock.now += 100 * REFRESH_MS;
    await schemas.load('view');
    assert.equal(labelIn(schemas, 'view'), 'registry:1');
    assert.equal(schemas.find('free'), 'unknown');
    assert.match(await refusalOf(schemas.load('other')), /cannot be asked: GET http/);
    assert.equal(errors().length, 1, errors().join('\n'));
    assert.deepEqual(schemas.health(), { up: true });

    await registry.start();
    clock.now += 10_000;
    await schemas.load('other');
    assert.equal(schemas.find('other'), 'unknown');
    assert.ok(lines.some(({ msg }) => /answers again/.test(msg)));
  });

  test('with nothing known readiness says so', async (t) => {
    const { registry, schemas } = await setUp(t);
    await registry.stop();
    await refusalOf(schemas.load('view'));
    const health = schemas.health();
    assert.ok(!health.up && /cannot be asked/.test(health.reason));
  });

  test('it is left alone between two attempts', async (t) => {
    const { registry, schemas, clock } = await setUp(t);
    registry.fault = answer(500, { error_code: 50001, message: 'Error in the backend data store' });
    assert.match(await refusalOf(schemas.load('view')), /answered 500 .*50001: Error in the backend/);
    for (let n = 0; n < 50; n++) await refusalOf(schemas.load(`view-${n}`));
    assert.equal(registry.requests.length, 1);
    registry.fault = undefined;
    clock.now += 10_000;
    await schemas.load('view');
  });

  const faults: [string, Fault, RegExp][] = [
    ['that never answers', silence, /no answer within 50 ms \(SCHEMA_REGISTRY_TIMEOUT\)/],
    [
      'that begins and never ends its answer',
      (_request, response) => void response.writeHead(200).write('{'),
      /no answer within 50 ms/,
    ],
    ['that breaks off', (request) => void request.socket.destroy(), /cannot be asked/],
    ['that answers without end', answer(200, 'x'.repeat(5_000_000)), /larger than 4194304 bytes/],
    ['that answers with a page', answer(200, '<html>'), /is not a schema/],
    ['that is something else', answer(404, '<html>'), /answered 404 .*ends with \/apis\/ccompat\/v7/],
    ['that wants a password', answer(401, { error_code: 401, message: 'no' }), /401.*SCHEMA_REGISTRY_PASSWORD/],
    [
      'that redirects',
      answer(302, '', { location: 'http://other/' }),
      /302 .*points to http:\/\/other\/.*no redirects/,
    ],
    ['that is overloaded', answer(429), /answered 429/],
  ];
  for (const [name, fault, expected] of faults) {
    test(`one ${name} is one that is away`, async (t) => {
      const { registry, schemas } = await setUp(t, { timeoutMs: /never/.test(name) ? 50 : 30_000 });
      registry.fault = fault;
      assert.match(await refusalOf(schemas.load('view')), expected);
      assert.equal(schemas.find('view'), 'not_loaded');
    });
  }
});

describe('what cannot be used of a registry', () => {
  const unusable: [string, unknown, object, RegExp][] = [
    ['a schema of another kind', '"string"', { schemaType: undefined }, /version 1 of the subject events-view .* AVRO/],
    ['a schema that is none', { type: 'strnig' }, {}, /at \/type/],
    ['one that is not JSON', 'nonsense', {}, /not JSON/],
    ['one that refers to other subjects', {}, { references: [{ name: 'a' }] }, /refers to other subjects/],
  ];
  for (const [name, schema, more, expected] of unusable) {
    test(`${name} makes events of its type wait, and no others`, async (t) => {
      const { registry, schemas, errors } = await setUp(t);
      registry.put('events-view', schema, more);
      assert.match(await refusalOf(schemas.load('view')), expected);
      assert.match(await refusalOf(schemas.load('view')), expected);
      await schemas.load('other');
      assert.equal(errors().length, 1);
    });
  }

  test('a bad new version leaves the one before it in use', async (t) => {
    const { registry, schemas, clock, errors } = await setUp(t);
    registry.put('events-view', PAGE);
    await schemas.load('view');
    registry.put('events-view', 'nonsense');
    clock.now += 2 * REFRESH_MS;
    await schemas.load('view');
    assert.equal(labelIn(schemas, 'view'), 'registry:1');
    assert.match(errors().join(), /not JSON.*the one before it serves on/);
    registry.put('events-view', {});
    clock.now += 10_000;
    await schemas.load('view');
    assert.equal(labelIn(schemas, 'view'), 'registry:3');
  });
});

test('somebody who invents types neither floods the registry nor pushes out what is known', async (t) => {
  const { registry, schemas, clock } = await setUp(t);
  registry.put('events-view', PAGE);
  await schemas.load('view');
  const invent = (count: number, from: number) =>
    Promise.allSettled(Array.from({ length: count }, (_, n) => schemas.load(`invented-${from + n}`)));
  // Many at once, and many one after the other.
  const loaded = await invent(500, 0);
  for (let n = 500; n < 1000; n += 50) loaded.push(...(await invent(50, n)));
  const refused = loaded.filter(({ status }) => status === 'rejected').length;
  assert.ok(refused >= 800, `${refused} were refused`);
  assert.ok(registry.requests.length <= 200, `${registry.requests.length} questions`);
  clock.now += 1000;
  const later = await invent(100, 1000);
  assert.equal(later.filter(({ status }) => status === 'fulfilled').length, 50);
  assert.equal(labelIn(schemas, 'view'), 'registry:1');
});

test('the password goes to the registry, and into no message', async (t) => {
  const registry = await startFaultyRegistry(t);
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ level: 'debug', format: 'json', name: 'test', destination });
  const schemas = new RegistrySchemas({
    config: {
      driver: 'registry',
      unknownTypes: 'accept',
      url: registry.url,
      credentials: { username: 'kero', password: 'pass:wörd' },
      subject: { before: '', behind: '' },
      timeoutMs: 30_000,
      refreshMs: REFRESH_MS,
    },
    logger,
  });
  t.after(() => schemas.close());
  registry.fault = answer(403);
  const message = await refusalOf(schemas.load('view'));
  assert.equal(registry.lastHeaders.authorization, `Basic ${Buffer.from('kero:pass:wörd').toString('base64')}`);
  assert.doesNotMatch(`${message} ${lines.join(' ')} ${schemas.description}`, /wörd|Basic/);
});
