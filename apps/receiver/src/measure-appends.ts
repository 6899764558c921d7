import type { Producer } from '@kero/messaging';

/** Tells `observe` the seconds from each call of append to its answer, confirmed or not: a log that hangs shows as slow. */
export function measureAppends(producer: Producer, observe: (seconds: number) => void): Producer {
  return {
    async append(records, options) {
      const startedAt = performance.now();
      try {
        await producer.append(records, options);
      } finally {
        observe((performance.now() - startedAt) / 1000);
      }
    },
    health: () => producer.health(),
    close: () => producer.close(),
  };
}
