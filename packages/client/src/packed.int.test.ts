import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';

const run = promisify(execFile);
const source = fileURLToPath(new URL('..', import.meta.url));
const root = fileURLToPath(new URL('../../..', import.meta.url));
const tsc = join(root, 'node_modules/.bin/tsc');

/** What a program with a TypeScript compiler has: the strictest check, also of the declarations that the package brings. */
const COMPILER = ['--noEmit', '--strict', '--skipLibCheck', 'false', '--module', 'nodenext', '--target', 'es2022'];
const IN_BROWSERS = ['--lib', 'es2022,dom', '--types', ''];

const folder = mkdtempSync(join(tmpdir(), 'kero-client-'));
const consumer = join(folder, 'consumer');
const installed = join(consumer, 'node_modules/@kero/client');
let files: string[] = [];

/** The oldest Node on this machine; where there is no other, the one that runs this. Users have any from 20 on. */
async function oldestNode(): Promise<string> {
  const found: { path: string; major: number }[] = [];
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(directory, 'node');
    if (!existsSync(path)) continue;
    const { stdout } = await run(path, ['--version']).catch(() => ({ stdout: '' }));
    const major = Number(/^v(\d+)\./.exec(stdout)?.[1] ?? 0);
    if (major >= 20) found.push({ path, major });
  }
  return found.toSorted((a, b) => a.major - b.major)[0]?.path ?? process.execPath;
}

/** Compiles programs, by their names, in one run, and gives the names of those that have errors, with the text of all errors. */
async function compile(programs: Readonly<Record<string, string>>, options: readonly string[]) {
  for (const [name, text] of Object.entries(programs)) writeFileSync(join(consumer, `${name}.ts`), text);
  const names = Object.keys(programs).map((name) => `${name}.ts`);
  const { stdout } = await run(tsc, [...COMPILER, ...options, ...names], { cwd: consumer }).catch(
    (failure: { stdout: string }) => failure,
  );
  const inError = new Set([...stdout.matchAll(/^([\w/@.-]+)\.ts\(\d+,\d+\): error/gm)].map((match) => match[1]));
  return { inError: [...inError].toSorted(), text: stdout };
}

before(async () => {
  // A copy, so that the working tree has nothing built in it.
  const copy = join(folder, 'package');
  cpSync(source, copy, { recursive: true, filter: (path) => !/\/(dist|node_modules)$/.test(path) });
  const path = [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter);
  const environment = { ...process.env, PATH: path, NODE_PATH: '' };
  // The build for the command line wants the types of Node, as it finds them above packages/client.
  mkdirSync(join(copy, 'node_modules/@types'), { recursive: true });
  cpSync(join(root, 'node_modules/@types/node'), join(copy, 'node_modules/@types/node'), { recursive: true });
  cpSync(join(root, 'node_modules/undici-types'), join(copy, 'node_modules/undici-types'), { recursive: true });
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: copy,
    env: environment,
  });
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [{ filename: string; files: { path: string }[] }];
  files = packed.files.map((file) => file.path);
  mkdirSync(installed, { recursive: true });
  await run('tar', ['-xzf', join(folder, packed.filename), '--strip-components=1', '-C', installed]);
  writeFileSync(join(consumer, 'package.json'), '{"type":"module"}');
});

after(() => rmSync(folder, { recursive: true, force: true }));

