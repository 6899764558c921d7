import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import fc from 'fast-check';
import { type AppendError, messagingError } from '../messaging-errors.ts';
import { AppendCall } from './append-call.ts';
import { type OpenBatch, PartitionQueue, type WaitingRecord } from './partition-queue.ts';

const REFUSED = messagingError('log_refused', 'not these');
const RECORD = { key: Buffer.alloc(0), value: Buffer.alloc(0), headers: [] };

type Step =
  | { readonly do: 'append'; readonly sizes: readonly number[]; readonly deadlineMs: number }
  | { readonly do: 'send'; readonly records: number; readonly bytes: number }
  | { readonly do: 'answer'; readonly with: 'confirmed' | 'unknown' | 'refused' }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'drop' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('append' as const),
    sizes: fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 }),
    deadlineMs: fc.integer({ min: 1, max: 100 }),
  }),
  fc.record({
    do: fc.constant('send' as const),
    records: fc.integer({ min: 1, max: 6 }),
    bytes: fc.integer({ min: 1, max: 120 }),
  }),
  fc.record({ do: fc.constant('answer' as const), with: fc.constantFrom('confirmed', 'unknown', 'refused') }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 40 }) }),
  fc.constant({ do: 'drop' as const }),
);

/** One call, and what became of its records. */
interface Appended {
  readonly call: AppendCall;
  readonly ends: (undefined | 'confirmed' | 'refused')[];
  readonly dueAt: number;
  outcome: 'open' | 'durable' | AppendError;
}

/** A queue with its lane: at most one send is out at a time. */
class Model {
  readonly queue = new PartitionQueue(0);
  readonly calls: Appended[] = [];
  now = 0;
  /** Bytes that were appended and not released: what the producer's bound counts. */
  held = 0;
  /** Numbers of the records in the order in which they were appended, and which of them is which. */
  #appended = 0;
  readonly #numbers = new Map<WaitingRecord, number>();
  #waiting: WaitingRecord[] = [];
  #out: readonly WaitingRecord[] = [];
  #identities = 0;
  /** The number in its sequence that the next record of the partition has. */
  #sequence = 0;

  do(it: Step): void {
    switch (it.do) {
      case 'append':
        this.#append(it.sizes, it.deadlineMs);
        break;
      case 'send':
        this.#send(it.records, it.bytes);
        break;
      case 'answer':
        this.#answer(it.with);
        break;
      case 'wait':
        this.now += it.ms;
        mock.timers.tick(it.ms);
        break;
      case 'drop':
        this.held -= this.queue.dropAnswered();
        this.#waiting = this.#waiting.filter(({ call }) => !call.answered);
    }
  }

  get isEmpty(): boolean {
    return this.#waiting.length + this.#out.length === 0;
  }

