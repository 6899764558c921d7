import type { Bench, GoalResult, TableResult } from './bench.ts';
import { machineLine } from './machine.ts';
import type { BenchResult } from './result-files.ts';
import { formatNumber } from './rounds.ts';
import type { Figure } from './statistics.ts';

export const BEGIN = '<!-- bench: begin. What is between these lines is written by `npm run bench -- --write`. -->';
export const END = '<!-- bench: end -->';

/** Puts the results into the text of docs/performance.md, between the markers. Throws where those are missing. */
export function withResults(page: string, results: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`docs/performance.md has no lines "${BEGIN}" and "${END}"`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${results}\n${page.slice(end)}`;
}

/** The results of all benches as Markdown, a section each. */
export function renderResults(benches: readonly Bench[], resultOf: (name: string) => BenchResult | undefined): string {
  return benches.map((bench) => renderSection(bench, resultOf(bench.name))).join('\n');
}

function renderSection({ name, number, question }: Bench, result: BenchResult | undefined): string {
  const title = `### ${number === undefined ? '' : `${number}: `}${question}\n\n\`npm run bench -- ${name}\`\n`;
  if (result === undefined) return `${title}\nNot measured yet.\n`;
  const { goals, tables, notes, machine, date, rounds, load } = result;
  const where = `${date}, ${rounds} round${rounds === 1 ? '' : 's'}, ${machineLine(machine)}. Load average ${load[0]} at the start, ${load[1]} at the end.`;
  return [
    title,
    ...(goals.length === 0 ? [] : [renderGoals(goals)]),
    ...tables.map(renderTable),
    ...(notes.length === 0 ? [] : [`${notes.map((note) => `- ${note}`).join('\n')}\n`]),
    `${where}\n`,
  ].join('\n');
}

function renderGoals(goals: readonly GoalResult[]): string {
  const rows = goals.map((goal) => [goal.what, measuredOf(goal), goalOf(goal), verdictOf(goal)]);
  return renderRows(['', 'measured', 'goal', ''], rows);
}

export function renderTable({ title, candidates }: TableResult): string {
  const names = [...new Set(candidates.flatMap(({ figures }) => Object.keys(figures)))];
  const rows = candidates.map(({ candidate, figures, failures }) => [
    failures.length === 0 ? candidate : `${candidate} (FAILED ${failures.length} times: ${failures[0]})`,
    ...names.map((name) => (figures[name] ? spread(figures[name]) : '')),
  ]);
  return renderRows([title, ...names], rows);
}

function renderRows(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return `${[line(head), line(head.map((_, n) => (n === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')}\n`;
}

/** The goals of a bench, for a terminal. */
export function goalLines(goals: readonly GoalResult[]): string[] {
  return goals.map((goal) => `${goal.what}: ${measuredOf(goal)}   goal: ${goalOf(goal)}   ${verdictOf(goal)}`);
}

function measuredOf({ value, unit = '' }: GoalResult): string {
  return value === undefined ? 'not measured' : `${spread(value)} ${unit}`.trim();
}

function goalOf({ goal, unit = '' }: GoalResult): string {
  if (goal === undefined) return '';
  const next = goal.next === undefined ? '' : `, then ${goal.next}`;
  return `${goal.bound} ${goal.value}${next} ${unit}`.trim();
}

function verdictOf({ value, goal }: GoalResult): string {
  if (goal === undefined) return '';
  if (value === undefined) return 'open';
  const reaches = (bound: number) => (goal.bound === 'at least' ? value.median >= bound : value.median <= bound);
  if (!reaches(goal.value)) return 'missed';
  return goal.next === undefined || reaches(goal.next) ? 'reached' : 'reached, the second one not yet';
}

/** The median, and in brackets the lowest and the highest of the rounds. */
function spread({ median, low, high }: Figure): string {
  const isOne = low === high;
  return isOne ? formatNumber(median) : `${formatNumber(median)} (${formatNumber(low)} to ${formatNumber(high)})`;
}
