import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { describeError, type Logger, listen } from '@kero/runtime';
import type { Messaging, Producer } from '../messaging.ts';
import { AppendError } from '../messaging-errors.ts';
import type { EmbeddedConfig } from '../messaging-settings.ts';
import {
  APPEND_PATH,
  type AppendAnswer,
  addressFile,
  DEADLINE_HEADER,
  decodeRecords,
  MAX_APPEND_BYTES,
} from './append-protocol.ts';

const LOOPBACK = '127.0.0.1';
const TOKEN_BYTES = 32;
const MAX_DEADLINE_MS = 60_000;

/** See shareMessaging. To be called by the owner of the folder, and disposed before the log is closed. */
export async function shareEmbeddedLog(
  messaging: Messaging,
  { directory }: Pick<EmbeddedConfig, 'directory'>,
  { logger }: { readonly logger: Logger },
): Promise<AsyncDisposable> {
  const producer = await messaging.producer();
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const server = createServer((request, response) => {
    answer(request, response, { producer, token }).catch((error: unknown) => {
      logger.debug({ err: error }, 'an append of another process failed');
      response.destroy();
    });
  });
  const file = addressFile(directory);
  try {
    const port = await listen(server, LOOPBACK, 0, 'for commands such as kero dead-letters replay');
    // Written whole or not at all; never readable by others, not even for a moment.
    writeFileSync(`${file}.new`, JSON.stringify({ port, token }), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  } catch (error) {
    logger.warn(
      { reason: describeError(error) },
      'commands cannot append to the log while this process runs (kero dead-letters replay will say so)',
    );
  }
  return {
    async [Symbol.asyncDispose]() {
      rmSync(file, { force: true });
      if (!server.listening) return;
      server.closeIdleConnections();
      const closed = new Promise((resolve) => server.close(resolve));
      // Finishes what is in flight, bounded by its deadlines.
      await producer.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { producer, token }: { producer: Producer; token: string },
): Promise<void> {
  const end = (status: number, body: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
    response.end(JSON.stringify(body));
  };
  if (!isAuthorized(request.headers.authorization, token)) return end(401, { error: 'the token is wrong' });
  if (request.method !== 'POST' || request.url !== APPEND_PATH) return end(404, { error: `only POST ${APPEND_PATH}` });
  const deadlineMs = Number(request.headers[DEADLINE_HEADER]);
  if (!(deadlineMs > 0 && deadlineMs <= MAX_DEADLINE_MS)) return end(400, { error: `${DEADLINE_HEADER} is wrong` });
  const body = await readBody(request);
  if (!body) return end(413, { error: `more than ${MAX_APPEND_BYTES} bytes` });
  let records: ReturnType<typeof decodeRecords>;
  try {
    records = decodeRecords(body);
  } catch (error) {
    return end(400, { error: describeError(error) });
  }
  try {
    await producer.append(records, { deadlineMs });
    end(200, { failures: [] } satisfies AppendAnswer);
  } catch (error) {
    if (!(error instanceof AppendError)) throw error;
    const failures = [...error.failures].map(([index, { code, message }]) => ({ index, code, message }));
    end(200, { failures } satisfies AppendAnswer);
  }
}

function isAuthorized(header: string | undefined, token: string): boolean {
  // Hashed, because only buffers of one length can be compared in constant time.
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(header ?? ''), hash(`Bearer ${token}`));
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_APPEND_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
