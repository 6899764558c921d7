/** The receiver as `kero receiver` runs it, with everything on, in front of a log that confirms at once. */
import { openAuth } from '@kero/auth';
import { receiverGroups, startReceiver } from '@kero/receiver';
import { createLogger, loadSettings, observeProcess } from '@kero/runtime';
import { openSchemas, schemaConfig } from '@kero/schemas';
import { instantMessaging } from '../support/instant-messaging.ts';
import { offer } from '../support/program.ts';

const resources = new AsyncDisposableStack();
const logger = createLogger({ level: 'warn', format: 'json', name: 'receiver' });
const stop = new AbortController();

offer({
  listen: async (environment: Readonly<Record<string, string>>) => {
    const { values: settings } = loadSettings(receiverGroups, { environment });
    const context = { stop: stop.signal, resources };
    const { health, metrics } = observeProcess(context, logger);
    const auth = resources.use(await openAuth(settings.auth, { logger }));
    const schemas = await openSchemas(schemaConfig(settings.schemas, settings.messaging), { logger });
    resources.defer(() => schemas.close());
    const deps = { messaging: instantMessaging(), auth, schemas, settings, health, metrics, logger };
    return (await startReceiver(context, deps)).port;
  },
  /** What came with the settings: so that the bench can say what was on. */
  settings: () =>
    Object.values(receiverGroups).flatMap((group) => Object.values(group.settings).map(({ name }) => name)),
});
