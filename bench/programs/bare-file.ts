/** The baseline of the embedded log: one file, what waits is written together, fdatasync, and then all of it is confirmed. */
import { closeSync, fdatasyncSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../support/kero-processes.ts';
import { offer } from '../support/program.ts';
import { type AppendShape, appendForAWhile, records } from './append-load.ts';

const FILE_BYTES = 64 * 1024 ** 2;

const resources = new AsyncDisposableStack();
const folder = temporaryFolder(resources, 'file');

interface Waiting {
  readonly bytes: Buffer;
  readonly confirm: () => void;
}

offer({
  /** `over`: within a file that is there already, over and over again, so that the file system has no new blocks to note. */
  measure: async ({ over, ...shape }: AppendShape & { over: boolean }) => {
    const path = join(folder, 'log');
    const file = openSync(path, 'w');
    if (over) {
      writeSync(file, Buffer.alloc(FILE_BYTES));
      fsyncSync(file);
    }
    let at = 0;
    let waiting: Waiting[] = [];
    const write = () => {
      const batch = waiting;
      waiting = [];
      const all = Buffer.concat(batch.map(({ bytes }) => bytes));
      if (over && at + all.length > FILE_BYTES) at = 0;
      writeSync(file, all, 0, all.length, at);
      at += all.length;
      fdatasyncSync(file);
      for (const { confirm } of batch) confirm();
    };
    const bytes = Buffer.concat(records(shape.recordsACall).map(({ key, value }) => Buffer.concat([key, value])));
    const append = () =>
      new Promise<void>((resolve) => {
        if (waiting.length === 0) setImmediate(write);
        waiting.push({ bytes, confirm: resolve });
      });
    try {
      return await appendForAWhile(append, shape);
    } finally {
      closeSync(file);
      rmSync(path);
    }
  },
  tidyUp: () => resources.disposeAsync(),
});
