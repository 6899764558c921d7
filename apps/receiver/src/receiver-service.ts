import { type Authenticator, addAuthMetrics, authSettings } from '@kero/auth';
import { type EventSettings, eventSettings } from '@kero/events';
import { addCircuitMetrics, type Messaging, messagingSettings, withCircuit } from '@kero/messaging';
import {
  type Health,
  type Logger,
  listen,
  type Metrics,
  runtimeSettings,
  type ServiceContext,
  type ValuesOf,
} from '@kero/runtime';
import { type SchemaSource, schemaSettings } from '@kero/schemas';
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
  /** For what is said once at the start: quiet in a worker whose siblings have said it. */
  readonly startLogger?: Logger;
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
  const { messaging, auth, schemas, health, metrics, logger, startLogger = logger } = deps;
  health.register('schemas', () => schemas.health());
  const wanted = deps.settings.receiver;
  const settings = { ...wanted, maxConnections: maxConnections(wanted.maxConnections, startLogger) };
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
    startLogger.warn(
      'keys and tokens reach this receiver in clear text, unless a proxy in front speaks TLS: set RECEIVER_TLS_CERT_FILE, or name the proxy in TRUSTED_PROXIES',
    );
  }
  if (files && certificate) {
    startLogger.info(`TLS: ${describeCertificate(certificate)}`);
    const renew = receiver.renewCertificate;
    const watch = new CertificateWatch({ files, certificate, renew, logger, now: Date.now });
    context.resources.use(watch);
    metrics.add(receiverMetrics.certificateExpiry, () => watch.current.validUntilMs / 1000);
  }
  const port = await listen(receiver.server, settings.host, settings.port, 'RECEIVER_PORT');
  context.stop.addEventListener('abort', () => void receiver.stop(), { once: true });

  const url = `${certificate ? 'https' : 'http'}://${urlHost(settings.host)}:${port}`;
  return { port, url, counts: receiver.counts };
}

/** The line that tells a person where to send events. */
export function describeReceiver({ url }: RunningReceiver): string {
  return `receiver: POST ${url}/api/v1/events, docs at ${url}/docs`;
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
