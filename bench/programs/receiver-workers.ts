/** Receivers that share a port, as RECEIVER_WORKERS starts them, in front of a log that confirms at once. */
import process from 'node:process';
import { receiverGroups, startReceiver } from '@kero/receiver';
import {
  createLogger,
  forkWorker,
  loadSettings,
  observeProcess,
  prepareWorkers,
  WorkerLink,
  workerNumber,
} from '@kero/runtime';
import { builtInSchemas } from '@kero/schemas';
import { waitUntil } from '../../test/support/wait-until.ts';
import { instantMessaging } from '../support/instant-messaging.ts';
import { offer } from '../support/program.ts';

const resources = new AsyncDisposableStack();
const logger = createLogger({ level: 'warn', format: 'json', name: 'receiver', worker: workerNumber() });
const stop = new AbortController();
const context = {
  stop: stop.signal,
  resources,
  end: () => process.exit(0),
  onForce: () => {},
  fail: (error: unknown) => {
    throw error;
  },
};
const { health, metrics, started } = observeProcess(context, logger);

if (workerNumber() === undefined) {
  const serving = Promise.withResolvers<number>();
  let cpuMs = async () => 0;
  offer({
    /** Resolves to the port when as many receive on it. */
    listen: async (count: number) => {
      const onServing = (port: string) => serving.resolve(Number(port));
      const workers = prepareWorkers(context, { count, fork: forkWorker, health, metrics, logger, onServing });
      const metric = async (name: string) => {
        const { text } = await workers.scrape();
        return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
      };
      cpuMs = async () => 1000 * (await metric('process_cpu_seconds_total'));
      await workers.start();
      await waitUntil(async () => (await metric('kero_workers_ready')) === count);
      return serving.promise;
    },
    /** Of all processes. */
    cpuMs: () => cpuMs(),
  });
} else {
  const link = resources.use(new WorkerLink({ context, health, metrics }));
  process.on('disconnect', () => process.exit(0));
  const { values: settings } = loadSettings(receiverGroups, { environment: { RECEIVER_PORT: '0' } });
  const messaging = instantMessaging();
  const parts = { messaging, auth: undefined, schemas: builtInSchemas, settings, health, metrics, logger };
  const { port } = await startReceiver(context, parts);
  started();
  await link.serving(String(port));
}
