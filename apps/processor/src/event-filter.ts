/** Decides by type which events are stored; the others are skipped (and counted). Empty lists store everything. */
export function createEventFilter(
  allowed: readonly string[],
  denied: readonly string[],
): (eventType: string) => boolean {
  if (allowed.length === 0 && denied.length === 0) return () => true;
  const allowedTypes = new Set(allowed);
  const deniedTypes = new Set(denied);
  return (eventType) => !deniedTypes.has(eventType) && (allowedTypes.size === 0 || allowedTypes.has(eventType));
}
