import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isKeroError } from '../errors.ts';
import { renderEnvExample, renderSettingsTables } from './describe-settings.ts';
import { loadSettings, readSettings } from './load-settings.ts';
import { setting, settingsGroup } from './setting.ts';
import { boolean, bytes, duration, hostPorts, hosts, integer, list, oneOf, text } from './setting-types.ts';

const group = settingsGroup(
  'Example',
  {
    port: setting('RECEIVER_PORT', integer(0, 65_535), { default: '8000', description: 'Port.' }),
    deadlineMs: setting('RECEIVER_DEADLINE', duration(), { default: '10s', description: 'Deadline.' }),
    password: setting('POSTGRES_PASSWORD', text(), { description: 'Password.', secret: true }),
    brokers: setting('KAFKA_BOOTSTRAP_SERVERS', hostPorts(), { description: 'Brokers | all.', example: 'a:1' }),
  },
  (values) => (values.port === 1 ? ['RECEIVER_PORT: 1 is never right'] : []),
);
const read = (environment: Record<string, string>, dotEnv?: string) =>
  readSettings({ group }, dotEnv === undefined ? { environment } : { environment, dotEnv });

describe('settings', () => {
  test('a setting that is not set has its default, or undefined', () => {
    const { values, report, problems } = read({});
    assert.deepEqual(problems, []);
    assert.equal(values.group.port, 8000);
    assert.equal(values.group.deadlineMs, 10_000);
    assert.equal(values.group.password, undefined);
    assert.deepEqual(
      report.map(({ source }) => source),
      ['default', 'default', 'not set', 'not set'],
    );
  });

  test('the environment wins over .env, .env over the default, and empty means not set', () => {
    const { values, report } = read(
      { RECEIVER_PORT: '1234', RECEIVER_DEADLINE: '' },
      'RECEIVER_PORT=1\nRECEIVER_DEADLINE=5s',
    );
    assert.equal(values.group.port, 1234);
    assert.equal(values.group.deadlineMs, 5000);
    assert.deepEqual(
      report.slice(0, 2).map(({ source }) => source),
      ['environment', '.env'],
    );
  });

  test('all mistakes come at once, each naming its setting and what is expected', () => {
    const { problems } = read({ RECEIVER_PORT: '70000', RECEIVER_DEADLINE: '10', KAFKA_BOOTSTRAP_SERVERS: 'broker' });
    assert.equal(problems.length, 3);
    assert.match(
      problems[0] ?? '',
      /RECEIVER_PORT: expected a whole number from 0 to 65535 \(found "70000", from environment\)/,
    );
    assert.match(problems[1] ?? '', /RECEIVER_DEADLINE: expected a number with a unit/);
    assert.match(problems[2] ?? '', /KAFKA_BOOTSTRAP_SERVERS: expected host:port, found "broker" without a port/);
  });

  test('loadSettings throws settings_invalid with every mistake in its message', () => {
    const load = () => loadSettings({ group }, { environment: { RECEIVER_PORT: 'x', RECEIVER_DEADLINE: 'y' } });
    assert.throws(
      load,
      (error) => isKeroError(error, 'settings_invalid') && /RECEIVER_PORT[\s\S]*RECEIVER_DEADLINE/.test(error.message),
    );
  });

  test('rules over several settings are only asked when each value is usable', () => {
    assert.deepEqual(read({ RECEIVER_PORT: '1' }).problems, ['RECEIVER_PORT: 1 is never right']);
    assert.equal(read({ RECEIVER_PORT: '1', RECEIVER_DEADLINE: 'x' }).problems.length, 1);
  });

  test('a rule may look at another group, wherever it stands, as far as it could be read', () => {
    const last = settingsGroup('Last', {
      on: setting('KERO_ON', boolean(), { default: 'false', description: 'On.' }),
      size: setting('KERO_SIZE', integer(0, 9), { default: '1', description: 'Size.' }),
    });
    const unread = settingsGroup('Unread', { more: setting('KERO_MORE', text(), { description: 'More.' }) });
    const first = settingsGroup(
      'First',
      { name: setting('KERO_NAME', text(), { default: 'x', description: 'Name.' }) },
      (_, others) => [`${others(last)?.on} ${others(last)?.size} ${others(unread)}`],
    );
    assert.deepEqual(readSettings({ first, last }, { environment: { KERO_ON: 'true' } }).problems, [
      'true 1 undefined',
    ]);
    const { problems } = readSettings({ first, last }, { environment: { KERO_ON: 'true', KERO_SIZE: '10' } });
    assert.equal(problems[1], 'true undefined undefined');
  });

  test('a secret may come from a file, is masked, and not both ways at once', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'kero-settings-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'password');
    writeFileSync(file, 's3cret\n');
    const { values, report } = read({ POSTGRES_PASSWORD_FILE: file });
    assert.equal(values.group.password, 's3cret');
    assert.equal(report[2]?.source, `file ${file}`);
    assert.doesNotMatch(JSON.stringify(report.map(({ shown }) => shown)), /s3cret/);
    assert.match(read({ POSTGRES_PASSWORD_FILE: file, POSTGRES_PASSWORD: 'x' }).problems[0] ?? '', /both set/);
    assert.match(
      read({ POSTGRES_PASSWORD_FILE: join(folder, 'none') }).problems[0] ?? '',
      /POSTGRES_PASSWORD_FILE: ENOENT/,
    );
  });

  test('a misspelt name is warned about, with the likely one', () => {
    const { warnings } = read({ RECEIVER_PROT: '1', PATH: '/bin' }, 'KAFKA_BOOTSTRAP_SERVER=a:1');
    assert.equal(warnings.length, 2);
    assert.match(warnings[0] ?? '', /RECEIVER_PROT is not a setting of Kero.*did you mean RECEIVER_PORT\?/);
    assert.match(warnings[1] ?? '', /did you mean KAFKA_BOOTSTRAP_SERVERS\?/);
  });

  test('an unknown name that is near no setting is only warned about by a process that knows them all', () => {
    const environment = { EVENTS_OF_SOMEBODY_ELSE: 'x' };
    assert.deepEqual(readSettings({ group }, { environment }).warnings, []);
    assert.equal(readSettings({ group }, { environment }, { complete: true }).warnings.length, 1);
  });
});

