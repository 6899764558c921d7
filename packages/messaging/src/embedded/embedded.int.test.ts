import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createLogger } from '@kero/runtime';
import { messagingContract } from '../messaging.contract.ts';
import type { EmbeddedConfig } from '../messaging-settings.ts';
import { openMessaging } from '../open-messaging.ts';
import { logFile } from './log-connection.ts';

const logger = createLogger({ name: 'test', level: 'silent', format: 'json' });

messagingContract('the embedded log', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'kero-embedded-'));
  t.after(() => rm(directory, { recursive: true }));
  const config: EmbeddedConfig = { driver: 'embedded', directory, retentionMs: 60_000, maxRecordBytes: 1 << 20 };
  return {
    partitions: 4,
    maxRecordBytes: config.maxRecordBytes,
    open: () => openMessaging(config, { logger }),
    /** Somebody else holds SQLite's write lock. */
    async stall() {
      const database = new DatabaseSync(logFile(directory));
      database.exec('BEGIN IMMEDIATE');
      return {
        async [Symbol.asyncDispose]() {
          database.close();
        },
      };
    },
  };
});
