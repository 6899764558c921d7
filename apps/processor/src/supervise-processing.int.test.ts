import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { databaseError, type EventStore } from '@kero/database';
import { type Consumer, LagWatch, openMessaging } from '@kero/messaging';
import { createLogger, Health } from '@kero/runtime';
import { waitUntil } from '../../../test/support/wait-until.ts';
import { PartitionWrites } from './partition-writes.ts';
import { createProcessorCounts } from './processor-counts.ts';
import { superviseProcessing } from './supervise-processing.ts';

const STALL_MS = 1000;

/** The consumer as it is, except that it gives nothing out after its first batch, says nothing, and does not hear the stop. */
function hanging(consumer: Consumer): Consumer {
  return {
    async *read(options) {
      for await (const batch of consumer.read(options)) {
        yield batch;
        await new Promise(() => {});
      }
    },
    positions: () => consumer.positions(),
    health: () => ({ up: true }),
    close: () => consumer.close(),
  };
}

async function setUp(t: TestContext) {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line).msg) };
  const logger = createLogger({ level: 'info', format: 'json', name: 'test', destination });
  const directory = mkdtempSync(join(tmpdir(), 'kero-supervise-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const config = { driver: 'embedded', directory, retentionMs: 3_600_000, maxRecordBytes: 300_000 } as const;
  const messaging = await openMessaging(config, { logger });
  t.after(() => messaging.close());
  const producer = await messaging.producer();
  const append = async (...ids: string[]) => {
    for (const id of ids) {
      const value = Buffer.from(
        `{"event_id":"${id}","user_id":"u","event_type":"view","event_timestamp":"2026-10-07T10:00:00Z","event_data":{}}`,
      );
      await producer.append([{ key: Buffer.from('u'), value, headers: [] }], { deadlineMs: 10_000 });
    }
  };
  const lag = new LagWatch({ reader: messaging.lagReader('g'), logger, intervalMs: 100 });
  t.after(() => lag[Symbol.asyncDispose]());

  const stored: string[] = [];
  const store: EventStore = {
    async store({ events }) {
      stored.push(...events.map(({ eventId }) => String(eventId)));
      return { stored: events.length, duplicates: 0, redelivered: 0, deadLetters: new Map() };
    },
    storeTogether: async (batches) => batches.map(() => undefined),
  };
  const start = (options: { wrap?: (consumer: Consumer, number: number) => Consumer; store?: EventStore } = {}) => {
    const health = new Health();
    const stop = new AbortController();
    const writes = new PartitionWrites();
    let opened = 0;
    const supervision = superviseProcessing(
      {
        openConsumer: async () => {
          const consumer = await messaging.consumer('g');
          return options.wrap?.(consumer, ++opened) ?? consumer;
        },
        lag: () => lag.known,
        store: options.store ?? store,
        settings: {
          allowedTypes: [],
          deniedTypes: [],
          commitSkipped: true,
          batchMaxRecords: 5000,
          batchMaxBytes: 1024 ** 2,
          connections: 2,
          stallAfterMs: STALL_MS,
        },
        eventSettings: { maxFutureMs: 86_400_000, retentionMs: undefined, maxBytes: 262_144 },
        counts: createProcessorCounts(),
        writes,
        observeBatch: () => {},
        health,
        stallAfterMs: STALL_MS,
        stopPatienceMs: 500,
        logger,
        now: Date.now,
      },
      stop.signal,
    );
    supervision.done.catch(() => {});
    t.after(async () => {
      stop.abort();
      await supervision.done.catch(() => {});
    });
    return { supervision, health, stop, writes };
  };
  return { append, start, stored, lines, store };
}

describe('superviseProcessing', { timeout: 60_000 }, () => {
  test('a consumer that hangs makes the process not live, is built anew, and what waited is stored', async (t) => {
    const { append, start, stored, lines } = await setUp(t);
    const { supervision, health } = start({
      wrap: (consumer, number) => (number === 1 ? hanging(consumer) : consumer),
    });
    await append('a');
    await waitUntil(() => stored.includes('a'));
    assert.equal(health.reportLive().up, true);
    await append('b');
    await waitUntil(() => !health.reportLive().up);
    await waitUntil(() => stored.includes('b'));
    await waitUntil(() => health.reportLive().up);
    assert.equal(supervision.rebuilds, 1);
    const rebuilt = lines.filter((line) => line.includes('building the consumer anew'));
    assert.equal(rebuilt.length, 1);
    assert.match(rebuilt[0] ?? '', /^events wait in the log and nothing has moved for 1 s/);
  });

  test('when no consumer helps, processing ends with processor_stalled after three of them', async (t) => {
    const { append, start } = await setUp(t);
    const { supervision } = start({
      wrap: (consumer) => ({
        async *read() {
          await new Promise(() => {});
        },
        positions: () => [0, 1, 2, 3].map((partition) => ({ partition, finished: 0n, stopped: undefined })),
        health: () => ({ up: true }),
        close: () => consumer.close(),
      }),
    });
    await append('a');
    await assert.rejects(supervision.done, (error: unknown) => {
      assert.match(String(error), /nothing has moved for \d+ s, although the consumer was built anew 3 times/);
      return (error as { code?: string }).code === 'processor_stalled';
    });
    assert.equal(supervision.rebuilds, 3);
  });

  test('an outage of the database is a pause: not ready, but live, and nothing is built anew', async (t) => {
    const { append, start, stored, store } = await setUp(t);
    let away = true;
    const { supervision, health, writes } = start({
      store: {
        ...store,
        store: async (batch) => {
          if (away) throw databaseError('database_unavailable', 'connection refused');
          return store.store(batch);
        },
      },
    });
    await append('a');
    await waitUntil(() => writes.pausedCount === 1);
    await append('b');
    await waitUntil(() => !health.report().up);
    assert.match(JSON.stringify(health.report().parts.processor), /paused for \d+ s .*connection refused/);
    assert.equal(health.reportLive().up, true, 'five stalls long');
    assert.equal(supervision.rebuilds, 0);
    away = false;
    await waitUntil(() => stored.includes('b'));
    await waitUntil(() => health.report().up);
  });

  test('a stop does not wait for ever for a database that does not answer', async (t) => {
    const { append, start, store, lines } = await setUp(t);
    const { supervision, stop, writes } = start({ store: { ...store, store: () => new Promise(() => {}) } });
    await append('a');
    await waitUntil(() => writes.inHand().size === 1);
    const began = performance.now();
    stop.abort();
    await supervision.done;
    assert.ok(performance.now() - began < 3000);
    assert.ok(lines.some((line) => /^writes did not end within 500 ms after the stop.*will be read again/.test(line)));
  });

  test('a stop with nothing under way is immediate and says nothing', async (t) => {
    const { start, lines } = await setUp(t);
    const running = start();
    await waitUntil(() => running.supervision.consumer?.positions()?.length);
    running.stop.abort();
    await running.supervision.done;
    assert.deepEqual(lines, []);
  });
});
