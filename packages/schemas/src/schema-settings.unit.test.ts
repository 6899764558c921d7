import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isKeroError, loadSettings } from '@kero/runtime';
import { eventTypeOf, type SchemaConfig, schemaConfig, schemaSettings, subjectOf } from './schema-settings.ts';

function configOf(environment: Record<string, string>): SchemaConfig {
  const { values } = loadSettings({ schemas: schemaSettings }, { environment });
  return schemaConfig(values.schemas, { topic: 'incoming_events' });
}

function registryOf(environment: Record<string, string>) {
  const config = configOf({ SCHEMA_REGISTRY_URL: 'http://registry:8081/', ...environment });
  assert.ok(config.driver === 'registry');
  return config;
}

describe('where schemas come from', () => {
  test('is told by the settings: nothing, a folder, a registry', () => {
    assert.deepEqual(configOf({}), { driver: 'built_in', unknownTypes: 'accept' });
    assert.deepEqual(configOf({ SCHEMAS_DIR: 's', SCHEMA_UNKNOWN_TYPES: 'refuse' }), {
      driver: 'folder',
      unknownTypes: 'refuse',
      directory: 's',
    });
    assert.deepEqual(registryOf({ SCHEMA_REGISTRY_USERNAME: 'u', SCHEMA_REGISTRY_PASSWORD: 'p:w' }), {
      driver: 'registry',
      unknownTypes: 'accept',
      url: 'http://registry:8081',
      credentials: { username: 'u', password: 'p:w' },
      subject: { before: 'incoming_events-', behind: '' },
      timeoutMs: 3000,
      refreshMs: 30_000,
    });
  });

  const mistakes: [Record<string, string>, RegExp][] = [
    [{ SCHEMAS_DIR: 's', SCHEMA_REGISTRY_URL: 'http://r' }, /SCHEMA_REGISTRY_URL: SCHEMAS_DIR is set too/],
    [{ SCHEMA_REGISTRY_URL: 'registry:8081' }, /expected a URL that begins with http/],
    [{ SCHEMA_REGISTRY_URL: 'http://u:p@r' }, /use SCHEMA_REGISTRY_USERNAME/],
    [{ SCHEMA_REGISTRY_URL: 'http://r/?a=b' }, /must end with its path/],
    [{ SCHEMA_REGISTRY_SUBJECT: 'all' }, /must contain \{event_type\}/],
    [{ SCHEMA_REGISTRY_PASSWORD: 'p' }, /set both, or none/],
    [{ SCHEMA_REGISTRY_USERNAME: 'a:b', SCHEMA_REGISTRY_PASSWORD: 'p' }, /no colon/],
  ];
  for (const [environment, expected] of mistakes) {
    test(`${Object.keys(environment).join(' with ')} cannot be ${Object.values(environment).join(' and ')}`, () => {
      assert.throws(
        () => configOf(environment),
        (error) => isKeroError(error, 'settings_invalid') && expected.test(error.message),
      );
    });
  }
});

describe('subjects', () => {
  test('have the name that the pattern gives, and give the type back', () => {
    const { subject } = registryOf({ SCHEMA_REGISTRY_SUBJECT: '{topic}.{event_type}-value' });
    assert.equal(subjectOf(subject, 'order-value'), 'incoming_events.order-value-value');
    assert.equal(eventTypeOf(subject, 'incoming_events.order-value-value'), 'order-value');
  });

  test('of other names are none of ours', () => {
    const { subject } = registryOf({});
    assert.equal(eventTypeOf(subject, 'other_topic-view'), undefined);
    assert.equal(eventTypeOf(subject, 'incoming_events-'), undefined);
  });

  test('keep what the type contains, also where it looks like a pattern', () => {
    const { subject } = registryOf({});
    assert.equal(subjectOf(subject, '{topic}{event_type}$&'), 'incoming_events-{topic}{event_type}$&');
  });
});
