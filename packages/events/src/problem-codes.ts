/** Every code of a Problem and what it means; docs/errors.md is generated from this table. */
export const problemCodes = {
  invalid_json: 'The body is not one JSON text.',
} as const;

export type ProblemCode = keyof typeof problemCodes;
