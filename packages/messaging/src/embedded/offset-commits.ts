import type { OffsetCommit } from './log-writer-protocol.ts';

/**
 * The committed offsets of this process's groups, and which of them are not in the file yet. What is taken to be written
 * is always the newest value, so a failed write that is tried again can never take an offset back.
 */
export class OffsetCommits {
  readonly #newest = new Map<string, OffsetCommit>();
  readonly #dirty = new Set<string>();

  get hasDirty(): boolean {
    return this.#dirty.size > 0;
  }

  add(commit: OffsetCommit): void {
    const key = keyOf(commit);
    this.#newest.set(key, commit);
    this.#dirty.add(key);
  }

  take(): OffsetCommit[] {
    const commits: OffsetCommit[] = [];
    for (const key of this.#dirty) {
      const commit = this.#newest.get(key);
      if (commit) commits.push(commit);
    }
    this.#dirty.clear();
    return commits;
  }

  /** Every group of this process: a group commits where it begins as soon as it is opened. */
  groups(): string[] {
    return [...new Set([...this.#newest.values()].map(({ groupId }) => groupId))];
  }

  /** The lowest offset that any group of this process has committed; infinite when there is no group. */
  lowest(partition: number): number {
    let lowest = Number.POSITIVE_INFINITY;
    for (const commit of this.#newest.values()) {
      if (commit.partition === partition) lowest = Math.min(lowest, commit.nextOffset);
    }
    return lowest;
  }

  /** These could not be written: their groups and partitions are to be written again. */
  putBack(commits: readonly OffsetCommit[]): void {
    for (const commit of commits) this.#dirty.add(keyOf(commit));
  }
}

function keyOf({ groupId, partition }: OffsetCommit): string {
  return `${partition} ${groupId}`;
}
