import type { Event, MemberSpans } from '../event.ts';
import { ID_BYTES } from '../identity.ts';
import type { EventSpans } from './scan-event.ts';

export interface PlainEventParts {
  readonly spans: EventSpans;
  /** Copied. */
  readonly id: Buffer;
  readonly eventType: string;
  /** Microseconds since 1970. */
  readonly timestampMicros: number;
  readonly source: string;
  readonly schema: string | undefined;
}

/**
 * An event as the places of its members in its text. Thousands of events are kept until their batch is stored: as one object of
 * numbers each they cost the garbage collector a fraction of what strings and views of the text do, and most of those nobody asks for.
 * Members are made anew each time that they are asked for.
 */
export class PlainEvent implements Event, MemberSpans {
  readonly bytes: Buffer;
  readonly userIdStart: number;
  readonly userIdEnd: number;
  readonly eventTypeStart: number;
  readonly eventTypeEnd: number;
  readonly eventIdStart: number;
  readonly eventIdEnd: number;
  readonly dataStart: number;
  readonly dataEnd: number;
  readonly eventType: string;
  readonly timestampMicros: number;
  readonly source: string;
  readonly schema: string | undefined;
  /** The id in four pieces of 32 bits: so it needs no memory of its own. */
  readonly #id0: number;
  readonly #id1: number;
  readonly #id2: number;
  readonly #id3: number;

  constructor({ spans, id, eventType, timestampMicros, source, schema }: PlainEventParts) {
    this.bytes = spans.bytes;
    this.userIdStart = spans.userIdStart;
    this.userIdEnd = spans.userIdEnd;
    this.eventTypeStart = spans.eventTypeStart;
    this.eventTypeEnd = spans.eventTypeEnd;
    this.eventIdStart = spans.eventIdStart;
    this.eventIdEnd = spans.eventIdEnd;
    this.dataStart = spans.dataStart;
    this.dataEnd = spans.dataEnd;
    this.eventType = eventType;
    this.timestampMicros = timestampMicros;
    this.source = source;
    this.schema = schema;
    this.#id0 = id.readInt32BE(0);
    this.#id1 = id.readInt32BE(4);
    this.#id2 = id.readInt32BE(8);
    this.#id3 = id.readInt32BE(12);
  }

  get id(): Buffer {
    const id = Buffer.allocUnsafe(ID_BYTES);
    this.writeId(id, 0);
    return id;
  }

  get userId(): string {
    return this.bytes.toString('utf8', this.userIdStart, this.userIdEnd);
  }

  get eventId(): string | undefined {
    return this.eventIdStart > 0 ? this.bytes.toString('utf8', this.eventIdStart, this.eventIdEnd) : undefined;
  }

  get eventData(): Buffer {
    return this.bytes.subarray(this.dataStart, this.dataEnd);
  }

  get spans(): MemberSpans {
    return this;
  }

  writeId(to: Buffer, start: number): void {
    to.writeInt32BE(this.#id0, start);
    to.writeInt32BE(this.#id1, start + 4);
    to.writeInt32BE(this.#id2, start + 8);
    to.writeInt32BE(this.#id3, start + 12);
  }
}
