import type { Case, CaseFile } from './case-file.ts';
import type { LogRecordSeen } from './evidence.ts';
import type { Verdict, Violation } from './verdict.ts';

/**
 * I5: a user's events are in one partition, and when each was sent after the one before was accepted, they stand there in
 * that order (repeats of an earlier one may come later). Of contents with one identity, the first in the log is the row.
 */
export function keepsOrder({ cases, rowsById, byId }: CaseFile): Verdict {
  const violations: Violation[] = [];
  const partitions = new Map<string, number>();
  for (const it of cases) {
    for (const record of it.records) {
      const known = partitions.get(it.content.user);
      if (known === undefined) partitions.set(it.content.user, record.partition);
      else if (known !== record.partition) {
        const what = `events of user ${it.content.user} are in partition ${known} and ${record.partition}`;
        violations.push({ contents: [it.content.content], partition: record.partition, offset: record.offset, what });
      }
    }
  }

  let pairs = 0;
  const ordered = Map.groupBy(
    cases.filter((it) => it.content.seq !== undefined && it.records.length > 0),
    (it) => it.content.user,
  );
  for (const sequence of ordered.values()) {
    const bySeq = [...sequence].sort((a, b) => (a.content.seq ?? 0) - (b.content.seq ?? 0));
    for (const [n, later] of bySeq.entries()) {
      const earlier = bySeq[n - 1];
      const [first, next] = [earlier?.records[0], later.records[0]];
      if (!earlier || !first || !next) continue;
      pairs++;
      if (first.offset > next.offset) {
        violations.push({
          contents: [earlier.content.content, later.content.content],
          partition: next.partition,
          offset: next.offset,
          what: `of ${later.content.user}, number ${later.content.seq} stands before number ${earlier.content.seq}`,
        });
      }
    }
  }

  let firsts = 0;
  for (const [id, claims] of byId) {
    const row = rowsById.get(id)?.[0];
    const first = firstRecord(claims);
    if (!row || !first) continue;
    firsts++;
    if (first.partition !== row.partition || first.offset !== row.offset) {
      const what = `the first record with this id is ${first.partition}/${first.offset}, the row is from another`;
      violations.push({ id, contents: claims.map((it) => it.content.content), ...positionOf(row), what });
    }
  }
  const looked = `${pairs} neighbours of ${ordered.size} ordered users, ${partitions.size} users, ${firsts} first records`;
  return { invariant: 'I5', title: 'order per user, first one wins', looked, violations };
}

/** Undefined when the records are in several partitions: then there is no first one. */
function firstRecord(claims: readonly Case[]): LogRecordSeen | undefined {
  const records = claims.flatMap((it) => it.records);
  if (new Set(records.map(({ partition }) => partition)).size !== 1) return undefined;
  return records.reduce((first, record) => (record.offset < first.offset ? record : first));
}

function positionOf({ partition, offset }: { partition: number; offset: number }) {
  return { partition, offset };
}
