import { describeError } from '@kero/runtime';
import { Ajv2020, type ErrorObject, type Options, type ValidateFunction } from 'ajv/dist/2020.js';
import { type JsonValue, nameOfType } from './json/json-value.ts';
import { useJsonEquality } from './json-equality.ts';
import type { ProblemCode } from './problem-codes.ts';
import { type Path, type ProblemList, quote, tokensOf } from './problem-list.ts';
import type { JsonSchema } from './schemas.ts';

/**
 * Above this weight of one event (see JsonReader) only the first break of a schema is named: ajv makes an object for each, with the
 * names that lead to it, and an array of a million wrong items must not become a million of them.
 */
const MAX_WEIGHT_FOR_EVERY_PROBLEM = 10_000;

/**
 * True when `value` keeps the schema; otherwise everything that is wrong with it has been added to the problems. `value` stands
 * at `base` in the event, and `weight` is that of the whole event. A schema that cannot be applied is a problem as well
 * (`schema_failed`). Never throws.
 */
export type SchemaCheck = (value: JsonValue, base: Path, weight: number, problems: ProblemList) => boolean;

/**
 * Compiles a schema of Kero's own. `isToldElsewhere` picks the errors that need no problem here because somebody else tells them
 * better. Throws where the schema itself is wrong.
 */
export function compileSchema(
  schema: JsonSchema,
  isToldElsewhere: (error: ErrorObject) => boolean = () => false,
): SchemaCheck {
  return toCheck((allErrors) => compile(schema, { allErrors, strict: true, allowUnionTypes: true }), isToldElsewhere);
}

/**
 * Compiles a schema that a user wrote, as draft 2020-12 has it: keywords that nobody knows say nothing, and `format` is an
 * annotation. The schema must keep the meta-schema; whether it does is not looked at here. Throws where it cannot be compiled: a
 * `$ref` that leads nowhere, out of the schema or for ever to itself, a pattern that is no regular expression.
 */
export function compileUserSchema(schema: JsonSchema): SchemaCheck {
  const lenient = { strict: false, validateFormats: false, validateSchema: false, logger: false } as const;
  // The second error says only that the first one counts.
  return toCheck(
    (allErrors) => compile(schema, { allErrors, ...lenient }),
    ({ keyword }) => keyword === 'if',
  );
}

function toCheck(
  compileAs: (allErrors: boolean) => ValidateFunction,
  isToldElsewhere: (error: ErrorObject) => boolean,
): SchemaCheck {
  const every = compileAs(true);
  // Some schemas compile and can be applied to nothing: {"$ref": "#"}.
  every({});
  every.errors = null;
  let first: ValidateFunction | undefined;
  return (value, base, weight, problems) => {
    if (weight > MAX_WEIGHT_FOR_EVERY_PROBLEM) first ??= compileAs(false);
    const validate = weight > MAX_WEIGHT_FOR_EVERY_PROBLEM && first ? first : every;
    try {
      if (validate(value)) return true;
    } catch (error) {
      problems.add('schema_failed', base, `The schema cannot be applied: ${describeError(error)}.`);
      return false;
    }
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

function compile(schema: JsonSchema, options: Options): ValidateFunction {
  // verbose puts the value and its schema into the error, where the detail for people comes from.
  return useJsonEquality(new Ajv2020({ verbose: true, ...options })).compile(schema);
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
    case 'unevaluatedProperties': {
      const member = String(error.params.unevaluatedProperty);
      return { code: 'unknown_member', detail: `The schema knows no member ${quote(member)}.`, member };
    }
    case 'dependentRequired': {
      const { missingProperty, property } = error.params;
      const detail = `This member is required where ${quote(String(property))} is present.`;
      return { code: 'missing_member', detail, member: String(missingProperty) };
    }
    case 'propertyNames': {
      const member = String(error.params.propertyName);
      return { code: 'schema_mismatch', detail: `A member must not be called ${quote(member)}.`, member };
    }
    default: {
      const meaning = typeof schema.description === 'string' ? ` ${schema.description}` : '';
      return { code: 'schema_mismatch', detail: `${describeRule(error, schema)}${meaning}` };
    }
  }
}

/** A rule of a schema in words; where there are none, its keyword and what stands there. */
function describeRule({ keyword, params }: ErrorObject, schema: JsonSchema): string {
  switch (keyword) {
    case 'enum':
      return `Must be one of ${listOf(schema.enum)}.`;
    case 'const':
      return `Must be ${shown(schema.const)}.`;
    case 'pattern':
      return `Must match the regular expression ${shown(params.pattern)}.`;
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return `Must be ${params.comparison} ${params.limit}.`;
    case 'multipleOf':
      return `Must be a multiple of ${params.multipleOf}.`;
    case 'minItems':
      return `Must have at least ${params.limit} items.`;
    case 'maxItems':
      return `Must have at most ${params.limit} items.`;
    case 'minProperties':
      return `Must have at least ${params.limit} members.`;
    case 'maxProperties':
      return `Must have at most ${params.limit} members.`;
    case 'uniqueItems':
      return `The items ${params.j} and ${params.i} are equal; each may be there once.`;
    case 'anyOf':
      return 'Must keep at least one of the schemas in "anyOf", and keeps none.';
    case 'oneOf':
      return 'Must keep exactly one of the schemas in "oneOf".';
    case 'not':
      return 'Keeps the schema in "not", and must not.';
    case 'false schema':
      return 'Must not be here.';
    default:
      return `The value breaks the rule "${keyword}" of its schema.`;
  }
}

const MAX_VALUES_LISTED = 20;

function listOf(values: unknown): string {
  const list = Array.isArray(values) ? values : [];
  const names = list.slice(0, MAX_VALUES_LISTED).map(shown).join(', ');
  return list.length > MAX_VALUES_LISTED ? `${names} and ${list.length - MAX_VALUES_LISTED} more` : names;
}

function shown(value: unknown): string {
  return typeof value === 'string' ? quote(value) : JSON.stringify(value).slice(0, 100);
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
