/** Whether a header came more than once. `name`: in lower case. Of most headers Node keeps the first one, and does not tell of the others. */
export function isRepeated(rawHeaders: readonly string[], name: string): boolean {
  let found = false;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const header = rawHeaders[at] as string;
    // Of nearly all others the length is another one already.
    if (header.length !== name.length || header.toLowerCase() !== name) continue;
    if (found) return true;
    found = true;
  }
  return false;
}
