import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { isKeroError } from '../errors.ts';
import { WorkerPool } from './worker-pool.ts';
import { counter, type FakeWorker, fakeWorkers } from './workers-under-test.ts';

const CRASH = { code: null, signal: 'SIGKILL' };
const DONE = { code: 0, signal: null };

function setUp(t: TestContext, count = 2) {
  let now = 1000;
  t.mock.method(performance, 'now', () => now);
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const { workers, fork, logger, lines } = fakeWorkers();
  const failures: unknown[] = [];
  const served: string[] = [];
  const pool = new WorkerPool({
    count,
    fork,
    logger,
    onServing: (where) => void served.push(where),
    onReport: () => {},
    onFailure: (error) => void failures.push(error),
  });
  return {
    pool,
    workers,
    lines,
    failures,
    served,
    worker: (number: number): FakeWorker => {
      const found = workers[number - 1];
      assert.ok(found, `there is no worker ${number}`);
      return found;
    },
    pass: (ms: number) => {
      now += ms;
      t.mock.timers.tick(ms);
    },
  };
}

/** Serving workers. */
function running(t: TestContext, count = 2) {
  const all = setUp(t, count);
  all.pool.start();
  for (let number = 1; number <= count; number++) all.worker(number).serve();
  return all;
}

describe('WorkerPool', () => {
  test('the others start when the first one serves', (t) => {
    const { pool, workers, worker, served } = setUp(t, 3);
    pool.start();
    worker(1).report();
    assert.equal(workers.length, 1);
    worker(1).serve('port 1');
    assert.equal(workers.length, 3);
    worker(2).serve('port 1');
    assert.equal(workers.length, 3);
    assert.deepEqual(served, ['port 1', 'port 1']);
  });

  test('what keeps the first one from starting ends the pool, in its own words', (t) => {
    const { pool, workers, worker, failures, pass } = setUp(t);
    pool.start();
    worker(1).report();
    const error = { code: 'address_in_use', message: 'port 8000 is taken', remedy: 'Stop it.', retryable: false };
    worker(1).say({ kind: 'failed', error });
    worker(1).end({ code: 1, signal: null });
    pass(60_000);
    assert.equal(workers.length, 1);
    const [failure] = failures;
    assert.ok(isKeroError(failure, 'address_in_use'));
    assert.deepEqual([failure.message, failure.remedy], ['port 8000 is taken', 'Stop it.']);
  });

  test('a first one that dies without a word ends the pool with how it died', (t) => {
    const { pool, worker, failures } = setUp(t);
    pool.start();
    worker(1).end(CRASH);
    assert.ok(isKeroError(failures[0], 'worker_failed'));
    assert.match(failures[0].message, /worker 1 ended \(SIGKILL\)/);
  });

  test('one that dies is replaced after a moment, with one line that says why', (t) => {
    const { workers, worker, lines, pass, pool, failures } = running(t);
    worker(2).end(CRASH);
    assert.equal(workers.length, 2, 'not at once');
    assert.equal(pool.workers.length, 1);
    pass(1000);
    assert.equal(workers.length, 3);
    worker(3).serve();
    assert.equal(pool.workers.length, 2);
    assert.equal(pool.restarts, 1);
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /^worker 2 ended \(SIGKILL\): starting another in \d+ ms$/);
    assert.deepEqual(failures, []);
  });

  test('short lives: longer and longer waits while another one serves, the end when none does', (t) => {
    const { workers, worker, pass, failures } = running(t);
    const waits: number[] = [];
    for (let lives = 0; lives < 8; lives++) {
      const before = workers.length;
      worker(before === 2 ? 2 : before).end({ code: 1, signal: null });
      let waited = 0;
      for (; workers.length === before; waited += 100) pass(100);
      waits.push(waited);
    }
    assert.ok((waits[0] ?? 0) <= 1000, `${waits}`);
    assert.ok((waits[7] ?? 0) >= 15_000 && (waits[7] ?? 0) <= 30_100, `${waits}`);
    assert.deepEqual(failures, [], 'worker 1 serves');
    // Long-lived: not counted.
    worker(1).end(CRASH);
    assert.deepEqual(failures, []);
    worker(workers.length).end(CRASH);
    assert.equal(failures.length, 1);
  });

  test('a place that waits goes on waiting when another worker begins to serve', (t) => {
    const { workers, worker, pass } = running(t);
    for (let lives = 0; lives < 4; lives++) {
      worker(lives === 0 ? 2 : workers.length).end(CRASH);
      if (lives < 3) for (const before = workers.length; workers.length === before; ) pass(100);
    }
    const before = workers.length;
    worker(1).end(CRASH);
    pass(1000);
    assert.equal(workers.length, before + 1);
    worker(workers.length).serve();
    assert.equal(workers.length, before + 1);
  });

  test('one that was well for long is no short life', (t) => {
    const { workers, worker, pass, failures } = running(t, 1);
    for (let lives = 0; lives < 10; lives++) {
      pass(61_000);
      worker(workers.length).report();
      worker(workers.length).end(CRASH);
      pass(1000);
      worker(workers.length).serve();
    }
    assert.deepEqual(failures, []);
    assert.equal(workers.length, 11);
  });

  test('a stop tells all, waits for all, and starts none', async (t) => {
    const { pool, workers, worker, pass } = running(t, 3);
    worker(3).end(CRASH);
    let isOver = false;
    const stopped = pool.stop().then(() => {
      isOver = true;
    });
    assert.deepEqual([worker(1).heard, worker(2).heard], [['stop'], ['stop']]);
    pass(60_000);
    assert.equal(workers.length, 3, 'the third one is not replaced any more');
    worker(1).end(DONE);
    await Promise.resolve();
    assert.equal(isOver, false);
    worker(2).end(DONE);
    await stopped;
    await pool.stop();
  });

  test('one that cannot hear yet is told to stop when it can', async (t) => {
    const { pool, worker } = setUp(t);
    pool.start();
    const stopped = pool.stop();
    assert.deepEqual(worker(1).heard, []);
    worker(1).report();
    assert.deepEqual(worker(1).heard, ['stop']);
    worker(1).end(DONE);
    await stopped;
  });

  test('one that a signal ends before it could hear is no failure of a stop', async (t) => {
    const { pool, worker } = setUp(t);
    pool.start();
    const stopped = pool.stop();
    worker(1).end({ code: null, signal: 'SIGINT' });
    await stopped;
  });

  test('one that had to end by force is a failure of a stop', async (t) => {
    const { pool, worker } = running(t);
    const stopped = pool.stop();
    worker(1).end({ code: 1, signal: null });
    worker(2).end(DONE);
    await assert.rejects(stopped, (error) => isKeroError(error, 'worker_failed'));
  });

  test('one that says nothing is stuck, then killed; time in which this process slept does not count', (t) => {
    const { pool, worker, lines, pass } = running(t);
    const seconds = (count: number) => {
      for (let second = 0; second < count; second++) {
        pass(1000);
        worker(1).report();
      }
    };
    seconds(9);
    assert.deepEqual(pool.stuck, []);
    seconds(1);
    assert.deepEqual(
      pool.stuck.map(({ id }) => id),
      [2],
    );
    worker(2).report();
    assert.deepEqual(pool.stuck, []);
    t.mock.method(performance, 'now', () => 10_000_000);
    seconds(29);
    assert.deepEqual(worker(2).heard, []);
    seconds(1);
    assert.deepEqual(worker(2).heard, ['SIGKILL']);
    assert.match(lines.join(), /worker 2 has said nothing for 30 s: killing it/);
  });

  test('what ended ones have counted stays in the sum', async (t) => {
    const { pool, worker } = running(t, 2);
    worker(2).report(undefined, [counter('a', 5)]);
    worker(2).end(CRASH);
    const collecting = pool.collect();
    worker(1).say({ kind: 'metrics', metrics: [counter('a', 2)] });
    const collected = await collecting;
    assert.deepEqual(
      collected.flat().map(({ name, values }) => [name, values[0]?.value]),
      [
        ['a', 2],
        ['a', 5],
      ],
    );
  });

  test('one that ends during a scrape is counted once', async (t) => {
    const { pool, worker } = running(t, 1);
    worker(1).report(undefined, [counter('a', 5)]);
    const collecting = pool.collect();
    worker(1).end(CRASH);
    assert.deepEqual(
      (await collecting).flat().map(({ values }) => values[0]?.value),
      [5],
    );
  });

  test('a scrape shows what was last known of one that does not answer', async (t) => {
    const { pool, worker, pass } = running(t, 1);
    worker(1).report(undefined, [counter('a', 7)]);
    const collecting = pool.collect();
    pass(2000);
    assert.equal((await collecting).flat()[0]?.values[0]?.value, 7);
  });
});
