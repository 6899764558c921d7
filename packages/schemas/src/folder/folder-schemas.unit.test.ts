import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { createLogger, isKeroError } from '@kero/runtime';
import { eventTypeOfName, nameOfEventType } from './file-name.ts';
import { openFolderSchemas } from './folder-schemas.ts';

const needs = (member: string) => JSON.stringify({ type: 'object', required: [member] });

interface LogLine {
  readonly level: string;
  readonly msg: string;
}

async function folder(t: TestContext, files: Record<string, string>, unknownTypes: 'accept' | 'refuse' = 'accept') {
  const directory = mkdtempSync(join(tmpdir(), 'kero-schemas-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const write = (path: string, text: string) => {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  };
  for (const [path, text] of Object.entries(files)) write(path, text);
  const lines: LogLine[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const logger = createLogger({ level: 'info', format: 'json', name: 'test', destination });
  const open = async () => {
    const schemas = await openFolderSchemas({ directory, unknownTypes, logger, intervalMs: 10 });
    t.after(() => schemas.close());
    return schemas;
  };
  const told = (pattern: RegExp) => until(() => lines.find(({ msg }) => pattern.test(msg)));
  return { directory, write, open, lines, told };
}

async function until<T>(look: () => T): Promise<NonNullable<T>> {
  for (const giveUp = performance.now() + 60_000; performance.now() < giveUp; ) {
    const found = look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`waited in vain for ${look}`);
}

function labelIn(schemas: { find(eventType: string): unknown }, eventType: string): unknown {
  const found = schemas.find(eventType);
  return typeof found === 'object' && found !== null && 'label' in found ? found.label : found;
}

describe('a folder of schemas', () => {
  test('has a file for a type, or a folder of versions of which the highest counts', async (t) => {
    const { open } = await folder(t, {
      'view.json': needs('page'),
      'login/2.json': needs('b'),
      'login/10.json': needs('c'),
      'login/1.json': needs('a'),
      'README.md': 'not a schema',
      '.hidden.json': 'not looked at',
    });
    const schemas = await open();
    assert.match(String(labelIn(schemas, 'view')), /^view@[0-9a-f]{8}$/);
    assert.equal(labelIn(schemas, 'login'), 'login/10');
    assert.equal(schemas.find('else'), 'unknown');
    assert.match(schemas.description, /^folder .* \(2 types\)$/);
  });

  test('replaces the built-in schema of a type, and leaves the others', async (t) => {
    const { open, write, told } = await folder(t, { 'view.json': '{}' });
    const schemas = await open();
    assert.equal(labelIn(schemas, 'purchase'), 'built-in:purchase');
    write('purchase/1.json', needs('sku'));
    await told(/schema purchase\/1 is new/);
    assert.equal(labelIn(schemas, 'purchase'), 'purchase/1');
  });

  test('refuses types without a schema where that is asked for', async (t) => {
    const { open } = await folder(t, { 'view.json': '{}' }, 'refuse');
    const schemas = await open();
    assert.equal(schemas.find('else'), 'refused');
    assert.notEqual(schemas.find('purchase'), 'refused');
  });

  test('is refused at the start with everything that is wrong in it', async (t) => {
    const { open } = await folder(t, {
      'no-json.json': '{"type": "object",}',
      'no-schema.json': JSON.stringify({ type: 'object', properties: { a: { type: 'strnig' } } }),
      'old.json': JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#' }),
      'remote.json': JSON.stringify({ $ref: 'https://example.org/money.json' }),
      'pattern.json': JSON.stringify({ properties: { a: { pattern: '(' } } }),
      'list.json': '[]',
      'a/latest.json': '{}',
      'b.json': '{}',
      'b/1.json': '{}',
      '%zz.json': '{}',
    });
    await assert.rejects(open(), (error) => {
      assert.ok(isKeroError(error, 'schema_invalid'));
      const lines = error.message.split('\n').map((line) => line.trim());
      for (const expected of [
        /^no-json\.json: not JSON: .*position 18/,
        /^no-schema\.json: at \/properties\/a\/type: must be equal to one of the allowed values \(array, boolean, integer/,
        /^old\.json: at \/\$schema: Kero reads draft 2020-12, not "http:\/\/json-schema\.org\/draft-07\/schema#"/,
        /^remote\.json: the reference "https:\/\/example\.org\/money\.json" cannot be followed: Kero fetches no schema/,
        /^pattern\.json: Invalid regular expression: /,
        /^list\.json: not a schema: expected a JSON object/,
        /^a\/latest\.json: expected a version as its name/,
        /^b\.json: b\/1\.json is for the same event type/,
        /^%zz\.json: the name is no event type/,
      ]) {
        assert.ok(
          lines.some((line) => expected.test(line)),
          `${expected} in ${error.message}`,
        );
      }
      return true;
    });
  });

  test('is refused at the start when it is not there', async (t) => {
    const { open, directory } = await folder(t, {});
    rmSync(directory, { recursive: true });
    await assert.rejects(open(), /the folder .* cannot be read \(SCHEMAS_DIR\)/);
  });

  test('is taken over while it changes: a new version, and back', async (t) => {
    const { open, write, directory } = await folder(t, { 'view/1.json': needs('a') });
    const schemas = await open();
    write('view/2.json', needs('b'));
    await until(() => labelIn(schemas, 'view') === 'view/2');
    rmSync(join(directory, 'view/2.json'));
    await until(() => labelIn(schemas, 'view') === 'view/1');
  });

  test('is taken over although a file keeps its size', async (t) => {
    const { open, write } = await folder(t, { 'view.json': needs('a') });
    const schemas = await open();
    const before = labelIn(schemas, 'view');
    write('view.json', needs('b'));
    await until(() => labelIn(schemas, 'view') !== before);
  });

  test('a file that goes bad is told once with its place, and the good schema serves on', async (t) => {
    const { open, write, lines, told } = await folder(t, { 'view.json': needs('a'), 'login.json': needs('a') });
    const schemas = await open();
    const good = labelIn(schemas, 'view');
    write('view.json', '{"type": "object", "required": "a"}');
    const line = await told(/view\.json/);
    assert.equal(line.level, 'error');
    assert.match(line.msg, /view\.json: at \/required: must be array; the schemas that were good serve on/);
    assert.equal(labelIn(schemas, 'view'), good);
    assert.deepEqual(schemas.health(), { up: true });
    // Others change meanwhile as ever.
    write('login.json', needs('b'));
    await told(/schema login@\w+ replaces login@/);
    assert.equal(lines.filter(({ level }) => level === 'error').length, 1);
    write('view.json', needs('c'));
    await told(/all files are good again/);
    assert.notEqual(labelIn(schemas, 'view'), good);
  });

  test('a bad new version does not become the current one', async (t) => {
    const { open, write, told } = await folder(t, { 'view/1.json': needs('a') });
    const schemas = await open();
    write('view/2.json', '{');
    await told(/view\/2\.json: not JSON/);
    assert.equal(labelIn(schemas, 'view'), 'view/1');
  });

  test('a removed file takes its schema with it, in one log line', async (t) => {
    const { open, directory, told } = await folder(t, { 'view.json': needs('a'), 'login.json': needs('a') });
    const schemas = await open();
    rmSync(join(directory, 'view.json'));
    const line = await told(/was removed/);
    assert.equal(line.level, 'warn');
    assert.equal(schemas.find('view'), 'unknown');
  });

  test('a folder that is gone or empty all at once takes no schema with it', async (t) => {
    const { open, directory, told } = await folder(t, { 'view/1.json': needs('a') });
    const schemas = await open();
    renameSync(directory, `${directory}-away`);
    await told(/the folder cannot be read/);
    assert.equal(labelIn(schemas, 'view'), 'view/1');
    mkdirSync(directory);
    await told(/the folder is empty/);
    assert.equal(labelIn(schemas, 'view'), 'view/1');
    rmSync(directory, { recursive: true });
    renameSync(`${directory}-away`, directory);
    await told(/all files are good again/);
    assert.equal(labelIn(schemas, 'view'), 'view/1');
  });
});

describe('names of files', () => {
  test('any event type has a name, and the name means the type', () => {
    for (const eventType of ['purchase', 'order.paid-2_x', 'com/example', '.hidden', 'naïve ☃', 'a%2Fb', '..', 'CON']) {
      const name = nameOfEventType(eventType);
      assert.match(name, /^[A-Za-z0-9_%-][A-Za-z0-9._%-]*$/);
      assert.equal(eventTypeOfName(name), eventType);
    }
  });

  test('characters that a file name may have need no encoding', () => {
    assert.equal(eventTypeOfName('naïve ☃'), 'naïve ☃');
  });

  test('what no event can have as its type is no name', () => {
    for (const name of ['', '%zz', '%00', 'x'.repeat(129)]) assert.equal(eventTypeOfName(name), undefined);
  });
});
