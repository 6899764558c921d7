import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../random.ts';
import type { System } from '../system/system.ts';
import type { FaultKind, Heal, InjectedFault, Part, PlannedFault } from './fault.ts';

export interface NemesisOptions {
  readonly system: System;
  readonly kinds: readonly FaultKind[];
  readonly random: Random;
  readonly produceGarbage: (random: Random) => Promise<void>;
  readonly log: (text: string) => void;
}

/** Injects the faults of a schedule and heals every one of them, also when it is stopped early. */
export class Nemesis {
  readonly injected: InjectedFault[] = [];
  readonly #options: NemesisOptions;
  /** By part: resolves when the fault that touches it is healed. Healing may take longer than planned. */
  readonly #busy = new Map<Part, Promise<unknown>>();

  constructor(options: NemesisOptions) {
    this.#options = options;
  }

  get active(): readonly InjectedFault[] {
    return this.injected.filter((fault) => fault.until === undefined);
  }

  /**
   * Resolves when every fault is healed: at the end of the schedule, or soon after `stop`. Rejects when one cannot be healed:
   * such a run proves nothing.
   */
  async run(schedule: readonly PlannedFault[], stop: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    const running: Promise<void>[] = [];
    for (const planned of schedule) {
      await pause(planned.from * 1000 - (performance.now() - startedAt), stop);
      // At most two at a time, also when one takes longer than planned.
      while (this.active.length >= 2 && !stop.aborted) await delay(50);
      if (stop.aborted) break;
      const kind = this.#options.kinds.find(({ name }) => name === planned.name);
      if (!kind) throw new Error(`no fault has the name ${planned.name}`);
      await Promise.allSettled(kind.touches.map((part) => this.#busy.get(part)));
      if (stop.aborted) break;
      const fault = this.#inject(kind, planned, stop);
      for (const part of kind.touches) this.#busy.set(part, fault);
      // Looked at below; a fault that cannot be healed must not end the process before the others are.
      fault.catch(() => {});
      running.push(fault);
    }
    await Promise.allSettled(running);
    await Promise.all(running);
  }

  async #inject(kind: FaultKind, { number, from, until }: PlannedFault, stop: AbortSignal): Promise<void> {
    const { system, random, produceGarbage, log } = this.#options;
    const fault: InjectedFault = {
      number,
      name: kind.name,
      detail: '',
      from: Date.now(),
      until: undefined,
      failure: undefined,
    };
    this.injected.push(fault);
    const over = new AbortController();
    const say = (detail: string) => {
      fault.detail = detail;
    };
    let heal: Heal | undefined;
    log(`fault ${number} begins: ${kind.name}`);
    try {
      const context = { system, random: random.fork(`fault ${number}`), over: over.signal, say, produceGarbage };
      heal = await kind.begin(context);
      if (fault.detail) log(`fault ${number}: ${fault.detail}`);
      await pause((until - from) * 1000, stop);
    } catch (error) {
      // What another fault has broken already cannot be broken once more.
      fault.failure = error instanceof Error ? error.message : String(error);
      log(`fault ${number} could not be injected: ${kind.name}: ${fault.failure}`);
    }
    over.abort();
    await heal?.();
    fault.until = Date.now();
    log(`fault ${number} is healed: ${kind.name}`);
  }
}

async function pause(ms: number, stop: AbortSignal): Promise<void> {
  if (ms > 0) await delay(ms, undefined, { signal: stop }).catch(() => {});
}
