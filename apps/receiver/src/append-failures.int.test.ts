import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { AppendError, type MessagingErrorCode, messagingError, type Producer } from '@kero/messaging';
import { httpProblems } from './http-problems.ts';
import { EVENT, postHead, problemOf, rawConnection, startTestReceiver, untilTrue } from './receiver-under-test.ts';

const BODY = JSON.stringify(EVENT);

/** The real producer, except that what `append` does is decided here. */
function withAppend(append: Producer['append']): (producer: Producer) => Producer {
  return (producer) => ({ append, health: () => producer.health(), close: () => producer.close() });
}

function failing(code: MessagingErrorCode) {
  return withAppend(async () => {
    throw new AppendError(new Map([[0, messagingError(code, 'broker kafka-7.internal:9092 said no')]]));
  });
}

describe('when the log does not take an event', () => {
  const expected: [MessagingErrorCode, status: number, code: string, retryAfter: string | null][] = [
    ['log_unavailable', 503, 'log_unavailable', '5'],
    ['log_overloaded', 503, 'log_overloaded', '1'],
    ['log_closed', 503, 'stopping', '1'],
    ['topic_missing', 503, 'log_unavailable', '5'],
    ['record_too_large', 413, 'record_too_large', null],
    ['log_refused', 500, 'log_refused', null],
  ];
  for (const [failure, status, code, retryAfter] of expected) {
    test(`with ${failure} the answer is ${status} ${code}, and nothing of the inside is told`, async (t) => {
      const kero = await startTestReceiver(t, { wrapProducer: failing(failure) });
      const answer = await kero.post(BODY);
      problemOf(answer, status, code);
      assert.equal(answer.headers.get('retry-after'), retryAfter);
      assert.doesNotMatch(answer.text, /kafka-7|9092/);
      assert.equal(kero.receiver.counts.accepted, 0);
      assert.equal(kero.receiver.counts.rejected[code as keyof typeof httpProblems], 1);
      const line = kero.logLines.find((it) => it.requestId === answer.headers.get('x-request-id'));
      assert.match(JSON.stringify(line), /kafka-7/, 'the log line tells why');
    });
  }

  test('and the driver knows when to come back, Retry-After says so in whole seconds, and never at once', async (t) => {
    let retryAfterMs = 2300;
    const wrapProducer = withAppend(async () => {
      const failure = messagingError('log_unavailable', 'the circuit is open');
      throw new AppendError(new Map([[0, failure]]), { retryAfterMs });
    });
    const kero = await startTestReceiver(t, { wrapProducer });
    assert.equal((await kero.post(BODY)).headers.get('retry-after'), '3');
    retryAfterMs = 0;
    assert.equal((await kero.post(BODY)).headers.get('retry-after'), '1');
  });

  test('because of a fault of ours the answer is 500 without a stack, and the log line has it', async (t) => {
    const wrapProducer = withAppend(async () => {
      throw new TypeError('cannot read secret of undefined');
    });
    const kero = await startTestReceiver(t, { wrapProducer });
    const answer = await kero.post(BODY);
    problemOf(answer, 500, 'internal_error');
    assert.doesNotMatch(answer.text, /secret|\.ts|at /);
    const line = kero.logLines.find((it) => it.requestId === answer.headers.get('x-request-id'));
    assert.equal(line?.level, 'error');
    assert.match(JSON.stringify(line), /cannot read secret of undefined.*append-failures/);
  });

  test('and never answers, the answer is 503 with Retry-After at the deadline', async (t) => {
    const kero = await startTestReceiver(t, {
      settings: { RECEIVER_DEADLINE: '200ms' },
      wrapProducer: withAppend(() => new Promise(() => {})),
    });
    const began = performance.now();
    const answer = await kero.post(BODY);
    const took = performance.now() - began;
    problemOf(answer, 503, 'log_unavailable');
    assert.equal(answer.headers.get('retry-after'), '5');
    assert.ok(took >= 195 && took < 2000, `${took} ms`);
    assert.equal(kero.receiver.counts.bytesInFlight, 0);
  });

  test('and confirms after the deadline, the 503 stands and nothing breaks', async (t) => {
    let confirm: (() => void) | undefined;
    const kero = await startTestReceiver(t, {
      settings: { RECEIVER_DEADLINE: '50ms' },
      wrapProducer: withAppend(() => new Promise((resolve) => (confirm = resolve))),
    });
    problemOf(await kero.post(BODY), 503, 'log_unavailable');
    confirm?.();
    assert.equal((await kero.request('/health/live')).status, 200);
    assert.equal(kero.receiver.counts.accepted, 0);
  });
});

