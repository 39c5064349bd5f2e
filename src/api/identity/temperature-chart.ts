import type { Shown, ShownOut } from '../../identity/cold/shown-series.ts';

type Charted = { readonly shipment: string; readonly series: readonly Shown[] };

const WIDTH = 960;
const PANEL = 260;
const PLOT = { left: 64, right: 16, top: 46, bottom: 40 };
const TICKS = 5;

/** The series of a shipment as SVG: one panel each, with limits as lines, excursions and gaps as marked stretches. Times are UTC. */
export function temperatureChart({ shipment, series }: Charted): string {
  const drawn = series.filter(({ from, to }) => from !== null && to !== null);
  const height = 40 + Math.max(1, drawn.length) * PANEL;
  const body =
    drawn.length === 0 ? text(16, 80, 'nothing is told of its temperature') : drawn.map((one, i) => panel(one, 40 + i * PANEL)).join('');
  const title = `Temperature of ${shipment}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    '<style>text{font:12px system-ui,sans-serif;fill:#1d2733}.title{font-size:16px;font-weight:600}.head{font-weight:600}.axis{stroke:#9aa5b1;stroke-width:1}.grid{stroke:#e4e8ec;stroke-width:1}.limit{stroke:#b42318;stroke-width:1.5;stroke-dasharray:6 4}.line{fill:none;stroke:#1f5fa8;stroke-width:1.8;stroke-linejoin:round}.out{fill:#b42318;fill-opacity:.16}.accepted{fill:#8a6d00;fill-opacity:.14}.gap{fill:url(#hatch)}.tilt{stroke:#7a3e9d;stroke-width:1.5}.bad{fill:#b42318}.end{text-anchor:end}.mid{text-anchor:middle}</style>',
    '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" fill="#f2f4f6"/><line x1="0" y1="0" x2="0" y2="6" stroke="#aab3bd" stroke-width="2"/></pattern></defs>',
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(16, 26, title, 'title'),
    body,
    '</svg>',
  ].join('\n');
}

function panel(one: Shown, top: number): string {
  const [from, to] = [one.from as number, Math.max(one.to as number, (one.from as number) + 60_000)];
  const { low, high } = one.limits;
  const values = [low, high, one.min ?? low, one.max ?? high];
  // Limits that are far away from what was read (−196 °C of a dry shipper) do not press it flat.
  const read = one.min === null || one.max === null ? values : [one.min, one.max, ...[low, high].filter((limit) => isNear(limit, one))];
  const [least, most] = [Math.min(...read), Math.max(...read)];
  const margin = Math.max(1, (most - least) * 0.1);
  const [bottom, ceiling] = [least - margin, most + margin];
  const [x0, x1] = [PLOT.left, WIDTH - PLOT.right];
  const [y0, y1] = [top + PLOT.top, top + PANEL - PLOT.bottom];
  const x = (ms: number) => round(x0 + ((Math.min(Math.max(ms, from), to) - from) / (to - from)) * (x1 - x0));
  const y = (celsius: number) => round(y1 - ((celsius - bottom) / (ceiling - bottom)) * (y1 - y0));
  const stretch = (name: string, out: ShownOut) => {
    const told = `${clock(out.from)} to ${clock(out.to)}, ${out.minutes} min${out.extreme === null ? ', no data' : `, up to ${out.extreme} °C`}${out.accepted ? ', accepted' : ''}`;
    return `<rect class="${name}" x="${x(out.from)}" y="${y0}" width="${Math.max(2, round(x(out.to) - x(out.from)))}" height="${y1 - y0}"><title>${escaped(told)}</title></rect>`;
  };
  const parts: string[] = [];
  const minutes = one.excursions.reduce((sum, out) => sum + out.minutes, 0);
  const found =
    one.excursions.length === 0
      ? 'within limits'
      : `${one.excursions.length} excursion${one.excursions.length > 1 ? 's' : ''}, ${round(minutes)} min`;
  const gaps = one.gaps.length === 0 ? '' : `, ${one.gaps.length} gap${one.gaps.length > 1 ? 's' : ''}`;
  parts.push(text(x0, top + 18, `${one.subject}${one.device === null ? '' : ` (${one.device})`} · ${one.stage}`, 'head'));
  parts.push(
    text(
      x0,
      top + 36,
      `${one.readings} readings, ${shown(one.min)} to ${shown(one.max)} °C, mean ${shown(one.mean)}${one.mkt === null ? '' : `, MKT ${one.mkt}`}`,
    ),
  );
  parts.push(text(x1, top + 36, found + gaps, one.excursions.length + one.gaps.length > 0 ? 'bad end' : 'end'));
  parts.push(
    ...one.excursions.map((out) => stretch(out.accepted ? 'accepted' : 'out', out)),
    ...one.gaps.map((out) => stretch('gap', out)),
  );
  for (const value of ticks(bottom, ceiling)) {
    parts.push(`<line class="grid" x1="${x0}" x2="${x1}" y1="${y(value)}" y2="${y(value)}"/>`);
    parts.push(text(x0 - 8, y(value) + 4, `${value}`, 'end'));
  }
  parts.push(
    `<line class="axis" x1="${x0}" x2="${x1}" y1="${y1}" y2="${y1}"/><line class="axis" x1="${x0}" x2="${x0}" y1="${y0}" y2="${y1}"/>`,
  );
  parts.push(text(x0 - 8, y0 - 8, '°C', 'end'));
  for (const limit of [low, high]) {
    if (limit < bottom || limit > ceiling) continue;
    parts.push(`<line class="limit" x1="${x0}" x2="${x1}" y1="${y(limit)}" y2="${y(limit)}"/>`);
    parts.push(text(x1 - 4, y(limit) + (limit === high || y(limit) + 18 > y1 ? -5 : 15), `limit ${limit} °C`, 'bad end'));
  }
  let day = '';
  for (let i = 0; i <= TICKS; i++) {
    const at = from + ((to - from) * i) / TICKS;
    const [date, time] = clock(at).split(' ') as [string, string];
    parts.push(text(x(at), y1 + 18, date === day ? time : `${date} ${time}`, i === 0 ? '' : i === TICKS ? 'end' : 'mid'));
    day = date;
  }
  parts.push(...lines(one, x, y));
  for (const at of one.tilts)
    parts.push(`<line class="tilt" x1="${x(at)}" x2="${x(at)}" y1="${y0}" y2="${y1}"><title>tipped or struck ${clock(at)}</title></line>`);
  if (one.tilts.length > 0) parts.push(text(x(one.tilts[0] as number) + 4, y0 + 12, 'tipped'));
  return parts.join('\n');
}

/** The line breaks where nobody knows. */
function lines(one: Shown, x: (ms: number) => number, y: (celsius: number) => number): string[] {
  const runs: string[][] = [[]];
  let before: number | null = null;
  for (const [ms, celsius] of one.points) {
    const since = before;
    if (since !== null && one.gaps.some((gap) => gap.from >= since && gap.to <= ms)) runs.push([]);
    runs.at(-1)?.push(`${x(ms)},${y(celsius)}`);
    before = ms;
  }
  return runs.map((run) =>
    run.length === 1
      ? `<circle cx="${run[0]?.split(',')[0]}" cy="${run[0]?.split(',')[1]}" r="2.5" fill="#1f5fa8"/>`
      : `<polyline class="line" points="${run.join(' ')}"/>`,
  );
}

function isNear(limit: number, { min, max }: Shown): boolean {
  const [least, most] = [min as number, max as number];
  const width = Math.max(most - least, 10);
  return limit >= least - 2 * width && limit <= most + 2 * width;
}

function ticks(bottom: number, ceiling: number): number[] {
  const rough = (ceiling - bottom) / TICKS;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((one) => one * size >= rough) as number) * size;
  const list: number[] = [];
  for (let value = Math.ceil(bottom / step) * step; value <= ceiling; value += step) list.push(round(value));
  return list;
}

const round = (value: number): number => Math.round(value * 100) / 100;
const shown = (celsius: number | null): string => (celsius === null ? 'unknown' : `${round(celsius)}`);
const clock = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
const escaped = (words: string): string => words.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
const text = (x: number, y: number, words: string, name = ''): string =>
  `<text x="${x}" y="${y}"${name === '' ? '' : ` class="${name}"`}>${escaped(words)}</text>`;
