import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Health, type HealthReport } from '../health.ts';
import { WorkerPool } from './worker-pool.ts';
import { WorkersHealth } from './workers-health.ts';
import { fakeWorkers } from './workers-under-test.ts';

const report = (log: boolean, auth: boolean): HealthReport => ({
  up: log && auth,
  parts: {
    process: { up: true },
    log: log ? { up: true } : { up: false, reason: 'the brokers do not answer' },
    auth: auth ? { up: true } : { up: false, reason: 'the keys are too old' },
  },
});

test('ready when one worker is, each part shown once; not when none is, or one is stuck', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { workers, fork, logger } = fakeWorkers();
  const health = new Health();
  const pool: WorkerPool = new WorkerPool({
    count: 2,
    fork,
    logger,
    onServing: () => {},
    onReport: () => ofWorkers.update(),
    onFailure: (error) => assert.fail(String(error)),
  });
  const ofWorkers = new WorkersHealth(health, pool);
  assert.deepEqual(health.report(), { up: false, parts: { workers: { up: false, reason: 'no worker is ready' } } });
  pool.start();
  workers[0]?.serve();
  const [one, two] = workers;
  assert.ok(one && two);
  assert.deepEqual(health.report(), { up: true, parts: { workers: { up: true }, log: { up: true } } });

  one.report(report(false, true));
  two.report(report(true, true));
  assert.equal(health.report().up, true);

  two.report(report(false, true));
  assert.deepEqual(health.report().parts, {
    workers: { up: false, reason: 'no worker is ready' },
    log: { up: false, reason: 'the brokers do not answer' },
    auth: { up: true },
  });

  // Each part is up for somebody, and nobody is ready.
  two.report(report(true, false));
  assert.equal(health.report().up, false);

  one.report(report(true, true));
  assert.equal(health.report().up, true);
  for (let second = 0; second < 10; second++) {
    t.mock.timers.tick(1000);
    one.report(report(true, true));
  }
  assert.deepEqual(health.report().parts.workers, { up: false, reason: 'worker 2 has said nothing for 10 s' });

  two.end({ code: null, signal: 'SIGKILL' });
  assert.equal(health.report().up, true, 'the other one serves');
});