describe('the package', () => {
  test('has what is built, its README, its license, and nothing else', () => {
    assert.deepEqual(
      files.filter((file) => !file.startsWith('dist/')),
      ['LICENSE', 'README.md', 'package.json'],
    );
    const sources = globSync('src/**/*.ts', { cwd: source }).filter((file) => !/test/.test(file));
    const built = sources.map((file) => file.replace(/^src\//, '').replace(/\.ts$/, ''));
    assert.deepEqual(
      files.filter((file) => file.endsWith('.js')).toSorted(),
      built.map((name) => `dist/${name}.js`).toSorted(),
    );
    assert.equal(readFileSync(join(source, 'LICENSE'), 'utf8'), readFileSync(join(root, 'LICENSE'), 'utf8'));
  });

  test('needs no other package, and nothing of Node outside of its command', () => {
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies'])
      assert.ok(!(kind in manifest), kind);
    const seen = new Set<string>(['index.js']);
    for (const file of seen) {
      const text = readFileSync(join(installed, 'dist', file), 'utf8');
      const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)].map((match) => match[1] ?? '');
      for (const name of imports) {
        assert.match(name, /^\.\/[\w-]+\.js$/, file);
        seen.add(name.slice(2));
      }
      assert.doesNotMatch(text, /\bprocess\.|\bBuffer\b|\brequire\(/, file);
    }
    assert.ok(seen.size > 5);
  });
});

/** In a variable, because the check of what this package may import reads strings too. */
const FROM_PACKAGE = "from '@kero/client';";

describe('its types', () => {
  test('need the types of browsers or those of Node, either will do', async () => {
    const program = `
      import { createClient, KeroClientError, rawJson, type KeroEvent } ${FROM_PACKAGE}
      const client = createClient({ url: 'http://127.0.0.1:8000', token: async () => 'x', gzip: 'auto' });
      const event: KeroEvent = { user_id: 'u', event_type: 'anything', event_data: { a: rawJson('1.10'), b: 1n } };
      client.send(event).then(({ id, event_id }) => [id.length, event_id.length], (error: unknown) => {
        if (error instanceof KeroClientError && error.code === 'refused') return error.problem?.errors[0]?.pointer;
        return undefined;
      });
      export const results: Promise<boolean[]> =
        client.sendBatch([event]).then((all) => all.map((one) => one.ok || one.error.retryable));
    `;
    assert.equal((await compile({ program }, IN_BROWSERS)).text, '');
    const types = ['--lib', 'es2022', '--types', 'node', '--typeRoots', join(root, 'node_modules/@types')];
    assert.equal((await compile({ program }, [...types, '--skipLibCheck', 'true'])).text, '');
  });

  test('know the data of each event type', async () => {
    const use = (event: string) => `
      import { createClient, rawJson } ${FROM_PACKAGE}
      interface View { page: string }
      const client = createClient<{ view: View; purchase: { item_id: string; price: number } }>({ url: 'http://a.test' });
      export const sent = client.send(${event});
      export const raw = client.send({ user_id: 'u', event_type: 'view', event_data: rawJson('{}') });
    `;
    const programs = {
      right: use(`{ user_id: 'u', event_type: 'view', event_data: { page: '/' } }`),
      'wrong-another-type': use(`{ user_id: 'u', event_type: 'view', event_data: { item_id: '1', price: 1 } }`),
      'wrong-unknown-type': use(`{ user_id: 'u', event_type: 'veiw', event_data: { page: '/' } }`),
      'wrong-missing-member': use(`{ user_id: 'u', event_type: 'purchase', event_data: { item_id: '1' } }`),
      'wrong-no-user': use(`{ event_type: 'view', event_data: { page: '/' } }`),
    };
    const { inError, text } = await compile(programs, IN_BROWSERS);
    const expected = Object.keys(programs).filter((name) => name.startsWith('wrong'));
    assert.deepEqual(inError, expected.toSorted(), text);
  });
});

describe('kero-client types', () => {
  const command = () => join(installed, 'dist/cli/main.js');
  const schemas = join(folder, 'schemas');

  before(async () => {
    mkdirSync(join(schemas, 'order.placed'), { recursive: true });
    const write = (name: string, schema: unknown) => writeFileSync(join(schemas, name), JSON.stringify(schema));
    write('order.placed/9.json', { type: 'object', required: ['old'] });
    write('order.placed/10.json', {
      type: 'object',
      description: 'An order\nwith a */ in its text.',
      required: ['id', 'lines'],
      additionalProperties: false,
      properties: {
        id: { type: 'string', description: 'Its number.' },
        lines: { type: 'array', items: { $ref: '#/$defs/line' } },
        kind: { enum: ['new', 'again', null, 3] },
        place: {
          oneOf: [{ type: 'object', required: ['lat'], properties: { lat: { type: 'number' } } }, { type: 'null' }],
        },
        pair: { prefixItems: [{ type: 'string' }, { type: 'integer' }], minItems: 1, items: false },
        labels: { type: 'object', additionalProperties: { type: 'string' } },
        'odd name': { const: { a: [1, 'x'] } },
      },
      $defs: {
        line: {
          type: 'object',
          required: ['sku'],
          properties: { sku: { type: 'string' }, parts: { type: 'array', items: { $ref: '#/$defs/line' } } },
        },
      },
    });
    write('view%2Fpage.json', true);
    write('either.json', { properties: { a: { type: 'string' } }, anyOf: [{ required: ['a'] }, { required: ['b'] }] });
    cpSync(join(root, 'packages/events/schemas/purchase.schema.json'), join(schemas, 'purchase.json'));
    const { stdout } = await run(process.execPath, [command(), 'types', schemas]);
    writeFileSync(join(consumer, 'kero-events.ts'), stdout);
  });

  const use = ([type, data]: readonly [string, string]) => `
    import { createClient, rawJson } ${FROM_PACKAGE}
    import type { EventTypes } from './kero-events.js';
    const client = createClient<EventTypes>({ url: 'http://a.test' });
    export const price = rawJson('1.10');
    export const sent = client.send({ user_id: 'u', event_type: '${type}', event_data: ${data} });
  `;

  const right: readonly (readonly [string, string])[] = [
    ['purchase', `{ item_id: '42', price: '19.90', tags: ['a'] }`],
    ['purchase', `{ item_id: '42', price }`],
    ['purchase', `{ item_id: '42', price: 1999n }`],
    ['view/page', `{ whatever: [1] }`],
    ['either', `{ b: 1 }`],
    [
      'order.placed',
      `{ id: '1', lines: [{ sku: 'a', parts: [{ sku: 'b' }] }], kind: null, place: { lat: 1.5 }, pair: ['a', 1],
         labels: { any: 'thing' }, 'odd name': { a: [1, 'x'] } }`,
    ],
    ['order.placed', `{ id: '1', lines: [], kind: 3, place: null, pair: ['a'] }`],
  ];

  const wrong: readonly (readonly [string, string])[] = [
    ['purchase', `{ price: 1 }`],
    ['purchase', `{ item_id: 42, price: 1 }`],
    ['purchase', `{ item_id: '42', price: true }`],
    ['purchase', `{ item_id: '42', price: 1, tags: 'a' }`],
    ['purchase', `{ item_id: '42', price: 1, tag: ['a'] }`],
    ['either', `{}`],
    ['order.placed', `{ old: 1 }`],
    ['order.placed', `{ id: '1', lines: [{ sku: 'a', parts: [{}] }] }`],
    ['order.placed', `{ id: '1', lines: [], kind: 'other' }`],
    ['order.placed', `{ id: '1', lines: [], place: {} }`],
    ['order.placed', `{ id: '1', lines: [], pair: [] }`],
    ['order.placed', `{ id: '1', lines: [], labels: { a: 1 } }`],
    ['order.placed', `{ id: '1', lines: [], 'odd name': { a: [2, 'x'] } }`],
    ['other', `{}`],
  ];

  test('writes types that take what the schemas take, and refuse what they refuse', async () => {
    const programs = Object.fromEntries([
      ...right.map((program, index) => [`right-${index}`, use(program)]),
      ...wrong.map((program, index) => [`wrong-${index}`, use(program)]),
    ]);
    const { inError, text } = await compile(programs, IN_BROWSERS);
    assert.deepEqual(inError, wrong.map((_, index) => `wrong-${index}`).toSorted(), text);
  });

  test('says what is wrong with a folder', async () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    const broken = join(folder, 'broken');
    mkdirSync(broken);
    writeFileSync(join(broken, 'a.json'), '{');
    for (const [args, code, text] of [
      [['types', empty], 1, /has no schemas/],
      [['types', broken], 1, /a\.json is not JSON/],
      [['types', join(folder, 'none')], 1, /ENOENT/],
      [['types'], 2, /usage/],
    ] as const) {
      await assert.rejects(run(process.execPath, [command(), ...args]), (error) => {
        const failure = error as { code: number; stderr: string };
        assert.equal(failure.code, code);
        assert.match(failure.stderr, text);
        return true;
      });
    }
  });
});

