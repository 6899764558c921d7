import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLogger } from '@kero/runtime';
import fc from 'fast-check';
import { type CircuitProducer, withCircuit } from './circuit-breaker.ts';
import type { AppendOptions, NewRecord, Producer } from './messaging.ts';
import { AppendError, type MessagingErrorCode, messagingError } from './messaging-errors.ts';

const RECORD: NewRecord = { key: Buffer.from('k'), value: Buffer.from('v'), headers: [] };
const MAX_OPEN_MS = 5000;
const DEADLINE_MS = 10_000;
const TRIAL_LOST_MS = DEADLINE_MS + 1000;

interface OpenCall {
  readonly options: AppendOptions;
  readonly records: number;
  confirm(): void;
  fail(code?: MessagingErrorCode, indexes?: readonly number[]): void;
}

/** A producer whose calls the test ends, a clock that it moves, and the circuit before them. */
function setUp() {
  let now = 0;
  const calls: OpenCall[] = [];
  const lines: { level: string; msg: string }[] = [];
  let health: ReturnType<Producer['health']> = { up: true };
  const producer: Producer = {
    append: (records, options) =>
      new Promise((resolve, reject) => {
        calls.push({
          options,
          records: records.length,
          confirm: resolve,
          fail: (code = 'log_unavailable', indexes = [...records.keys()]) =>
            reject(
              new AppendError(new Map(indexes.map((index) => [index, messagingError(code, 'no broker answers')]))),
            ),
        });
      }),
    health: () => health,
    close: async () => {},
  };
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const logger = createLogger({ level: 'info', format: 'json', name: 'test', destination });
  const circuit = withCircuit(producer, { logger, now: () => now });
  return {
    circuit,
    calls,
    lines,
    advance: (ms: number) => {
      now += ms;
    },
    setHealth: (state: typeof health) => {
      health = state;
    },
  };
}

type Outcome = { ok: true } | { ok: false; error: AppendError };

async function append(circuit: CircuitProducer, count = 1): Promise<Outcome> {
  try {
    await circuit.append(Array(count).fill(RECORD), { deadlineMs: DEADLINE_MS });
    return { ok: true };
  } catch (error) {
    assert.ok(error instanceof AppendError);
    return { ok: false, error };
  }
}

/** An append that fails after the given time. */
async function failAfter(t: ReturnType<typeof setUp>, ms: number): Promise<Outcome> {
  const outcome = append(t.circuit);
  t.advance(ms);
  t.calls.at(-1)?.fail();
  return outcome;
}

async function openCircuit(t: ReturnType<typeof setUp>): Promise<void> {
  await failAfter(t, 2000);
  assert.equal(t.circuit.circuit.state, 'open');
}

describe('a closed circuit', () => {
  test('passes everything on, and stays closed for failures that end within two seconds', async () => {
    const t = setUp();
    for (let n = 0; n < 19; n++) await failAfter(t, 100);
    assert.equal(t.circuit.circuit.state, 'closed');
    assert.equal(t.calls.length, 19);
    await failAfter(t, 100);
    assert.equal(t.circuit.circuit.state, 'open', 'two seconds of failures');
  });

  test('opens at the first append that waited in vain, when nothing was confirmed meanwhile', async () => {
    const t = setUp();
    await failAfter(t, 10_000);
    assert.equal(t.circuit.circuit.state, 'open');
  });

  test('stays closed while others are confirmed: one partition in trouble is not the log', async () => {
    const t = setUp();
    for (let n = 0; n < 100; n++) {
      const slow = append(t.circuit);
      t.advance(9000);
      const quick = append(t.circuit);
      t.calls.at(-1)?.confirm();
      await quick;
      t.advance(1000);
      t.calls.at(-2)?.fail();
      await slow;
      assert.equal(t.circuit.circuit.state, 'closed');
    }
  });

  test('stays closed when the records themselves are refused, or too many wait', async () => {
    const t = setUp();
    for (const code of ['record_too_large', 'log_refused', 'log_overloaded', 'log_closed'] as const) {
      const outcome = append(t.circuit);
      t.advance(10_000);
      t.calls.at(-1)?.fail(code);
      await outcome;
    }
    assert.equal(t.circuit.circuit.state, 'closed');
  });

  test('takes a call of which a part was confirmed for a sign of life', async () => {
    const t = setUp();
    const outcome = append(t.circuit, 3);
    t.advance(10_000);
    t.calls.at(-1)?.fail('log_unavailable', [1]);
    assert.equal((await outcome).ok, false);
    assert.equal(t.circuit.circuit.state, 'closed');
  });
});

