/** A line of CSV (RFC 4180), with its CRLF. */
export function csvLine(cells: readonly unknown[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

export function csvHeader(columns: readonly string[]): string {
  return csvLine(columns);
}

/** A cell that a spreadsheet would take for a formula gets an apostrophe before it (domain.md §17.4). */
function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = String(value as string | number | boolean);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
