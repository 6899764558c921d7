import { type HttpProblemCode, httpProblems } from './http-problems.ts';

/** Plain counters of one receiver since its start; whoever shows them reads them at that moment. */
export interface ReceiverCounts {
  /** Events that the log confirmed, alone or in a batch. */
  accepted: number;
  /** Events that were refused, and requests that were refused as a whole, by the code of the problem. */
  readonly rejected: Record<HttpProblemCode, number>;
  /** Requests whose client left before the body was complete, or while a batch was being read. */
  aborted: number;
  /** Connections that are open, TLS handshakes too. */
  connectionsOpen: number;
  /** Connections closed at once because of RECEIVER_MAX_CONNECTIONS or RECEIVER_MAX_CONNECTIONS_PER_ADDRESS. */
  connectionsRefused: number;
  /** Connections closed because the client did not take its answers in time, or while others needed the room. */
  connectionsStuck: number;
  /** TLS handshakes that failed. */
  handshakesFailed: number;
  /** Requests that are not answered yet. */
  inFlight: number;
  /** What they hold: bytes of bodies, decompressed, of batches also a fixed number for each event, and answers until they are taken. */
  bytesInFlight: number;
}

export function createCounts(): ReceiverCounts {
  const rejected = Object.fromEntries(Object.keys(httpProblems).map((code) => [code, 0]));
  return {
    accepted: 0,
    rejected: rejected as Record<HttpProblemCode, number>,
    aborted: 0,
    connectionsOpen: 0,
    connectionsRefused: 0,
    connectionsStuck: 0,
    handshakesFailed: 0,
    inFlight: 0,
    bytesInFlight: 0,
  };
}
