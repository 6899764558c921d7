import { randomUUID } from 'node:crypto';
import { describeError } from '@kero/runtime';
import { CommandRefused } from '../run-command.ts';

export interface SendOptions {
  readonly url: string;
  readonly user: string;
  readonly type: string;
  readonly data: string;
  readonly timestamp: string | undefined;
  readonly eventId: string | undefined;
  readonly source: string | undefined;
  /** API key or token, where the receiver asks for one. */
  readonly key: string | undefined;
}

export interface SendResult {
  readonly sent: string;
  readonly status: number;
  readonly answer: string;
}

/**
 * `kero send`: posts one event and resolves to the answer. `data` goes into the event as it was typed, so that its numbers
 * stay what they are. Without an event id one is made: sending again by hand then makes a new event, as a person expects.
 */
export async function sendEvent(options: SendOptions, now: Date): Promise<SendResult> {
  const members: [string, string][] = [
    ['user_id', JSON.stringify(options.user)],
    ['event_type', JSON.stringify(options.type)],
    ['event_timestamp', JSON.stringify(options.timestamp ?? now.toISOString())],
    ['event_id', JSON.stringify(options.eventId ?? randomUUID())],
    ...(options.source === undefined ? [] : [['source', JSON.stringify(options.source)] as [string, string]]),
    ['event_data', options.data],
  ];
  const sent = `{${members.map(([name, value]) => `"${name}":${value}`).join(',')}}`;
  const response = await postEvent(options.url, sent, options.key);
  return { sent, status: response.status, answer: await response.text() };
}

async function postEvent(url: string, body: string, key: string | undefined): Promise<Response> {
  if (!URL.canParse(url)) throw new CommandRefused(`--url: "${url}" is not a URL such as http://127.0.0.1:8000`);
  try {
    return await fetch(new URL('/api/v1/events', url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) },
      body,
    });
  } catch (error) {
    throw new CommandRefused(
      `No receiver answers at ${url} (${describeError(error)}): start one, or name another with --url.`,
    );
  }
}
