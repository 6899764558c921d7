import type { GroupPartitionsAssigner } from '@platformatic/kafka';

/**
 * Deals the partitions of each topic out to the members that read it. The client's own way gives everybody partitions of the
 * topics that the one who shares reads, so that groups of one name on several topics starve each other.
 */
export const sharePartitions: GroupPartitionsAssigner = (_current, members, _topics, metadata) => {
  const shares = [...members.keys()].sort().map((memberId) => ({
    memberId,
    assignments: new Map<string, { topic: string; partitions: number[] }>(),
  }));
  let next = 0;
  for (const [topic, { partitionsCount }] of metadata.topics) {
    const readers = shares.filter(({ memberId }) => members.get(memberId)?.topics?.includes(topic));
    if (readers.length === 0) continue;
    for (let partition = 0; partition < partitionsCount; partition++) {
      const share = readers[next++ % readers.length]?.assignments;
      const assigned = share?.get(topic) ?? { topic, partitions: [] };
      assigned.partitions.push(partition);
      share?.set(topic, assigned);
    }
  }
  return shares;
};
