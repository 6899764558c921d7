import type { Logger } from '@kero/runtime';
import type { BatchOutcome } from './batch-outcome.ts';
import type { Exchange } from './exchange.ts';
import { httpProblems, type Refusal } from './http-problems.ts';
import type { BytesInFlight } from './limits/bytes-in-flight.ts';
import type { ReceiverCounts } from './receiver-counts.ts';
import { logOutcome, sendJson, sendProblem } from './responses.ts';

/** Answers a batch whose items all have their outcome: counts them, and writes one log line when some were refused. */
export function answerBatch(
  exchange: Exchange,
  outcome: BatchOutcome,
  { logger, counts, room }: { logger: Logger; counts: ReceiverCounts; room: BytesInFlight },
  cause?: unknown,
): Promise<void> | void {
  const { accepted, rejected, refused } = outcome;
  counts.accepted += accepted;
  for (const [code, count] of refused) counts.rejected[code] += count;
  if (rejected === 0) {
    const head = Buffer.from(`{"status":"accepted","accepted":${accepted},"rejected":0,"ids":[`);
    const body = Buffer.concat([head, ...outcome.idPieces(), END]);
    room.holdAnswer(exchange, body.length);
    return sendJson(exchange, 202, body);
  }

  const refusal = accepted > 0 ? undefined : nothingAccepted(outcome);
  logOutcome(logger, {
    requestId: exchange.requestId,
    clientId: exchange.clientId,
    status: refusal ? httpProblems[refusal.code].status : 207,
    accepted,
    rejected: Object.fromEntries(refused),
    problems: [...outcome.errorCodes],
    cause,
  });
  const members = `"accepted":${accepted},"rejected":${rejected},"results":${outcome.resultsJson()}`;
  room.holdAnswer(exchange, members.length);
  if (refusal) return sendProblem(exchange, refusal, members);
  sendJson(exchange, 207, `{"status":"partial",${members}}`);
}

const END = Buffer.from(']}');

function nothingAccepted({ rejected, retryAfterSeconds }: BatchOutcome): Refusal {
  const what = rejected === 1 ? 'The one event' : `None of the ${rejected} events`;
  const refused = rejected === 1 ? `${what} of the batch was not accepted` : `${what} of the batch was accepted`;
  if (retryAfterSeconds === 0) return { code: 'batch_refused', detail: `${refused}; results tells why.` };
  const detail = `${refused}; send again those that results marks as retryable.`;
  return { code: 'batch_not_confirmed', detail, retryAfterSeconds };
}
