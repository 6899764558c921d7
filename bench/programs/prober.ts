/**
 * How long until a row can be seen: sends one event, then asks for its row again and again until it is there. A question is a
 * look-up in the index of the primary key, so that asking hardly disturbs what is measured.
 */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { quantile } from '../framework/statistics.ts';
import { ClockText, EventRequest } from '../load/event-requests.ts';
import { HttpConnection } from '../load/http-connection.ts';
import { Latencies } from '../load/latencies.ts';
import { offer } from '../support/program.ts';

export interface ProbeOptions {
  readonly port: number;
  readonly server: pg.ClientConfig;
  readonly seconds: number;
  /** Between two probes. */
  readonly pauseMs: number;
  readonly firstNumber: number;
}

export interface ProbeFigures {
  readonly probes: number;
  /** From sending to the 202. */
  readonly answeredP50Ms: number;
  readonly answeredP99Ms: number;
  /** From sending until the row was seen. */
  readonly visibleP50Ms: number;
  readonly visibleP99Ms: number;
  readonly visibleMaxMs: number;
  /** The median of each hop, in the order of the way. */
  readonly hops: Readonly<Record<Hop, number>>;
}

export const HOPS = {
  received: 'sent to received: HTTP, checks, identity',
  confirmed: 'received to 202: the log confirms',
  begun: '202 to the begin of the transaction: read, wait for its turn',
  visible: 'transaction: rows written and committed',
} as const;
export type Hop = keyof typeof HOPS;

/** Between two questions for the same row: so much later than it was there it may be seen. */
const ASK_EVERY_MS = 1;
const GIVE_UP_MS = 30_000;
const LOOK_UP = `select extract(epoch from received_at) * 1000, extract(epoch from stored_at) * 1000
from events where event_timestamp = $1 and event_id = $2`;

offer({
  probe: async (options: ProbeOptions): Promise<ProbeFigures> => {
    const client = new pg.Client(options.server);
    const connection = new HttpConnection(options.port);
    await client.connect();
    await connection.connect();
    const [answered, visible] = [new Latencies(), new Latencies()];
    const hops: Record<Hop, number[]> = { received: [], confirmed: [], begun: [], visible: [] };
    const request = new EventRequest({ batch: 1, headers: {} });
    const clock = new ClockText();
    const end = performance.now() + options.seconds * 1000;
    for (let number = options.firstNumber; performance.now() < end; number++) {
      clock.update(Date.now());
      request.fill(number, clock);
      const { event_id, event_timestamp } = eventIn(request);
      const sentAt = performance.now();
      const status = await new Promise((resolve) => connection.send(request.bytes, resolve));
      if (status !== 202) throw new Error(`a probe was answered with ${status}`);
      const answeredAt = performance.now();
      answered.add(answeredAt - sentAt);
      let row = await look(client, event_timestamp, event_id);
      while (!row) {
        if (performance.now() - sentAt > GIVE_UP_MS)
          throw new Error(`the row of a probe is not there after ${GIVE_UP_MS} ms`);
        await delay(ASK_EVERY_MS);
        row = await look(client, event_timestamp, event_id);
      }
      const visibleAt = performance.now();
      visible.add(visibleAt - sentAt);
      const [receivedAt, storedAt] = row.map((unixMs) => Number(unixMs) - performance.timeOrigin) as [number, number];
      hops.received.push(receivedAt - sentAt);
      hops.confirmed.push(answeredAt - receivedAt);
      hops.begun.push(storedAt - answeredAt);
      hops.visible.push(visibleAt - storedAt);
      await delay(options.pauseMs * (0.5 + Math.random()));
    }
    connection.close();
    await client.end();
    return {
      probes: visible.count,
      answeredP50Ms: answered.percentile(50),
      answeredP99Ms: answered.percentile(99),
      visibleP50Ms: visible.percentile(50),
      visibleP99Ms: visible.percentile(99),
      visibleMaxMs: visible.maxMs,
      hops: {
        received: medianOf(hops.received),
        confirmed: medianOf(hops.confirmed),
        begun: medianOf(hops.begun),
        visible: medianOf(hops.visible),
      },
    };
  },
});

function eventIn({ bytes, bodyBytes }: EventRequest): { event_id: string; event_timestamp: string } {
  return JSON.parse(bytes.toString('latin1', bytes.length - bodyBytes));
}

/** When the receiver got it and when its transaction began, in Unix milliseconds; undefined while there is no row. */
async function look(client: pg.Client, timestamp: string, eventId: string): Promise<readonly string[] | undefined> {
  const query = { name: 'look-up', text: LOOK_UP, values: [timestamp, eventId], rowMode: 'array' as const };
  return (await client.query<string[]>(query)).rows[0];
}

function medianOf(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}
