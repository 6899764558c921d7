import { describe } from 'node:test';
import { concurrencyContract } from './contract/concurrency.contract.ts';
import { deadLettersContract } from './contract/dead-letters.contract.ts';
import { newEventsContract } from './contract/new-events.contract.ts';
import { partitionsContract } from './contract/partitions.contract.ts';
import { refusalsContract } from './contract/refusals.contract.ts';
import { repeatsContract } from './contract/repeats.contract.ts';
import type { NewDatabase } from './contract/store-under-test.contract.ts';
import { togetherContract } from './contract/together.contract.ts';

export type { NewDatabase } from './contract/store-under-test.contract.ts';

/**
 * Registers the tests that every driver of event-store.ts must pass. `newDatabase` is called once a test and gives it an
 * empty database of its own, opened; the suite closes it.
 */
export function eventStoreContract(name: string, newDatabase: NewDatabase): void {
  describe(`${name} keeps the event store contract`, () => {
    newEventsContract(newDatabase);
    repeatsContract(newDatabase);
    deadLettersContract(newDatabase);
    partitionsContract(newDatabase);
    concurrencyContract(newDatabase);
    refusalsContract(newDatabase);
    togetherContract(newDatabase);
  });
}
