import { type Case, type CaseFile, difference } from './case-file.ts';
import type { Verdict, Violation } from './verdict.ts';

/** I1: what got a 2xx is a row, or for a conflict a dead letter. Says which half of the way lost it. */
export function noLoss({ cases, rowsById, lettersByPlace, evidence }: CaseFile): Verdict {
  const violations: Violation[] = [];
  const accepted = cases.filter((it) => it.outcome === 'ok' && it.content.class !== 'invalid' && it.expected);
  for (const it of accepted) {
    const { content, expected, records } = it;
    if (!expected) continue;
    const witness = { id: expected.id, contents: [content.content] };
    if (records.length === 0) {
      violations.push({ ...witness, what: 'accepted with 2xx, but no record of the log has it: lost before the log' });
      continue;
    }
    const row = rowsById.get(expected.id)?.[0];
    const isRow = row !== undefined && difference(row, expected) === undefined;
    const isLetter = records.some((record) => lettersByPlace.has(`${record.partition}/${record.offset}`));
    if (!isRow && !isLetter) {
      violations.push({ ...witness, what: 'accepted with 2xx and in the log, but in no table: lost after the log' });
    }
  }
  const looked = `${accepted.length} accepted events, ${evidence.events.length} rows, ${evidence.deadLetters.length} dead letters`;
  return { invariant: 'I1', title: 'nothing accepted is lost', looked, violations };
}

/** I2: an id is one row; what is a row is not also a dead letter, unless the letter is a conflict with it. */
export function noDouble({ rowsById, byId, evidence }: CaseFile): Verdict {
  const violations: Violation[] = [];
  for (const [id, rows] of rowsById) {
    if (rows.length > 1)
      violations.push({ id, contents: contentsOf(byId.get(id)), what: `${rows.length} rows have this id` });
  }
  const places = new Set<string>();
  for (const letter of evidence.deadLetters) {
    const where = { partition: letter.partition, offset: letter.offset };
    const key = `${letter.partition}/${letter.offset}`;
    if (places.has(key)) violations.push({ ...where, what: 'two dead letters stand for this record' });
    places.add(key);
    if (letter.id !== null && letter.reason !== 'conflict' && letter.status !== 'replayed' && rowsById.has(letter.id)) {
      violations.push({ ...where, id: letter.id, what: `is a row and a dead letter (${letter.reason}) as well` });
    }
  }
  const looked = `${rowsById.size} ids, ${evidence.deadLetters.length} dead letters`;
  return { invariant: 'I2', title: 'nothing is stored twice', looked, violations };
}

/** I3: every row was sent, and says to the digit what was sent; so does every record of the log and every dead letter. */
export function nothingInvented(file: CaseFile): Verdict {
  const { byId, byBody, recordByPlace, evidence } = file;
  const violations: Violation[] = [];
  for (const row of evidence.events) {
    const claims = byId.get(row.id) ?? [];
    const where = { id: row.id, partition: row.partition, offset: row.offset, contents: contentsOf(claims) };
    const wrong = claims.map((it) => (it.expected ? difference(row, it.expected) : 'not an event'));
    if (claims.length === 0) violations.push({ ...where, what: 'a row that nobody sent' });
    else if (!wrong.includes(undefined))
      violations.push({ ...where, what: `the row is not what was sent: ${wrong[0]}` });
    const record = recordByPlace.get(`${row.partition}/${row.offset}`);
    const written = record?.value == null ? undefined : byBody.get(record.value);
    if (written?.expected?.id !== row.id) {
      violations.push({ ...where, what: 'the record that log_partition and log_offset name is another one' });
    }
  }
  for (const record of evidence.log) {
    const sent = byBody.get(record.value ?? '');
    const where = { partition: record.partition, offset: record.offset };
    if (!sent && !isTombstone(record.value)) {
      violations.push({ ...where, what: 'a record of the log that nobody sent, byte for byte' });
      continue;
    }
    const claimed = record.headers.find(([name]) => name === 'kero-id')?.[1];
    if (claimed != null && claimed !== sent?.expected?.id) {
      violations.push({
        ...where,
        contents: contentsOf(sent && [sent]),
        what: `kero-id is ${claimed}, not ${sent?.expected?.id}`,
      });
    }
  }
  for (const it of file.cases) {
    const answered = it.entry.sent.map(({ outcome }) => outcome?.id).filter((id) => id !== undefined);
    const wrong = answered.find((id) => it.expected && id !== it.expected.id);
    if (wrong !== undefined) {
      violations.push({ id: wrong, contents: [it.content.content], what: `the answer's id is not ${it.expected?.id}` });
    }
  }
  const looked = `${evidence.events.length} rows and ${evidence.log.length} records against what was sent`;
  return { invariant: 'I3', title: 'nothing is invented or changed', looked, violations };
}

/** A tombstone has no body to find it by. Only garbage is written with none. */
function isTombstone(value: string | null): boolean {
  return value === null;
}

function contentsOf(cases: readonly Case[] | undefined): number[] {
  return (cases ?? []).map((it) => it.content.content);
}
