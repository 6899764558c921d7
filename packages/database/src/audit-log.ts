/** What a person did that moved or dropped something. Every value of `detail` must be JSON. */
export interface AuditEntry {
  readonly action: 'dead_letters_replay' | 'dead_letters_discard' | 'offsets_skip_gap';
  /** Who, for people: the user of the operating system, and the machine. */
  readonly actor: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/**
 * The table `audit_log`. An action is written down before it begins, so that there is none without a trace: a row without an
 * end is one that died in the middle. Methods reject with KeroError as EventStore.store does.
 */
export interface AuditLog {
  /** Resolves to the number of the row, once it is durable. */
  begin(entry: AuditEntry): Promise<bigint>;
  /** `detail` is added to what begin() wrote. */
  end(auditId: bigint, result: { readonly outcome: string; readonly detail?: AuditEntry['detail'] }): Promise<void>;
}
