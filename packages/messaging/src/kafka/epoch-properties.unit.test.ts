import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RecordBatch } from '../messaging.ts';
import { Epoch } from './epoch.ts';
import { waitingRecords } from './test-support.ts';

/** What stands at an offset: a record of so many bytes, or (0) nothing for us: a mark of a transaction, or gone by compaction. */
type Log = readonly number[];

type Step =
  | { readonly do: 'deliver'; readonly partition: number; readonly count: number }
  | { readonly do: 'take'; readonly maxRecords: number; readonly maxBytes: number }
  /** `share` of the batch is claimed, from none to more than all of it. */
  | { readonly do: 'finish'; readonly partition: number; readonly share: number }
  | { readonly do: 'ask' }
  | { readonly do: 'confirm' }
  | { readonly do: 'rebalance' };

const log = fc.array(fc.constantFrom(0, 1, 1, 1, 1, 7), { maxLength: 30, size: 'max' });
const partition = fc.nat(2);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('deliver' as const), partition, count: fc.integer({ min: 1, max: 8 }) }),
  fc.record({
    do: fc.constant('take' as const),
    maxRecords: fc.integer({ min: 1, max: 6 }),
    maxBytes: fc.integer({ min: 1, max: 20 }),
  }),
  fc.record({ do: fc.constant('finish' as const), partition, share: fc.constantFrom(0, 0.5, 1, 1, 2) }),
  fc.constant({ do: 'ask' as const }),
  fc.constant({ do: 'confirm' as const }),
  fc.constant({ do: 'rebalance' as const }),
);

/** One group's member and its broker: what is committed there, and what was really finished. */
class Model {
  readonly logs: readonly Log[];
  readonly committed: number[];
  /** Everything below it was said to be finished. */
  readonly finished: number[];
  /** The offset after the last batch that is over, whatever was said to be finished of it. */
  readonly worked: number[];
  readonly open = new Map<number, RecordBatch>();
  /** The commit that is on its way to the broker. */
  asked = new Map<number, bigint>();
  /** The next offset that may be handed out. */
  readonly next: number[];
  epoch: Epoch;

  constructor(logs: readonly Log[]) {
    this.logs = logs;
    this.committed = logs.map(() => 0);
    this.finished = logs.map(() => 0);
    this.worked = logs.map(() => 0);
    this.next = logs.map(() => 0);
    this.epoch = this.#newEpoch();
  }

  do(it: Step): void {
    switch (it.do) {
      case 'deliver':
        this.#deliver(it.partition % this.logs.length, it.count);
        break;
      case 'take':
        this.#take(it.maxRecords, it.maxBytes);
        break;
      case 'finish':
        this.#finish(it.partition % this.logs.length, it.share);
        break;
      case 'ask':
        this.asked = this.epoch.claims();
        break;
      case 'confirm':
        for (const [number, offset] of this.asked) this.committed[number] = Number(offset);
        this.epoch.confirm(this.asked);
        break;
      case 'rebalance':
        this.#rebalance();
        break;
    }
  }

  /** committed <= claimed <= lowest unfinished, and nothing that is finished stays unclaimed. */
  assertClaims(): void {
    const claims = this.epoch.claims();
    for (const [number, log] of this.logs.entries()) {
      const finished = this.finished[number] ?? 0;
      const unfinished = log.findIndex((bytes, offset) => bytes > 0 && offset >= finished);
      const limit = unfinished < 0 ? log.length : unfinished;
      const committed = this.committed[number] ?? 0;
      const claim = Number(claims.get(number) ?? committed);
      assert.ok(committed <= claim, 'a claim never takes back what is committed');
      assert.ok(claim <= limit, `partition ${number} claims ${claim}, but offset ${limit} is not finished`);
      const start = this.epoch.readers.get(number)?.position ?? 0n;
      assert.ok(claim >= Math.min(finished, Number(start)), 'what is finished is claimed');
    }
  }

  /** What the watchdog goes by. */
  assertPositions(): void {
    for (const { partition: number, finished } of this.epoch.positions()) {
      const worked = this.worked[number] ?? 0;
      const log = this.logs[number] ?? [];
      const next = log.findIndex((bytes, offset) => bytes > 0 && offset >= worked);
      assert.ok(
        finished >= worked && finished <= (next < 0 ? log.length : next),
        'a batch is worked through at its end',
      );
    }
  }

