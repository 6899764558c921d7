import type { NewRecord } from '@kero/messaging';

export interface AppendShape {
  /** They append side by side, each again as soon as it has its confirmation. */
  readonly callers: number;
  readonly recordsACall: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

const VALUE_BYTES = 280;
const KEY_BYTES = 20;

/** Records of 300 bytes, for many keys. */
export function records(count: number): NewRecord[] {
  return Array.from({ length: count }, (_, n) => ({
    key: Buffer.from(`user-${n}`.padEnd(KEY_BYTES)),
    value: Buffer.alloc(VALUE_BYTES, 'x'),
    headers: [],
  }));
}

/** Durable records a second, after the warm-up. */
export async function appendForAWhile(append: (caller: number) => Promise<void>, shape: AppendShape): Promise<number> {
  const { callers, recordsACall, warmUpSeconds, seconds } = shape;
  const countFrom = performance.now() + warmUpSeconds * 1000;
  const end = countFrom + seconds * 1000;
  let appended = 0;
  const caller = async (number: number) => {
    while (performance.now() < end) {
      await append(number);
      const now = performance.now();
      if (now >= countFrom && now < end) appended += recordsACall;
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, number) => caller(number)));
  return appended / seconds;
}
