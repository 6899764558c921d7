/** The messages between the main thread and the log writer's thread. */

export interface WriterThreadData {
  readonly file: string;
  readonly partitions: number;
  readonly maxFileBytes: number | undefined;
}

/** A run of records of one partition inside a group's payload. */
export interface Chunk {
  readonly partition: number;
  readonly recordCount: number;
  readonly start: number;
  readonly end: number;
}

export interface OffsetCommit {
  readonly groupId: string;
  readonly partition: number;
  readonly nextOffset: number;
}

/** What is written in one transaction. */
export interface WriteGroup {
  readonly timestampMs: number;
  /** Transferred, not copied; and back with the answer. */
  readonly payload: ArrayBuffer;
  readonly chunks: readonly Chunk[];
  readonly commits: readonly OffsetCommit[];
  /** Writes something sizeable and takes it back: is there room? */
  readonly probe: boolean;
}

/** Only records that are old enough *and* finished by every group are deleted. */
export interface TrimRequest {
  readonly storedBeforeMs: number;
  /** Per partition, the lowest offset that a group of this process has committed; the file knows those of all groups. */
  readonly finishedBelow: readonly number[];
}

/** A group that nobody uses would keep every record for ever; so it is forgotten some time after others took its place. */
export interface IdleRequest {
  /** The groups of this process. While there are none, no time counts. */
  readonly groupsInUse: readonly string[];
  /** Time since the last request, in milliseconds. */
  readonly elapsedMs: number;
  readonly forgetAfterMs: number;
}

export type ToWriter =
  | { readonly type: 'write'; readonly group: WriteGroup }
  | { readonly type: 'trim'; readonly trim: TrimRequest; readonly idle: IdleRequest }
  | { readonly type: 'close' };

export type FromWriter =
  | { readonly type: 'opened'; readonly nextOffsets: readonly number[] }
  | { readonly type: 'written'; readonly nextOffsets: readonly number[]; readonly payload: ArrayBuffer }
  | { readonly type: 'failed'; readonly reason: string; readonly payload: ArrayBuffer }
  | { readonly type: 'forgot'; readonly groups: readonly string[] }
  | { readonly type: 'trim-failed'; readonly reason: string };
