import { type HttpProblemCode, httpProblems } from './http-problems.ts';

/** Plain counters of one receiver since its start; whoever shows them reads them at that moment. */
export interface ReceiverCounts {
  /** Events answered with 202. */
  accepted: number;
  /** Requests answered with a problem, by its code. */
  readonly rejected: Record<HttpProblemCode, number>;
  /** Requests whose client left before the body was complete. */
  aborted: number;
  /** Connections closed at once because of RECEIVER_MAX_CONNECTIONS. */
  connectionsRefused: number;
  /** Requests that are not answered yet. */
  inFlight: number;
  /** Bytes of their bodies. */
  bytesInFlight: number;
}

export function createCounts(): ReceiverCounts {
  const rejected = Object.fromEntries(Object.keys(httpProblems).map((code) => [code, 0]));
  return {
    accepted: 0,
    rejected: rejected as Record<HttpProblemCode, number>,
    aborted: 0,
    connectionsRefused: 0,
    inFlight: 0,
    bytesInFlight: 0,
  };
}
