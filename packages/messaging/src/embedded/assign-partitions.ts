/**
 * Shares partitions out among members as evenly as it goes (counts differ by one at most) while moving as few as possible.
 * `owners[p]` is the present owner of partition p; the result has the same form. Without members nobody owns anything.
 */
export function assignPartitions<Member>(
  owners: readonly (Member | undefined)[],
  members: readonly Member[],
): (Member | undefined)[] {
  if (members.length === 0) return owners.map(() => undefined);
  const held = (member: Member) => owners.filter((owner) => owner === member).length;
  // Who holds more is first in line for the remainder: that keeps one partition more where it is.
  const byHeld = [...members].sort((a, b) => held(b) - held(a));
  const share = Math.floor(owners.length / members.length);
  const remainder = owners.length % members.length;
  const room = new Map(byHeld.map((member, index) => [member, share + (index < remainder ? 1 : 0)]));
  const take = (member: Member) => {
    const left = room.get(member) ?? 0;
    if (left > 0) room.set(member, left - 1);
    return left > 0;
  };
  const kept = owners.map((owner) => (owner !== undefined && take(owner) ? owner : undefined));
  return kept.map((owner) => owner ?? byHeld.find(take));
}
