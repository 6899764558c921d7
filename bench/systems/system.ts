import type { ServerAddress } from '../support/postgres.ts';

/** A pipeline that runs: events in over HTTP, rows out. */
export interface System {
  /** Of its HTTP API. */
  readonly port: number;
  /** Rows that can be seen at the moment of the call. */
  stored(): Promise<number>;
}

export interface KeroProcessIds {
  readonly name: string;
  readonly pid: number | undefined;
  /** Where its metrics are. */
  readonly adminPort: number;
}

/** Kero, of which more can be seen. */
export interface KeroSystem extends System {
  readonly processes: readonly KeroProcessIds[];
  /** As the `pg` library takes it. */
  readonly database: ServerAddress;
  rows(sql: string): Promise<readonly (readonly (string | null)[])[]>;
}
