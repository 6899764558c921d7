import { type CaseFile, difference, place } from './case-file.ts';
import type { LogRecordSeen } from './evidence.ts';
import type { Verdict, Violation } from './verdict.ts';

/** Commits are seen in whole milliseconds. */
const CLOCK_SLACK_MS = 2;

/**
 * I7: a committed offset was true when it was made: every record below it was in a table by then, in a transaction that had
 * begun before. Looks at every commit that was seen during the run, not only at the last ones.
 */
export function honestCommits(file: CaseFile): Verdict {
  const { commits, log } = file.evidence;
  const violations: Violation[] = [];
  const byPartition = Map.groupBy(log, ({ partition }) => partition);
  const commitsByPartition = Map.groupBy(commits, ({ partition }) => partition);
  for (const [partition, records] of byPartition) {
    const ascending = [...records].sort((a, b) => a.offset - b.offset);
    const claims = [...(commitsByPartition.get(partition) ?? [])].sort((a, b) => a.offset - b.offset);
    let next = 0;
    // The latest of all records so far, which is the one that proves a commit wrong.
    let latest = { storedAt: Number.NEGATIVE_INFINITY, record: undefined as LogRecordSeen | undefined };
    for (const claim of claims) {
      for (let record = ascending[next]; record && record.offset < claim.offset; record = ascending[++next]) {
        const storedAt = storedAtOf(file, record);
        if (storedAt > latest.storedAt) latest = { storedAt, record };
      }
      if (latest.record && latest.storedAt > claim.at + CLOCK_SLACK_MS) {
        violations.push(witness(file, claim, latest.storedAt, latest.record));
        break;
      }
    }
  }
  return {
    invariant: 'I7',
    title: 'a committed offset tells the truth',
    looked: `${commits.length} commits, ${log.length} records`,
    violations,
  };
}

/** When the record was in a table; infinity when it is in none. */
function storedAtOf({ byBody, rowsById, lettersByPlace }: CaseFile, record: LogRecordSeen): number {
  const letter = lettersByPlace.get(place(record));
  if (letter) return letter.failedAt;
  const expected = record.value === null ? undefined : byBody.get(record.value)?.expected;
  const row = expected && rowsById.get(expected.id)?.[0];
  return row && difference(row, expected) === undefined ? row.storedAt : Number.POSITIVE_INFINITY;
}

function witness(
  { byBody }: CaseFile,
  claim: { partition: number; offset: number; at: number },
  storedAt: number,
  record: LogRecordSeen,
): Violation {
  const found = record.value === null ? undefined : byBody.get(record.value);
  const stored = Number.isFinite(storedAt)
    ? `stored ${Math.round(storedAt - claim.at)} ms after the commit`
    : 'in neither table';
  return {
    what: `offset ${claim.offset} was committed at ${new Date(claim.at).toISOString()}, record ${record.offset} below it is ${stored}`,
    partition: record.partition,
    offset: record.offset,
    ...(found ? { contents: [found.content.content] } : {}),
    ...(found?.expected ? { id: found.expected.id } : {}),
  };
}
