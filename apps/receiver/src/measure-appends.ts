import type { Producer } from '@kero/messaging';

/** Tells `observe` the seconds from each call of append to its answer, confirmed or not: a log that hangs shows as slow. */
export function measureAppends(producer: Producer, observe: (seconds: number) => void): Producer {
  return {
    append(records, options) {
      const startedAt = performance.now();
      const observeEnd = () => observe((performance.now() - startedAt) / 1000);
      const appended = producer.append(records, options);
      void appended.then(observeEnd, observeEnd);
      return appended;
    },
    health: () => producer.health(),
    close: () => producer.close(),
  };
}
