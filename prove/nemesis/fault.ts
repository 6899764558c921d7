import type { Random } from '../random.ts';
import type { Edge, System, SystemKind } from '../system/system.ts';

/** Parts of the system. Two faults that touch the same part never overlap; a server and the network before it may. */
export type Part = 'receiver' | 'processor' | 'group' | 'kero' | 'brokers' | 'postgres' | Edge;

/** Takes the fault back. Resolves when what it broke is there again (not: when the system has caught up). */
export type Heal = () => Promise<void>;

export interface FaultKind {
  readonly name: string;
  readonly description: string;
  readonly on: readonly SystemKind[];
  readonly touches: readonly Part[];
  /** How long it lasts, in seconds, before it is healed. */
  readonly seconds: readonly [shortest: number, longest: number];
  /** How often it comes before every other kind has come once; 1 where it is absent. */
  readonly weight?: number;
  /** Breaks something. What exactly is drawn from `random`, and told by `say`. Faults that act again and again stop at `over`. */
  begin(context: FaultContext): Promise<Heal>;
}

export interface FaultContext {
  readonly system: System;
  readonly random: Random;
  /** Aborts when the fault is about to be healed. */
  readonly over: AbortSignal;
  /** For the report: which node, which proxy. */
  readonly say: (detail: string) => void;
  /** Writes records that are no events into the topic, and into the ledger. */
  readonly produceGarbage: (random: Random) => Promise<void>;
}

/** One fault of the schedule. */
export interface PlannedFault {
  readonly number: number;
  readonly name: string;
  /** Seconds since the load began. */
  readonly from: number;
  readonly until: number;
}

/** What became of it. Unix milliseconds. */
export interface InjectedFault {
  readonly number: number;
  readonly name: string;
  detail: string;
  readonly from: number;
  /** When the healing was finished; undefined while it lasts. */
  until: number | undefined;
  /** Why it could not be injected. */
  failure: string | undefined;
}
