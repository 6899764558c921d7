import { describe } from 'node:test';
import { appendingContract } from './contract/appending.contract.ts';
import { groupContract } from './contract/group.contract.ts';
import type { NewLog } from './contract/log-under-test.contract.ts';
import { progressContract } from './contract/progress.contract.ts';
import { readingContract } from './contract/reading.contract.ts';

export type { ContractLog, NewLog } from './contract/log-under-test.contract.ts';

/**
 * Registers the tests that every driver of messaging.ts must pass. `newLog` is called once a test and gives it an empty
 * log of its own (a fresh folder, a fresh topic); what it makes is to be removed with `t.after`.
 */
export function messagingContract(name: string, newLog: NewLog): void {
  describe(`${name} keeps the messaging contract`, () => {
    appendingContract(newLog);
    readingContract(newLog);
    groupContract(newLog);
    progressContract(newLog);
  });
}
