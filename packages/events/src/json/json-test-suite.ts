import suite from './json-test-suite.json' with { type: 'json' };

/** For tests: a case of JSONTestSuite and what Kero makes of it. */
export interface JsonCase {
  readonly name: string;
  /** What the suite demands: to be accepted, to be refused, or nothing. */
  readonly kind: 'y' | 'n' | 'i';
  readonly bytes: Buffer;
  /** The code of the problem that Kero has with it; '' where it is accepted; undefined for a break of the grammar, of whichever kind. */
  readonly code: string | undefined;
}

/** Cases that the grammar allows and a rule of Kero forbids. */
const REFUSED_BY_RULE: Readonly<Record<string, string>> = {
  y_object_duplicated_key: 'duplicate_member',
  y_object_duplicated_key_and_value: 'duplicate_member',
  y_object_escaped_null_in_key: 'null_character',
  y_string_null_escape: 'null_character',
};

/** What becomes of the cases that the suite leaves open; '' is accepted. */
const OPEN_CASES: readonly (readonly [name: RegExp, code: string])[] = [
  [/^i_number_too_big|^i_number_very_big/, ''],
  [/^i_number_/, 'number_out_of_range'],
  [/^i_structure_500_nested_arrays$/, 'nested_too_deep'],
  [/^i_structure_UTF-8_BOM_empty_object$/, 'byte_order_mark'],
  [/UTF-16|utf16|utf-8|UTF-8|UTF8|utf8|latin_1|overlong|not_in_unicode_range/, 'invalid_utf8'],
  [/^i_object_key_lone|^i_string_/, 'lone_surrogate'],
];

export const jsonTestSuite: readonly JsonCase[] = Object.entries(suite.cases).map(([name, content]) => {
  const kind = name.charAt(0) as JsonCase['kind'];
  const open = OPEN_CASES.find(([pattern]) => pattern.test(name))?.[1];
  return {
    name,
    kind,
    bytes: typeof content === 'string' ? Buffer.from(content) : Buffer.from(content.base64, 'base64'),
    code: { y: REFUSED_BY_RULE[name] ?? '', n: undefined, i: open }[kind],
  };
});