  #newEpoch(): Epoch {
    const starts = new Map(this.committed.map((offset, number) => [number, BigInt(offset)]));
    return new Epoch({ memberId: 'm', generationId: 1 }, 'id', starts);
  }

  #deliver(number: number, count: number): void {
    const reader = this.epoch.readers.get(number) ?? assert.fail();
    const log = this.logs[number] ?? [];
    const from = Number(reader.position);
    const next = Math.min(log.length, from + count);
    const offsets = Array.from({ length: next - from }, (_, n) => from + n);
    const sizes = offsets.map((offset) => [offset, log[offset] ?? 0] as const).filter(([, bytes]) => bytes > 0);
    // As several batches.
    const cut = Math.floor(sizes.length / 2);
    const runs = [sizes.slice(0, cut), sizes.slice(cut)].filter(({ length }) => length > 0).map(waitingRecords);
    reader.deliver({ runs, next: BigInt(next), damage: undefined });
  }

  #take(maxRecords: number, maxBytes: number): void {
    const limits = { maxRecords, maxBytes, stop: new AbortController().signal };
    const batch = this.epoch.nextBatch(limits, () => {});
    if (!batch) return;
    const { partition: number, records, nextOffset } = batch;
    assert.ok(!this.open.has(number), 'one batch of a partition at a time');
    this.open.set(number, batch);
    const log = this.logs[number] ?? [];
    const offsets = records.map(({ offset }) => Number(offset));
    const expected = [...log.keys()].filter((offset) => offset >= (this.next[number] ?? 0) && (log[offset] ?? 0) > 0);
    assert.deepEqual(
      offsets,
      expected.slice(0, offsets.length),
      'every record, in order, none twice and none left out',
    );
    assert.equal(nextOffset, BigInt((offsets.at(-1) ?? -1) + 1));
    assert.ok(offsets.length >= 1 && offsets.length <= maxRecords);
    const bytes = offsets.reduce((sum, offset) => sum + (log[offset] ?? 0), 0);
    assert.ok(bytes <= maxBytes || offsets.length === 1);
    this.next[number] = Number(nextOffset);
  }

  #finish(number: number, share: number): void {
    const batch = this.open.get(number);
    if (!batch) return;
    this.open.delete(number);
    const from = Number(batch.records[0]?.offset);
    const end = Number(batch.nextOffset);
    const upTo = share === 0 ? 0 : from + Math.floor((end - from) * share);
    batch.commit(BigInt(upTo));
    // Once is enough: what is said after that changes nothing.
    batch.commit(BigInt(end + 100));
    this.worked[number] = end;
    this.finished[number] = Math.max(this.finished[number] ?? 0, Math.min(upTo, end));
  }

  /** What was not committed is read again; the batches of before claim nothing any more. */
  #rebalance(): void {
    const old = [...this.open.values()];
    this.open.clear();
    const ended = this.epoch;
    const claims = ended.claims();
    ended.end();
    this.asked.clear();
    this.epoch = this.#newEpoch();
    for (const batch of old) {
      assert.ok(batch.revoked.aborted);
      batch.commit();
    }
    assert.deepEqual(ended.claims(), claims, 'its late batches claim nothing');
    for (const [number, offset] of this.committed.entries()) {
      this.next[number] = offset;
      this.finished[number] = offset;
      this.worked[number] = offset;
    }
    assert.equal(this.epoch.claims().size, 0);
  }
}

test('in whatever order it goes: committed <= claimed <= lowest unfinished, and nothing is left out or doubled', () => {
  fc.assert(
    fc.property(
      fc.array(log, { minLength: 1, maxLength: 3 }),
      fc.array(step, { maxLength: 80, size: 'max' }),
      (logs, steps) => {
        const model = new Model(logs);
        for (const it of steps) {
          model.do(it);
          model.assertClaims();
          model.assertPositions();
        }
        // Then it is read to the end, and what is finished is committed: with the last record also what comes after it.
        for (const number of logs.keys()) model.do({ do: 'deliver', partition: number, count: 100 });
        for (let n = 0; n < 100; n++) {
          for (const number of logs.keys()) model.do({ do: 'finish', partition: number, share: 1 });
          model.do({ do: 'take', maxRecords: 5, maxBytes: 10 });
          model.assertClaims();
        }
        model.do({ do: 'ask' });
        model.do({ do: 'confirm' });
        for (const [number, it] of logs.entries()) {
          const finished = model.finished[number] ?? 0;
          const isAll = it.every((bytes, offset) => bytes === 0 || offset < finished);
          assert.ok((model.committed[number] ?? 0) >= (isAll ? it.length : finished));
        }
        for (const { partition: number, finished } of model.epoch.positions()) {
          assert.equal(finished, BigInt(logs[number]?.length ?? 0));
        }
      },
    ),
    { numRuns: 5000 },
  );
});
