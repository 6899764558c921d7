import type { Evidence, FaultSeen } from './check/evidence.ts';
import { calmAvailability, rewinds } from './check/figures.ts';
import type { Verdict, Violation } from './check/verdict.ts';

const WITNESSES = 3;

/** What happened, what was promised, what was broken. For people. */
export function renderReport(evidence: Evidence, verdicts: readonly Verdict[]): string {
  const sections = [
    eventsSection(evidence),
    faultsSection(evidence.faults),
    processesSection(evidence),
    verdictsSection(verdicts),
    ...verdicts.filter(({ violations }) => violations.length > 0).map((verdict) => witnessSection(evidence, verdict)),
  ];
  return sections.map((lines) => `${lines.join('\n')}\n`).join('\n');
}

function eventsSection(evidence: Evidence): string[] {
  const { ledger, log, draining, commits } = evidence;
  const lines = ['Events'];
  const classes = Map.groupBy(ledger, ({ content }) => content.class);
  for (const [name, entries] of classes) {
    const sent = entries.flatMap((entry) => entry.sent);
    const count = (outcome: string) => sent.filter((it) => it.outcome?.outcome === outcome).length;
    lines.push(
      `  ${name.padEnd(9)} ${String(entries.length).padStart(7)} made, sent ${sent.length} times: ` +
        `${count('ok')} ok, ${count('no')} refused, ${count('unknown')} unknown`,
    );
  }
  const again = ledger.flatMap((entry) => entry.sent).filter(({ attempt }) => attempt.purpose === 'resend').length;
  const values = new Set(log.map(({ value }) => value));
  const repeats = log.length - values.size;
  lines.push(`  sent again on purpose: ${again}; records in the log: ${log.length}, of them repeats: ${repeats}`);
  const calm = calmAvailability(evidence);
  lines.push(
    `  while nothing was broken: ${calm.ok} of ${calm.sent} ok at once; commits seen: ${commits.length}, rewinds among them: ${rewinds(commits)}`,
  );
  const settled = draining.unknownsSettledS;
  lines.push(
    `  after healing: unknown ones settled ${seconds(settled)}, drained ${seconds(draining.drainedS)}, ` +
      `ready ${seconds(draining.readyS)}, a new event a row ${seconds(draining.probeStoredS)}`,
  );
  return lines;
}

function faultsSection(faults: readonly FaultSeen[]): string[] {
  const lines = [`Faults: ${faults.length}`];
  for (const fault of faults) {
    const lasted = fault.until === undefined ? 'not healed' : `${((fault.until - fault.from) / 1000).toFixed(1)} s`;
    const failure = fault.failure === undefined ? '' : `  could not be injected: ${fault.failure}`;
    lines.push(
      `  ${String(fault.number).padStart(3)}  ${clock(fault.from)}  ${fault.name.padEnd(30)} ${lasted.padStart(10)}  ${fault.detail}${failure}`,
    );
  }
  return lines;
}

function processesSection({ processes }: Evidence): string[] {
  const lines = ['Processes'];
  for (const { name, peakBytes, exits, lastWords } of processes) {
    const own = exits.filter(({ wanted }) => !wanted);
    const codes = own.length > 0 ? ` (exit codes ${own.map(({ code, signal }) => signal ?? code).join(', ')})` : '';
    lines.push(
      `  ${name.padEnd(12)} at most ${Math.round(peakBytes / 1024 ** 2)} MiB, ` +
        `ended by faults ${exits.length - own.length} times, by itself ${own.length} times${codes}`,
    );
    for (const words of new Set(lastWords)) lines.push(`    ${cut(words.replaceAll('\n', ' '))}`);
  }
  return lines;
}

function verdictsSection(verdicts: readonly Verdict[]): string[] {
  return [
    'Invariants',
    ...verdicts.map(({ invariant, title, looked, violations }) => {
      const verdict = violations.length === 0 ? 'holds' : `BROKEN ${violations.length} times`;
      return `  ${invariant}  ${title.padEnd(42)} ${verdict.padEnd(8)} ${looked}`;
    }),
  ];
}

function witnessSection(evidence: Evidence, { invariant, title, violations }: Verdict): string[] {
  const smallest = [...violations].sort((a, b) => size(a) - size(b)).slice(0, WITNESSES);
  return [
    `${invariant}  ${title}: BROKEN ${violations.length} times; the smallest witnesses:`,
    ...smallest.flatMap((violation) => witness(evidence, violation)),
  ];
}

/** The earliest contents make the shortest story. */
function size(violation: Violation): number {
  return Math.min(...(violation.contents ?? [Number.MAX_SAFE_INTEGER]));
}

function witness({ ledger, events, deadLetters, log, faults }: Evidence, violation: Violation): string[] {
  const { what, id, contents = [], partition, offset } = violation;
  const lines = [`  - ${what}`];
  if (id !== undefined) lines.push(`      id ${id}`);
  const times: number[] = [];
  const entries = contents.flatMap((number) => ledger.find(({ content }) => content.content === number) ?? []);
  for (const { content, sent } of entries) {
    lines.push(`      content ${content.content} (${content.class}, ${content.kind}): ${cut(content.body)}`);
    for (const { attempt, outcome } of sent.slice(0, 8)) {
      times.push(attempt.at, ...(outcome ? [outcome.at] : []));
      const answer = outcome
        ? `${clock(outcome.at)} ${outcome.outcome} ${outcome.status ?? ''} ${outcome.why ?? ''}`
        : 'no answer';
      lines.push(`        ${clock(attempt.at)} ${attempt.purpose} via ${attempt.via} -> ${answer}`);
    }
  }
  const bodies = new Set(entries.map(({ content }) => content.body));
  const isAt = (it: { partition: number; offset: number }) => it.partition === partition && it.offset === offset;
  for (const record of log.filter((it) => isAt(it) || (it.value !== null && bodies.has(it.value))).slice(0, 8)) {
    lines.push(`      log ${record.partition}/${record.offset}: ${cut(record.value ?? 'null')}`);
  }
  for (const row of events.filter((it) => it.id === id || isAt(it)).slice(0, 4)) {
    times.push(row.storedAt);
    lines.push(
      `      row ${row.id} from ${row.partition}/${row.offset}, stored ${clock(row.storedAt)}: ${cut(row.eventData)}`,
    );
  }
  for (const letter of deadLetters.filter((it) => isAt(it) || (id !== undefined && it.id === id)).slice(0, 4)) {
    times.push(letter.failedAt);
    lines.push(
      `      dead letter ${letter.deadLetterId} (${letter.reason}) from ${letter.partition}/${letter.offset}, ${clock(letter.failedAt)}: ${cut(letter.detail)}`,
    );
  }
  const active = faults.filter(({ from, until = Number.POSITIVE_INFINITY }) =>
    times.some((at) => at >= from && at <= until),
  );
  lines.push(`      faults active then: ${active.map(({ number, name }) => `${number} ${name}`).join(', ') || 'none'}`);
  return lines;
}

function clock(at: number): string {
  return new Date(at).toISOString().slice(11, 23);
}

function seconds(value: number | undefined): string {
  return value === undefined ? 'NOT in time' : `after ${value.toFixed(1)} s`;
}

function cut(text: string): string {
  return text.length > 400 ? `${text.slice(0, 400)}...` : text;
}
