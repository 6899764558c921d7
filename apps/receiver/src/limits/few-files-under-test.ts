/** Test program: a receiver in front of an embedded log, to be started where few files may be open. Arguments: folder, mode. */
import process from 'node:process';
import { eventSettings } from '@kero/events';
import { openMessaging } from '@kero/messaging';
import { createLogger, Health, listen, loadSettings } from '@kero/runtime';
import { createReceiver } from '../app.ts';
import { receiverSettings } from '../receiver-settings.ts';
import { maxConnections } from './open-files.ts';

const [, , directory = '', mode] = process.argv;
const logger = createLogger({ level: 'warn', format: 'json', name: 'test', destination: process.stderr });
const { values } = loadSettings({ receiver: receiverSettings, events: eventSettings }, { environment: {} });
const { receiver: wanted, events } = values;
const bounded = mode === 'bounded' ? maxConnections(wanted.maxConnections, logger) : wanted.maxConnections;
const messaging = await openMessaging(
  { driver: 'embedded', directory, retentionMs: 86_400_000, maxRecordBytes: 1024 ** 2 },
  { logger },
);
const receiver = createReceiver({
  producer: await messaging.producer(),
  settings: { ...wanted, maxConnections: bounded },
  eventSettings: events,
  health: new Health(),
  logger,
});
const port = await listen(receiver.server, '127.0.0.1', 0, 'RECEIVER_PORT');
process.stdout.write(`${port}\n`);
