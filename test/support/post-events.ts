/** How one post ended: the status, or `unknown` when there was no answer. */
export interface Posted {
  readonly eventId: string;
  readonly outcome: 'ok' | 'no' | 'unknown';
}

/** The body of an event whose id is easy to find again. */
export function eventBody(eventId: string, members: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    event_id: eventId,
    user_id: `user-${eventId.length % 7}-${eventId.slice(-1)}`,
    event_type: 'purchase',
    event_timestamp: '2026-10-07T10:00:00Z',
    event_data: { item_id: '42', price: 9.99 },
    ...members,
  });
}

export async function post(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${url}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
}

/**
 * Posts events from several clients until `stop` says so, and remembers how each ended. An `unknown` one is not repeated:
 * whether it is stored is open, and tests must not expect either.
 */
export async function postUntil(url: string, prefix: string, stop: () => boolean, clients = 8): Promise<Posted[]> {
  const ledger: Posted[] = [];
  let next = 0;
  const client = async () => {
    while (!stop()) {
      const eventId = `${prefix}-${next++}`;
      try {
        const response = await post(url, eventBody(eventId));
        await response.arrayBuffer();
        ledger.push({ eventId, outcome: response.status === 202 ? 'ok' : response.status < 500 ? 'no' : 'unknown' });
      } catch {
        ledger.push({ eventId, outcome: 'unknown' });
        if (!stop()) await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return ledger;
}