describe('an open circuit', () => {
  test('refuses at once, says when to come back, gives nothing to the log, and is not healthy', async () => {
    const t = setUp();
    await openCircuit(t);
    t.advance(100);
    const outcome = await append(t.circuit, 2);
    assert.ok(!outcome.ok);
    assert.deepEqual([...outcome.error.failures.keys()], [0, 1]);
    assert.equal(outcome.error.failures.get(0)?.code, 'log_unavailable');
    assert.equal(outcome.error.retryAfterMs, 400);
    assert.equal(t.calls.length, 1);
    assert.deepEqual(t.circuit.health(), { up: false, reason: 'no broker answers' });
    assert.equal(t.circuit.circuit.refused, 1);
  });

  test('lets one append try with the deadline of its caller, and closes when it is confirmed', async () => {
    const t = setUp();
    await openCircuit(t);
    t.advance(500);
    assert.equal(t.circuit.circuit.state, 'half-open');
    const trial = append(t.circuit);
    assert.equal(t.calls.length, 2);
    assert.equal(t.calls[1]?.options.deadlineMs, DEADLINE_MS);
    const beside = await append(t.circuit);
    assert.equal(t.calls.length, 2, 'only one');
    assert.ok(!beside.ok);
    assert.equal(beside.error.retryAfterMs, 1000, 'those beside it do not wait for its deadline');
    t.advance(DEADLINE_MS - 1);
    assert.equal((await append(t.circuit)).ok, false);
    assert.equal(t.calls.length, 2, 'a log that confirms just in time is waited for');
    t.calls[1]?.confirm();
    assert.equal((await trial).ok, true);
    assert.equal(t.circuit.circuit.state, 'closed');
  });

  test('stays open longer after each failed trial, up to five seconds', async () => {
    const t = setUp();
    await openCircuit(t);
    const waits: number[] = [];
    for (let n = 0; n < 6; n++) {
      let waited = 0;
      while (t.circuit.circuit.state === 'open') {
        t.advance(100);
        waited += 100;
      }
      waits.push(waited);
      await failAfter(t, 3000);
      assert.equal(t.circuit.circuit.state, 'open');
    }
    assert.deepEqual(waits, [500, 1000, 2000, 4000, 5000, 5000]);
  });

  test('closes when an append that was under way is confirmed late', async () => {
    const t = setUp();
    const late = append(t.circuit);
    await openCircuit(t);
    t.calls[0]?.confirm();
    await late;
    assert.equal(t.circuit.circuit.state, 'closed');
  });

  test('learns nothing from appends that went out before it opened and fail now', async () => {
    const t = setUp();
    const old = append(t.circuit);
    await openCircuit(t);
    t.advance(500);
    assert.equal(t.circuit.circuit.state, 'half-open');
    t.calls[0]?.fail();
    await old;
    assert.equal(t.circuit.circuit.state, 'half-open');
  });

  test('without traffic becomes half-open, where the producer says whether the log is well', async () => {
    const t = setUp();
    await openCircuit(t);
    t.setHealth({ up: false, reason: 'no broker' });
    t.advance(60_000);
    assert.deepEqual(t.circuit.health(), { up: false, reason: 'no broker' });
    t.setHealth({ up: true });
    assert.deepEqual(t.circuit.health(), { up: true });
  });

  test('a trial that is refused for another reason proves nothing: the next append is the trial', async () => {
    const t = setUp();
    await openCircuit(t);
    t.advance(500);
    const trial = append(t.circuit);
    t.calls.at(-1)?.fail('record_too_large');
    await trial;
    assert.equal(t.circuit.circuit.state, 'half-open');
    void append(t.circuit);
    assert.equal(t.calls.length, 3);
  });

  test('an outage is one line when it begins and one when it ends', async () => {
    const t = setUp();
    await openCircuit(t);
    for (let n = 0; n < 50; n++) {
      t.advance(1000);
      const outcome = append(t.circuit);
      t.calls.at(-1)?.fail();
      await outcome;
    }
    t.advance(MAX_OPEN_MS);
    const trial = append(t.circuit);
    t.calls.at(-1)?.confirm();
    await trial;
    assert.deepEqual(
      t.lines.map(({ level, msg }) => `${level} ${msg.replace(/\d+ ms/, 'N ms')}`),
      [
        'warn the log is down, appends are refused at once until it confirms again: no broker answers',
        'info the log confirms appends again, after N ms',
      ],
    );
  });
});