describe('setting types', () => {
  const refused = (type: { parse: (input: string) => unknown }, ...inputs: string[]) => {
    for (const input of inputs) assert.throws(() => type.parse(input), `"${input}" must be refused`);
  };

  test('integer takes whole numbers in its range only', () => {
    assert.equal(integer(0, 10).parse('10'), 10);
    refused(integer(0, 10), '11', '-1', '1.5', '1e1', ' 1', '', '0x1');
  });

  test('duration needs a unit and gives milliseconds', () => {
    assert.equal(duration().parse('250ms'), 250);
    assert.equal(duration().parse('10s'), 10_000);
    assert.equal(duration().parse('7d'), 7 * 86_400_000);
    refused(duration(), '10', '-1s', '1.5h', '1w', 's');
    refused(duration(1000), '999ms');
  });

  test('bytes takes plain numbers and binary units', () => {
    assert.equal(bytes(0, 2 ** 40).parse('1024'), 1024);
    assert.equal(bytes(0, 2 ** 40).parse('256KiB'), 262_144);
    assert.equal(bytes(0, 2 ** 40).parse('10MiB'), 10_485_760);
    refused(bytes(10, 100), '9', '101', '1KB', '1.5MiB');
  });

  test('boolean and oneOf take their words only', () => {
    assert.equal(boolean().parse('true'), true);
    refused(boolean(), '1', 'yes', 'TRUE');
    assert.equal(oneOf('a', 'b').parse('b'), 'b');
    refused(oneOf('a', 'b'), 'c', 'A');
  });

  test('lists drop blanks and empty items', () => {
    assert.deepEqual(list().parse(' a, b ,,c '), ['a', 'b', 'c']);
    assert.deepEqual(list().parse(''), []);
  });

  test('hosts may have a port, host:port items must', () => {
    assert.deepEqual(hosts().parse('db1,db2:5433,[::1]:1'), [
      { host: 'db1', port: undefined },
      { host: 'db2', port: 5433 },
      { host: '::1', port: 1 },
    ]);
    assert.deepEqual(hostPorts().parse('k1:9092, k2:9093'), [
      { host: 'k1', port: 9092 },
      { host: 'k2', port: 9093 },
    ]);
    refused(hostPorts(), '', 'k1', 'k1:0', 'k1:70000', 'http://k1:1', 'k1:1:2');
  });
});

test('the example file and the tables name every setting once', () => {
  assert.equal(renderEnvExample([group]).match(/^#[A-Z_]+=/gm)?.length, 4);
  assert.match(renderEnvExample([group]), /^#KAFKA_BOOTSTRAP_SERVERS=a:1$/m);
  assert.match(renderSettingsTables([group]), /\| `POSTGRES_PASSWORD` \| text, secret \| {2}\| Password. \|/);
  assert.match(renderSettingsTables([group]), /Brokers \\\| all\./);
});
