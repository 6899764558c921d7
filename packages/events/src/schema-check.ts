import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { type JsonValue, nameOfType } from './json/json-value.ts';
import type { ProblemCode } from './problem-codes.ts';
import { type Path, type ProblemList, quote } from './problem-list.ts';
import type { JsonSchema } from './schemas.ts';

/**
 * Above this many values in one event only the first break of a schema is named: ajv makes an object for each, and an array
 * of a million wrong items must not become a million of them.
 */
const MAX_VALUES_FOR_EVERY_PROBLEM = 10_000;

/**
 * True when `value` keeps the schema; otherwise everything that is wrong with it has been added to the problems. `value` stands
 * at `base` in the event, and the whole event holds `values` values.
 */
export type SchemaCheck = (value: JsonValue, base: Path, values: number, problems: ProblemList) => boolean;

/**
 * Compiles a schema. `isToldElsewhere` picks the errors that need no problem here because somebody else tells them better.
 * Throws where the schema itself is wrong.
 */
export function compileSchema(
  schema: JsonSchema,
  isToldElsewhere: (error: ErrorObject) => boolean = () => false,
): SchemaCheck {
  const every = compile(schema, true);
  const first = compile(schema, false);
  return (value, base, values, problems) => {
    const validate = values > MAX_VALUES_FOR_EVERY_PROBLEM ? first : every;
    if (validate(value)) return true;
    for (const error of validate.errors ?? []) {
      if (problems.isFull) break;
      if (isToldElsewhere(error)) continue;
      const { code, detail, member } = findingOf(error);
      const place = [...base, ...tokensOf(error.instancePath)];
      problems.add(code, member === undefined ? place : [...place, member], detail);
    }
    // ajv keeps the errors, and with them the whole value, until the next call.
    validate.errors = null;
    return false;
  };
}

function compile(schema: JsonSchema, allErrors: boolean): ValidateFunction {
  // verbose puts the value and its schema into the error, where the detail for people comes from.
  return new Ajv2020({ allErrors, strict: true, allowUnionTypes: true, verbose: true }).compile(schema);
}

interface Finding {
  readonly code: ProblemCode;
  readonly detail: string;
  /** Below the place of the error: the member it is about. */
  readonly member?: string;
}

function findingOf(error: ErrorObject): Finding {
  const schema: JsonSchema = error.parentSchema ?? {};
  switch (error.keyword) {
    case 'required':
      return {
        code: 'missing_member',
        detail: 'This member is required.',
        member: String(error.params.missingProperty),
      };
    case 'additionalProperties': {
      const member = String(error.params.additionalProperty);
      const known = Object.keys(Object(schema.properties)).join(', ');
      return {
        code: 'unknown_member',
        detail: `There is no member ${quote(member)}; the members are ${known}.`,
        member,
      };
    }
    case 'type':
      return { code: 'wrong_type', detail: wrongType(error.params.type, error.data as JsonValue) };
    case 'minLength':
      return { code: 'too_short', detail: lengthRule('at least', error.params.limit, error.data) };
    case 'maxLength':
      return { code: 'too_long', detail: lengthRule('at most', error.params.limit, error.data) };
    default: {
      const meaning = typeof schema.description === 'string' ? ` ${schema.description}` : '';
      return {
        code: 'schema_mismatch',
        detail: `The value breaks the rule "${error.keyword}" of its schema.${meaning}`,
      };
    }
  }
}

function wrongType(wanted: unknown, value: JsonValue): string {
  const names = [wanted].flat().map((name) => (/^[aeiou]/.test(String(name)) ? `an ${name}` : `a ${name}`));
  const hint = value === null ? '; leave the member out if there is no value' : '';
  return `Must be ${names.join(' or ')}, not ${nameOfType(value)}${hint}.`;
}

function lengthRule(bound: string, limit: unknown, value: unknown): string {
  if (value === '') return 'Must not be empty.';
  const length = [...String(value)].length;
  return `Must have ${bound} ${limit} characters (Unicode code points), not ${length}.`;
}

/** The parts of a JSON Pointer, unescaped. */
function tokensOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}
