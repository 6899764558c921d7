import { authSettings, isAuthConfigured } from '@kero/auth';
import { bytes, duration, integer, setting, settingsGroup, text, type ValuesOf } from '@kero/runtime';
import { origins } from './cors.ts';
import { networks } from './limits/trusted-proxies.ts';
import { workerCount } from './workers/worker-count.ts';

export const receiverSettings = settingsGroup(
  'Receiver',
  {
    host: setting('RECEIVER_HOST', text(), {
      default: '127.0.0.1',
      description:
        'Address to listen on. Another one than loopback needs API keys, a JWT issuer, or AUTH=none said aloud.',
    }),
    port: setting('RECEIVER_PORT', integer(0, 65_535), {
      default: '8000',
      description: 'Port of the HTTP API; 0 takes a free one.',
    }),
    workers: setting('RECEIVER_WORKERS', workerCount(), {
      default: '1',
      description:
        'Processes of `kero receiver` that share the port; auto: as many as there are cores. Limits count in each of them. Not for `kero start`, which is one process.',
    }),
    deadlineMs: setting('RECEIVER_DEADLINE', duration(10), {
      default: '10s',
      description: 'Longest wait for the log to confirm an event; then the answer is 503.',
    }),
    maxBodyBytes: setting('RECEIVER_MAX_BODY', bytes(1024, 100 * 1024 ** 2), {
      default: '1MiB',
      description: 'Largest body of a request, as it is sent: compressed where it is.',
    }),
    maxDecompressedBytes: setting('RECEIVER_MAX_DECOMPRESSED', bytes(1024, 1024 ** 3), {
      default: '10MiB',
      description: 'Largest body of a request that was compressed, when it is decompressed.',
    }),
    maxRatio: setting('RECEIVER_MAX_RATIO', integer(2, 1_000_000), {
      default: '200',
      description:
        'How many times larger than as it was sent a body may become when it is decompressed. Up to RECEIVER_MAX_BODY it is not looked at.',
    }),
    maxBatchEvents: setting('RECEIVER_MAX_BATCH', integer(1, 1_000_000), {
      default: '10000',
      description: 'Most events of one request.',
    }),
    maxBytesInFlight: setting('RECEIVER_MAX_IN_FLIGHT', bytes(1024, 16 * 1024 ** 3), {
      default: '64MiB',
      description:
        'Most bytes that may be held at the same time: bodies, decompressed, until the log has their events; of a batch also 1 KiB for each event, 128 bytes for each extension of a CloudEvent, and its answer until the client has taken it. Beyond it the answer is 503.',
    }),
    maxRequestsInFlight: setting('RECEIVER_MAX_REQUESTS_IN_FLIGHT', integer(1, 1_000_000), {
      default: '10000',
      description: 'Most requests that may wait for the log at the same time; beyond it the answer is 503.',
    }),
    maxConnections: setting('RECEIVER_MAX_CONNECTIONS', integer(1, 1_000_000), {
      default: '10000',
      description:
        'Most open connections; further ones are closed at once. Less where the process may not open that many files.',
    }),
    maxConnectionsPerAddress: setting('RECEIVER_MAX_CONNECTIONS_PER_ADDRESS', integer(0, 1_000_000), {
      default: '0',
      description:
        'Most open connections of one address (of IPv6: one /64 network); 0: as many as there may be at all. Those of TRUSTED_PROXIES are not counted.',
    }),
    maxRequestsPerConnection: setting('RECEIVER_MAX_REQUESTS_PER_CONNECTION', integer(0, 1_000_000_000), {
      default: '0',
      description:
        'After so many requests a connection is closed, so that clients spread again over several receivers; 0: never.',
    }),
    maxUrlLength: setting('RECEIVER_MAX_URL', integer(64, 1_000_000), {
      default: '2048',
      unit: 'characters',
      description: 'Longest path and query of a request.',
    }),
    maxHeaderBytes: setting('RECEIVER_MAX_HEADER_BYTES', bytes(1024, 1024 ** 2), {
      default: '16KiB',
      description: 'Most bytes of path, header names and header values together.',
    }),
    maxHeaders: setting('RECEIVER_MAX_HEADERS', integer(8, 10_000), {
      default: '100',
      description: 'Most headers of a request.',
    }),
    headerTimeoutMs: setting('RECEIVER_HEADER_TIMEOUT', duration(100), {
      default: '10s',
      description: 'Longest time for the headers of a request to arrive.',
    }),
    bodyTimeoutMs: setting('RECEIVER_BODY_TIMEOUT', duration(100), {
      default: '20s',
      description: 'Longest time from the first byte of a request to the last one of its body.',
    }),
    idleTimeoutMs: setting('RECEIVER_IDLE_TIMEOUT', duration(100), {
      default: '5s',
      description:
        'How long a connection may wait for its next request. Behind a proxy that keeps connections, set it above the idle time of the proxy.',
    }),
    answerTimeoutMs: setting('RECEIVER_ANSWER_TIMEOUT', duration(100), {
      default: '20s',
      description: 'Longest time for a client to take the answers that wait for it; then its connection is closed.',
    }),
    tlsCertFile: setting('RECEIVER_TLS_CERT_FILE', text(), {
      description:
        'PEM file with the certificate of the HTTP API and the ones between it and the CA. With it the API speaks HTTPS only. Read again when it changes.',
      example: '/etc/kero/tls.crt',
    }),
    tlsKeyFile: setting('RECEIVER_TLS_KEY_FILE', text(), {
      description: 'PEM file with the private key of that certificate, not encrypted.',
      example: '/etc/kero/tls.key',
    }),
    trustedProxies: setting('TRUSTED_PROXIES', networks(), {
      description:
        'Addresses and networks of the proxies in front of the receiver. Only from them X-Forwarded-For tells who sends.',
      example: '10.0.0.0/8,fd00::/8',
    }),
    corsOrigins: setting('CORS_ORIGINS', origins(), {
      description: 'Origins whose pages may send events from a browser, or * for all. Without it no page may.',
      example: 'https://shop.example',
    }),
  },
  (values, others) => {
    const problems: string[] = [];
    const auth = others(authSettings) ?? {};
    if (auth.mode !== 'none' && !isAuthConfigured(auth) && !isLoopback(values.host)) {
      problems.push(
        `RECEIVER_HOST: ${values.host} can be reached by others and no authentication is configured: set API_KEYS_FILE or AUTH_JWT_ISSUER, keep 127.0.0.1, or set AUTH=none to let everybody send events`,
      );
    }
    if ((values.tlsCertFile === undefined) !== (values.tlsKeyFile === undefined)) {
      const missing = values.tlsCertFile === undefined ? 'RECEIVER_TLS_CERT_FILE' : 'RECEIVER_TLS_KEY_FILE';
      problems.push(`${missing}: certificate and key belong together: set both, or none`);
    }
    if (values.maxUrlLength >= values.maxHeaderBytes) {
      problems.push('RECEIVER_MAX_URL: must be below RECEIVER_MAX_HEADER_BYTES, which the URL counts for too');
    }
    if (values.headerTimeoutMs > values.bodyTimeoutMs) {
      problems.push(
        'RECEIVER_BODY_TIMEOUT: counts from the same moment as RECEIVER_HEADER_TIMEOUT: it cannot be shorter',
      );
    }
    if (values.maxBodyBytes > values.maxBytesInFlight) {
      problems.push('RECEIVER_MAX_IN_FLIGHT: must be at least RECEIVER_MAX_BODY, or the largest body would never pass');
    }
    if (values.maxDecompressedBytes + values.maxBodyBytes > values.maxBytesInFlight) {
      problems.push(
        'RECEIVER_MAX_IN_FLIGHT: must be at least RECEIVER_MAX_DECOMPRESSED and RECEIVER_MAX_BODY together, or the largest compressed body would never pass',
      );
    }
    return problems;
  },
);

export type ReceiverSettings = ValuesOf<typeof receiverSettings>;

/** Keys and tokens come over a network in clear text, unless somebody in front speaks TLS whom the settings do not name. */
export function isClearText({ host, tlsCertFile, trustedProxies }: ReceiverSettings): boolean {
  return tlsCertFile === undefined && !isLoopback(host) && (trustedProxies ?? []).length === 0;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
