import assert from 'node:assert/strict';
import type { Consumer, LogRecord, ReadOptions, ReadPosition, RecordBatch } from '@kero/messaging';
import type { Schedule } from './schedule.ts';

/** One partition, and who reads it. Offsets ascend and may have gaps; what is committed outlives the members. */
interface ModelPartition {
  readonly number: number;
  readonly records: readonly LogRecord[];
  /** The offset after the last record. */
  readonly end: bigint;
  committed: bigint;
}

/** What one member holds of one partition between two rebalances. */
interface Holding {
  /** Goes out as the log's id, so that a store can tell which holding a batch belongs to. */
  readonly id: string;
  readonly partition: ModelPartition;
  readonly revoked: AbortController;
  /** The next record to hand out. */
  next: number;
  finished: bigint;
  claimed: bigint;
  open: boolean;
}

export interface ModelLogHooks {
  /** A member claims that every record of the partition below the offset is finished; then that this outlives it. */
  readonly onClaim: (member: ModelConsumer, batch: RecordBatch, upTo: bigint) => void;
  readonly onCommitted: (partition: number, from: bigint, upTo: bigint) => void;
}

/** A log with one consumer group, as unkind as the contract of Consumer allows. */
export class ModelLog {
  readonly partitions: readonly ModelPartition[];
  readonly schedule: Schedule;
  readonly hooks: ModelLogHooks;
  readonly #members: ModelConsumer[] = [];
  /** Commits get lost while it is true: the member learns of it and commits again later. */
  losesCommits = false;
  /** How often a partition was given to a member. */
  holdings = 0;

  constructor(partitions: readonly (readonly LogRecord[])[], schedule: Schedule, hooks: ModelLogHooks) {
    this.schedule = schedule;
    this.hooks = hooks;
    this.partitions = partitions.map((records, number) => {
      const end = (records.at(-1)?.offset ?? -1n) + 1n;
      return { number, records, end, committed: 0n };
    });
  }

  join(member: ModelConsumer): void {
    this.#members.push(member);
    this.rebalance();
  }

  leave(member: ModelConsumer): void {
    const at = this.#members.indexOf(member);
    if (at < 0) return;
    this.#members.splice(at, 1);
    this.rebalance();
  }

  /** Everything is taken from everybody, and each partition begins again at what is committed. */
  rebalance(): void {
    for (const member of this.#members) member.revokeAll();
    for (const partition of this.partitions) this.schedule.dice.pick(this.#members)?.assign(partition);
  }

  commit(partition: ModelPartition, upTo: bigint): void {
    if (upTo <= partition.committed) return;
    this.hooks.onCommitted(partition.number, partition.committed, upTo);
    partition.committed = upTo;
  }
}

export class ModelConsumer implements Consumer {
  readonly #log: ModelLog;
  #holdings: Holding[] = [];
  #awake = Promise.withResolvers<void>();
  #closed = false;
  #joined = false;

  constructor(log: ModelLog) {
    this.#log = log;
  }

  async *read({ stop, maxRecords }: ReadOptions): AsyncGenerator<RecordBatch, void> {
    this.#log.join(this);
    this.#joined = true;
    stop.addEventListener('abort', () => this.#awake.resolve(), { once: true });
    while (!stop.aborted && !this.#closed) {
      this.#awake = Promise.withResolvers();
      const ready = this.#holdings.filter(({ open, next, partition }) => !open && next < partition.records.length);
      const holding = this.#log.schedule.dice.pick(ready);
      if (holding) yield this.#batch(holding, maxRecords);
      else await this.#awake.promise;
    }
  }

  positions(): ReadPosition[] | undefined {
    if (!this.#joined || this.#closed) return undefined;
    return this.#holdings.map(({ partition, finished }) => ({
      partition: partition.number,
      finished,
      stopped: undefined,
    }));
  }

  health(): { readonly up: true } {
    return { up: true };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#awake.resolve();
    for (const holding of this.#holdings.splice(0)) {
      this.#flush(holding);
      holding.revoked.abort('revoked');
    }
    this.#log.leave(this);
  }

  /** Gone without a word (kill -9). */
  die(): void {
    this.#closed = true;
    this.#log.schedule.forget(this);
    for (const { revoked } of this.#holdings.splice(0)) revoked.abort('revoked');
    this.#log.leave(this);
  }

  assign(partition: ModelPartition): void {
    const next = partition.records.findIndex(({ offset }) => offset >= partition.committed);
    this.#holdings.push({
      id: `holding ${++this.#log.holdings}`,
      partition,
      revoked: new AbortController(),
      next: next < 0 ? partition.records.length : next,
      finished: partition.committed,
      claimed: partition.committed,
      open: false,
    });
    this.#awake.resolve();
  }

  /** The last commits may still get through, or not. */
  revokeAll(): void {
    const { dice } = this.#log.schedule;
    for (const holding of this.#holdings.splice(0)) {
      if (dice.chance(0.5)) this.#flush(holding);
      holding.revoked.abort('revoked');
    }
  }

  #batch(holding: Holding, maxRecords: number): RecordBatch {
    const { dice } = this.#log.schedule;
    const { partition, next } = holding;
    const records = partition.records.slice(next, next + 1 + dice.below(maxRecords));
    const nextOffset = (records.at(-1)?.offset ?? 0n) + 1n;
    holding.next += records.length;
    holding.open = true;
    let over = false;
    const batch: RecordBatch = {
      logId: holding.id,
      partition: partition.number,
      records,
      nextOffset,
      revoked: holding.revoked.signal,
      commit: (upTo = nextOffset) => {
        assert.ok(!over, 'a batch is committed once');
        over = true;
        this.#log.hooks.onClaim(this, batch, upTo);
        if (holding.revoked.signal.aborted) return;
        holding.open = false;
        holding.finished = nextOffset;
        if (upTo > holding.claimed) holding.claimed = upTo;
        this.#flushLater(holding);
        this.#awake.resolve();
      },
    };
    return batch;
  }

  #flushLater(holding: Holding): void {
    this.#log.schedule.later(100, this, () => {
      if (holding.revoked.signal.aborted) return;
      if (this.#log.losesCommits && this.#log.schedule.dice.chance(0.5)) this.#flushLater(holding);
      else this.#flush(holding);
    });
  }

  #flush(holding: Holding): void {
    this.#log.commit(holding.partition, holding.claimed);
  }
}
