import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, type TestContext, test } from 'node:test';
import { Health } from '../health.ts';
import { Metrics } from '../metrics.ts';
import { runtimeError } from '../runtime-errors.ts';
import { WorkerLink } from './worker-link.ts';
import type { FromWorker, ToWorker } from './worker-messages.ts';

function setUp(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const said: FromWorker[] = [];
  let isConnected = true;
  let ends = 0;
  let isLoose = false;
  const loosen = () => {
    isLoose = true;
  };
  const self = Object.assign(new EventEmitter(), {
    id: 1,
    exitedAfterDisconnect: false,
    process: { channel: { unref: () => loosen() } },
    isConnected: () => isConnected,
    send: (message: FromWorker, _handle: unknown, _options: unknown, sent: () => void) => {
      said.push(message);
      sent();
      return true;
    },
  });
  const health = new Health();
  const metrics = new Metrics();
  let count = 0;
  metrics.add({ name: 'things_total', type: 'counter', help: 'Things.' }, () => count);
  metrics.add({ name: 'open', type: 'gauge', help: 'Open.' }, () => 3);
  const link = new WorkerLink({ context: { end: () => void ends++ }, health, metrics, self: self as never });
  return {
    self,
    said,
    health,
    link,
    hear: (message: ToWorker) => self.emit('message', message),
    count: (value: number) => {
      count = value;
    },
    disconnect: () => {
      isConnected = false;
      self.emit('disconnect');
    },
    get isLoose() {
      return isLoose;
    },
    get ends() {
      return ends;
    },
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** What a report says of the count. */
function counted(message: FromWorker | undefined): number | undefined {
  return message?.kind === 'report' ? message.totals[0]?.values[0]?.value : undefined;
}

describe('WorkerLink', () => {
  test('reports at once, every second, and when it is closed: with all that was counted', async (t) => {
    const { said, link, count, health } = setUp(t);
    await turn();
    assert.deepEqual(said.map(counted), [0]);
    count(1);
    health.register('log', () => ({ up: false, reason: 'away' }));
    t.mock.timers.tick(1000);
    await turn();
    assert.deepEqual(said.map(counted), [0, 1]);
    assert.ok(said[1]?.kind === 'report' && !said[1].ready.up);
    count(2);
    await link[Symbol.asyncDispose]();
    t.mock.timers.tick(5000);
    await turn();
    assert.deepEqual(said.map(counted), [0, 1, 2]);
  });

  test('says that it serves, after a report of that moment', async (t) => {
    const { said, link } = setUp(t);
    await link.serving('http://127.0.0.1:8000');
    assert.deepEqual(
      said.slice(-2).map(({ kind }) => kind),
      ['report', 'serving'],
    );
  });

  test('says why it cannot start', async (t) => {
    const { said, link } = setUp(t);
    await link.failed(runtimeError('address_in_use', 'port 8000 is taken'));
    const failed = said.find(({ kind }) => kind === 'failed');
    assert.ok(failed?.kind === 'failed');
    assert.deepEqual([failed.error.code, failed.error.message], ['address_in_use', 'port 8000 is taken']);
    assert.match(failed.error.remedy, /another port/);
  });

  test('ends its service when it is told to, and answers a scrape with all of its metrics', async (t) => {
    const worker = setUp(t);
    worker.hear({ kind: 'collect' });
    await turn();
    const answer = worker.said.find(({ kind }) => kind === 'metrics');
    assert.ok(answer?.kind === 'metrics');
    assert.deepEqual(
      answer.metrics.map(({ name }) => name),
      ['things_total', 'open'],
    );
    assert.equal(worker.ends, 0);
    worker.hear({ kind: 'stop' });
    assert.equal(worker.ends, 1);
  });

  test('the line keeps the process until it is closed, and not longer', async (t) => {
    const worker = setUp(t);
    await worker.link.serving('here');
    assert.equal(worker.isLoose, false, 'a server asks the parent for its socket, and nothing else keeps it meanwhile');
    await worker.link[Symbol.asyncDispose]();
    assert.equal(worker.isLoose, true);
  });

  test('a parent that is gone neither ends it at once, as Node would, nor is written to', async (t) => {
    const { self, said, link, disconnect } = setUp(t);
    await turn();
    disconnect();
    assert.equal(self.exitedAfterDisconnect, true);
    await link[Symbol.asyncDispose]();
    assert.equal(said.length, 1);
  });
});
