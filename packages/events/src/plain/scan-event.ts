import { isUtf8 } from 'node:buffer';
import { CLOSE_BRACE, COMMA, isSpace, OPEN_BRACE, QUOTE } from '../json/json-bytes.ts';
import { MEMBER_SIZE, NO_BYTES, NOT_PLAIN, ValueScanner } from './scan-value.ts';

/** A plain event has at most so many bytes, so that a look at one takes well below a millisecond. */
const MAX_PLAIN_BYTES = 64 * 1024;

function endOfSpace(bytes: Buffer, start: number): number {
  let at = start;
  while (at < bytes.length && isSpace(bytes[at] as number)) at++;
  return at;
}

/**
 * Looks at an event without making values of it, so that a valid event need not pay for what only a bad one needs. It says where
 * the members stand, or that it does not know: then json-reader.ts and the schemas decide. It may say something only where they
 * accept what it saw (a property test holds it to that), but it need not know much: names and the members of the event itself have
 * no escapes, numbers no exponent, objects few members.
 *
 * Afterwards it tells where the members stand, those that are strings from behind their quote up to the next one; 0 where there is
 * none. One is used for many events, as making it costs as much as a scan: what it tells is true until the next scan.
 */
export class EventSpans {
  bytes: Buffer = NO_BYTES;
  /** Past the closing brace. */
  end = NOT_PLAIN;
  userIdStart = 0;
  userIdEnd = 0;
  eventTypeStart = 0;
  eventTypeEnd = 0;
  timestampStart = 0;
  timestampEnd = 0;
  eventIdStart = 0;
  eventIdEnd = 0;
  sourceStart = 0;
  sourceEnd = 0;
  dataStart = 0;
  dataEnd = 0;
  /** The members of event_data. */
  readonly data: DataSpans;
  readonly #scanner = new ValueScanner();

  constructor() {
    this.data = new DataSpans(this.#scanner);
  }

  /** Whether it is a plain event, whose object begins at `start`. The bytes must be valid UTF-8. */
  scan(bytes: Buffer, start: number): boolean {
    this.bytes = bytes;
    this.userIdStart = 0;
    this.eventTypeStart = 0;
    this.timestampStart = 0;
    this.eventIdStart = 0;
    this.sourceStart = 0;
    this.dataStart = 0;
    this.#scanner.begin(bytes, Math.min(bytes.length, start + MAX_PLAIN_BYTES));
    this.end = this.#scan(start);
    return this.end >= 0;
  }

  /** Lets go of the bytes that were scanned last. */
  forget(): void {
    this.bytes = NO_BYTES;
    this.#scanner.begin(NO_BYTES, 0);
  }

  /** The same for a text that is one event and white space around it, of whose bytes nothing is known. */
  scanText(bytes: Buffer): boolean {
    return isUtf8(bytes) && this.scan(bytes, endOfSpace(bytes, 0)) && endOfSpace(bytes, this.end) === bytes.length;
  }

  #scan(start: number): number {
    const scanner = this.#scanner;
    if (scanner.peek(start) !== OPEN_BRACE) return NOT_PLAIN;
    let at = scanner.next(start);
    for (;;) {
      at = this.#member(at);
      if (at < 0) return NOT_PLAIN;
      at = scanner.skipSpace(at);
      const code = scanner.peek(at);
      if (code === CLOSE_BRACE) break;
      if (code !== COMMA) return NOT_PLAIN;
      at = scanner.next(at);
    }
    const isWhole = this.userIdStart > 0 && this.eventTypeStart > 0 && this.timestampStart > 0 && this.dataStart > 0;
    return isWhole ? at + 1 : NOT_PLAIN;
  }

  /** Past a member that events have, which has not been there before. */
  #member(start: number): number {
    const scanner = this.#scanner;
    const nameEnd = scanner.peek(start) === QUOTE ? scanner.plainString(start) : NOT_PLAIN;
    if (nameEnd < 0) return NOT_PLAIN;
    const valueStart = scanner.colon(nameEnd);
    if (valueStart < 0) return NOT_PLAIN;
    const name = start + 1;
    switch (nameEnd - start) {
      case USER_ID.length + 2: {
        if (scanner.spells(USER_ID, name) < 0 || this.userIdStart > 0) return NOT_PLAIN;
        const end = this.#text(valueStart, 256);
        this.userIdStart = valueStart + 1;
        this.userIdEnd = end - 1;
        return end;
      }
      case EVENT_TYPE.length + 2: {
        if (scanner.spells(EVENT_TYPE, name) < 0) return this.#dataMember(name, valueStart);
        if (this.eventTypeStart > 0) return NOT_PLAIN;
        const end = this.#text(valueStart, 128);
        this.eventTypeStart = valueStart + 1;
        this.eventTypeEnd = end - 1;
        return end;
      }
      case EVENT_TIMESTAMP.length + 2: {
        if (scanner.spells(EVENT_TIMESTAMP, name) < 0 || this.timestampStart > 0) return NOT_PLAIN;
        const end = this.#text(valueStart, 35);
        this.timestampStart = valueStart + 1;
        this.timestampEnd = end - 1;
        return end;
      }
      case EVENT_ID.length + 2: {
        if (scanner.spells(EVENT_ID, name) < 0 || this.eventIdStart > 0) return NOT_PLAIN;
        const end = this.#text(valueStart, 200);
        this.eventIdStart = valueStart + 1;
        this.eventIdEnd = end - 1;
        return end;
      }
      case SOURCE.length + 2: {
        if (scanner.spells(SOURCE, name) < 0 || this.sourceStart > 0) return NOT_PLAIN;
        const end = this.#text(valueStart, 256);
        this.sourceStart = valueStart + 1;
        this.sourceEnd = end - 1;
        return end;
      }
      default:
        return NOT_PLAIN;
    }
  }

  #dataMember(name: number, valueStart: number): number {
    const scanner = this.#scanner;
    if (scanner.spells(EVENT_DATA, name) < 0 || this.dataStart > 0) return NOT_PLAIN;
    if (scanner.peek(valueStart) !== OPEN_BRACE) return NOT_PLAIN;
    this.dataStart = valueStart;
    this.dataEnd = scanner.object(valueStart, 2);
    return this.dataEnd;
  }

  /** Past a string of 1 to `maxBytes` bytes: it has at most as many characters. */
  #text(start: number, maxBytes: number): number {
    const scanner = this.#scanner;
    const end = scanner.peek(start) === QUOTE ? scanner.plainString(start) : NOT_PLAIN;
    return end > start + 2 && end <= start + 2 + maxBytes ? end : NOT_PLAIN;
  }
}

/** The members of a plain event_data. */
export class DataSpans {
  readonly scanner: ValueScanner;

  constructor(scanner: ValueScanner) {
    this.scanner = scanner;
  }

  /** Where the value of this member begins, of which it is known that it is plain; -1 where there is no such member. */
  find(name: Buffer): number {
    const { members, top } = this.scanner;
    for (let member = 0; member < top; member += MEMBER_SIZE) {
      const start = members[member] as number;
      if ((members[member + 1] as number) - start !== name.length) continue;
      if (this.scanner.spells(name, start) >= 0) return members[member + 2] as number;
    }
    return NOT_PLAIN;
  }
}

const USER_ID = Buffer.from('user_id');
const EVENT_TYPE = Buffer.from('event_type');
const EVENT_TIMESTAMP = Buffer.from('event_timestamp');
const EVENT_DATA = Buffer.from('event_data');
const EVENT_ID = Buffer.from('event_id');
const SOURCE = Buffer.from('source');
