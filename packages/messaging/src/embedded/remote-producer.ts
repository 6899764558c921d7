import { Agent, request } from 'node:http';
import { describeError, type HealthState } from '@kero/runtime';
import type { AppendOptions, NewRecord, Producer } from '../messaging.ts';
import { AppendError, type MessagingErrorCode, messagingError, messagingErrors } from '../messaging-errors.ts';
import {
  APPEND_PATH,
  type AppendAddress,
  type AppendAnswer,
  DEADLINE_HEADER,
  encodeRecords,
  MAX_APPEND_BYTES,
} from './append-protocol.ts';
import { encodedBytes } from './record-encoding.ts';

/** What the owner may take longer than the deadline before it counts as gone. */
const ANSWER_GRACE_MS = 1000;

/** Appends to the embedded log through the process that owns it. */
export class RemoteProducer implements Producer {
  readonly #address: AppendAddress;
  // Its own, so that a proxy of the environment never sees the token.
  readonly #agent = new Agent();
  readonly #inFlight = new Set<Promise<void>>();
  #closed = false;
  #trouble: string | undefined;

  constructor(address: AppendAddress) {
    this.#address = address;
  }

  async append(records: readonly NewRecord[], { deadlineMs }: AppendOptions): Promise<void> {
    const failures = new Map<number, ReturnType<typeof messagingError>>();
    const giveUpAt = performance.now() + deadlineMs;
    for (const { first, part } of parts(records)) {
      const sending = this.#send(part, first, giveUpAt - performance.now(), failures);
      this.#inFlight.add(sending);
      await sending;
      this.#inFlight.delete(sending);
    }
    if (failures.size > 0) throw new AppendError(failures);
  }

  health(): HealthState {
    return this.#trouble === undefined ? { up: true } : { up: false, reason: this.#trouble };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#inFlight);
    this.#agent.destroy();
  }

  /** Resolves whatever happens; what failed is in `failures`, by the index in the whole call. */
  async #send(
    records: readonly NewRecord[],
    first: number,
    deadlineMs: number,
    failures: Map<number, ReturnType<typeof messagingError>>,
  ): Promise<void> {
    const fail = (code: MessagingErrorCode, message: string) => {
      for (const index of records.keys()) failures.set(first + index, messagingError(code, message));
    };
    if (this.#closed) return fail('log_closed', 'the producer is closed');
    const body = encodeRecords(records);
    if (body.length > MAX_APPEND_BYTES) {
      return fail('record_too_large', `the record has ${body.length} bytes; the limit is ${MAX_APPEND_BYTES}`);
    }
    if (deadlineMs < 1) return fail('log_unavailable', 'no confirmation in time');
    try {
      const { status, text } = await this.#post(body, Math.floor(deadlineMs));
      if (status !== 200) return fail('log_unavailable', `the process that owns the log answered ${status}: ${text}`);
      for (const { index, code, message } of (JSON.parse(text) as AppendAnswer).failures) {
        failures.set(first + index, messagingError(isCode(code) ? code : 'log_unavailable', message));
      }
      this.#trouble = undefined;
    } catch (error) {
      this.#trouble = `the process that owns the log does not answer: ${describeError(error)}`;
      fail('log_unavailable', this.#trouble);
    }
  }

  #post(body: Buffer, deadlineMs: number): Promise<{ status: number; text: string }> {
    const { port, token } = this.#address;
    const headers = { authorization: `Bearer ${token}`, [DEADLINE_HEADER]: deadlineMs, 'content-length': body.length };
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(deadlineMs + ANSWER_GRACE_MS);
      const options = {
        host: '127.0.0.1',
        port,
        path: APPEND_PATH,
        method: 'POST',
        agent: this.#agent,
        headers,
        signal,
      };
      const sent = request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

/** Runs of records that one request takes, each with the index of its first; a record that is larger goes alone. */
function* parts(records: readonly NewRecord[]): Generator<{ first: number; part: readonly NewRecord[] }> {
  let first = 0;
  let bytes = 0;
  for (const [index, record] of records.entries()) {
    const size = encodedBytes(record);
    if (bytes + size > MAX_APPEND_BYTES && index > first) {
      yield { first, part: records.slice(first, index) };
      first = index;
      bytes = 0;
    }
    bytes += size;
  }
  if (records.length > first) yield { first, part: records.slice(first) };
}

function isCode(code: string): code is MessagingErrorCode {
  return Object.hasOwn(messagingErrors, code);
}
