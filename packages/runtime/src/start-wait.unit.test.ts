import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeroError } from './errors.ts';
import { createLogger } from './logger.ts';
import { StartWait } from './start-wait.ts';

function setUp(patienceMs: number) {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line).msg) };
  const logger = createLogger({ level: 'info', format: 'json', name: 'test', destination });
  const clock = { ms: 0 };
  return { lines, clock, wait: new StartWait({ what: 'The server', logger, patienceMs, now: () => clock.ms }) };
}

const failure = new KeroError('away', { retryable: true, meaning: '', remedy: 'Start it.' }, 'no server');

test('a wait of many attempts is three lines: that it began, what to do when it lasts, and that it is over', () => {
  const { lines, clock, wait } = setUp(Number.POSITIVE_INFINITY);
  for (; clock.ms < 60_000; clock.ms += 500) {
    wait.failed('refused');
    wait.goesOn(failure);
  }
  wait.over();
  assert.deepEqual(lines, [
    'The server cannot be used yet: refused; waiting until it can',
    'no server\nStart it. This process goes on waiting, and is not ready before.',
    'The server can be used after 60 s',
  ]);
  assert.equal(wait.leftMs, Number.POSITIVE_INFINITY);
});

test('a server that is there at once is not talked about', () => {
  const { lines, wait } = setUp(15_000);
  wait.over();
  assert.deepEqual(lines, []);
});

test('a wait with an end says how long it is, and how much is left', () => {
  const { lines, clock, wait } = setUp(3000);
  wait.failed('refused');
  clock.ms = 1000;
  assert.equal(wait.leftMs, 2000);
  assert.deepEqual(lines, ['The server cannot be used yet: refused; waiting for up to 3 s']);
});
