import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { createLogger, loadSettings } from '@kero/runtime';
import { allGroups } from '../../all-settings.ts';
import { type CommandContext, CommandRefused, type CommandResult } from '../../run-command.ts';
import { checkSchemas } from './check.ts';
import { listSchemas } from './list.ts';
import { checkRecentEvents } from './recent-events.ts';
import { readTarget } from './schema-target.ts';

const PAGE = { type: 'object', properties: { page: { type: 'string' } } };
const NEEDS_PAGE = { ...PAGE, required: ['page'] };

function setUp(t: TestContext, files: Record<string, unknown>, environment: Record<string, string> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'kero-cli-schemas-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const write = (name: string, schema: unknown) => {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof schema === 'string' ? schema : JSON.stringify(schema));
    return path;
  };
  for (const [name, schema] of Object.entries(files)) write(name, schema);
  const contextWith = (more: Record<string, string>): CommandContext => {
    const logger = createLogger({ level: 'silent', format: 'json', name: 'test' });
    const { values } = loadSettings(allGroups, { environment: { KERO_DATA_DIR: join(directory, 'none'), ...more } });
    return { settings: values, logger, process: undefined as never };
  };
  return { directory, write, contextWith, context: contextWith(environment) };
}

function textOf(result: CommandResult): { text: string; failed: boolean } {
  return typeof result === 'string' ? { text: result, failed: false } : result;
}

describe('kero schemas check', () => {
  test('compares the newest version of each type with the one before it', async (t) => {
    const files = { 'view/1.json': PAGE, 'view/2.json': NEEDS_PAGE, 'login/9.json': PAGE, 'login/10.json': {} };
    const { directory, context } = setUp(t, files);
    const { text, failed } = textOf(await checkSchemas(directory, {}, context));
    assert.ok(failed);
    assert.match(text, /^login .*login\/10\.json\)\n {2}against .*login\/9\.json: compatible/m);
    assert.match(
      text,
      /view\/1\.json: INCOMPATIBLE\n {4}\/event_data\/page {2}is required now\n {6}was accepted.*: \{\}$/m,
    );
    assert.match(text, /stored events were not looked at: there is no embedded PostgreSQL/);
  });

  test('compares with a file that is named, with the folder of the settings, and with what is built in', async (t) => {
    const { write, contextWith, directory } = setUp(t, { 'used/view.json': PAGE });
    const changed = write('changed/view.json', NEEDS_PAGE);
    const against = await checkSchemas(changed, { against: join(directory, 'used/view.json') }, contextWith({}));
    assert.match(textOf(against).text, /INCOMPATIBLE/);
    const used = contextWith({ SCHEMAS_DIR: join(directory, 'used') });
    assert.match(textOf(await checkSchemas(changed, {}, used)).text, /used\/view\.json: INCOMPATIBLE/);
    const purchase = write('purchase.json', { type: 'object', required: ['sku'] });
    assert.match(textOf(await checkSchemas(purchase, {}, contextWith({}))).text, /against built in: INCOMPATIBLE/);
    const alone = textOf(await checkSchemas(write('new.json', PAGE), {}, contextWith({})));
    assert.match(alone.text, /there is no schema before it/);
    assert.ok(!alone.failed);
  });

  test('what cannot be told fails only where that is asked for', async (t) => {
    const pattern = (text: string) => ({ properties: { a: { type: 'string', pattern: text } } });
    const files = { 'view/1.json': pattern('^(?=.*7)[q-z7]{9}$'), 'view/2.json': pattern('^(?=.*7)[q-y7]{9}$') };
    const { directory, context } = setUp(t, files);
    const lenient = textOf(await checkSchemas(directory, {}, context));
    assert.match(lenient.text, /cannot be told/);
    assert.ok(!lenient.failed);
    assert.ok(textOf(await checkSchemas(directory, { strict: true }, context)).failed);
  });

  test('refuses what is no schema, and a folder in which something is wrong', async (t) => {
    const { directory, write, context } = setUp(t, { 'a.json': PAGE, 'a/1.json': PAGE });
    const refusal = (pattern: RegExp) => (error: unknown) =>
      error instanceof CommandRefused && pattern.test(error.message);
    await assert.rejects(checkSchemas(directory, {}, context), refusal(/for the same event type/));
    await assert.rejects(
      checkSchemas(write('b.json', '{'), {}, context),
      refusal(/b\.json cannot be used:\n {2}not JSON/),
    );
    await assert.rejects(checkSchemas(join(directory, 'c.json'), {}, context), refusal(/c\.json cannot be read/));
  });

  test('when stored events are asked for by name, not being able to look at them is a failure', async (t) => {
    const { directory, context } = setUp(t, { 'view.json': PAGE });
    await assert.rejects(checkSchemas(directory, { recent: 5 }, context), /no embedded PostgreSQL/);
    assert.ok(!textOf(await checkSchemas(directory, { recent: 0 }, context)).failed);
  });
});

test('stored events that a schema would refuse are counted, with an example; the type is not taken for SQL', async (t) => {
  const { write } = setUp(t, {});
  const target = await readTarget(write('view.json', NEEDS_PAGE), "o'clock; drop table events");
  let asked = '';
  const query = async (sql: string) => {
    asked = sql;
    const rows = [
      ['id-1', '{"page":"/"}'],
      ['id-2', '{}'],
      ['id-3', '{"page":1}'],
    ];
    return { columns: ['id', 'event_data'], rows, command: 'SELECT', rowCount: 3 };
  };
  const found = await checkRecentEvents({ query }, target, 10);
  assert.deepEqual(found, {
    looked: 3,
    refused: 2,
    example: { id: 'id-2', problem: '/event_data/page: This member is required. [missing_member]' },
  });
  assert.doesNotMatch(asked, /drop|clock/);
});

test('kero schemas list tells types, versions and what cannot be used', async (t) => {
  const { contextWith, directory } = setUp(t, { 's/view/1.json': PAGE, 's/view/2.json': PAGE, 's/bad.json': '[' });
  const { text, failed } = textOf(await listSchemas(contextWith({ SCHEMAS_DIR: join(directory, 's') })));
  assert.ok(failed);
  assert.match(text, /^view +view\/2 +1 +view\/2\.json$/m);
  assert.match(text, /^purchase +built-in:purchase +built in$/m);
  assert.match(text, /Cannot be used:\n {2}bad\.json: not JSON/);
});