test('whatever happens: an open circuit asks nothing, tries with one at a time, and never locks out for long', async () => {
  type Step = { readonly append: true } | { readonly advance: number } | { readonly end: number; readonly ok: boolean };
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.constant({ append: true } as const),
    fc.record({ advance: fc.oneof(fc.integer({ min: 0, max: 1500 }), fc.integer({ min: 0, max: 12_000 })) }),
    fc.record({ end: fc.nat(30), ok: fc.boolean() }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
      const t = setUp();
      const ended = new Set<number>();
      const outcomes: Promise<Outcome>[] = [];
      let trial = { index: -1, at: Number.NEGATIVE_INFINITY };
      let now = 0;
      for (const it of steps) {
        const before = t.circuit.circuit.state;
        if ('advance' in it) {
          t.advance(it.advance);
          now += it.advance;
        } else if ('append' in it) {
          const callsBefore = t.calls.length;
          const { refusing } = t.circuit.circuit;
          outcomes.push(append(t.circuit));
          const passed = t.calls.length > callsBefore;
          assert.equal(passed, !refusing);
          if (before === 'closed') assert.ok(passed, 'a closed circuit passes everything on');
          if (before === 'open') assert.ok(!passed, 'an open circuit gives nothing to the log');
          if (before === 'half-open') {
            const underWay = trial.index >= 0 && !ended.has(trial.index) && now - trial.at < TRIAL_LOST_MS;
            assert.equal(passed, !underWay, 'one trial at a time, and one at any time');
            if (passed) trial = { index: callsBefore, at: now };
          }
        } else {
          const open = [...t.calls.keys()].filter((index) => !ended.has(index));
          const index = open[it.end % Math.max(1, open.length)];
          if (index === undefined) continue;
          ended.add(index);
          if (it.ok) t.calls[index]?.confirm();
          else t.calls[index]?.fail();
          await new Promise((resolve) => setImmediate(resolve));
          if (it.ok) assert.equal(t.circuit.circuit.state, 'closed', 'a confirmation closes it');
          else if (before === 'closed' && t.circuit.circuit.state !== 'closed')
            assert.equal(t.circuit.circuit.state, 'open');
        }
      }
      // After a while without answers somebody is let through: it closes by itself as soon as the log is well.
      t.advance(MAX_OPEN_MS + TRIAL_LOST_MS);
      const callsBefore = t.calls.length;
      const last = append(t.circuit);
      assert.equal(t.calls.length, callsBefore + 1);
      t.calls.at(-1)?.confirm();
      assert.equal((await last).ok, true);
      assert.equal(t.circuit.circuit.state, 'closed');
    }),
    { numRuns: 500 },
  );
});
