import type { Handler } from '../exchange.ts';
import type { ReceiverCounts } from '../receiver-counts.ts';
import type { Refuse } from '../responses.ts';

/**
 * Refuses what comes while `max` requests are not answered yet. Each of them costs memory besides its body, and one connection
 * can bring any number of them: who sends ahead does not wait for answers.
 */
export function limitRequestsInFlight(
  handler: Handler,
  { max, counts, refuse }: { readonly max: number; readonly counts: ReceiverCounts; readonly refuse: Refuse },
): Handler {
  return (exchange) => {
    // This one is counted already.
    if (counts.inFlight <= max) return handler(exchange);
    const detail = 'Too many requests wait for the log; send this again in a moment.';
    return refuse(exchange, { code: 'overloaded', detail });
  };
}
