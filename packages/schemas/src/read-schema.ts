import { compileUserSchema, type JsonSchema, type SchemaCheck } from '@kero/events';
import { Ajv2020 } from 'ajv/dist/2020.js';

export const DRAFT = 'https://json-schema.org/draft/2020-12/schema';

/** A schema that a user wrote, or every reason why it cannot be used. */
export type SchemaReading =
  | { readonly ok: true; readonly schema: JsonSchema; readonly check: SchemaCheck }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Compiling the meta-schema takes 20 ms, so every schema is held against the same one; nothing is ever added to it. */
const metaSchema = new Ajv2020({ allErrors: true, strict: false, logger: false });

const MAX_PROBLEMS = 10;

/** Reads a text as a JSON Schema of draft 2020-12 for `event_data`. Never throws. */
export function readSchema(text: string): SchemaReading {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refused(`not JSON: ${messageOf(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refused('not a schema: expected a JSON object');
  }
  const schema = value as JsonSchema;
  if ('$schema' in schema && String(schema.$schema).replace(/#$/, '') !== DRAFT) {
    const named = JSON.stringify(schema.$schema);
    return refused(`at /$schema: Kero reads draft 2020-12, not ${named}: translate the schema and name ${DRAFT}`);
  }
  try {
    if (!metaSchema.validateSchema(schema)) return { ok: false, problems: metaProblems() };
    return { ok: true, schema, check: compileUserSchema(schema) };
  } catch (error) {
    return refused(explain(error));
  }
}

function refused(problem: string): SchemaReading {
  return { ok: false, problems: [problem] };
}

/** What breaks the meta-schema, each place once: for a wrong type ajv says three things. */
function metaProblems(): string[] {
  const places = new Map<string, string>();
  for (const { instancePath, keyword, message, params } of metaSchema.errors ?? []) {
    if (keyword === 'anyOf' || places.has(instancePath)) continue;
    const allowed = Array.isArray(params.allowedValues) ? ` (${params.allowedValues.join(', ')})` : '';
    places.set(instancePath, `at ${instancePath || 'the top'}: ${message}${allowed}`);
  }
  const problems = [...places.values()];
  if (problems.length <= MAX_PROBLEMS) return problems;
  return [...problems.slice(0, MAX_PROBLEMS), `and ${problems.length - MAX_PROBLEMS} more`];
}

function explain(error: unknown): string {
  const message = messageOf(error);
  const reference = (error as { readonly missingRef?: unknown }).missingRef;
  if (typeof reference !== 'string') return message;
  const remedy = reference.startsWith('#')
    ? 'there is nothing at this place of the schema'
    : 'Kero fetches no schema from elsewhere: copy it into $defs and refer to it there';
  return `the reference ${JSON.stringify(reference)} cannot be followed: ${remedy}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
