import type { BrokersUnderTest, System } from '../system/system.ts';
import type { FaultContext, FaultKind } from './fault.ts';

/** Kafka's brokers: one, two and all of three. */
export const brokerFaults: readonly FaultKind[] = [
  killFault('broker-kill', 1, 'kill -9 of one broker'),
  killFault('brokers-kill-two', 2, 'kill -9 of two of three brokers: nothing can be confirmed'),
  killFault('brokers-kill-all', 3, 'kill -9 of all brokers'),
  {
    name: 'broker-stop',
    description: 'SIGSTOP of one broker, then SIGCONT: a leader that hangs and wakes up as one no more',
    on: ['kafka'],
    touches: ['brokers'],
    seconds: [6, 20],
    async begin({ system, random, say }) {
      const brokers = brokersOf(system);
      const node = random.int(0, brokers.count - 1);
      say(`broker ${node + 1}`);
      await brokers.kill(node, 'SIGSTOP');
      return () => brokers.kill(node, 'SIGCONT');
    },
  },
  {
    name: 'brokers-rolling',
    description: 'rolling restart of all brokers (SIGTERM)',
    on: ['kafka'],
    touches: ['brokers'],
    seconds: [12, 16],
    async begin({ system, random, over, say }) {
      const brokers = brokersOf(system);
      const restarting = (async () => {
        for (const node of shuffledNodes(brokers, random)) {
          if (over.aborted) return;
          say(`up to broker ${node + 1}`);
          await brokers.kill(node, 'SIGTERM');
          await brokers.start(node);
        }
      })();
      restarting.catch(() => {});
      return () => restarting;
    },
  },
];

function killFault(name: string, count: number, description: string): FaultKind {
  return {
    name,
    description,
    on: ['kafka'],
    touches: ['brokers'],
    seconds: [3, 12],
    async begin({ system, random, say }) {
      const brokers = brokersOf(system);
      const nodes = shuffledNodes(brokers, random).slice(0, count);
      say(`broker ${nodes.map((node) => node + 1).join(', ')}`);
      await Promise.all(nodes.map((node) => brokers.kill(node, 'SIGKILL')));
      // Side by side: a quorum is only found by brokers that look for it at the same time.
      return async () => {
        await Promise.all(nodes.map((node) => brokers.start(node)));
      };
    },
  };
}

function shuffledNodes(brokers: BrokersUnderTest, random: FaultContext['random']): number[] {
  return random.shuffle(Array.from({ length: brokers.count }, (_, node) => node));
}

function brokersOf(system: System): BrokersUnderTest {
  if (!system.brokers) throw new Error('this system has no brokers');
  return system.brokers;
}
