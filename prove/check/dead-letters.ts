import { type CaseFile, difference, place } from './case-file.ts';
import type { Verdict, Violation } from './verdict.ts';

/** Reasons that a record which is no event may be given. */
const GARBAGE_REASONS = new Set(['not_an_event', 'invalid']);

/**
 * Dead letters hold garbage and conflicts, each as it stands in the log, and nothing else: an outage makes none. And every
 * record of garbage, and every record whose identity belongs to a row with other content, has its letter.
 */
export function onlyBadDataIsDead(file: CaseFile): Verdict {
  const { byBody, recordByPlace, lettersByPlace, rowsById, evidence } = file;
  const violations: Violation[] = [];
  for (const letter of evidence.deadLetters) {
    const where = { partition: letter.partition, offset: letter.offset };
    const record = recordByPlace.get(place(letter));
    if (record?.value !== letter.payload) {
      violations.push({ ...where, what: 'the payload of the dead letter is not what stands there in the log' });
      continue;
    }
    const sent = letter.payload === null ? undefined : byBody.get(letter.payload);
    if (letter.payload === null || sent?.content.class === 'garbage') {
      if (!GARBAGE_REASONS.has(letter.reason)) {
        violations.push({ ...where, what: `garbage with the reason ${letter.reason}` });
      }
      continue;
    }
    const row = sent?.expected && rowsById.get(sent.expected.id)?.[0];
    const isConflict = row !== undefined && sent?.expected && difference(row, sent.expected) !== undefined;
    if (letter.reason !== 'conflict' || !isConflict) {
      const what = `a good event became a dead letter (${letter.reason}): ${letter.detail.slice(0, 300)}`;
      violations.push({
        ...where,
        what,
        ...(sent ? { contents: [sent.content.content], id: sent.expected?.id ?? '' } : {}),
      });
    }
  }
  for (const record of evidence.log) {
    if (lettersByPlace.has(place(record))) continue;
    const where = { partition: record.partition, offset: record.offset };
    const sent = record.value === null ? undefined : byBody.get(record.value);
    if (record.value === null || sent?.content.class === 'garbage') {
      violations.push({ ...where, what: 'a record that is not an event has no dead letter' });
    } else if (sent?.expected) {
      const row = rowsById.get(sent.expected.id)?.[0];
      if (row && difference(row, sent.expected) !== undefined) {
        const contents = [sent.content.content];
        violations.push({
          ...where,
          id: row.id,
          contents,
          what: 'a record in conflict with the row has no dead letter',
        });
      }
    }
  }
  const looked = `${evidence.deadLetters.length} dead letters, ${evidence.log.length} records`;
  return { invariant: 'DL', title: 'dead letters are bad data, all of it', looked, violations };
}
