/** The baseline of the embedded log: one file, what waits is written together, fdatasync, and then all of it is confirmed. */
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../support/kero-processes.ts';
import { offer } from '../support/program.ts';
import { type AppendShape, appendForAWhile, records } from './append-load.ts';

const resources = new AsyncDisposableStack();
const folder = temporaryFolder(resources, 'file');

interface Waiting {
  readonly bytes: Buffer;
  readonly confirm: () => void;
}

offer({
  measure: async (shape: AppendShape) => {
    const path = join(folder, 'log');
    const file = openSync(path, 'a');
    let waiting: Waiting[] = [];
    const write = () => {
      const batch = waiting;
      waiting = [];
      writeSync(file, Buffer.concat(batch.map(({ bytes }) => bytes)));
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
