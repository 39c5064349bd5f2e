import { LotlineError } from '../../errors.ts';
import { celsiusOf } from './sensor-parts.ts';

/** Rec 20 codes of temperatures. */
export type Unit = 'CEL' | 'FAH' | 'KEL';
export type ExportOptions = {
  /** Of times that tell none: an offset, or a name such as Europe/Paris. */
  readonly zone?: string | undefined;
  /** Of values that tell none. */
  readonly unit?: Unit | undefined;
  /** Order of dates such as 03/04/2026. */
  readonly dates?: 'dmy' | 'mdy' | undefined;
};
/** One reading as the device told it; `offset` of its time, such as +02:00. */
export type DeviceReading = {
  readonly ms: number;
  readonly offset: string;
  readonly value: number;
  readonly unit: Unit;
  readonly tilt: number | null;
};
export type DeviceExport = {
  readonly readings: readonly DeviceReading[];
  /** As a line before the table tells it. */
  readonly serial: string | null;
  /** Rows with a time and no value: what was then is not known. */
  readonly empty: number;
};

/** Rows of one export; a logger that notes every minute for ten weeks. */
export const ROWS_MAX = 100_000;
const ABSOLUTE_ZERO = -273.15;

const TIME = /time|date|zeit|datum|heure|fecha|hora|\bdata\b/i;
const DATE_ONLY = /^(?:date|datum|fecha|data|jour)\b/i;
const TIME_ONLY = /^(?:time|zeit|uhrzeit|heure|hora|ora)\b/i;
const VALUE = /temp|°\s*[cfk]\b|celsius|fahrenheit|kelvin|\bvalue\b|\breading\b|\bwert\b|^(?:ch|channel)[\s_-]*1\b/i;
const TILT = /tilt|angle|neigung|inclin/i;
const UNIT = /^(?:unit|uom|einheit)\b/i;

type Row = { readonly line: number; readonly cells: readonly string[] };

/** A table as a device exports it: lines of anything, then a header, then one line a reading. Errors name line and column. */
export function readDeviceCsv(text: string, options: ExportOptions = {}): DeviceExport {
  const rows = rowsOf(text.replace(/^\uFEFF/, ''));
  const at = rows.findIndex(({ cells }) => cells.some((cell) => isTitle(cell, TIME)) && cells.some((cell) => isTitle(cell, VALUE)));
  const header = rows[at]?.cells ?? [];
  if (at < 0 && !rows.some(({ cells }) => cells.length >= 2 && /\d/.test(cells[0] as string)))
    throw malformed(
      'there is no table of times and temperatures',
      rows[0]?.line ?? 1,
      1,
      'Send a header line that names them, or time and value in the first two columns.',
    );
  const named = (test: RegExp) => header.findIndex((cell) => isTitle(cell, test));
  const dateOnly = named(DATE_ONLY);
  const timeOnly = header.findIndex((cell, i) => i !== dateOnly && TIME_ONLY.test(cell) && !/date/i.test(cell));
  const split = dateOnly >= 0 && timeOnly >= 0;
  const columns = {
    time: at < 0 ? 0 : split ? dateOnly : named(TIME),
    clock: split ? timeOnly : null,
    value: at < 0 ? 1 : header.findIndex((cell, i) => isTitle(cell, VALUE) && i !== dateOnly && !isTitle(cell, TIME)),
    unit: named(UNIT),
    tilt: named(TILT),
  };
  if (columns.value < 0) throw malformed('the header names no temperature', rows[at]?.line ?? 1, 1, 'Name its column Temperature.');
  const title = (column: number) => header[column] ?? (column === columns.value ? 'temperature' : 'time');
  const headerUnit = unitIn(header[columns.value] ?? '');
  const readings: DeviceReading[] = [];
  let empty = 0;
  let before = Number.NEGATIVE_INFINITY;
  const body = rows.slice(at + 1);
  if (body.length > ROWS_MAX)
    throw new LotlineError('REQ-LIMIT', `the export has more than ${ROWS_MAX} rows`, { fix: 'Send it in several parts.' });
  for (const { line, cells } of body) {
    const where = (column: number) => ({ line, column: column + 1, title: title(column) });
    // A decimal comma between commas would read 5,2 as 5.
    const wide = at < 0 ? 2 : header.length;
    if (cells.slice(wide).some((cell) => cell !== ''))
      throw malformed(
        'there are more cells than the header names',
        line,
        wide + 1,
        'Quote numbers with a decimal comma, or separate by semicolons.',
      );
    const words = columns.clock === null ? (cells[columns.time] ?? '') : `${cells[columns.time] ?? ''} ${cells[columns.clock] ?? ''}`;
    const time = timeIn(words.trim(), options, before, where(columns.time));
    const told = cells[columns.value] ?? '';
    const tilt =
      columns.tilt < 0 || (cells[columns.tilt] ?? '') === '' ? null : numberIn(cells[columns.tilt] as string, where(columns.tilt));
    before = time.ms;
    if (told === '') {
      empty += 1;
      continue;
    }
    const unit = unitIn(told) ?? (columns.unit < 0 ? null : unitIn(cells[columns.unit] ?? '')) ?? headerUnit ?? options.unit ?? 'CEL';
    const value = numberIn(told.replace(/\s*(?:°\s*)?[CFK]$|\s*(?:degrees|celsius|fahrenheit|kelvin).*$/i, ''), where(columns.value));
    if ((celsiusOf(value, unit) as number) < ABSOLUTE_ZERO)
      throw malformed(
        `${told} is below absolute zero (${title(columns.value)})`,
        line,
        columns.value + 1,
        'Correct the value or the unit.',
      );
    readings.push({ ...time, value, unit, tilt });
  }
  if (readings.length === 0)
    throw malformed('there is no reading', rows.at(-1)?.line ?? 1, 1, 'Send at least one line with a time and a value.');
  return { readings, serial: serialIn(rows.slice(0, Math.max(0, at))), empty };
}

