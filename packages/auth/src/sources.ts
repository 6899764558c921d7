/** The rule for `source` of an event, which this must be good for: 1 to 256 characters that PostgreSQL can store. */
export function isSource(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > 2 * MAX_SOURCE) return false;
  return value.isWellFormed() && !value.includes('\u0000') && [...value].length <= MAX_SOURCE;
}

export const MAX_SOURCE = 256;
