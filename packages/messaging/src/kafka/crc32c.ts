import { createRequire } from 'node:module';
import { crc32c as slowCrc32c } from '@platformatic/kafka';

type Crc32c = (bytes: Uint8Array) => number;

/**
 * The checksum of a record batch (CRC-32C), as a number without a sign. It is computed by the native code that the Kafka client uses, too;
 * the client's own function copies the bytes first, which costs twice as much as the checksum. Where that code was not built for the machine, what the
 * client has instead does it.
 */
export const crc32c: Crc32c = nativeCrc32c() ?? slowCrc32c;

function nativeCrc32c(): Crc32c | undefined {
  try {
    return (createRequire(import.meta.url)('@node-rs/crc32') as { readonly crc32c: Crc32c }).crc32c;
  } catch {
    return undefined;
  }
}