const isTitle = (cell: string, test: RegExp): boolean => test.test(cell) && !/^[-+\d]/.test(cell);

/** °C, °F or K, where a cell says so. */
function unitIn(cell: string): Unit | null {
  const [, letter] = /(?:°\s*|\(|\[|deg(?:rees)?\s*|[\d\s_])([CFK])(?:\)|\]|\s|$)/i.exec(` ${cell}`) ?? [];
  if (letter !== undefined) return ({ C: 'CEL', F: 'FAH', K: 'KEL' } as const)[letter.toUpperCase() as 'C' | 'F' | 'K'];
  if (/celsius|\bCEL\b/i.test(cell)) return 'CEL';
  if (/fahrenheit|\bFAH\b/i.test(cell)) return 'FAH';
  return /kelvin|\bKEL\b/i.test(cell) ? 'KEL' : null;
}

function serialIn(rows: readonly Row[]): string | null {
  for (const { cells } of rows) {
    const line = cells.join(' ');
    const [, serial] =
      /\b(?:serial(?:\s*(?:no|number|nr))?|s\/n|logger\s*id|device\s*id)\b\s*\.?\s*[:=#]?\s*([A-Za-z0-9][\w.-]{2,49})/i.exec(line) ?? [];
    if (serial !== undefined) return serial;
  }
  return null;
}

// ── lines and cells ─────────────────────────────────────────────────────────────────────────────────────────────

function rowsOf(text: string): Row[] {
  const lines = text.split(/\r\n|\n|\r/);
  const delimiter = delimiterOf(lines);
  return lines
    .flatMap((line, i) => (line.trim() === '' ? [] : [{ line: i + 1, cells: cellsOf(line, delimiter, i + 1) }]))
    .filter(({ cells }) => cells.some((cell) => cell !== ''));
}

/** What most lines have; a comma may stand in numbers, a semicolon or a tab does not. */
function delimiterOf(lines: readonly string[]): string {
  const some = lines.slice(0, 200);
  const having = (mark: string) => some.filter((line) => line.includes(mark)).length;
  const most = Math.max(1, some.filter((line) => line.trim() !== '').length / 2);
  return having(';') >= most ? ';' : having('\t') >= most ? '\t' : ',';
}

function cellsOf(line: string, delimiter: string, number: number): string[] {
  const cells: string[] = [];
  let [cell, quoted] = ['', false];
  for (let i = 0; i < line.length; i++) {
    const mark = line[i] as string;
    if (quoted && mark === '"' && line[i + 1] === '"') {
      cell += '"';
      i += 1;
    } else if (mark === '"' && (quoted || cell.trim() === '')) quoted = !quoted;
    else if (mark === delimiter && !quoted) {
      cells.push(cell.trim());
      cell = '';
    } else cell += mark;
  }
  if (quoted) throw malformed('a quotation mark is not closed', number, cells.length + 1, 'Close it.');
  return [...cells, cell.trim()];
}

type Where = { readonly line: number; readonly column: number; readonly title: string };

/** A decimal point or comma, and no marks between thousands. */
function numberIn(cell: string, { line, column, title }: Where): number {
  const plain = cell
    .trim()
    .replace(/^[\u2212\u2013]/, '-')
    .replace(',', '.');
  if (!/^[-+]?\d{1,6}(?:\.\d{1,10})?$/.test(plain))
    throw malformed(
      `${JSON.stringify(cell.slice(0, 40))} is no number (${title})`,
      line,
      column,
      'Write it as 5.2 or 5,2; leave it empty where nothing was read.',
    );
  return Number(plain);
}

// ── times ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** An instant: as it says itself, or by the zone that is told beside it. `before` decides in the hour that clocks go through twice. */
export function timeIn(words: string, { zone, dates }: ExportOptions, before: number, where: Where): { ms: number; offset: string } {
  const refuse = (why: string, fix: string, code: 'EV-SYNTAX' | 'EV-TIMEZONE' = 'EV-SYNTAX') =>
    malformed(`${JSON.stringify(words.slice(0, 40))} ${why} (${where.title})`, where.line, where.column, fix, code);
  const match =
    /^(\d{1,4})([-./])(\d{1,2})\2(\d{1,4})[T,\s]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([AP]M)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?$/i.exec(
      words,
    );
  if (match === null) throw refuse('is no date and time', 'Write it as 2026-05-04T14:00:00+02:00, or as 04.05.2026 14:00 with a zone.');
  const [, a, mark, b, c, hour, minute, second = '0', fraction = '', half, told] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string?,
    string?,
    string?,
    string?,
  ];
  const [year, month, day] = (() => {
    if (a.length === 4) return [a, b, c];
    if (c.length !== 4) throw refuse('has no year of four digits', 'Write the year with four digits.');
    const order = mark === '.' ? 'dmy' : (dates ?? (Number(a) > 12 ? 'dmy' : Number(b) > 12 ? 'mdy' : null));
    if (order === null) throw refuse('may be two dates', 'Say dates=dmy or dates=mdy.');
    return order === 'dmy' ? [c, b, a] : [c, a, b];
  })().map(Number) as [number, number, number];
  const hours = half === undefined ? Number(hour) : (Number(hour) % 12) + (/^p/i.test(half) ? 12 : 0);
  const wall = Date.UTC(year, month - 1, day, hours, Number(minute), Number(second), Number(`${fraction}000`.slice(0, 3)));
  const back = new Date(wall);
  if (back.getUTCMonth() !== month - 1 || back.getUTCDate() !== day || hours > 23 || Number(minute) > 59 || Number(second) > 59)
    throw refuse('is no date and time that there is', 'Correct it.');
  const given = told ?? zone;
  if (given === undefined) throw refuse('tells no zone', 'Say zone=+02:00, or zone=Europe/Paris.', 'EV-TIMEZONE');
  const offset = fixedOffset(given);
  if (offset !== null) return { ms: wall - offset, offset: offsetText(offset) };
  const possible = [wall - 86_400_000, wall + 86_400_000]
    .map((ms) => zoneOffset(given, ms))
    .filter((one, i, list) => list.indexOf(one) === i)
    .filter((one): one is number => one !== null && zoneOffset(given, wall - one) === one)
    .sort((x, y) => y - x);
  if (zoneOffset(given, wall) === null)
    throw new LotlineError('EV-TIMEZONE', 'there is no such zone', {
      at: '?zone',
      fix: 'Write an offset such as +02:00, or a name such as Europe/Paris.',
    });
  const chosen = possible.find((one) => wall - one > before) ?? possible.at(-1);
  if (chosen === undefined) throw refuse(`is no time that there was in ${given}`, 'Check the zone: clocks were put forward then.');
  return { ms: wall - chosen, offset: offsetText(chosen) };
}

/** ms; null: a name. */
function fixedOffset(zone: string): number | null {
  if (/^(?:Z|UTC|GMT)$/i.test(zone)) return 0;
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(zone) ?? [];
  return sign === undefined ? null : (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

const clocks = new Map<string, Intl.DateTimeFormat | null>();

/** ms by which clocks of a named zone were ahead of UTC. Null: there is no such zone. */
function zoneOffset(zone: string, ms: number): number | null {
  if (!clocks.has(zone)) {
    if (clocks.size > 100) clocks.clear();
    try {
      clocks.set(zone, new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' }));
    } catch {
      clocks.set(zone, null);
    }
  }
  const clock = clocks.get(zone);
  if (clock == null) return null;
  const name = clock.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value ?? 'GMT';
  return fixedOffset(name.slice(3) || 'Z') ?? 0;
}

function offsetText(ms: number): string {
  const minutes = Math.abs(ms) / 60_000;
  return `${ms < 0 ? '-' : '+'}${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}

const malformed = (
  what: string,
  line: number,
  column: number,
  fix: string,
  code: 'EV-SYNTAX' | 'EV-TIMEZONE' = 'EV-SYNTAX',
): LotlineError => new LotlineError(code, what, { at: `line ${line}, column ${column}`, fix });