test('the driver is told the deadline', async (t) => {
  const deadlines: number[] = [];
  const wrapProducer = withAppend(async (_, { deadlineMs }) => void deadlines.push(deadlineMs));
  const kero = await startTestReceiver(t, { settings: { RECEIVER_DEADLINE: '3s' }, wrapProducer });
  await kero.post(BODY);
  assert.deepEqual(deadlines, [3000]);
});

test('when too many bytes wait for the log, further events get 503 at once until some are answered', async (t) => {
  const waiting: (() => void)[] = [];
  const kero = await startTestReceiver(t, {
    settings: { RECEIVER_MAX_IN_FLIGHT: '4000', RECEIVER_MAX_BODY: '2000', RECEIVER_MAX_DECOMPRESSED: '2000' },
    wrapProducer: withAppend(() => new Promise((resolve) => waiting.push(resolve))),
  });
  const body = BODY.padEnd(2000, ' ');
  const first = kero.post(body);
  const second = kero.post(body);
  await untilTrue(() => waiting.length === 2);
  assert.equal(kero.receiver.counts.bytesInFlight, 4000);

  const answer = await kero.post(body);
  problemOf(answer, 503, 'overloaded');
  assert.equal(answer.headers.get('retry-after'), '1');
  assert.equal(waiting.length, 2, 'it was not given to the log');
  const client = await rawConnection(t, kero.port);
  client.send(postHead(`content-length: ${BODY.length}`));
  await client.until(/ 503 .*overloaded/s);

  for (const confirm of waiting) confirm();
  assert.deepEqual([(await first).status, (await second).status], [202, 202]);
  assert.equal(kero.receiver.counts.bytesInFlight, 0);
  const third = kero.post(body);
  await untilTrue(() => waiting.length === 3);
  waiting[2]?.();
  assert.equal((await third).status, 202);
});

test('an event whose client left while it waited for the log is still counted, and the receiver goes on', async (t) => {
  let confirm: (() => void) | undefined;
  const kero = await startTestReceiver(t, {
    wrapProducer: withAppend(() => new Promise((resolve) => (confirm = resolve))),
  });
  const client = await rawConnection(t, kero.port);
  client.send(postHead(`content-length: ${BODY.length}`) + BODY);
  await untilTrue(() => confirm !== undefined);
  const closed = once(client.socket, 'close');
  client.socket.resetAndDestroy();
  await closed;
  confirm?.();
  await untilTrue(() => kero.receiver.counts.accepted === 1);
  assert.equal(kero.receiver.counts.inFlight, 0);
});

test('while the log is down the receiver is not ready, and does not say why', async (t) => {
  const kero = await startTestReceiver(t, {
    wrapProducer: (producer) => ({
      append: (...all) => producer.append(...all),
      health: () => ({ up: false, reason: 'no broker of kafka-7 answers' }),
      close: () => producer.close(),
    }),
  });
  const ready = await kero.request('/health/ready');
  assert.equal(ready.status, 503);
  assert.equal(ready.text, '{"status":"down"}');
  assert.equal((await kero.request('/health/live')).text, '{"status":"up"}');
  assert.deepEqual(kero.health.report().parts.log, { up: false, reason: 'no broker of kafka-7 answers' });
});

test('every 503 and 429 says when to come back, and nothing else does', () => {
  for (const [code, problem] of Object.entries(httpProblems)) {
    assert.equal('retryAfterSeconds' in problem, [429, 503].includes(problem.status), code);
  }
});