  #append(sizes: readonly number[], deadlineMs: number): void {
    const call = new AppendCall(sizes.length, deadlineMs, () => {});
    const ends = sizes.map(() => undefined);
    const appended: Appended = { call, ends, dueAt: this.now + deadlineMs, outcome: 'open' };
    this.calls.push(appended);
    const answered = (outcome: 'durable' | AppendError) => {
      assert.equal(appended.outcome, 'open', 'a call is answered once');
      appended.outcome = outcome;
    };
    call.promise.then(() => answered('durable'), answered);
    for (const [index, bytes] of sizes.entries()) {
      const record = { call, index, record: RECORD, bytes };
      this.#numbers.set(record, this.#appended++);
      this.#waiting.push(record);
      this.held += bytes;
      this.queue.push(record);
    }
  }

  #send(records: number, bytes: number): void {
    if (this.#out.length > 0) return;
    const { batch: opened, released } = this.queue.open({ records, bytes }, this.now + 10);
    const batch = opened?.records ?? [];
    assert.equal(this.queue.batch, opened);
    if (opened) this.#sendAs(opened);
    this.held -= released;
    const open = this.#waiting.filter(({ call }) => !call.answered);
    assert.deepEqual(
      batch.map((record) => this.#numbers.get(record)),
      open.slice(0, batch.length).map((record) => this.#numbers.get(record)),
      'in the order of the calls, without those that were answered',
    );
    assert.ok(batch.length > 0 || open.length === 0, 'something goes out when something waits');
    assert.ok(batch.length <= records);
    const size = batch.reduce((sum, record) => sum + record.bytes, 0);
    assert.ok(size <= bytes || batch.length === 1);
    const next = open[batch.length];
    assert.ok(!next || batch.length === records || size + next.bytes > bytes, 'as much as fits');
    const taken = new Set(batch);
    this.#waiting = this.#waiting.filter((record) => !taken.has(record) && !record.call.answered);
    this.#out = batch;
    assert.ok(batch.length === 0 || !this.queue.isIdle, 'a send is out');
  }

  /** After a batch that was not confirmed the sequence begins anew, under another identity. */
  #sendAs({ records }: OpenBatch): void {
    let sender = this.queue.sender();
    if (!sender) {
      this.queue.identify({ producerId: BigInt(++this.#identities), producerEpoch: 0 });
      this.#sequence = 0;
      sender = this.queue.sender();
    }
    assert.deepEqual(sender, { producerId: BigInt(this.#identities), producerEpoch: 0, sequence: this.#sequence });
    this.#sequence += records.length;
  }

  #answer(answer: 'confirmed' | 'unknown' | 'refused'): void {
    const batch = this.#out;
    this.#out = [];
    if (answer !== 'confirmed') this.queue.identify(undefined);
    if (answer === 'unknown') {
      this.queue.putBack();
      this.#waiting.unshift(...batch);
      return;
    }
    assert.deepEqual(this.queue.close(), batch);
    for (const { call, index, bytes } of batch) {
      const appended = this.calls.find((it) => it.call === call) ?? assert.fail();
      if (!call.answered) appended.ends[index] = answer;
      call.settle(index, answer === 'refused' ? REFUSED : undefined);
      this.held -= bytes;
    }
  }
}

function assertAnswers({ outcome, ends, dueAt, call }: Appended, now: number): void {
  const isOver = ends.every((end) => end !== undefined) || dueAt <= now;
  assert.equal(outcome !== 'open', isOver, 'answered when all records have ended, or at the deadline');
  assert.equal(call.answered, isOver);
  if (outcome === 'open') return;
  const failed = [...ends.keys()].filter((index) => ends[index] !== 'confirmed');
  if (outcome === 'durable') assert.deepEqual(failed, [], 'durable only when each of its records is confirmed');
  else {
    assert.deepEqual([...outcome.failures.keys()], failed, 'named are those that were not confirmed, and no others');
    for (const [index, { code }] of outcome.failures) {
      assert.equal(code, ends[index] === 'refused' ? 'log_refused' : 'log_unavailable');
    }
  }
}

test('in whatever order it goes: sends keep the order and the limits, calls get one true answer, bytes are given back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
      mock.timers.enable({ apis: ['setTimeout'] });
      try {
        const model = new Model();
        const look = async () => {
          await Promise.resolve();
          for (const call of model.calls) assertAnswers(call, model.now);
        };
        for (const it of steps) {
          model.do(it);
          await look();
        }
        model.do({ do: 'answer', with: 'confirmed' });
        for (let n = 0; n < 1000 && !model.isEmpty; n++) {
          model.do({ do: 'send', records: 5, bytes: 100 });
          model.do({ do: 'answer', with: 'confirmed' });
          await look();
        }
        model.do({ do: 'drop' });
        assert.ok(model.isEmpty && model.queue.isIdle);
        assert.equal(model.held, 0, 'every byte is given back');
      } finally {
        mock.timers.reset();
      }
    }),
    { numRuns: 1000 },
  );
});

test('a sequence that comes to its end is not gone on with: the batch needs a new identity', () => {
  const queue = new PartitionQueue(0);
  const call = new AppendCall(3, 60_000, () => {});
  for (const index of [0, 1, 2]) queue.push({ call, index, record: RECORD, bytes: 1 });
  const all = { records: 2 ** 31, bytes: 2 ** 31 };
  queue.identify({ producerId: 1n, producerEpoch: 0 }, 2 ** 31 - 4);
  queue.open({ ...all, records: 2 }, 0);
  assert.equal(queue.sender()?.sequence, 2 ** 31 - 4);
  queue.close();
  queue.open({ ...all, records: 2 }, 0);
  assert.equal(queue.sender()?.sequence, 2 ** 31 - 2);
  queue.close();
  queue.push({ call, index: 0, record: RECORD, bytes: 1 });
  queue.open(all, 0);
  assert.equal(queue.sender(), undefined);
  for (const index of [0, 1, 2]) call.settle(index);
});
