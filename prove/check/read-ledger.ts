import type { LedgerLine } from '../ledger-format.ts';
import type { LedgerEntry, Sent } from './evidence.ts';
import { linesOf } from './lines.ts';

/** Reads the ledger back from its file: what is not there was not sent. */
export async function readLedger(path: string): Promise<LedgerEntry[]> {
  const entries = new Map<number, { content: LedgerEntry['content']; sent: Sent[] }>();
  const attempts = new Map<number, { sent: Sent[]; index: number }>();
  for await (const text of linesOf(path)) {
    const line = JSON.parse(text) as LedgerLine;
    if (line.line === 'content') {
      entries.set(line.content, { content: line, sent: [] });
    } else if (line.line === 'attempt') {
      const entry = entries.get(line.content);
      if (!entry) throw new Error(`the ledger has an attempt of the unknown content ${line.content}`);
      attempts.set(line.attempt, { sent: entry.sent, index: entry.sent.length });
      entry.sent.push({ attempt: line, outcome: undefined });
    } else {
      const found = attempts.get(line.attempt);
      const attempt = found?.sent[found.index]?.attempt;
      if (!found || !attempt) throw new Error(`the ledger has an outcome of the unknown attempt ${line.attempt}`);
      found.sent[found.index] = { attempt, outcome: line };
    }
  }
  return [...entries.values()];
}
