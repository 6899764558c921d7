import { bytes, duration, integer, oneOf, setting, settingsGroup, text, type ValuesOf } from '@kero/runtime';

export const receiverSettings = settingsGroup(
  'Receiver',
  {
    host: setting('RECEIVER_HOST', text(), {
      default: '127.0.0.1',
      description: 'Address to listen on. Another one than loopback needs AUTH=none said aloud.',
    }),
    port: setting('RECEIVER_PORT', integer(0, 65_535), {
      default: '8000',
      description: 'Port of the HTTP API; 0 takes a free one.',
    }),
    auth: setting('AUTH', oneOf('none'), {
      description: 'none: everybody who reaches the port may send events. Without it only loopback is served.',
      example: 'none',
    }),
    deadlineMs: setting('RECEIVER_DEADLINE', duration(10), {
      default: '10s',
      description: 'Longest wait for the log to confirm an event; then the answer is 503.',
    }),
    maxBodyBytes: setting('RECEIVER_MAX_BODY', bytes(1024, 100 * 1024 ** 2), {
      default: '1MiB',
      description: 'Largest body of a request.',
    }),
    maxBytesInFlight: setting('RECEIVER_MAX_IN_FLIGHT', bytes(1024, 16 * 1024 ** 3), {
      default: '64MiB',
      description: 'Most bytes of bodies that may wait for the log at the same time; beyond it the answer is 503.',
    }),
    maxConnections: setting('RECEIVER_MAX_CONNECTIONS', integer(1, 1_000_000), {
      default: '10000',
      description: 'Most open connections; further ones are closed at once.',
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
  },
  (values) => {
    const problems: string[] = [];
    if (values.auth !== 'none' && !isLoopback(values.host)) {
      problems.push(
        `RECEIVER_HOST: ${values.host} can be reached by others and no authentication is configured: keep 127.0.0.1, or set AUTH=none to let everybody send events`,
      );
    }
    if (values.headerTimeoutMs > values.bodyTimeoutMs) {
      problems.push(
        'RECEIVER_BODY_TIMEOUT: counts from the same moment as RECEIVER_HEADER_TIMEOUT: it cannot be shorter',
      );
    }
    if (values.maxBodyBytes > values.maxBytesInFlight) {
      problems.push('RECEIVER_MAX_IN_FLIGHT: must be at least RECEIVER_MAX_BODY, or the largest body would never pass');
    }
    return problems;
  },
);

export type ReceiverSettings = ValuesOf<typeof receiverSettings>;

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
