/** The embedded log of Kero, written by itself: no HTTP, no database. */
import { openMessaging } from '@kero/messaging';
import { createLogger } from '@kero/runtime';
import { temporaryFolder } from '../support/kero-processes.ts';
import { offer } from '../support/program.ts';
import { type AppendShape, appendForAWhile, records } from './append-load.ts';

const DEADLINE_MS = 30_000;
const logger = createLogger({ level: 'warn', format: 'json', name: 'log' });

offer({
  measure: async (shape: AppendShape) => {
    await using resources = new AsyncDisposableStack();
    const directory = temporaryFolder(resources, 'log');
    const config = { driver: 'embedded', directory, retentionMs: 86_400_000, maxRecordBytes: 1024 ** 2 } as const;
    const messaging = await openMessaging(config, { logger });
    resources.defer(() => messaging.close());
    const producer = await messaging.producer();
    const { callers, recordsACall } = shape;
    const all = records(callers * recordsACall);
    const own = Array.from({ length: callers }, (_, n) => all.slice(n * recordsACall, (n + 1) * recordsACall));
    return await appendForAWhile((caller) => producer.append(own[caller] ?? [], { deadlineMs: DEADLINE_MS }), shape);
  },
});
