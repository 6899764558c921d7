import { isUtf8 } from 'node:buffer';
import {
  type DeadLetterSummary,
  deadLetterReasons,
  type StoredDeadLetter,
  type StoredEventPlace,
} from '@kero/database';
import { hexDump } from '../../hex-dump.ts';
import { printable, printableLines } from '../../printable.ts';
import { type CommandContext, CommandRefused } from '../../run-command.ts';
import { withDatabase } from '../../with-database.ts';
import { adviceFor } from './advice.ts';

const MAX_HEX_BYTES = 4096;

/** `kero dead-letters show`: everything about one letter, and what to do. */
export async function showDeadLetter(deadLetterId: bigint, context: CommandContext): Promise<string> {
  return withDatabase(context, async ({ deadLetters }) => {
    const only = { after: 0n, upTo: deadLetterId, limit: 1 };
    const [letter] = await deadLetters.read({ ids: [deadLetterId] }, only);
    if (!letter) throw new CommandRefused(`There is no dead letter ${deadLetterId}.`);
    const later = await deadLetters.replaysOf(deadLetterId);
    const [stored] = letter.id === undefined ? [] : await deadLetters.eventsById([letter.id]);
    return renderLetter(letter, { later, stored });
  });
}

export function renderLetter(
  letter: StoredDeadLetter,
  { later, stored }: { readonly later: readonly DeadLetterSummary[]; readonly stored: StoredEventPlace | undefined },
): string {
  const { reason, replayOf } = letter;
  const meaning = Object.hasOwn(deadLetterReasons, reason)
    ? deadLetterReasons[reason as keyof typeof deadLetterReasons]
    : '';
  const changed = letter.statusChangedAt ? `, since ${letter.statusChangedAt.toISOString()}` : '';
  const fields: [name: string, value: string | undefined][] = [
    ['status', `${letter.status}${changed}`],
    ['note', letter.note === undefined ? undefined : printable(letter.note)],
    ['reason', printable(reason)],
    ['', meaning],
    ['detail', printable(letter.detail)],
    ['failed at', letter.failedAt.toISOString()],
    ['received at', letter.receivedAt.toISOString()],
    ['event type', letter.eventType === undefined ? undefined : printable(letter.eventType)],
    ['event id', letter.id],
    ['', stored && describeStored(stored)],
    ['place', `log ${letter.logId}, partition ${letter.logPartition}, offset ${letter.logOffset}`],
    ['replay of', replayOf === undefined ? undefined : `letter ${replayOf} (kero dead-letters show ${replayOf})`],
    ['became', later.length === 0 ? undefined : later.map(describeLater).join(', ')],
    ['key', letter.key === null ? '(none)' : describeBytes(letter.key)],
    ...letter.headers.map(([name, value], index): [string, string] => [
      index === 0 ? 'headers' : '',
      `${printable(name)}: ${describeBytes(value)}`,
    ]),
  ];
  const present = fields.filter((field): field is [string, string] => field[1] !== undefined && field[1] !== '');
  const width = Math.max(...present.map(([name]) => name.length));
  return [
    `Dead letter ${letter.deadLetterId}`,
    present.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n'),
    renderPayload(letter.payload),
    `What to do: ${adviceFor(letter, { isStored: stored !== undefined })}`,
  ].join('\n\n');
}

function renderPayload(payload: Buffer | null): string {
  if (payload === null) return 'Payload: none, the record is a tombstone';
  if (payload.length === 0) return 'Payload: 0 bytes';
  const isText = isUtf8(payload) && !payload.includes(0);
  const shown = isText ? printableLines(payload.toString('utf8')) : hexDump(payload, MAX_HEX_BYTES);
  return `Payload (${payload.length} bytes${isText ? '' : ', not text'}):\n${shown}`;
}

function describeStored({ id, storedAt, logPartition, logOffset }: StoredEventPlace): string {
  const place = `partition ${logPartition} offset ${logOffset}`;
  return `an event with this id is stored, since ${storedAt.toISOString()}, from ${place}:
${' '.repeat(15)}kero sql "select * from events where id = '${id}' and event_timestamp between kero_event_time('${id}') and kero_event_time('${id}') + interval '1 ms'"`;
}

function describeLater({ deadLetterId, reason, status }: DeadLetterSummary): string {
  return `letter ${deadLetterId} (${printable(reason)}, ${status})`;
}

function describeBytes(bytes: Buffer): string {
  return isUtf8(bytes) && !bytes.includes(0) ? printable(bytes.toString('utf8')) : `0x${bytes.toString('hex')}`;
}
