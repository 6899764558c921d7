import type { Client } from '../authorize.ts';
import type { Exchange } from '../exchange.ts';
import { httpProblems, type Refusal } from '../http-problems.ts';
import { ownerOf } from './address.ts';
import type { Admission } from './admission.ts';
import type { RateLimitSettings } from './rate-limit-settings.ts';
import { type Rate, TokenBuckets } from './token-buckets.ts';

/** How many addresses, or keys, a limit remembers (twice, see TokenBuckets): 18 MB when all of them are used. */
const MAX_KEYS = 50_000;

type Unit = 'requests' | 'bytes';

/** One limit: a bucket for each address or key, and what answers say of it. */
interface Limit {
  readonly name: string;
  readonly setting: string;
  readonly unit: Unit;
  readonly rate: Rate;
  readonly buckets: TokenBuckets;
  /** Its item of RateLimit-Policy. */
  readonly policy: string;
}

/**
 * Limits by token buckets, per address (before anything is known of who sends) and per key. Requests are counted when they
 * arrive; bytes when the body was read, so that the body that goes over the limit still passes and those after it wait.
 * A refused request costs nothing. `now`: monotonic, in milliseconds.
 */
export function createRateLimits(settings: RateLimitSettings, now: () => number): Admission {
  // A clock is read once for each question, and not once for each bucket that it is about.
  let nowMs = now();
  const limit = (name: string, setting: string, unit: Unit, perSecond: number, burst = 2 * perSecond) => {
    if (perSecond === 0) return undefined;
    const rate = { perSecond, burst };
    const buckets = new TokenBuckets({ rate, now: () => nowMs, maxKeys: MAX_KEYS });
    return { name, setting, unit, rate, buckets, policy: policyOf(name, unit, rate) } satisfies Limit;
  };
  const s = settings;
  const address = {
    requests: limit('address', 'RATE_LIMIT_ADDRESS_REQUESTS', 'requests', s.addressRequests, s.addressRequestsBurst),
    bytes: limit('address-bytes', 'RATE_LIMIT_ADDRESS_BYTES', 'bytes', s.addressBytes, s.addressBytesBurst),
  };
  const key = {
    requests: limit('key', 'RATE_LIMIT_KEY_REQUESTS', 'requests', s.keyRequests, s.keyRequestsBurst),
    bytes: limit('key-bytes', 'RATE_LIMIT_KEY_BYTES', 'bytes', s.keyBytes, s.keyBytesBurst),
  };
  const failed = limit('failed-auth', 'RATE_LIMIT_FAILED_AUTH', 'requests', s.failedAuth, s.failedAuthBurst);
  const byAddress = address.requests !== undefined || address.bytes !== undefined || failed !== undefined;

  const admit = (exchange: Exchange, { requests, bytes }: typeof address, who: string): Refusal | undefined => {
    for (const one of [bytes, requests]) {
      if (one && one.buckets.secondsUntil(who, 1) > 0) return refuse(exchange, one, who);
    }
    if (requests) report(exchange, requests, requests.buckets.take(who, 1));
    return undefined;
  };
  const count = (exchange: Exchange, { bytes }: typeof address, who: string, amount: number) => {
    if (!bytes) return;
    report(exchange, bytes, bytes.buckets.take(who, amount));
  };

  return {
    arrive(exchange) {
      if (!byAddress) return undefined;
      nowMs = now();
      const who = ownerOf(exchange.address);
      if (failed && failed.buckets.secondsUntil(who, 1) > 0) return refuse(exchange, failed, who);
      return admit(exchange, address, who);
    },
    unidentified(exchange, { code }) {
      nowMs = now();
      const { status }: { status: number } = httpProblems[code];
      if (status === 401) failed?.buckets.take(ownerOf(exchange.address), 1);
    },
    identified(exchange, client) {
      if (client.id === undefined) return undefined;
      nowMs = now();
      return admit(exchange, key, client.id);
    },
    received(exchange, client: Client, bytes) {
      nowMs = now();
      if (address.bytes) count(exchange, address, ownerOf(exchange.address), bytes);
      if (client.id !== undefined) count(exchange, key, client.id, bytes);
    },
  };
}

function refuse(exchange: Exchange, limit: Limit, who: string): Refusal {
  const left = limit.buckets.left(who);
  const retryAfterSeconds = Math.max(1, Math.ceil(limit.buckets.secondsFrom(left, 1)));
  report(exchange, limit, left, retryAfterSeconds);
  return { code: 'rate_limited', detail: detailOf(limit), retryAfterSeconds };
}

function detailOf({ name, setting, unit, rate }: Limit): string {
  if (name === 'failed-auth') {
    return `This address was refused too often for its credentials (${setting}). Wait as long as Retry-After says.`;
  }
  const who = name.startsWith('key') ? 'This key' : 'This address';
  return `${who} sends too much: the limit is ${rate.perSecond} a second (${setting}, ${unit}). Send the same again after Retry-After.`;
}

/** draft-ietf-httpapi-ratelimit-headers: what there is, and how much of it is left for how long. Both headers are lists, an item a limit. */
function report(exchange: Exchange, limit: Limit, left: number, refusedForSeconds?: number): void {
  const whole = Math.max(0, Math.floor(left));
  const seconds = refusedForSeconds ?? Math.max(1, Math.ceil(limit.buckets.secondsFrom(left, limit.rate.burst)));
  const item = `"${limit.name}";r=${whole};t=${seconds}`;
  const { headers } = exchange;
  const at = placeOf('ratelimit', headers);
  if (at < 0) headers.push('ratelimit-policy', limit.policy, 'ratelimit', item);
  else {
    headers[at - 1] += `, ${limit.policy}`;
    headers[at + 1] += `, ${item}`;
  }
}

/** Where the header stands in name, value, name, value; -1: nowhere. Values are not looked at: clients choose some of them. */
function placeOf(name: string, headers: readonly string[]): number {
  for (let at = 0; at < headers.length; at += 2) if (headers[at] === name) return at;
  return -1;
}

/** A bucket of q that fills in w seconds is how the draft says burst and rate. */
function policyOf(name: string, unit: Unit, { perSecond, burst }: Rate): string {
  const quotaUnit = unit === 'bytes' ? ';qu="content-bytes"' : '';
  return `"${name}";q=${burst}${quotaUnit};w=${Math.max(1, Math.ceil(burst / perSecond))}`;
}
