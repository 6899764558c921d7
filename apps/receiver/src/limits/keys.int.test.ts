import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { type AuthUnderTest, authUnderTest } from '../auth-under-test.ts';
import { EVENT, problemOf, startTestReceiver } from '../receiver-under-test.ts';

const BODY = JSON.stringify(EVENT);
/** The file of keys is read again every now and then: waits until a key is known, without touching anybody's limits. */
async function untilKnown(t: TestContext, auth: AuthUnderTest['auth'], ...keys: string[]): Promise<void> {
  const unlimited = await startTestReceiver(t, { auth, settings: { RATE_LIMIT_FAILED_AUTH: '0' } });
  for (const text of keys) {
    while ((await unlimited.post('', bearer(text))).status === 401) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const bearer = (text: string) => ({ authorization: `Bearer ${text}` });

describe('limits of keys', () => {
  test('hold for one key, and leave others alone', async (t) => {
    const { auth, create } = await authUnderTest(t);
    const [first, second] = [await create(), await create()];
    await untilKnown(t, auth, first.text, second.text);
    const settings = { RATE_LIMIT_KEY_REQUESTS: '1', RATE_LIMIT_KEY_REQUESTS_BURST: '2' };
    const kero = await startTestReceiver(t, { auth, settings, monotonicMs: () => 0 });
    for (let n = 0; n < 2; n++) assert.equal((await kero.post(BODY, bearer(first.text))).status, 202);
    const answer = await kero.post(BODY, bearer(first.text));
    assert.match(problemOf(answer, 429, 'rate_limited').detail, /RATE_LIMIT_KEY_REQUESTS/);
    assert.equal(answer.headers.get('ratelimit'), '"key";r=0;t=1');
    assert.equal((await kero.post(BODY, bearer(second.text))).status, 202);
  });
});

describe('an address that tries out keys', () => {
  test('gets 401 up to its burst, then 429 for whatever it sends, until it has waited', async (t) => {
    const { auth, create } = await authUnderTest(t);
    const { text } = await create();
    await untilKnown(t, auth, text);
    let nowMs = 0;
    const settings = { RATE_LIMIT_FAILED_AUTH: '1', RATE_LIMIT_FAILED_AUTH_BURST: '3' };
    const kero = await startTestReceiver(t, { auth, settings, monotonicMs: () => nowMs });
    for (let n = 0; n < 3; n++) problemOf(await kero.post(BODY, bearer(`wrong-${n}`)), 401, 'unauthorized');
    const refused = await kero.post(BODY, bearer('wrong-4'));
    assert.match(problemOf(refused, 429, 'rate_limited').detail, /RATE_LIMIT_FAILED_AUTH/);
    assert.equal(refused.headers.get('retry-after'), '1');
    const lines = kero.logLines.filter(({ code }) => code === 'unauthorized' || code === 'rate_limited');
    assert.deepEqual(
      lines.map(({ level, address }) => [level, address]),
      [...new Array(3).fill(['info', '127.0.0.1']), ['debug', '127.0.0.1']],
      'the log tells who it is, and is not flooded',
    );
    problemOf(await kero.post(BODY, bearer(text)), 429, 'rate_limited');
    nowMs += 1000;
    for (let n = 0; n < 5; n++)
      assert.equal((await kero.post(BODY, bearer(text))).status, 202, 'right ones cost nothing');
    problemOf(await kero.post(BODY), 401, 'unauthorized');
    problemOf(await kero.post(BODY), 429, 'rate_limited');
    assert.equal((await kero.records()).length, 5);
  });
});
