import { type Authenticator, addAuthMetrics, authSettings, describeAuth, openAuth } from '@kero/auth';
import { type EventSettings, eventSettings } from '@kero/events';
import {
  addCircuitMetrics,
  addLagMetrics,
  describeMessagingConfig,
  LagWatch,
  type Messaging,
  messagingConfig,
  messagingSettings,
  needsKafka,
  openMessaging,
  withCircuit,
} from '@kero/messaging';
import {
  aborted,
  type Health,
  type Logger,
  listen,
  type Metrics,
  observeProcess,
  runtimeSettings,
  type ServiceContext,
  startAdminServer,
  type ValuesOf,
} from '@kero/runtime';
import { openSchemas, type SchemaSource, schemaConfig, schemaSettings } from '@kero/schemas';
import { createReceiver } from './app.ts';
import { maxConnections } from './limits/open-files.ts';
import { type RateLimitSettings, rateLimitSettings } from './limits/rate-limit-settings.ts';
import { createRateLimits } from './limits/rate-limits.ts';
import { measureAppends } from './measure-appends.ts';
import type { ReceiverCounts } from './receiver-counts.ts';
import { addReceiverMetrics, receiverMetrics } from './receiver-metrics.ts';
import { isClearText, type ReceiverSettings, receiverSettings } from './receiver-settings.ts';
import { readCertificate } from './tls/certificate.ts';
import { CertificateWatch, describeCertificate } from './tls/certificate-watch.ts';

/** Every group of settings that the receiver reads. */
export const receiverGroups = {
  runtime: runtimeSettings,
  receiver: receiverSettings,
  auth: authSettings,
  rateLimits: rateLimitSettings,
  events: eventSettings,
  schemas: schemaSettings,
  messaging: messagingSettings,
};

export type ReceiverServiceSettings = {
  readonly [K in keyof typeof receiverGroups]: ValuesOf<(typeof receiverGroups)[K]>;
};

export const DEFAULT_ADMIN_PORT = 9101;

/** The receiver as a service of its own: opens what it needs, runs until it is told to stop. */
export async function receiverService(
  context: ServiceContext,
  settings: ReceiverServiceSettings,
  logger: Logger,
): Promise<void> {
  const { runtime } = settings;
  const messagingChoice = messagingConfig(settings.messaging, {
    dataDirectory: runtime.dataDirectory,
    clientId: `${runtime.projectName}-receiver`,
    maxEventBytes: settings.events.maxBytes,
  });
  if (messagingChoice.driver === 'embedded') throw needsKafka('receiver');
  logger.info(`messaging: ${describeMessagingConfig(messagingChoice)}`);

  const auth = context.resources.use(await openAuth(settings.auth, { logger }));
  logger.info(`authentication: ${describeAuth(auth)}`);
  const schemas = await openSchemas(schemaConfig(settings.schemas, settings.messaging), { logger });
  context.resources.defer(() => schemas.close());
  logger.info(`schemas: ${schemas.description}`);

  const { health, metrics, started } = observeProcess(context, logger);
  const admin = { host: runtime.adminHost, port: runtime.adminPort ?? DEFAULT_ADMIN_PORT, health, metrics };
  context.resources.use(await startAdminServer(admin));
  const opening = { logger, stop: context.stop, patienceMs: runtime.startTimeoutMs ?? Number.POSITIVE_INFINITY };
  const messaging = await openMessaging(messagingChoice, opening);
  context.resources.defer(() => messaging.close());
  logger.info(`messaging: ${messaging.description}`);

  // The lag of the processors: who watches them must not be one of them.
  const lag = context.resources.use(new LagWatch({ reader: messaging.lagReader(settings.messaging.groupId), logger }));
  addLagMetrics(metrics, lag, Date.now);

  await startReceiver(context, { messaging, auth, schemas, settings, health, metrics, logger });
  started();
  await aborted(context.stop);
}

export interface StartReceiverDeps {
  /** Opened by the caller, and registered with the context before this call, so that it closes after the receiver. */
  readonly messaging: Messaging;
  /** Who may send, opened and registered by the caller, too; undefined: everybody who reaches the port. */
  readonly auth: Authenticator | undefined;
  /** Opened and registered by the caller, too. */
  readonly schemas: SchemaSource;
  readonly settings: {
    readonly receiver: ReceiverSettings;
    readonly rateLimits: RateLimitSettings;
    readonly events: EventSettings;
  };
  readonly health: Health;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

export interface RunningReceiver {
  readonly port: number;
  /** Where this machine reaches it, without a slash at its end. */
  readonly url: string;
  readonly counts: ReceiverCounts;
}

/**
 * Opens a producer, listens, and resolves when requests are served. It stops when the context does: not ready any more, no
 * new connections, requests in flight get their answers, and after that the producer is closed.
 */
export async function startReceiver(
  context: Pick<ServiceContext, 'stop' | 'resources'>,
  deps: StartReceiverDeps,
): Promise<RunningReceiver> {
  const { messaging, auth, schemas, health, metrics, logger } = deps;
  health.register('schemas', () => schemas.health());
  const wanted = deps.settings.receiver;
  const settings = { ...wanted, maxConnections: maxConnections(wanted.maxConnections, logger) };
  const { tlsCertFile: certFile, tlsKeyFile: keyFile } = settings;
  const files = certFile !== undefined && keyFile !== undefined ? { certFile, keyFile } : undefined;
  const certificate = files && readCertificate(files);
  const measured = measureAppends(await messaging.producer(), metrics.histogram(receiverMetrics.appendSeconds));
  const producer = withCircuit(measured, { logger });
  context.resources.defer(() => producer.close());
  addCircuitMetrics(metrics, producer);

  const receiver = createReceiver({
    producer,
    settings,
    eventSettings: deps.settings.events,
    admission: createRateLimits(deps.settings.rateLimits, () => performance.now()),
    auth,
    schemas,
    certificate,
    health,
    logger,
  });
  context.resources.defer(async () => {
    await receiver.stop();
    const { accepted, aborted: left, rejected } = receiver.counts;
    logger.info({ accepted, aborted: left, rejected: withoutZeros(rejected) }, 'receiver stopped');
  });
  addReceiverMetrics(metrics, receiver.counts);
  if (auth) addAuthMetrics(metrics, auth);
  if (auth && isClearText(settings)) {
    logger.warn(
      'keys and tokens reach this receiver in clear text, unless a proxy in front speaks TLS: set RECEIVER_TLS_CERT_FILE, or name the proxy in TRUSTED_PROXIES',
    );
  }
  if (files && certificate) {
    logger.info(`TLS: ${describeCertificate(certificate)}`);
    const renew = receiver.renewCertificate;
    const watch = new CertificateWatch({ files, certificate, renew, logger, now: Date.now });
    context.resources.use(watch);
    metrics.add(receiverMetrics.certificateExpiry, () => watch.current.validUntilMs / 1000);
  }
  const port = await listen(receiver.server, settings.host, settings.port, 'RECEIVER_PORT');
  context.stop.addEventListener('abort', () => void receiver.stop(), { once: true });

  const url = `${certificate ? 'https' : 'http'}://${urlHost(settings.host)}:${port}`;
  logger.info(`receiver: POST ${url}/api/v1/events, docs at ${url}/docs`);
  return { port, url, counts: receiver.counts };
}

function withoutZeros(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

/** A server that listens everywhere is reached at loopback, too; an IPv6 address stands in brackets. */
function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
