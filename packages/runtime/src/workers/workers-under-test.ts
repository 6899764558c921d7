import type { HealthReport } from '../health.ts';
import { createLogger, type Logger } from '../logger.ts';
import type { MetricSnapshot } from '../metrics.ts';
import type { WorkerEnd, WorkerHandle } from './fork-worker.ts';
import type { FromWorker } from './worker-messages.ts';

export const UP: HealthReport = { up: true, parts: { process: { up: true }, log: { up: true } } };

/** A worker without a process: the test is what it says and how it ends. */
export class FakeWorker implements WorkerHandle {
  readonly id: number;
  readonly heard: string[] = [];
  say: (message: FromWorker) => void = () => {};
  end: (end: WorkerEnd) => void = () => {};

  constructor(id: number) {
    this.id = id;
  }

  send({ kind }: { readonly kind: string }): void {
    this.heard.push(kind);
  }

  kill(): void {
    this.heard.push('SIGKILL');
  }

  onMessage(listener: (message: FromWorker) => void): void {
    this.say = listener;
  }

  onEnd(listener: (end: WorkerEnd) => void): void {
    this.end = listener;
  }

  report(ready: HealthReport = UP, totals: readonly MetricSnapshot[] = []): void {
    this.say({ kind: 'report', ready, totals });
  }

  serve(where = 'here'): void {
    this.report();
    this.say({ kind: 'serving', where });
  }
}

/** Makes fake workers, and keeps them and what is logged. */
export function fakeWorkers(): { workers: FakeWorker[]; fork: () => FakeWorker; logger: Logger; lines: string[] } {
  const workers: FakeWorker[] = [];
  const lines: string[] = [];
  const destination = { write: (text: string) => void lines.push(JSON.parse(text).msg) };
  return {
    workers,
    fork: () => {
      const worker = new FakeWorker(workers.length + 1);
      workers.push(worker);
      return worker;
    },
    logger: createLogger({ level: 'info', format: 'json', name: 'test', destination }),
    lines,
  };
}

export function counter(name: string, value: number): MetricSnapshot {
  return { name, help: 'Things.', type: 'counter', aggregator: 'sum', values: [{ value, labels: {} }] };
}
