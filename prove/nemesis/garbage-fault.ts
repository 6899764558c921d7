import type { FaultKind } from './fault.ts';

/** Another program writes into the topic: records that are no events, and some that are. */
export const garbageFault: FaultKind = {
  name: 'garbage',
  description: "records that are no events, written into the topic by Kafka's console producer",
  on: ['kafka'],
  touches: [],
  seconds: [4, 6],
  weight: 4,
  async begin({ random, produceGarbage, say }) {
    const producing = produceGarbage(random);
    // While brokers are down the tool waits and fails; what came of it is in the ledger as unknown.
    producing.catch(() => {});
    say('one run of the tool');
    return () => producing.catch(() => {});
  },
};
