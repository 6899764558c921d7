/**
 * The thread that owns the only writing connection. It is a thread because a durable write waits for the disk, and while
 * SQLite waits, so does its whole event loop: here that holds up nobody else.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { openForWriting } from './log-connection.ts';
import { LogStore } from './log-store.ts';
import type {
  FromWriter,
  IdleRequest,
  ToWriter,
  TrimRequest,
  WriteGroup,
  WriterThreadData,
} from './log-writer-protocol.ts';

if (!parentPort) throw new Error('to be started as a worker thread');
const port = parentPort;
const { file, partitions, maxFileBytes } = workerData as WriterThreadData;
const database = openForWriting(file, maxFileBytes);
const store = new LogStore(database, partitions);
let trimming: TrimRequest | undefined;

const tell = (message: FromWriter, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

port.on('message', (message: ToWriter) => {
  switch (message.type) {
    case 'write':
      return write(message.group);
    case 'trim':
      forgetIdleGroups(message.idle);
      if (!trimming) setImmediate(trim);
      trimming = message.trim;
      return;
    case 'close':
      trimming = undefined;
      database.close();
      port.close();
  }
});
tell({ type: 'opened', nextOffsets: store.nextOffsets });

function write(group: WriteGroup): void {
  const { payload } = group;
  let answer: FromWriter;
  try {
    store.write(group);
    answer = { type: 'written', nextOffsets: store.nextOffsets, payload };
  } catch (error) {
    answer = { type: 'failed', reason: messageOf(error), payload };
  }
  tell(answer, [payload]);
}

function forgetIdleGroups(idle: IdleRequest): void {
  try {
    const groups = store.forgetIdleGroups(idle);
    if (groups.length > 0) tell({ type: 'forgot', groups });
  } catch (error) {
    tell({ type: 'trim-failed', reason: messageOf(error) });
  }
}

/** One step a turn of the event loop, so that waiting appends come first. */
function trim(): void {
  if (!trimming) return;
  try {
    if (store.trimStep(trimming)) {
      setImmediate(trim);
      return;
    }
  } catch (error) {
    tell({ type: 'trim-failed', reason: messageOf(error) });
  }
  trimming = undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
