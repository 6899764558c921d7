/**
 * Which of a broker's partitions its next fetch is for. Suspects are fetched alone: in turns each of them, and all others
 * together. A broker fills its answer with what is named first, so the others begin at another one each time.
 *
 * `turn` counts the fetches from this broker. At least one of `all` comes back, when there is one.
 */
export function whoseTurn<T>(all: readonly T[], isSuspect: (one: T) => boolean, turn: number): T[] {
  const suspects = all.filter(isSuspect);
  const others = all.filter((one) => !isSuspect(one));
  const choices = suspects.length + (others.length > 0 ? 1 : 0);
  const suspect = suspects[turn % choices];
  if (suspect !== undefined) return [suspect];
  const first = Math.floor(turn / choices) % others.length;
  return [...others.slice(first), ...others.slice(0, first)];
}
