import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { EmbeddedKero } from '../support/embedded-kero.ts';
import { runKero, throwawayFolder } from '../support/kero-process.ts';
import { apicurioProblem, startApicurio } from '../support/registry/apicurio.ts';
import { waitUntil } from '../support/wait-until.ts';

const problem = await apicurioProblem();

const FIRST = {
  type: 'object',
  required: ['page'],
  properties: { page: { type: 'string' } },
  additionalProperties: false,
};
const WIDER = { ...FIRST, properties: { ...FIRST.properties, seconds: { type: 'number' } } };
const NARROWER = { ...WIDER, required: ['page', 'seconds'] };

describe('a real Schema Registry (Apicurio)', { timeout: 600_000, skip: problem ?? false }, () => {
  test('kero registers, checks and lists schemas, and checks events by them, also when it is gone', async (t) => {
    const registry = await startApicurio(t);
    const folder = throwawayFolder(t, 'schemas');
    const file = (name: string, schema: object) => {
      const path = join(folder, name);
      writeFileSync(path, JSON.stringify(schema));
      return path;
    };
    const settings = {
      SCHEMA_REGISTRY_URL: registry.url,
      SCHEMA_REGISTRY_REFRESH: '1s',
      SCHEMA_REGISTRY_TIMEOUT: '60s',
    };
    const kero = new EmbeddedKero(t, throwawayFolder(t, 'data'));
    const environment = { ...kero.environment, ...settings };
    const run = (...args: string[]) => runKero(t, args, environment);

    const registered = await run('schemas', 'register', file('view.json', FIRST));
    assert.equal(registered.code, 0, registered.output);
    assert.match(registered.output, /Registered: version 1 of incoming_events-view, id \d+/);
    const configured = await fetch(`${registry.url}/config/incoming_events-view`, {
      method: 'PUT',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ compatibility: 'BACKWARD' }),
    });
    assert.equal(configured.status, 200, await configured.text());

    const process = await kero.start(settings);
    const post = async (type: string, data: object) => {
      const event = { user_id: 'u', event_type: type, event_timestamp: new Date().toISOString(), event_data: data };
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${kero.url}/api/v1/events`, { method: 'POST', headers, body: JSON.stringify(event) });
      return { status: answer.status, text: await answer.text() };
    };
    assert.equal((await post('view', { page: '/' })).status, 202);
    const refused = await post('view', { page: '/', seconds: 1 });
    assert.equal(refused.status, 422);
    assert.match(refused.text, /"pointer":"\/event_data\/seconds","code":"unknown_member"/);
    assert.equal((await post('free', { anything: 1 })).status, 202);
    await waitUntil(async () => (await kero.count('events')) === 2);

    // What breaks is said with an example and with what is stored; the registry's own rules have the last word.
    const narrower = file('narrower.json', NARROWER);
    const checked = await run('schemas', 'check', narrower, '--type', 'view', '--recent', '10');
    assert.equal(checked.code, 1, checked.output);
    assert.match(checked.output, /against version 1 of the subject incoming_events-view: INCOMPATIBLE/);
    assert.match(checked.output, /\/event_data\/seconds {2}is required now\n.*would be refused: \{"page":"text"\}/);
    assert.match(
      checked.output,
      /stored events: of the newest one of this type 1 would be refused\n.*for example [0-9a-f-]{36}: \/event_data\/seconds/,
    );
    const notRegistered = await run('schemas', 'register', narrower, '--type', 'view');
    assert.equal(notRegistered.code, 1, notRegistered.output);
    assert.match(notRegistered.output, /Not registered: by the rules of the registry/);

    const wider = await run('schemas', 'register', file('wider.json', WIDER), '--type', 'view');
    assert.equal(wider.code, 0, wider.output);
    assert.match(wider.output, /against version 1: compatible/);
    assert.match(wider.output, /Registered: version 2/);
    const listed = await run('schemas', 'list');
    assert.match(listed.output, /^view +registry:\d+ +1 +version 2 of incoming_events-view$/m);
    // Taken over without a restart.
    await waitUntil(async () => (await post('view', { page: '/', seconds: 1 })).status === 202, { timeoutMs: 60_000 });

    await registry.stop();
    await waitUntil(
      () =>
        /schemas: the Schema Registry cannot be asked.*what is known serves on/.test(process.output()) ||
        post('view', { page: '/' }).then(() => false),
      {
        timeoutMs: 60_000,
      },
    );
    assert.equal((await post('view', { page: '/' })).status, 202);
    assert.equal((await post('view', {})).status, 422);
    const unknown = await post('new', {});
    assert.equal(unknown.status, 503);
    assert.match(unknown.text, /urn:kero:problem:schemas_unavailable/);
    assert.equal((await kero.sql("select count(*) from events where event_type = 'new'"))[0]?.[0], '0');
  });
});
