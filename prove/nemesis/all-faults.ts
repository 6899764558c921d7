import type { SystemKind } from '../system/system.ts';
import { brokerFaults } from './broker-faults.ts';
import type { FaultKind } from './fault.ts';
import { garbageFault } from './garbage-fault.ts';
import { networkFaults } from './network-faults.ts';
import { postgresFaults } from './postgres-faults.ts';
import { processFaults } from './process-faults.ts';

export const allFaults: readonly FaultKind[] = [
  ...processFaults,
  ...brokerFaults,
  ...postgresFaults,
  ...networkFaults,
  garbageFault,
];

export function faultsOf(kind: SystemKind): FaultKind[] {
  return allFaults.filter((fault) => fault.on.includes(kind));
}
