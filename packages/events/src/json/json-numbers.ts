import type { ProblemCode } from '../problem-codes.ts';

const MAX_NUMBER_LENGTH = 1_000;

/**
 * Most digits after the point. Only a zero can have more (any other number would underflow), and PostgreSQL writes them all
 * out: nine bytes of 0e-16383 come back as 16 KB, so a small event could make a row that nobody can read. Beyond 16,383
 * numeric refuses it anyway.
 */
const MAX_SCALE = 1_400;

/** PostgreSQL reads the exponent into an int and refuses half of its range, for zero too. */
const MAX_EXPONENT = 1_000_000_000;

export interface NumberFault {
  readonly code: Extract<ProblemCode, 'number_too_long' | 'number_out_of_range'>;
  readonly detail: string;
}

/**
 * What keeps a number from being carried to the row as it is written, or undefined. `text` is a number in the grammar of
 * JSON, `value` the double nearest to it.
 */
export function numberFault(text: string, value: number): NumberFault | undefined {
  if (text.length > MAX_NUMBER_LENGTH) {
    return {
      code: 'number_too_long',
      detail: `The text of a number must have at most 1,000 characters; it has ${text.length}.`,
    };
  }
  if (!Number.isFinite(value)) return outOfRange('The number is too large for a double (about 1.8e308).');
  const exponentAt = text.search(/[eE]/);
  if (value === 0 && /[1-9]/.test(exponentAt < 0 ? text : text.slice(0, exponentAt))) {
    return outOfRange('The number is not zero, but too close to zero for a double (about 4.9e-324).');
  }
  if (exponentAt < 0) return undefined;
  const exponent = Number(text.slice(exponentAt + 1));
  const pointAt = text.indexOf('.');
  const fractionDigits = pointAt < 0 ? 0 : exponentAt - pointAt - 1;
  if (Math.abs(exponent) > MAX_EXPONENT || fractionDigits - exponent > MAX_SCALE) {
    return outOfRange('The exponent of the number is too far from zero to be stored.');
  }
  return undefined;
}

function outOfRange(detail: string): NumberFault {
  return { code: 'number_out_of_range', detail };
}
