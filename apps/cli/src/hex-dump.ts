const BYTES_A_LINE = 16;

/** `00000000  48 65 6c 6c 6f ...  |Hello|`, up to `maxBytes`. */
export function hexDump(bytes: Buffer, maxBytes: number): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, maxBytes); at += BYTES_A_LINE) {
    const line = bytes.subarray(at, Math.min(at + BYTES_A_LINE, maxBytes));
    const hex = [...line].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = line.toString('latin1').replace(/[^ -~]/g, '.');
    lines.push(`${at.toString(16).padStart(8, '0')}  ${hex.padEnd(BYTES_A_LINE * 3 - 1)}  |${text}|`);
  }
  if (bytes.length > maxBytes) lines.push(`and ${bytes.length - maxBytes} bytes more`);
  return lines.join('\n');
}
