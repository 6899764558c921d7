/** A table for a terminal: columns as wide as their widest cell, a line under the header. Lines have no trailing blanks. */
export function renderTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  options: { readonly alignRight?: readonly number[] } = {},
): string {
  const widths = header.map((name, column) =>
    rows.reduce((most, row) => Math.max(most, width(row[column] ?? '')), width(name)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => {
        const blanks = ' '.repeat((widths[column] ?? 0) - width(cell));
        return options.alignRight?.includes(column) ? blanks + cell : cell + blanks;
      })
      .join('  ')
      .trimEnd();
  return [line(header), widths.map((w) => '-'.repeat(w)).join('  '), ...rows.map(line)].join('\n');
}

/** Code points, near enough to columns for what Kero prints. */
function width(text: string): number {
  return [...text].length;
}
