import type { HealthState, Logger } from '@kero/runtime';
import type { NewRecord } from '../messaging.ts';
import { messagingError } from '../messaging-errors.ts';
import { type AppendFailure, AppendQueue, type PendingAppend } from './append-queue.ts';
import { GroupEncoder } from './encode-group.ts';
import type { FromWriter, OffsetCommit, WriterThreadData } from './log-writer-protocol.ts';
import { OffsetCommits } from './offset-commits.ts';
import { type StartWriterThread, WriterThread } from './writer-thread.ts';

/** A group is what waits when the thread has room for one, up to this much; a single larger call is a group of its own. */
const MAX_GROUP_BYTES = 4 * 1024 * 1024;
/** How long a commit may wait for an append to travel with. */
const COMMIT_DELAY_MS = 100;
const PROBE_INTERVAL_MS = 1000;
const FLUSH_BUDGET_MS = 3000;

export interface LogWriterOptions extends WriterThreadData {
  readonly logger: Logger;
  readonly startThread: StartWriterThread;
  readonly maxQueuedBytes: number;
  readonly now: () => number;
  /** Called whenever there is more to read. */
  readonly onWritten: () => void;
}

interface Group {
  readonly appends: readonly PendingAppend[];
  readonly commits: readonly OffsetCommit[];
  /** Only a write that needs room proves that there is room. */
  readonly needsRoom: boolean;
}

/**
 * The main thread's end of the writer: gathers appends and offset commits into groups, has the thread write each group in
 * one transaction, and settles the appends when it says that the group is on disk (natural group commit: what arrives
 * while a group is written makes up the next one). When the thread dies, what it was writing fails with log_unavailable;
 * what waits goes on waiting for its successor, up to its deadline.
 */
export class LogWriter {
  readonly #options: LogWriterOptions;
  readonly #queue: AppendQueue;
  readonly #commits = new OffsetCommits();
  readonly #encoder: GroupEncoder;
  readonly #settledWaiters = new Set<() => void>();
  readonly #thread: WriterThread;
  /** What the thread is writing. One at a time: a second on its way made nothing faster, and groups smaller. */
  #inFlight: Group | undefined;
  #nextOffsets: readonly number[] = [];
  #pumpScheduled = false;
  #commitTimer: NodeJS.Timeout | undefined;
  #commitsDue = false;
  #closed = false;
  #trouble: string | undefined;
  #probeTimer: NodeJS.Timeout | undefined;
  #probeDue = false;

