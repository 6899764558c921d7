import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { EmbeddedKero } from '../support/embedded-kero.ts';
import { runKero, throwawayFolder } from '../support/kero-process.ts';
import { runSchemathesis, schemathesisProblem } from '../support/schemathesis.ts';

const problem = await schemathesisProblem();

/** Whatever is true of an answer. Not `positive_data_acceptance`: a schema cannot say that a day is in the calendar, or past. */
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'missing_required_header',
  'unsupported_method',
  'allow_header_conformance',
  'ignored_auth',
];

describe('the OpenAPI document, in the eyes of Schemathesis', { timeout: 280_000, skip: problem ?? false }, () => {
  async function examine(t: TestContext, settings: Record<string, string>, args: string[]) {
    const kero = new EmbeddedKero(t, throwawayFolder(t, 'openapi'));
    await kero.start(settings);
    const { code, output } = await runSchemathesis(
      [
        `${kero.url}/api/v1/openapi.json`,
        ...['--checks', CHECKS.join(',')],
        ...['--max-examples', '150', '--seed', '1', '--continue-on-failure', '--suppress-health-check', 'all'],
        ...args,
      ],
      { cwd: throwawayFolder(t, 'schemathesis') },
    );
    assert.equal(code, 0, output);
    const tested = Number(/(\d+) generated/.exec(output)?.[1] ?? 0);
    assert.ok(tested > 200, output);
    t.diagnostic(`${tested} requests`);
    return kero;
  }

  test('no request gets a 5xx, or an answer that is not in it; and what was accepted is stored, nothing else', async (t) => {
    const kero = await examine(t, {}, ['--phases', 'examples,coverage,fuzzing']);
    await kero.drained();
    const [events, letters] = [await kero.count('events'), await kero.count('dead_letters')];
    const { read, stored, duplicates, deadLetters } = await kero.stop();
    assert.ok(events > 0, 'some were accepted');
    assert.equal(stored, events);
    assert.equal(
      Object.values(deadLetters).reduce((sum, n) => sum + n, 0),
      letters,
    );
    assert.equal(stored + duplicates + letters, read);
    assert.deepEqual(
      Object.keys(deadLetters).filter((reason) => reason !== 'conflict'),
      [],
    );
  });

  test('with keys, no operation that wants one is served without', async (t) => {
    const folder = throwawayFolder(t, 'openapi-keys');
    const keyFile = join(folder, 'keys.json');
    const settings = { API_KEYS_FILE: keyFile };
    const { output } = await runKero(t, ['keys', 'create', '--source', 'shop'], settings);
    const key = /kero_\w+/.exec(output)?.[0] ?? assert.fail(output);
    await examine(t, settings, ['--phases', 'examples,coverage', '--header', `X-API-Key: ${key}`]);
  });
});
