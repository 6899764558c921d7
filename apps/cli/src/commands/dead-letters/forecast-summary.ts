import type { StoredDeadLetter } from '@kero/database';
import { printable, shorten } from '../../printable.ts';
import type { Forecast } from './forecast.ts';

const MAX_EXAMPLES = 5;
const MAX_DETAIL = 160;

interface Group {
  readonly title: string;
  letters: number;
  /** The first few, with their details. */
  readonly examples: string[];
}

/** Adds up what a replay would come to, for any number of letters. */
export class ForecastSummary {
  readonly #groups = new Map<string, Group>();
  total = 0;
  impossible = 0;
  failing = 0;

  add(letters: readonly StoredDeadLetter[], forecasts: readonly Forecast[]): void {
    for (const [index, letter] of letters.entries()) {
      const forecast = forecasts[index];
      if (!forecast) continue;
      this.total++;
      if (forecast.kind === 'impossible') this.impossible++;
      if (forecast.kind === 'fails_again') this.failing++;
      const group = this.#group(titleOf(forecast));
      group.letters++;
      if ('detail' in forecast && group.examples.length < MAX_EXAMPLES) {
        group.examples.push(`letter ${letter.deadLetterId}: ${shorten(printable(forecast.detail), MAX_DETAIL)}`);
      }
    }
  }

  /** How many would be sent. */
  get sendable(): number {
    return this.total - this.impossible;
  }

  render(): string {
    const width = String(this.total).length;
    const lines = [...this.#groups.values()].flatMap(({ title, letters, examples }) => [
      `  ${String(letters).padStart(width)}  ${title}`,
      ...examples.map((example) => `  ${' '.repeat(width)}    ${example}`),
      ...(examples.length > 0 && examples.length < letters ? [`  ${' '.repeat(width)}    ...`] : []),
    ]);
    return [`${this.total} ${this.total === 1 ? 'letter matches' : 'letters match'}:`, ...lines].join('\n');
  }

  #group(title: string): Group {
    const group = this.#groups.get(title) ?? { title, letters: 0, examples: [] };
    this.#groups.set(title, group);
    return group;
  }
}

function titleOf(forecast: Forecast): string {
  switch (forecast.kind) {
    case 'row':
      return 'would become rows, if PostgreSQL takes them';
    case 'stored_already':
      return 'would be counted as repeats: an event with that id is stored (with other content they conflict)';
    case 'skipped':
      return 'would be skipped by EVENTS_ALLOWED_TYPES and EVENTS_DENIED_TYPES';
    case 'fails_again':
      return `would fail again: ${forecast.reason}`;
    case 'impossible':
      return 'cannot be replayed';
  }
}
