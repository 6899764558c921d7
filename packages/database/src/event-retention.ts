/** Drops the months of `events` that EVENTS_RETENTION no longer wants. docs/postgresql.md tells the story. */
export interface EventRetention {
  /**
   * Detaches and drops each partition `events_YYYY_MM` of which even the last moment is older than `retentionMs`, by the
   * given clock (Unix milliseconds) and by that of the server: one that runs ahead must not cost events. Other tables are
   * never touched. Writers and readers go on meanwhile; a month that a long statement still uses stays for the next call.
   *
   * Of several callers one works, the others are told `busy`. Rejects with KeroError as EventStore.store does. When `stop`
   * aborts, what was begun is finished by a later call.
   */
  dropExpired(options: RetentionOptions): Promise<RetentionResult>;
}

export interface RetentionOptions {
  readonly retentionMs: number;
  readonly nowMs: number;
  readonly stop?: AbortSignal;
  /** Look, and drop nothing. */
  readonly dryRun?: boolean;
}

export interface ExpiredMonth {
  /** Name of the partition: `events_2026_11`. */
  readonly name: string;
  readonly bytes: number;
}

export type RetentionResult =
  /** Another process is dropping right now. */
  | { readonly outcome: 'busy' }
  /** The role does not own `events`, so PostgreSQL would refuse. `expired` is what the owner would drop. */
  | {
      readonly outcome: 'not_owner';
      readonly role: string;
      readonly owner: string;
      readonly expired: readonly ExpiredMonth[];
    }
  | {
      readonly outcome: 'done';
      /** With `dryRun`: what would be dropped. */
      readonly dropped: readonly ExpiredMonth[];
      /** Expired, but still there, and why. */
      readonly waiting: readonly { readonly name: string; readonly reason: string }[];
    };
