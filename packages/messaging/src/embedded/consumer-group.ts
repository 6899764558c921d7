import type { Logger } from '@kero/runtime';
import { assignPartitions } from './assign-partitions.ts';
import type { LogReader } from './log-reader.ts';
import type { LogWriter } from './log-writer.ts';
import { PartitionCursor } from './partition-cursor.ts';
import { PartitionLease } from './partition-lease.ts';

export interface GroupMember {
  /** The partition is the member's from now on, until the lease is revoked. */
  assign(lease: PartitionLease): void;
  /** Something may be readable that was not: new records, or a batch that is over. */
  wake(): void;
}

export interface GroupOptions {
  readonly groupId: string;
  readonly logId: string;
  readonly partitions: number;
  readonly reader: LogReader;
  readonly writer: LogWriter;
  readonly logger: Logger;
}

/** The members of one group in this process, who owns which partition, and how far the group has come. */
export class ConsumerGroup {
  readonly #options: GroupOptions;
  readonly #members: GroupMember[] = [];
  readonly #committed: number[];
  #owners: (GroupMember | undefined)[];
  #leases: (PartitionLease | undefined)[];

  /** Reads the committed offsets. A new group is written down at once, so that nothing is trimmed that it has not read. */
  constructor(options: GroupOptions) {
    this.#options = options;
    const none = Array.from({ length: options.partitions }, () => undefined);
    this.#owners = none;
    this.#leases = none;
    const committed = new Map(
      options.reader.committedOffsets(options.groupId).map(({ partition, nextOffset }) => [partition, nextOffset]),
    );
    this.#committed = none.map((_, partition) => committed.get(partition) ?? options.reader.logStart(partition) ?? 0);
    for (const [partition, nextOffset] of this.#committed.entries()) {
      options.writer.commit({ groupId: options.groupId, partition, nextOffset });
    }
  }

  join(member: GroupMember): void {
    this.#members.push(member);
    this.#rebalance();
  }

  leave(member: GroupMember): void {
    const index = this.#members.indexOf(member);
    if (index < 0) return;
    this.#members.splice(index, 1);
    this.#rebalance();
  }

  /** By partition, the committed offset: what is finished, or where the group begins. */
  get committed(): readonly number[] {
    return this.#committed;
  }

  wake(): void {
    for (const member of this.#members) member.wake();
  }

  #rebalance(): void {
    const before = this.#owners;
    const owners = assignPartitions(before, this.#members);
    this.#owners = owners;
    for (const [partition, owner] of owners.entries()) {
      if (owner === before[partition]) continue;
      this.#leases[partition]?.revoke();
    }
    this.#leases = owners.map((owner, partition) => {
      if (owner === before[partition]) return this.#leases[partition];
      return owner && this.#lease(partition, owner);
    });
  }

  #lease(partition: number, owner: GroupMember): PartitionLease {
    const { groupId, logId, reader, writer, logger } = this.#options;
    const lease = new PartitionLease({
      logId,
      partition,
      cursor: new PartitionCursor(reader, partition, this.#committed[partition] ?? 0),
      writtenEnd: () => writer.nextOffsets[partition] ?? 0,
      fileEnd: () => reader.logEnd(partition),
      onCommit: (nextOffset) => this.#commit(partition, nextOffset),
      onBatchOver: () => owner.wake(),
      onStopped: (reason) => logger.error({ code: 'offset_out_of_range', groupId }, reason),
    });
    owner.assign(lease);
    owner.wake();
    return lease;
  }

  #commit(partition: number, nextOffset: number): void {
    if (nextOffset <= (this.#committed[partition] ?? 0)) return;
    this.#committed[partition] = nextOffset;
    this.#options.writer.commit({ groupId: this.#options.groupId, partition, nextOffset });
  }
}