  private constructor(options: LogWriterOptions) {
    this.#options = options;
    this.#queue = new AppendQueue({
      maxBytes: options.maxQueuedBytes,
      onExpired: () =>
        this.#setTrouble(this.#trouble ?? 'the log does not confirm in time: the disk is slow or stands still'),
    });
    const { file, partitions, maxFileBytes } = options;
    this.#encoder = new GroupEncoder(partitions);
    this.#thread = new WriterThread({
      data: { file, partitions, maxFileBytes },
      startThread: options.startThread,
      onMessage: (message) => this.#onMessage(message),
      onDied: (reason) => {
        this.#setTrouble(reason);
        this.#settleGroup(messagingError('log_unavailable', reason));
      },
    });
  }

  /** Rejects with KeroError `log_unusable` when the file cannot be opened. */
  static async open(options: LogWriterOptions): Promise<LogWriter> {
    const writer = new LogWriter(options);
    await writer.#thread.open();
    return writer;
  }

  /** Per partition, the offset after the last record that is known to be durable. */
  get nextOffsets(): readonly number[] {
    return this.#nextOffsets;
  }

  /** Resolves to undefined when all records are durable, else to why not; at the deadline at the latest. Never rejects. */
  append(records: readonly NewRecord[], bytes: number, deadlineMs: number): Promise<AppendFailure | undefined> {
    const settled = this.#queue.add(records, bytes, deadlineMs);
    this.#schedulePump();
    return settled;
  }

  /** Makes a commit durable soon: with the next append, or alone a little later. */
  commit(commit: OffsetCommit): void {
    this.#commits.add(commit);
    this.#commitTimer ??= setTimeout(() => {
      this.#commitTimer = undefined;
      this.#commitsDue = true;
      this.#pump();
    }, COMMIT_DELAY_MS);
  }

  /** Resolves when all commits so far are durable, or after a while. */
  async flush(): Promise<void> {
    const giveUpAt = performance.now() + FLUSH_BUDGET_MS;
    while (this.#hasUnwrittenCommits()) {
      const leftMs = giveUpAt - performance.now();
      if (leftMs <= 0) {
        this.#options.logger.warn('the last commits could not be written: their records will be read again');
        return;
      }
      this.#commitsDue = true;
      this.#pump();
      await this.#groupSettled(leftMs);
    }
  }

  /**
   * Deletes, in the background, what every group has finished and what was stored before the given time. Groups that were
   * not used for `forgetAfterMs`, while others were, are forgotten; `elapsedMs` is the time since the last call.
   */
  trim(options: { storedBeforeMs: number; elapsedMs: number; forgetAfterMs: number }): void {
    const { storedBeforeMs, ...times } = options;
    // The groups of this process may not be in the file yet: nothing may be deleted under them either.
    const finishedBelow = this.#nextOffsets.map((_, partition) => this.#commits.lowest(partition));
    const idle = { ...times, groupsInUse: this.#commits.groups() };
    if (this.#thread.ready) this.#thread.tell({ type: 'trim', trim: { storedBeforeMs, finishedBelow }, idle });
  }

  health(): HealthState {
    return this.#trouble === undefined ? { up: true } : { up: false, reason: this.#trouble };
  }

  /** Finishes what is in flight (bounded), closes the file and ends the thread. */
  async close(): Promise<void> {
    await this.flush();
    this.#closed = true;
    clearTimeout(this.#commitTimer);
    clearInterval(this.#probeTimer);
    this.#queue.failWaiting(messagingError('log_closed', 'the embedded log was closed'));
    await this.#thread.close();
    this.#settleGroup(messagingError('log_unavailable', 'the embedded log was closed before it confirmed'));
  }

  #onMessage(message: FromWriter): void {
    if ('payload' in message) this.#encoder.giveBack(message.payload);
    switch (message.type) {
      case 'opened':
        this.#nextOffsets = message.nextOffsets;
        this.#commitsDue = this.#commits.hasDirty;
        this.#options.onWritten();
        break;
      case 'written':
        this.#nextOffsets = message.nextOffsets;
        this.#settleGroup();
        break;
      case 'failed':
        this.#setTrouble(`the disk refused a write: ${message.reason}`);
        this.#settleGroup(messagingError('log_unavailable', `the log was not written: ${message.reason}`));
        break;
      case 'forgot':
        for (const groupId of message.groups) {
          this.#options.logger.info(`the consumer group ${groupId} of the embedded log was not used: it is forgotten`);
        }
        break;
      case 'trim-failed':
        this.#options.logger.warn({ reason: message.reason }, 'old records of the embedded log could not be deleted');
        break;
    }
    this.#pump();
  }

  #settleGroup(failure?: AppendFailure): void {
    const group = this.#inFlight;
    if (!group) return;
    this.#inFlight = undefined;
    if (failure) this.#commits.putBack(group.commits);
    else if (group.needsRoom) this.#clearTrouble();
    this.#queue.finish(group.appends, failure);
    if (!failure && group.appends.length > 0) this.#options.onWritten();
    for (const wake of this.#settledWaiters) wake();
  }

  #schedulePump(): void {
    if (this.#pumpScheduled) return;
    this.#pumpScheduled = true;
    // After the sockets that are ready now were read: their appends go into the same group.
    setImmediate(() => {
      this.#pumpScheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (!this.#thread.ready || this.#inFlight) return;
    const appends = this.#queue.take(MAX_GROUP_BYTES);
    const commits = appends.length > 0 || this.#commitsDue ? this.#commits.take() : [];
    const probe = this.#probeDue;
    this.#commitsDue = false;
    this.#probeDue = false;
    if (appends.length === 0 && commits.length === 0 && !probe) return;
    this.#inFlight = { appends, commits, needsRoom: probe || appends.length > 0 };
    const { payload, chunks } = this.#encoder.encode(appends);
    const group = { timestampMs: this.#options.now(), payload, chunks, commits, probe };
    this.#thread.tell({ type: 'write', group }, [payload]);
  }

  #hasUnwrittenCommits(): boolean {
    return this.#commits.hasDirty || (this.#inFlight?.commits.length ?? 0) > 0;
  }

  /** Resolves at the next group that is settled, or after some time. */
  async #groupSettled(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, Math.min(ms, 100));
      const waiters = this.#settledWaiters;
      waiters.add(done);
      function done() {
        clearTimeout(timer);
        waiters.delete(done);
        resolve();
      }
    });
  }

  #setTrouble(reason: string): void {
    if (this.#closed) return;
    if (this.#trouble === undefined) {
      this.#options.logger.error({ reason }, 'the embedded log takes no records at the moment; trying again and again');
      this.#probeTimer = setInterval(() => {
        this.#probeDue = true;
        this.#pump();
      }, PROBE_INTERVAL_MS);
      this.#probeTimer.unref();
    }
    this.#trouble = reason;
  }

  #clearTrouble(): void {
    if (this.#trouble === undefined) return;
    this.#trouble = undefined;
    clearInterval(this.#probeTimer);
    // Those that failed meanwhile.
    this.#commitsDue = this.#commits.hasDirty;
    this.#options.logger.info('the embedded log takes records again');
  }
}
