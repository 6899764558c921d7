import type { IncomingHttpHeaders } from 'node:http';
import type { RequestHead } from '../exchange.ts';

/** A head that the lane serves, and how its body is framed. */
export interface LaneHead {
  /** Without Content-Length. */
  readonly head: RequestHead;
  /** Bytes of the head, with the empty line at its end. */
  readonly headBytes: number;
  /** Bytes of the body. */
  readonly bodyBytes: number;
}

export interface LaneHeadLimits {
  readonly maxHeaders: number;
  readonly maxHeaderBytes: number;
}

const REQUEST_LINES = ['/api/v1/events', '/api/v1/events/'].map((url) => ({
  url,
  text: `POST ${url} HTTP/1.1\r\n`,
}));
const HEAD_END = Buffer.from('\r\n\r\n');

/** Up to here a length is a safe integer, and never longer than one that is honest. */
const MAX_LENGTH_DIGITS = 10;

/** These say something of the connection, or of where the body ends: whoever sends one of them is not served here. */
const HANDED_OVER: ReadonlySet<string> = new Set([
  'transfer-encoding',
  'expect',
  'upgrade',
  'proxy-connection',
  'keep-alive',
  'trailer',
  'te',
  'http2-settings',
]);

const CR = 13;
const LF = 10;
const SPACE = 32;
const ZERO = 48;
const NINE = 57;
const COLON = 58;
const TILDE = 126;

/** RFC 9110, 5.6.2: what a header name is made of. */
const IS_TOKEN = Uint8Array.from({ length: 128 }, (_, code) =>
  /[!#$%&'*+.^_`|~0-9A-Za-z-]/.test(String.fromCharCode(code)) ? 1 : 0,
);

/** A head that is longer is read anew each time: it is not worth the memory of a connection that is idle. */
const MAX_REMEMBERED_BYTES = 1024;

interface Remembered {
  readonly head: RequestHead;
  /** The bytes up to the digits of its Content-Length, and those behind them. */
  readonly before: Buffer;
  readonly after: Buffer;
}

/**
 * Reads the heads of one connection. Clients send the same one again and again, but for the digits of Content-Length: that is seen by
 * comparing bytes, and gives the same RequestHead, so that what was found out of it can be remembered with it.
 */
export class HeadReader {
  readonly #limits: LaneHeadLimits;
  #last: Remembered | undefined;

  constructor(limits: LaneHeadLimits) {
    this.#limits = limits;
  }

  /**
   * Reads the head that begins at `start`, if it is all there and nothing in it is out of the ordinary: a POST of events with a
   * Content-Length, each header once, in printable ASCII, no line folded. Undefined means no more than that somebody else has to look:
   * right or wrong is for node:http to say. What is read here means the same there.
   */
  read(bytes: Buffer, start: number): LaneHead | undefined {
    return (this.#last && readAgain(this.#last, bytes, start)) ?? this.#readAnew(bytes, start);
  }

  #readAnew(bytes: Buffer, start: number): LaneHead | undefined {
    const end = bytes.indexOf(HEAD_END, start);
    if (end < 0 || end - start > this.#limits.maxHeaderBytes - MAX_LENGTH_DIGITS) return undefined;
    const text = bytes.toString('latin1', start, end + 2);
    const parsed = parseHead(text, this.#limits.maxHeaders);
    if (!parsed) return undefined;
    const { head, bodyBytes, digitsAt, digits } = parsed;
    const after = end + HEAD_END.length;
    if (after - start <= MAX_REMEMBERED_BYTES) {
      const digitsStart = start + digitsAt;
      this.#last = {
        head,
        before: Buffer.from(bytes.subarray(start, digitsStart)),
        after: Buffer.from(bytes.subarray(digitsStart + digits, after)),
      };
    }
    return { head, headBytes: after - start, bodyBytes };
  }
}

function readAgain({ head, before, after }: Remembered, bytes: Buffer, start: number): LaneHead | undefined {
  const digitsAt = start + before.length;
  if (bytes.length < digitsAt || bytes.compare(before, 0, before.length, start, digitsAt) !== 0) return undefined;
  let at = digitsAt;
  let bodyBytes = 0;
  for (let code = bytes[at]; code !== undefined && code >= ZERO && code <= NINE; code = bytes[++at]) {
    bodyBytes = bodyBytes * 10 + code - ZERO;
  }
  const end = at + after.length;
  if (at === digitsAt || at - digitsAt > MAX_LENGTH_DIGITS || bytes.length < end) return undefined;
  if (bytes.compare(after, 0, after.length, at, end) !== 0) return undefined;
  return { head, headBytes: end - start, bodyBytes };
}

interface ParsedHead {
  readonly head: RequestHead;
  readonly bodyBytes: number;
  /** Where the digits of Content-Length begin, and how many they are. */
  readonly digitsAt: number;
  readonly digits: number;
}

/** `text`: the lines of a head, each with its CR LF, without the empty one. */
function parseHead(text: string, maxHeaders: number): ParsedHead | undefined {
  const line = REQUEST_LINES.find((one) => text.startsWith(one.text));
  if (!line) return undefined;
  const headers: IncomingHttpHeaders = {};
  const rawHeaders: string[] = [];
  let length: { readonly at: number; readonly digits: string } | undefined;
  for (let at = line.text.length; at < text.length; ) {
    const colon = endOfName(text, at);
    if (colon === at || text.charCodeAt(colon) !== COLON) return undefined;
    const valueEnd = endOfValue(text, colon + 1);
    if (text.charCodeAt(valueEnd) !== CR || text.charCodeAt(valueEnd + 1) !== LF) return undefined;
    const rawName = text.slice(at, colon);
    const name = rawName.toLowerCase();
    const valueAt = skipSpaces(text, colon + 1);
    const value = text.slice(valueAt, valueEnd).trimEnd();
    at = valueEnd + 2;
    if (name === 'content-length') {
      if (length || value.length > MAX_LENGTH_DIGITS || !/^\d+$/.test(value)) return undefined;
      length = { at: valueAt, digits: value };
      continue;
    }
    // `in`: also the names that every object has.
    if (name in headers || HANDED_OVER.has(name)) return undefined;
    if (name === 'connection' && value.toLowerCase() !== 'keep-alive') return undefined;
    headers[name] = value;
    rawHeaders.push(rawName, value);
  }
  if (length === undefined || headers.host === undefined) return undefined;
  // With the one that is left out.
  if (rawHeaders.length / 2 + 1 > maxHeaders) return undefined;
  const head = { method: 'POST', url: line.url, httpVersion: '1.1', headers, rawHeaders, memory: {} };
  return { head, bodyBytes: Number(length.digits), digitsAt: length.at, digits: length.digits.length };
}

function endOfName(text: string, start: number): number {
  let at = start;
  while (IS_TOKEN[text.charCodeAt(at)] === 1) at++;
  return at;
}

function endOfValue(text: string, start: number): number {
  let at = start;
  for (let code = text.charCodeAt(at); code >= SPACE && code <= TILDE; code = text.charCodeAt(at)) at++;
  return at;
}

function skipSpaces(text: string, start: number): number {
  let at = start;
  while (text.charCodeAt(at) === SPACE) at++;
  return at;
}
