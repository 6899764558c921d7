/**
 * The event type that a file or folder is named after; undefined where the name is none. Characters that cannot be in a file name are
 * percent-encoded, as in a URL; others may be.
 */
export function eventTypeOfName(name: string): string | undefined {
  try {
    const eventType = decodeURIComponent(name);
    const length = [...eventType].length;
    return length >= 1 && length <= 128 && eventType.isWellFormed() && !eventType.includes('\0')
      ? eventType
      : undefined;
  } catch {
    return undefined;
  }
}

/** The name for an event type, without its ending: everything but letters, digits, `_`, `-` and inner dots is encoded. */
export function nameOfEventType(eventType: string): string {
  const encode = (part: string) =>
    [...Buffer.from(part)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`);
  return eventType.replace(/[^A-Za-z0-9._-]/gu, (part) => encode(part).join('')).replace(/^\./, '%2E');
}
