import type { CaseFile } from './case-file.ts';
import type { Verdict, Violation } from './verdict.ts';

const COME_AGAIN = new Set([408, 429]);

/** I4: what is invalid is refused and is nowhere, not even in the log; what is valid is never refused. */
export function refusedStaysOut({ cases, evidence }: CaseFile): Verdict {
  const violations: Violation[] = [];
  const invalid = cases.filter((it) => it.content.class === 'invalid');
  for (const it of invalid) {
    if (it.outcome === 'ok') {
      violations.push({ contents: [it.content.content], what: `accepted, but must be refused (${it.content.kind})` });
    }
  }
  const byMarker = new Map(invalid.map((it) => [it.content.marker, it.content.content]));
  const look = (text: string | null, where: string, at: { partition: number; offset: number }) => {
    const marker = /[A-Za-z0-9]+-\d+-refused/.exec(text ?? '')?.[0];
    const content = marker === undefined ? undefined : byMarker.get(marker);
    if (content !== undefined) {
      violations.push({
        contents: [content],
        partition: at.partition,
        offset: at.offset,
        what: `refused, but ${where}`,
      });
    }
  };
  for (const record of evidence.log) look(record.value, 'in the log', record);
  for (const row of evidence.events) look(`${row.eventId} ${row.eventData}`, 'a row', row);
  for (const letter of evidence.deadLetters) look(letter.payload, 'a dead letter', letter);

  let valid = 0;
  for (const it of cases) {
    if (it.content.class === 'invalid' || it.content.class === 'garbage') continue;
    valid++;
    const refusal = it.entry.sent.find(
      ({ outcome }) => outcome?.outcome === 'no' && !COME_AGAIN.has(outcome.status ?? 0),
    );
    if (refusal) {
      const { status, why } = refusal.outcome ?? {};
      violations.push({ contents: [it.content.content], what: `a valid event was refused with ${status} ${why}` });
    }
  }
  const refused = invalid.filter((it) => it.entry.sent.some(({ outcome }) => outcome?.outcome === 'no')).length;
  const looked = `${refused} refused of ${invalid.length} invalid events, ${valid} valid ones`;
  return { invariant: 'I4', title: 'what is refused is nowhere', looked, violations };
}