test('what is built runs on the oldest Node that is here', async (t) => {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const lines = gunzipSync(Buffer.concat(chunks)).toString('utf8').trimEnd().split('\n');
    if (bodies.push(...lines) === lines.length) {
      response.writeHead(503, { 'retry-after': '0' }).end();
      return;
    }
    const ids = lines.map((line) => JSON.parse(line).event_id);
    response.writeHead(202, { 'content-type': 'application/json' }).end(JSON.stringify({ status: 'accepted', ids }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  writeFileSync(
    join(consumer, 'send.js'),
    `import { createClient, rawJson } from '@kero/client';
     const client = createClient({ url: 'http://127.0.0.1:${port}', gzip: true });
     const sent = ['a', 'b'].map((event_id) =>
       client.send({ event_id, user_id: 'u', event_type: 'view', event_data: { price: rawJson('19.90') } }));
     console.log(process.version, (await Promise.all(sent)).map(({ id }) => id).join());
     await client[Symbol.asyncDispose]();
     await client.send({}).catch((error) => console.log(error.code));`,
  );
  const { stdout } = await run(await oldestNode(), [join(consumer, 'send.js')]);
  t.diagnostic(stdout.split(' ')[0] ?? '');
  assert.match(stdout, /^v\d+\.\S+ a,b\nclosed\n$/);
  assert.deepEqual(bodies.slice(0, 2), bodies.slice(2), 'the same bytes again');
  assert.match(bodies[0] ?? '', /"price":19\.90/);
});
