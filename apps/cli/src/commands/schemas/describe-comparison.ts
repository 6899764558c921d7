import type { SchemaComparison } from '@kero/schemas';
import { printable, shorten } from '../../printable.ts';

const VERDICTS = {
  compatible: 'compatible: whatever it accepts is accepted by the new schema, too',
  incompatible: 'INCOMPATIBLE',
  unclear: 'cannot be told',
} as const;

const MAX_EXAMPLE_LENGTH = 500;

/** What a comparison found, for a person. */
export function describeComparison({ verdict, changes }: SchemaComparison, against: string): string[] {
  const lines = [`against ${against}: ${VERDICTS[verdict]}`];
  for (const { pointer, detail, example } of changes) {
    lines.push(`  /event_data${printable(pointer)}  ${printable(detail)}`);
    lines.push(
      example === undefined
        ? '    may refuse what was accepted: no example was found, and none may exist'
        : `    was accepted, and would be refused: ${shorten(printable(JSON.stringify(example)), MAX_EXAMPLE_LENGTH)}`,
    );
  }
  return lines;
}
