/**
 * How long until a row can be seen: sends one event, then asks for its row again and again until it is there. A question is a
 * look-up in the index of the primary key, so that asking hardly disturbs what is measured.
 */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
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
}

/** Between two questions for the same row: so much later than it was there it may be seen. */
const ASK_EVERY_MS = 1;
const GIVE_UP_MS = 30_000;
const LOOK_UP = 'select from events where event_timestamp = $1 and event_id = $2';

offer({
  probe: async (options: ProbeOptions): Promise<ProbeFigures> => {
    const client = new pg.Client(options.server);
    const connection = new HttpConnection(options.port);
    await client.connect();
    await connection.connect();
    const [answered, visible] = [new Latencies(), new Latencies()];
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
      answered.add(performance.now() - sentAt);
      while (!(await isThere(client, event_timestamp, event_id))) {
        if (performance.now() - sentAt > GIVE_UP_MS)
          throw new Error(`the row of a probe is not there after ${GIVE_UP_MS} ms`);
        await delay(ASK_EVERY_MS);
      }
      visible.add(performance.now() - sentAt);
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
    };
  },
});

function eventIn({ bytes, bodyBytes }: EventRequest): { event_id: string; event_timestamp: string } {
  return JSON.parse(bytes.toString('latin1', bytes.length - bodyBytes));
}

async function isThere(client: pg.Client, timestamp: string, eventId: string): Promise<boolean> {
  const { rowCount } = await client.query({ name: 'look-up', text: LOOK_UP, values: [timestamp, eventId] });
  return (rowCount ?? 0) > 0;
}
