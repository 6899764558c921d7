/** One broken promise, with everything that is known about the event it happened to. */
export interface Violation {
  readonly what: string;
  /** What to look up for the witness. */
  readonly id?: string;
  /** Numbers of contents in the ledger. */
  readonly contents?: readonly number[];
  readonly partition?: number;
  readonly offset?: number;
}

export interface Verdict {
  /** I1 to I8. */
  readonly invariant: string;
  readonly title: string;
  /** What was looked at: a check that looked at nothing proves nothing. */
  readonly looked: string;
  readonly violations: readonly Violation[];
}
