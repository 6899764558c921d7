import type pg from 'pg';
import type { Receiver } from '../load/deliveries.ts';
import type { FaultyProxy } from './faulty-proxy.ts';
import type { SupervisedProcess } from './supervised-process.ts';

export type SystemKind = 'embedded' | 'kafka';

/** A place in the network where the nemesis can stand. */
export type Edge = 'client-receiver' | 'receiver-broker' | 'processor-broker' | 'broker-broker' | 'processor-postgres';

/** The PostgreSQL server under the rows, as an administrator has it. */
export interface PostgresUnderTest {
  /** As superuser and past every proxy; the caller ends it. Rejects while the server is down. */
  connect(): Promise<pg.Client>;
  /** Past every proxy, as the role that Kero has. */
  connectAsKero(): Promise<pg.Client>;
  /** The database that holds the rows. */
  readonly database: string;
  /** Whether Kero's role is one whose connections can be used up (superusers have some in reserve). */
  readonly keroIsOrdinary: boolean;
  /** SIGQUIT is PostgreSQL's immediate shutdown: no checkpoint, no goodbye. Resolves when the server is gone. */
  kill(signal: 'SIGQUIT' | 'SIGKILL'): Promise<void>;
  /** Starts it again; where Kero itself looks after the server, waits until Kero has. */
  recover(): Promise<void>;
}

export interface LogPosition {
  readonly partition: number;
  readonly offset: number;
}

/** A committed offset that was seen: the claim that every lower one of the partition is finished. */
export interface CommitSeen extends LogPosition {
  /** Unix milliseconds; the commit is not younger. */
  readonly at: number;
}

export interface StoredRecord extends LogPosition {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [name: string, value: string | null])[];
}

/** The log under test, looked at from outside. */
export interface LogUnderTest {
  readonly description: string;
  /** Committed offset and end of every partition, read just now. Rejects while the log is down. */
  progress(): Promise<readonly { partition: number; committed: number; end: number }[]>;
  /** Every record; to be called when nothing is written any more. */
  records(): Promise<StoredRecord[]>;
  /** Every commit that is known: all of them, or samples. */
  commits(): Promise<CommitSeen[]>;
  /** Writes lines of `key TAB value` into the topic by a program that is not Kero; absent where only Kero can write. */
  readonly write?: (records: readonly { key: string; value: string | null }[]) => Promise<void>;
}

/** The brokers, where there are any. Nodes count from 0. */
export interface BrokersUnderTest {
  readonly count: number;
  kill(node: number, signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): Promise<void>;
  /** Starts it on its old data and waits until it listens. */
  start(node: number): Promise<void>;
}

/** Everything that the nemesis can hurt and the checker can look at. */
export interface System extends AsyncDisposable {
  readonly kind: SystemKind;
  /** Lines for the report: what runs. */
  readonly description: readonly string[];
  /** Reached through the edge client-receiver. */
  readonly receivers: readonly Receiver[];
  readonly processes: readonly SupervisedProcess[];
  /** One that is down unless a fault lets it join; among `processes`. Undefined where nobody can join. */
  readonly spareProcessor?: SupervisedProcess;
  readonly postgres: PostgresUnderTest;
  readonly log: LogUnderTest;
  readonly brokers: BrokersUnderTest | undefined;
  readonly edges: Readonly<Partial<Record<Edge, readonly FaultyProxy[]>>>;
  /** Whether every receiver and processor says that it is ready; if not, the reasons. */
  readiness(): Promise<{ ready: boolean; reasons: readonly string[] }>;
}
