import type { Metrics, MetricTable } from '@kero/runtime';
import type { ReceiverCounts } from './receiver-counts.ts';

export const receiverMetrics = {
  accepted: {
    name: 'kero_events_accepted_total',
    type: 'counter',
    help: 'Events that were accepted, alone or in a batch: the log confirmed them.',
    alert: 'It stands still although clients send.',
  },
  rejected: {
    name: 'kero_events_rejected_total',
    type: 'counter',
    label: 'code',
    help: 'Events that were refused, alone or as items of a batch, and requests that were refused as a whole; by the code of the problem (docs/errors.md).',
    alert:
      'Any growth of `internal_error` or `log_refused`; `log_unavailable`, `log_overloaded` or `overloaded` for more than a minute.',
  },
  appendSeconds: {
    name: 'kero_append_duration_seconds',
    type: 'histogram',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    help: 'Time from handing an event to the log to its answer, confirmed or not. What the circuit refused is not in it.',
    alert: 'The 99th percentile is above a second.',
  },
  inFlight: {
    name: 'kero_requests_in_flight',
    type: 'gauge',
    help: 'Requests that are not answered yet.',
  },
  bytesInFlight: {
    name: 'kero_request_bytes_in_flight',
    type: 'gauge',
    help: 'What they hold: bytes of bodies, decompressed, of batches also 1 KiB for each event and their answers. At RECEIVER_MAX_IN_FLIGHT further events get 503.',
  },
  aborted: {
    name: 'kero_requests_aborted_total',
    type: 'counter',
    help: 'Requests whose client left before the body was complete, or while a batch was being read.',
  },
  connectionsOpen: {
    name: 'kero_connections_open',
    type: 'gauge',
    help: 'Connections that are open.',
  },
  connectionsRefused: {
    name: 'kero_connections_refused_total',
    type: 'counter',
    help: 'Connections closed at once because of RECEIVER_MAX_CONNECTIONS or RECEIVER_MAX_CONNECTIONS_PER_ADDRESS.',
    alert: 'Any growth: clients cannot connect.',
  },
  connectionsStuck: {
    name: 'kero_connections_stuck_total',
    type: 'counter',
    help: 'Connections closed because the client did not take its answers within RECEIVER_ANSWER_TIMEOUT, or within a second while others needed the room.',
  },
  handshakesFailed: {
    name: 'kero_tls_handshakes_failed_total',
    type: 'counter',
    help: 'TLS handshakes that failed: clients that do not trust the certificate, or do not speak TLS 1.2.',
  },
  certificateExpiry: {
    name: 'kero_tls_certificate_expiry_timestamp_seconds',
    type: 'gauge',
    together: 'min',
    help: 'Until when the certificate of the HTTP API is valid (Unix time); only where the API speaks HTTPS.',
    alert: 'Less than 14 days from now.',
  },
} as const satisfies MetricTable;

/** Shows the counts of a receiver. What appends took is told to the histogram by measureAppends. */
export function addReceiverMetrics(metrics: Metrics, counts: ReceiverCounts): void {
  metrics.add(receiverMetrics.accepted, () => counts.accepted);
  metrics.add(receiverMetrics.rejected, () => Object.entries(counts.rejected));
  metrics.add(receiverMetrics.inFlight, () => counts.inFlight);
  metrics.add(receiverMetrics.bytesInFlight, () => counts.bytesInFlight);
  metrics.add(receiverMetrics.aborted, () => counts.aborted);
  metrics.add(receiverMetrics.connectionsOpen, () => counts.connectionsOpen);
  metrics.add(receiverMetrics.connectionsRefused, () => counts.connectionsRefused);
  metrics.add(receiverMetrics.connectionsStuck, () => counts.connectionsStuck);
  metrics.add(receiverMetrics.handshakesFailed, () => counts.handshakesFailed);
}
