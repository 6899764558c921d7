/** Below this the head of a gzip stream eats what it saves, and a request fits into one packet anyway. */
const WORTH_IT_BYTES = 1024;

export function isWorthCompressing(gzip: 'auto' | boolean, bytes: number): boolean {
  if (gzip === 'auto') return bytes >= WORTH_IT_BYTES && typeof CompressionStream !== 'undefined';
  return gzip;
}

export async function compress(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
