import type { Messaging, Producer } from '@kero/messaging';

/** A log that confirms at once and keeps nothing: what is left is the work of the receiver. */
export function instantMessaging(): Messaging {
  const refuse = (what: string) => Promise.reject(new Error(`the instant log has no ${what}`));
  const producer: Producer = {
    append: () => Promise.resolve(),
    health: () => ({ up: true }),
    close: async () => {},
  };
  return {
    description: 'instant log',
    producer: async () => producer,
    consumer: () => refuse('consumer'),
    lagReader: () => ({ read: () => refuse('lag'), close: async () => {} }),
    close: async () => {},
  };
}
