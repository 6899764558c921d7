import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import fc from 'fast-check';
import { messagingError } from '../messaging-errors.ts';
import { type AppendFailure, AppendQueue, type PendingAppend } from './append-queue.ts';

const RECORD = { key: Buffer.alloc(0), value: Buffer.alloc(0), headers: [] };
const MAX_BYTES = 100;
const FAILED = messagingError('log_refused', 'the disk is full');
const CLOSED = messagingError('log_closed', 'stopping');

type Step =
  | { readonly do: 'add'; readonly bytes: number; readonly deadlineMs: number }
  | { readonly do: 'take'; readonly maxBytes: number }
  | { readonly do: 'finish'; readonly group: number; readonly fails: boolean }
  | { readonly do: 'failWaiting' }
  | { readonly do: 'wait'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      bytes: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 150 })),
      deadlineMs: fc.integer({ min: 1, max: 100 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('take' as const), maxBytes: fc.integer({ min: 1, max: 120 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('finish' as const), group: fc.nat(5), fails: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'failWaiting' as const }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 60 }) }) },
);

/** One call, and how it must end by what has happened so far. */
interface Added {
  readonly bytes: number;
  readonly dueAt: number;
  state: 'waiting' | 'taken' | 'over';
  expected: 'open' | 'durable' | AppendFailure['code'];
  outcome: 'open' | 'durable' | AppendFailure['code'];
}

class Model {
  readonly calls: Added[] = [];
  now = 0;
  #expirations = 0;
  #expectedExpirations = 0;
  #groups: { readonly taken: PendingAppend[]; readonly calls: Added[] }[] = [];
  readonly queue = new AppendQueue({ maxBytes: MAX_BYTES, onExpired: () => this.#expirations++ });

  do(it: Step): void {
    switch (it.do) {
      case 'add':
        this.#add(it.bytes, it.deadlineMs);
        break;
      case 'take':
        this.#take(it.maxBytes);
        break;
      case 'finish':
        this.#finish(it.group, it.fails);
        break;
      case 'failWaiting':
        this.queue.failWaiting(CLOSED);
        for (const call of this.calls.filter(({ state }) => state === 'waiting')) this.#end(call, CLOSED.code);
        break;
      case 'wait':
        this.#wait(it.ms);
    }
  }

  /** What the bound counts: all that waits, and what is on its way to the disk even if its caller has its answer. */
  get bytes(): number {
    const waiting = this.calls.filter(({ state }) => state === 'waiting');
    return [...waiting, ...this.#groups.flatMap(({ calls }) => calls)].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  async assertOutcomes(): Promise<void> {
    await Promise.resolve();
    for (const { expected, outcome } of this.calls) assert.equal(outcome, expected);
    assert.equal(this.#expirations, this.#expectedExpirations, 'an expiry is told once');
  }

  #add(bytes: number, deadlineMs: number): void {
    const fits = this.bytes === 0 || this.bytes + bytes <= MAX_BYTES;
    const dueAt = this.now + deadlineMs;
    const call: Added = { bytes, dueAt, state: 'waiting', expected: 'open', outcome: 'open' };
    if (!fits) this.#end(call, 'log_overloaded');
    this.calls.push(call);
    void this.queue.add([RECORD], bytes, deadlineMs).then((failure) => {
      assert.equal(call.outcome, 'open', 'answered once');
      call.outcome = failure?.code ?? 'durable';
    });
  }

  #take(maxBytes: number): void {
    const taken = this.queue.take(maxBytes);
    const waiting = this.calls.filter(({ state }) => state === 'waiting');
    const calls = waiting.slice(0, taken.length);
    assert.deepEqual(
      taken.map(({ bytes, deadlineAt }) => [bytes, deadlineAt]),
      calls.map(({ bytes, dueAt }) => [bytes, dueAt]),
      'in the order of the calls',
    );
    const size = calls.reduce((sum, { bytes }) => sum + bytes, 0);
    assert.ok(size <= maxBytes || calls.length === 1);
    const next = waiting[calls.length];
    assert.ok(!next || (calls.length > 0 && size + next.bytes > maxBytes), 'as much as fits, and at least one');
    for (const call of calls) call.state = 'taken';
    if (calls.length > 0) this.#groups.push({ taken, calls });
  }

  #finish(number: number, fails: boolean): void {
    const [group] = this.#groups.splice(number % Math.max(1, this.#groups.length), 1);
    if (!group) return;
    this.queue.finish(group.taken, fails ? FAILED : undefined);
    for (const call of group.calls) if (call.state === 'taken') this.#end(call, fails ? FAILED.code : 'durable');
  }

  #wait(ms: number): void {
    const from = this.now;
    const open = this.calls.filter(({ state }) => state !== 'over');
    const deadlines = new Set(open.map(({ dueAt }) => dueAt).filter((dueAt) => dueAt <= from + ms));
    this.#expectedExpirations += deadlines.size;
    for (const call of open) if (call.dueAt <= from + ms) this.#end(call, 'log_unavailable');
    // Step by step, so that the clock and the timers agree.
    for (let n = 0; n < ms; n++) {
      this.now++;
      mock.timers.tick(1);
    }
  }

  #end(call: Added, outcome: Added['expected']): void {
    call.state = 'over';
    call.expected = outcome;
  }
}

test('in whatever order it goes: one answer a call, at its deadline at the latest, in order, within the bound', async () => {
  const { now } = performance;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
      mock.timers.enable({ apis: ['setTimeout'] });
      const model = new Model();
      performance.now = () => model.now;
      try {
        for (const it of steps) {
          model.do(it);
          await model.assertOutcomes();
        }
        // Nothing is left behind: with time everybody has an answer, and the room is free again.
        model.do({ do: 'wait', ms: 101 });
        await model.assertOutcomes();
        while (model.bytes > 0) model.do({ do: 'finish', group: 0, fails: false });
        model.do({ do: 'add', bytes: MAX_BYTES, deadlineMs: 10 });
        model.do({ do: 'take', maxBytes: 1 });
        model.do({ do: 'finish', group: 0, fails: false });
        await model.assertOutcomes();
        assert.equal(model.calls.at(-1)?.outcome, 'durable');
      } finally {
        performance.now = now;
        mock.timers.reset();
      }
    }),
    { numRuns: 1000 },
  );
});
