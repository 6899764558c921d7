import type { ContentLine } from '../ledger-format.ts';
import type { Random } from '../random.ts';
import { numberText, objectText, string, stringText } from './payloads.ts';
import { instant, timestampText } from './timestamps.ts';

export type NewContent = Omit<ContentLine, 'line' | 'content'>;

/** The parts that make an event's identity, kept so that another event can be given the same. */
export interface EventParts {
  readonly user: string;
  readonly type: string;
  readonly eventId: string | undefined;
  readonly source: string | undefined;
  readonly micros: bigint;
}

export interface MadeEvent {
  readonly parts: EventParts;
  readonly content: NewContent;
}

const SOURCES = ['shop', 'app', 'Zoë’s tills 🦊', "o'source"];
const TYPES = ['purchase', 'purchase', 'purchase', 'view', 'a "type"\\with\tall', 'тип 事件'];

export interface EventOptions {
  readonly user: string;
  /** Part of every marker. */
  readonly run: string;
  /** Unique in the run. */
  readonly unique: number;
  readonly seq?: number;
  readonly class?: 'new' | 'probe' | 'foreign';
}

/** A valid event. One in four has no event_id: its identity is then made of user, type and instant. */
export function validEvent(random: Random, options: EventOptions): MadeEvent {
  const natural = options.seq === undefined && random.chance(0.25);
  const marker = `${options.run}-${options.unique}`;
  const parts: EventParts = {
    user: options.user,
    type: random.pick(TYPES),
    eventId: natural ? undefined : `${random.chance(0.1) ? [...string(random)].slice(0, 60).join('') : ''}${marker}`,
    source: random.chance(0.4) ? random.pick(SOURCES) : undefined,
    micros: instant(random, options.unique, { edges: !natural }),
  };
  return { parts, content: contentOf(random, parts, { ...options, marker, class: options.class ?? 'new' }) };
}

/** Another event with the identity of the first one and other content. Sometimes only the user differs. */
export function conflictingEvent(random: Random, original: EventParts, options: { run: string; unique: number }) {
  const marker = `${options.run}-${options.unique}`;
  // Another user means another key, so another partition. Without event_id the user is part of the identity.
  const elsewhere = original.eventId !== undefined && random.chance(0.3);
  const parts = { ...original, user: elsewhere ? `${original.user}-2` : original.user };
  return contentOf(random, parts, { marker, class: 'conflict' });
}

function contentOf(
  random: Random,
  parts: EventParts,
  rest: { marker: string; class: ContentLine['class']; seq?: number | undefined },
): NewContent {
  const members = [`"marker":${JSON.stringify(rest.marker)}`];
  if (rest.seq !== undefined) members.push(`"seq":${rest.seq}`);
  if (parts.type === 'purchase') {
    members.push(`"item_id":${stringText(random)}`, `"price":${price(random)}`);
    if (random.chance(0.3)) members.push(`"tags":[${stringText(random)},${stringText(random)}]`);
  }
  const event = [
    `"user_id":${stringText(random, parts.user)}`,
    `"event_type":${stringText(random, parts.type)}`,
    `"event_timestamp":${JSON.stringify(timestampText(random, parts.micros))}`,
    `"event_data":${objectText(random, members)}`,
  ];
  if (parts.eventId !== undefined) event.push(`"event_id":${stringText(random, parts.eventId)}`);
  if (parts.source !== undefined) event.push(`"source":${stringText(random, parts.source)}`);
  return {
    class: rest.class,
    kind: parts.eventId === undefined ? `${parts.type}, no event_id` : parts.type,
    marker: rest.marker,
    user: parts.user,
    ...(rest.seq === undefined ? {} : { seq: rest.seq }),
    micros: String(parts.micros),
    body: `{${random.shuffle(event).join(',')}}`,
  };
}

function price(random: Random): string {
  return random.chance(0.2) ? `"${random.int(0, 999)}.${random.int(0, 9)}0"` : numberText(random);
}
