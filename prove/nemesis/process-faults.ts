import { setTimeout as delay } from 'node:timers/promises';
import type { SupervisedProcess } from '../system/supervised-process.ts';
import type { System, SystemKind } from '../system/system.ts';
import type { FaultContext, FaultKind, Part } from './fault.ts';

interface Target {
  readonly part: Part;
  readonly on: SystemKind;
  /** What the name of the process begins with. */
  readonly process: string;
}

const TARGETS: readonly Target[] = [
  { part: 'kero', on: 'embedded', process: 'kero start' },
  { part: 'receiver', on: 'kafka', process: 'receiver' },
  { part: 'processor', on: 'kafka', process: 'processor' },
];

/** Kero's own processes: killed, stopped politely, frozen, killed again and again. */
const partFaults: readonly FaultKind[] = TARGETS.flatMap(({ part, on, process }): FaultKind[] => [
  {
    name: `${part}-kill`,
    description: `kill -9 of ${process}; its supervisor starts it again`,
    on: [on],
    touches: [part],
    seconds: [1, 5],
    begin: (context) => down(context, process, 'SIGKILL'),
  },
  {
    name: `${part}-term`,
    description: `SIGTERM of ${process} in the middle of its work`,
    on: [on],
    touches: [part],
    seconds: [1, 4],
    begin: (context) => down(context, process, 'SIGTERM'),
  },
  {
    name: `${part}-stop`,
    description: `SIGSTOP of ${process}, short or past every session time-out, then SIGCONT`,
    on: [on],
    touches: [part],
    seconds: [4, 18],
    async begin({ system, random, say }) {
      const target = random.pick(processesOf(system, process));
      say(target.name);
      target.pause();
      return async () => target.resume();
    },
  },
  {
    name: `${part}-kill-often`,
    description: `kill -9 of ${process} every few seconds`,
    on: [on],
    touches: [part],
    seconds: [10, 16],
    async begin({ system, random, over, say }) {
      const targets = processesOf(system, process);
      let kills = 0;
      const killing = (async () => {
        while (!over.aborted) {
          await random.pick(targets).end('SIGKILL');
          say(`${++kills} times`);
          await delay(random.int(1500, 4000), undefined, { signal: over }).catch(() => {});
        }
      })();
      return async () => killing;
    },
  },
]);

/**
 * One more processor joins the group and leaves it, again and again: those that go on have work in flight and read ahead at a
 * rebalance, which those that are killed have not.
 */
const comeAndGo: FaultKind = {
  name: 'processor-come-and-go',
  description: 'one more processor joins the group and leaves it, again and again',
  on: ['kafka'],
  touches: ['group'],
  seconds: [8, 20],
  async begin({ system: { spareProcessor }, random, over, say }) {
    if (!spareProcessor) throw new Error('no spare processor');
    let joins = 0;
    const changing = (async () => {
      while (!over.aborted) {
        spareProcessor.release();
        say(`${++joins} times`);
        await delay(random.int(4000, 7000), undefined, { signal: over }).catch(() => {});
        spareProcessor.hold();
        await spareProcessor.end('SIGTERM');
      }
    })();
    return async () => changing;
  },
};

export const processFaults: readonly FaultKind[] = [...partFaults, comeAndGo];

async function down({ system, random, say }: FaultContext, process: string, signal: 'SIGKILL' | 'SIGTERM') {
  const targets = processesOf(system, process);
  // Now and then all of a kind at the same time.
  const chosen = random.chance(0.3) ? targets : [random.pick(targets)];
  say(chosen.map(({ name }) => name).join(', '));
  for (const target of chosen) target.hold();
  await Promise.all(chosen.map((target) => target.end(signal)));
  return async () => {
    for (const target of chosen) target.release();
  };
}

function processesOf(system: System, name: string): SupervisedProcess[] {
  const found = system.processes.filter((process) => process.name.startsWith(name));
  if (found.length === 0) throw new Error(`no process ${name}`);
  return found;
}
