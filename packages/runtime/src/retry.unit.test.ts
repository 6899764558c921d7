import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import fc from 'fast-check';
import { backoffMs, sleep, withDeadline } from './retry.ts';

describe('backoffMs', () => {
  test('doubles up to the maximum and takes off at most half', () => {
    const at = (attempt: number, random: number) =>
      backoffMs(attempt, { firstMs: 100, maxMs: 1000, random: () => random });
    assert.deepEqual(
      [0, 1, 2, 3, 4, 1000].map((attempt) => at(attempt, 1)),
      [100, 200, 400, 800, 1000, 1000],
    );
    assert.deepEqual(
      [0, 1, 4].map((attempt) => at(attempt, 0)),
      [50, 100, 500],
    );
  });

  test('whatever the attempt and the numbers: between half and all of what is due, which only grows, up to the maximum', () => {
    const options = { firstMs: fc.integer({ min: 1, max: 10_000 }), factor: fc.integer({ min: 1, max: 10_000 }) };
    fc.assert(
      fc.property(fc.record(options), fc.nat(1_000_000), fc.boolean(), ({ firstMs, factor }, attempt, isDefault) => {
        const maxMs = firstMs * factor;
        const due = (at: number) => backoffMs(at, { firstMs, maxMs, random: () => 1 });
        const wait = backoffMs(attempt, { firstMs, maxMs, ...(isDefault ? {} : { random: () => 0 }) });
        assert.ok(wait >= due(attempt) / 2 && wait <= due(attempt), `${wait} of ${due(attempt)}`);
        assert.ok(due(attempt) >= firstMs && due(attempt) <= maxMs);
        assert.ok(due(attempt + 1) >= due(attempt));
        if (attempt > 30) assert.equal(due(attempt), Math.min(maxMs, firstMs * 2 ** 30));
      }),
    );
  });
});

describe('sleep', () => {
  test('returns at once, without an error, when the signal aborts', async () => {
    const controller = new AbortController();
    const sleeping = sleep(600_000, controller.signal);
    controller.abort();
    await sleeping;
    await sleep(600_000, controller.signal);
  });
});

describe('withDeadline', () => {
  test('passes a result and an error on', async () => {
    assert.equal(await withDeadline(Promise.resolve(1), 1000, () => new Error('late')), 1);
    await assert.rejects(
      withDeadline(Promise.reject(new Error('own')), 1000, () => new Error('late')),
      /own/,
    );
  });

  test('rejects at the deadline, and a later failure of the promise stays quiet', async () => {
    let fail = (_: Error) => {};
    const never = new Promise<void>((_, reject) => (fail = reject));
    await assert.rejects(
      withDeadline(never, 1, () => new Error('late')),
      /late/,
    );
    fail(new Error('much later'));
    await sleep(1);
  });

  test('whatever comes first decides, and nothing is left behind: no timer, no unhandled rejection', async () => {
    type Ending = { readonly atMs: number; readonly ok: boolean };
    const ending: fc.Arbitrary<Ending> = fc.record({ atMs: fc.integer({ min: 1, max: 100 }), ok: fc.boolean() });
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', onUnhandled);
    try {
      await fc.assert(
        fc.asyncProperty(ending, fc.integer({ min: 1, max: 100 }), async ({ atMs, ok }, deadlineMs) => {
          mock.timers.enable({ apis: ['setTimeout'] });
          try {
            const work = Promise.withResolvers<string>();
            setTimeout(() => (ok ? work.resolve('done') : work.reject(new Error('own'))), atMs);
            let late = 0;
            const outcome = withDeadline(work.promise, deadlineMs, () => new Error(`late ${++late}`)).catch(String);
            let first: [number, string] | undefined;
            for (let ms = 1; ms <= 100; ms++) {
              mock.timers.tick(1);
              await new Promise((resolve) => setImmediate(resolve));
              if (!first && (ms === atMs || ms === deadlineMs)) first = [ms, await outcome];
            }
            const own = ok ? 'done' : 'Error: own';
            if (atMs !== deadlineMs)
              assert.deepEqual(first, atMs < deadlineMs ? [atMs, own] : [deadlineMs, 'Error: late 1']);
            if (atMs < deadlineMs) assert.equal(late, 0, 'its timer is taken back');
          } finally {
            mock.timers.reset();
          }
        }),
        { numRuns: 100 },
      );
    } finally {
      process.off('unhandledRejection', onUnhandled);
    }
    assert.deepEqual(unhandled, []);
  });
});
