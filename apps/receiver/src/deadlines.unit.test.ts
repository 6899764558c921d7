import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Deadlines } from './deadlines.ts';

/** Deadlines of 100 ms, and a clock that only moves when it is told to. */
function setUp(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let nowMs = 5000.25;
  const over: string[] = [];
  const deadlines = new Deadlines(100, () => nowMs);
  return {
    deadlines,
    over,
    start: (name: string) => deadlines.start(() => over.push(name)),
    pass(ms: number) {
      for (let passed = 0; passed < ms; passed++) {
        nowMs++;
        t.mock.timers.tick(1);
      }
    },
  };
}

test('each deadline is over after its time, in their order', (t) => {
  const { start, over, pass } = setUp(t);
  start('a');
  pass(60);
  start('b');
  start('c');
  pass(39);
  assert.deepEqual(over, []);
  pass(2);
  assert.deepEqual(over, ['a']);
  pass(57);
  assert.deepEqual(over, ['a']);
  pass(3);
  assert.deepEqual(over, ['a', 'b', 'c']);
});

test('what was cleared is never over, and those behind it are', (t) => {
  const { start, deadlines, over, pass } = setUp(t);
  const a = start('a');
  pass(10);
  start('b');
  deadlines.clear(a);
  pass(200);
  assert.deepEqual(over, ['b']);
});

test('one that begins long after the others is over in time, too', (t) => {
  const { start, deadlines, over, pass } = setUp(t);
  deadlines.clear(start('a'));
  pass(90);
  start('b');
  pass(99);
  assert.deepEqual(over, []);
  pass(2);
  assert.deepEqual(over, ['b']);
  pass(500);
  start('c');
  pass(101);
  assert.deepEqual(over, ['b', 'c']);
});

test('what was cleared does not keep the process', () => {
  const deadlines = new Deadlines(600_000);
  const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  deadlines.clear(deadlines.start(() => {}));
  assert.equal(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length, before);
});

test('what was cleared refers to nothing any more, whoever still refers to it', (t) => {
  const { start, deadlines } = setUp(t);
  const cleared = start('a');
  assert.notEqual(cleared.onOver, undefined);
  deadlines.clear(cleared);
  assert.equal(cleared.onOver, undefined);
});

test('whichever are cleared, in whichever order and also twice, the others are over in their order', (t) => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  for (let chosen = 0; chosen < 2 ** names.length; chosen++) {
    const { start, deadlines, over, pass } = setUp(t);
    const all = names.map((name) => ({ name, deadline: start(name) }));
    const cleared = all.filter((_, index) => chosen & (1 << index));
    if (chosen % 3 === 0) cleared.reverse();
    for (const { deadline } of [...cleared, ...cleared.slice(0, 2)]) deadlines.clear(deadline);
    start('f');
    pass(102);
    const rest = all.filter((one) => !cleared.includes(one)).map(({ name }) => name);
    assert.deepEqual(over, [...rest, 'f']);
    t.mock.timers.reset();
  }
});
