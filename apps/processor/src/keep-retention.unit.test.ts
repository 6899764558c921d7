import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EventRetention, RetentionOptions, RetentionResult } from '@kero/database';
import type { Logger } from '@kero/runtime';
import { keepRetention } from './keep-retention.ts';

/** Runs the task on the given answers; the last one stops it. */
async function run(answers: readonly (RetentionResult | Error)[], retentionMs: number | undefined = 1_000) {
  const lines: string[] = [];
  const write =
    (level: string) =>
    (...args: unknown[]) => {
      lines.push(`${level} ${args.at(-1)}`);
    };
  const logger = { info: write('info'), warn: write('warn') } as unknown as Logger;
  const calls: RetentionOptions[] = [];
  const stop = new AbortController();
  const retention: EventRetention = {
    dropExpired: async (options) => {
      const answer = answers[calls.length];
      calls.push(options);
      if (calls.length === answers.length) stop.abort();
      if (answer === undefined || answer instanceof Error) throw answer;
      return answer;
    },
  };
  await keepRetention({ retention, retentionMs, logger, now: () => 42, everyMs: 1, againMs: 1 }, stop.signal);
  return { lines, calls };
}

const done = (dropped: string[], waiting: { name: string; reason: string }[] = []): RetentionResult => ({
  outcome: 'done',
  dropped: dropped.map((name) => ({ name, bytes: 8192 })),
  waiting,
});

describe('the retention task of the processor', () => {
  test('does nothing at all without EVENTS_RETENTION', async () => {
    const never: EventRetention = { dropExpired: () => assert.fail('it must not even look') };
    const deps = { retention: never, retentionMs: undefined, logger: {} as Logger, now: Date.now };
    await keepRetention(deps, new AbortController().signal);
  });

  test('looks at once and again and again, and says each month that is gone', async () => {
    const { lines, calls } = await run([
      done(['events_2020_01', 'events_2020_02']),
      done([]),
      done(['events_2020_03']),
    ]);
    assert.deepEqual(lines, [
      'info dropped events_2020_01: it is older than EVENTS_RETENTION',
      'info dropped events_2020_02: it is older than EVENTS_RETENTION',
      'info dropped events_2020_03: it is older than EVENTS_RETENTION',
    ]);
    assert.deepEqual(
      calls.map(({ retentionMs, nowMs }) => [retentionMs, nowMs]),
      [
        [1_000, 42],
        [1_000, 42],
        [1_000, 42],
      ],
    );
  });

  test('a database that says nothing does not hold up the stop', { timeout: 5_000 }, async () => {
    const stop = new AbortController();
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    const hangs: EventRetention = {
      dropExpired: () => {
        resolve();
        return new Promise(() => {});
      },
    };
    const running = keepRetention(
      { retention: hangs, retentionMs: 1, logger: {} as Logger, now: Date.now },
      stop.signal,
    );
    await asked;
    stop.abort();
    await running;
  });

  test('goes on after an outage, and says the same trouble once', async () => {
    const waiting = { name: 'events_2020_01', reason: 'in use' };
    const { lines, calls } = await run([
      ...[new Error('down'), new Error('down'), new Error('down')],
      ...[done([], [waiting]), done([], [waiting]), done(['events_2020_01'])],
    ]);
    assert.equal(calls.length, 6);
    assert.deepEqual(lines, [
      'warn months older than EVENTS_RETENTION could not be dropped, trying again: down',
      'warn events_2020_01 is older than EVENTS_RETENTION, but could not be dropped yet: in use; trying again',
      'info dropped events_2020_01: it is older than EVENTS_RETENTION',
    ]);
  });

  test('a role that may not drop says once who may, and only where there is something to drop', async () => {
    const notOwner = { outcome: 'not_owner', role: 'kero_processor', owner: 'kero_owner' } as const;
    const expired = [{ name: 'events_2020_01', bytes: 1 }];
    const { lines } = await run([
      { ...notOwner, expired: [] },
      { ...notOwner, expired },
      { ...notOwner, expired },
    ]);
    assert.equal(lines.length, 1);
    assert.match(
      lines[0] ?? '',
      /^warn events_2020_01 is older .*kero_processor does not own.*`kero retention`.*kero_owner/,
    );
  });
});
