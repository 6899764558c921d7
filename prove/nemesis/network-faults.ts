import type { FaultyProxy, NetworkState } from '../system/faulty-proxy.ts';
import type { Edge, SystemKind } from '../system/system.ts';
import type { FaultKind } from './fault.ts';

interface EdgeFaults {
  readonly edge: Edge;
  readonly on: readonly SystemKind[];
}

const EDGES: readonly EdgeFaults[] = [
  { edge: 'client-receiver', on: ['embedded', 'kafka'] },
  { edge: 'receiver-broker', on: ['kafka'] },
  { edge: 'processor-broker', on: ['kafka'] },
  { edge: 'broker-broker', on: ['kafka'] },
  { edge: 'processor-postgres', on: ['kafka'] },
];

const KINDS: readonly { kind: NetworkState['kind']; description: string; seconds: readonly [number, number] }[] = [
  { kind: 'cut', description: 'every connection is reset', seconds: [1, 6] },
  { kind: 'delay', description: 'every byte comes late', seconds: [4, 12] },
  { kind: 'blackhole', description: 'nothing comes through until it is healed', seconds: [3, 15] },
  { kind: 'silence', description: 'open connections carry nothing any more and are not closed', seconds: [4, 12] },
  { kind: 'drop-answers', description: 'requests come through, answers do not', seconds: [2, 10] },
];

/** Every edge of the network, each with everything that a network does. One proxy of the edge, or all of them. */
export const networkFaults: readonly FaultKind[] = EDGES.flatMap(({ edge, on }) =>
  KINDS.map(
    ({ kind, description, seconds }): FaultKind => ({
      name: `${edge}-${kind}`,
      description: `${edge}: ${description}`,
      on,
      touches: [edge],
      seconds,
      async begin({ system, random, say }) {
        const proxies = system.edges[edge] ?? [];
        const chosen: readonly FaultyProxy[] = random.chance(0.4) ? proxies : [random.pick(proxies)];
        const state: NetworkState = kind === 'delay' ? { kind, delayMs: random.pick([30, 200, 1000]) } : { kind };
        say(`${chosen.map(({ name }) => name).join(', ')}${state.kind === 'delay' ? `, ${state.delayMs} ms` : ''}`);
        for (const proxy of chosen) proxy.set(state);
        return async () => {
          for (const proxy of chosen) proxy.set({ kind: 'pass' });
        };
      },
    }),
  ),
);
