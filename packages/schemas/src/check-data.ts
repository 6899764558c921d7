import { type JsonValue, type Problem, ProblemList, type SchemaCheck } from '@kero/events';

/** Everything that is wrong with the text of an `event_data`, which PostgreSQL has taken for JSON. */
export function checkData(check: SchemaCheck, text: string): readonly Problem[] {
  const problems = new ProblemList();
  check(JSON.parse(text) as JsonValue, ['event_data'], 1, problems);
  return problems.toArray();
}
