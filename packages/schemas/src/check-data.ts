import { type Problem, ProblemList, readJson, type SchemaCheck } from '@kero/events';

/** Everything that is wrong with the text of an `event_data`, which PostgreSQL has taken for JSON. */
export function checkData(check: SchemaCheck, text: string): readonly Problem[] {
  // Not JSON.parse: it confuses names with escapes (nodejs/node#63785), and its objects have members that nobody sent.
  const reading = readJson(Buffer.from(text));
  if (!reading.ok) return [reading.problem];
  const problems = new ProblemList();
  check(reading.value, ['event_data'], reading.weight, problems);
  return problems.toArray();
}
