import { Presets, SingleBar } from 'cli-progress';
import Table from 'cli-table3';

/** How far long work has come: a bar on a terminal, a line every so often elsewhere. Goes to standard error, so that answers can be piped. */
export type Progress = { to(done: number, total: number): void; end(): void };

/** At most one line in this time where there is no terminal. */
const LINE_EVERY_MS = 5_000;

export function startProgress(label: string, unit: string, total: number, out: NodeJS.WriteStream = process.stderr): Progress {
  return out.isTTY ? new Bar(label, unit, total, out) : new Lines(label, unit, out);
}

class Bar implements Progress {
  private readonly bar: SingleBar;

  constructor(label: string, unit: string, total: number, stream: NodeJS.WriteStream) {
    const format = `${label} {bar} {percentage} % · {value} of {total} ${unit} · {eta_formatted} left`;
    this.bar = new SingleBar({ format, stream, hideCursor: true, etaBuffer: 50 }, Presets.shades_classic);
    this.bar.start(total, 0);
  }

  to(done: number, total: number): void {
    this.bar.setTotal(total);
    this.bar.update(done);
  }

  end(): void {
    this.bar.stop();
  }
}

class Lines implements Progress {
  private readonly label: string;
  private readonly unit: string;
  private readonly out: NodeJS.WriteStream;
  private told = Date.now();

  constructor(label: string, unit: string, out: NodeJS.WriteStream) {
    this.label = label;
    this.unit = unit;
    this.out = out;
  }

  to(done: number, total: number): void {
    if (Date.now() - this.told < LINE_EVERY_MS) return;
    this.told = Date.now();
    this.out.write(`${this.label}: ${count(done)} of ${count(total)} ${this.unit}\n`);
  }

  end(): void {}
}

/** A number as people read it: 11,520. */
export const count = (n: number): string => n.toLocaleString('en-US', { maximumFractionDigits: 6 });

/** A number of things: 1 document, 2 documents. */
export const counted = (n: number, thing: string): string => `${count(n)} ${thing}${n === 1 ? '' : 's'}`;

/** A plain table: no colours, no lines between its rows. `aligns` has an l or r a column. */
export function drawTable(
  aligns: string,
  rows: readonly (readonly string[])[],
  more: { head?: string[] /** null: as wide as what is in it; the others break between words */; widths?: (number | null)[] } = {},
): string {
  const table = new Table({
    colAligns: Array.from(aligns, (align) => (align === 'r' ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
    ...(more.head && { head: more.head }),
    ...(more.widths && { colWidths: more.widths, wordWrap: true }),
  });
  for (const row of rows) table.push([...row]);
  return table.toString();
}
