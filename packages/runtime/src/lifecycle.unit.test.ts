import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, test } from 'node:test';
import { KeroError } from './errors.ts';
import { aborted, type ProcessLike, runService } from './lifecycle.ts';
import { createLogger } from './logger.ts';
import { throwIfStopped, unlessStopped } from './stopped.ts';

function setUp() {
  const lines: string[] = [];
  const exits: number[] = [];
  const emitter = new EventEmitter();
  const process = Object.assign(emitter, { exit: (code: number) => void exits.push(code) }) as unknown as ProcessLike;
  const logger = createLogger({
    level: 'info',
    format: 'json',
    name: 'test',
    destination: { write: (line) => void lines.push(line) },
  });
  return { lines, exits, emitter, options: { process, logger, shutdownTimeoutMs: 10_000 } };
}

describe('runService', () => {
  test('a signal stops it, and what was opened is closed in reverse order', async () => {
    const { emitter, options, exits } = setUp();
    const closed: string[] = [];
    const running = runService(options, async ({ stop, resources }) => {
      resources.defer(() => void closed.push('opened first'));
      resources.defer(() => void closed.push('opened second'));
      await aborted(stop);
      closed.push('main');
    });
    emitter.emit('SIGTERM');
    assert.equal(await running, 0);
    assert.deepEqual(closed, ['main', 'opened second', 'opened first']);
    assert.deepEqual(exits, []);
    assert.equal(emitter.eventNames().length, 0, 'no listener is left behind');
  });

  test('the same signal twice within a second is one signal: Ctrl-C arrives through npm as well', async () => {
    const { emitter, options, exits } = setUp();
    const running = runService(options, async ({ stop }) => aborted(stop));
    emitter.emit('SIGINT');
    emitter.emit('SIGINT');
    assert.equal(await running, 0);
    assert.deepEqual(exits, []);
  });

  test('a second signal later than a second forces the end', async (t) => {
    const { emitter, options, exits, lines } = setUp();
    let now = 5000;
    t.mock.method(performance, 'now', () => now);
    let finish = () => {};
    let forced = 0;
    const running = runService(options, ({ onForce }) => {
      onForce(() => void forced++);
      return new Promise<void>((resolve) => (finish = resolve));
    });
    emitter.emit('SIGINT');
    assert.equal(forced, 0);
    now += 1001;
    emitter.emit('SIGINT');
    assert.deepEqual(exits, [1]);
    assert.equal(forced, 1, 'what would outlive it has been told');
    assert.match(lines.join(''), /second SIGINT: ending by force/);
    finish();
    await running;
  });

  test('the shutdown time-out forces the end', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { emitter, options, exits, lines } = setUp();
    let finish = () => {};
    const running = runService(options, () => new Promise<void>((resolve) => (finish = resolve)));
    emitter.emit('SIGTERM');
    t.mock.timers.tick(9999);
    assert.deepEqual(exits, []);
    t.mock.timers.tick(1);
    assert.deepEqual(exits, [1]);
    assert.match(lines.join(''), /not stopped within 10000 ms/);
    finish();
    await running;
  });

  test('an error at start ends with 1, closes what was opened, and says what to do', async () => {
    const { options, lines } = setUp();
    let closed = false;
    const definition = { retryable: false, meaning: '', remedy: 'Turn it off and on.' };
    const code = await runService(options, async ({ resources }) => {
      resources.defer(() => {
        closed = true;
      });
      throw new KeroError('broken', definition, 'it is broken', { cause: new Error('the reason') });
    });
    assert.equal(code, 1);
    assert.ok(closed);
    assert.match(lines.join(''), /it is broken: the reason\\nTurn it off and on\./);
  });

  test('fail() stops the service and makes it end with 1; end() stops it with 0', async () => {
    const { options } = setUp();
    assert.equal(
      await runService(options, async ({ stop, fail }) => {
        fail(new Error('a part failed'));
        await aborted(stop);
      }),
      1,
    );
    assert.equal(
      await runService(options, async ({ stop, end }) => {
        end();
        await aborted(stop);
      }),
      0,
    );
  });
});

describe('a service that has failed', () => {
  test('does not hang in closing what does not close: it is ended by force, and the last lines say why', async () => {
    const { options, lines, exits } = setUp();
    void runService({ ...options, shutdownTimeoutMs: 50 }, async ({ resources }) => {
      resources.defer(() => new Promise<void>(() => {}));
      throw new KeroError('stalled', { retryable: true, meaning: '', remedy: 'start it again' }, 'nothing moves');
    });
    while (exits.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(exits, [1]);
    assert.match(lines.at(-2) ?? '', /nothing moves.*start it again/);
    assert.match(lines.at(-1) ?? '', /not stopped within 50 ms: ending by force/);
  });
});

describe('a service that is told to stop while it starts', () => {
  test('ends in order, without waiting for what it waits for', async () => {
    const { emitter, options, lines } = setUp();
    const running = runService(options, async ({ stop }) => {
      await unlessStopped(new Promise<never>(() => {}), stop);
    });
    emitter.emit('SIGINT');
    assert.equal(await running, 0);
    assert.doesNotMatch(lines.join(''), /fatal/);
  });

  test('goes no further at the next step', async () => {
    const { emitter, options } = setUp();
    const steps: string[] = [];
    const running = runService(options, async ({ stop }) => {
      for (const step of ['first', 'second']) {
        throwIfStopped(stop);
        steps.push(step);
        await unlessStopped(Promise.resolve(), stop);
        emitter.emit('SIGINT');
      }
    });
    assert.equal(await running, 0);
    assert.deepEqual(steps, ['first']);
  });

  test('fails when something else went wrong', async () => {
    const { emitter, options } = setUp();
    const running = runService(options, async ({ stop }) => {
      emitter.emit('SIGINT');
      await unlessStopped(Promise.reject(new Error('late')), stop).catch(() => {});
      throw new Error('the disk is full');
    });
    assert.equal(await running, 1);
  });
});
