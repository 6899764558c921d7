import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { eventIdentity } from './expected-event.ts';

interface Vector {
  readonly event: Readonly<Record<string, string>>;
  readonly default_source: string;
  readonly id: string;
}

describe('the checker is independent', () => {
  test('it imports nothing of Kero, so that a mistake of Kero cannot hide in it', () => {
    const files = globSync('**/*.ts', { cwd: import.meta.dirname }).filter((name) => !name.endsWith('.test.ts'));
    assert.ok(files.length > 10);
    for (const file of files) {
      const text = readFileSync(join(import.meta.dirname, file), 'utf8');
      const imports = [...text.matchAll(/from '([^']+)'/g)].map(([, name]) => name ?? '');
      const foreign = imports.filter((name) => /@kero|packages|apps|test\/support/.test(name));
      assert.deepEqual(foreign, [], file);
    }
  });

  test('its own identity of an event agrees with the published vectors', () => {
    const path = join(import.meta.dirname, '../../packages/events/src/identity-vectors.json');
    const vectors = JSON.parse(readFileSync(path, 'utf8')) as Vector[];
    const simple = vectors.filter(({ event }) => /Z$/.test(event.event_timestamp ?? ''));
    assert.ok(simple.length > 3);
    for (const { event, default_source, id } of simple) {
      const [, whole = '', fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(event.event_timestamp ?? '') ?? [];
      const micros = BigInt(Date.parse(`${whole}Z`)) * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, '0'));
      const found = eventIdentity({
        userId: event.user_id ?? '',
        eventType: event.event_type ?? '',
        micros: String(micros),
        source: event.source ?? default_source,
        eventId: event.event_id ?? null,
      });
      assert.equal(found, id);
    }
  });
});
