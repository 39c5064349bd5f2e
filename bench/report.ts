import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import type { Measure } from './run.ts';

export type Report = { machine: string; commit: string; engine: 'sqlite' | 'postgres'; size: number; measures: Measure[] };

const RESULTS = join(import.meta.dirname, 'results');
const PAGE = join(import.meta.dirname, '../docs/performance.md');
/** What stands between these lines of the page is written by `--table`. */
const TABLE_FROM = '<!-- table: npm run bench -- --table -->';
const TABLE_TO = '<!-- end of table -->';

/** The aims of the design; what has none is there to explain. */
const AIMS: Readonly<Record<string, string>> = {
  commission: '≥ 50,000/s, ≥ 0.5',
  'small-captures': '≥ 2,000/s',
  'small-captures-p99': '< 100 ms',
  'verify-under-load-p99': '< 10 ms',
  'scope-1m': '< 1,000 ms',
  'scope-first-row': '< 100 ms',
  history: '< 10 ms',
  'contents-10k': '< 150 ms',
  'capture-100k': '< 5,000 ms',
  'capture-100k-memory': '< 300 MB',
  'late-event-3840': '< 50 ms',
  'void-100k': '< 5,000 ms',
  'bytes-per-serial': '< 250 bytes',
  'start-to-ready': '< 2,000 ms',
  'commission-last-tenth': '> 2/3 of the first',
  'look-up': 'as at the first tenth',
  'query-page-200': 'as page 1',
  'query-match-any-epc': 'milliseconds',
};

/** The machine, how quiet it was before the run, and when that was. */
export function machineText(engine: string): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const load = (loadavg()[0] as number).toFixed(2);
  const date = new Date().toISOString().slice(0, 10);
  return `${cpus().length} x ${cpu?.model.trim() ?? 'cpu'}, ${memory} GB, node ${process.version}, ${engine}; ${date}, load ${load} before`;
}

export function commitText(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty', '--exclude', '*'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
}

export function printTable(measures: readonly Measure[]): void {
  const table = new Table({ head: ['measure', 'value', 'unit', 'floor', 'ratio', 'aim'], style: { head: [], border: [] } });
  for (const m of measures)
    table.push([m.name, figure(m.value), m.unit, m.floor === null ? '' : figure(m.floor), m.ratio?.toFixed(2) ?? '', AIMS[m.name] ?? '']);
  console.log(table.toString());
}

/** Writes latest.json, and, of a run that took all measures, a file that stays for its engine and size. */
export function writeReport(report: Report, whole: boolean): string {
  mkdirSync(RESULTS, { recursive: true });
  const text = `${JSON.stringify(report, null, 2)}\n`;
  const latest = join(RESULTS, 'latest.json');
  writeFileSync(latest, text);
  if (!whole) return latest;
  const own = join(RESULTS, `${report.engine}-${sizeText(report.size)}.json`);
  writeFileSync(own, text);
  return own;
}

/** Makes the table of docs/performance.md anew from the runs of 1 M and 10 M that are there. */
export function writePage(): void {
  const reports = existsSync(RESULTS)
    ? readdirSync(RESULTS)
        .filter((name) => /^(sqlite|postgres)-(1|10)m\.json$/.test(name))
        .map((name) => JSON.parse(readFileSync(join(RESULTS, name), 'utf8')) as Report)
        .sort((a, b) => (a.engine === b.engine ? a.size - b.size : a.engine === 'sqlite' ? -1 : 1))
    : [];
  if (reports.length === 0) throw new Error(`there are no results of 1 M or 10 M serials in ${RESULTS}: measure first`);
  const page = readFileSync(PAGE, 'utf8');
  const from = page.indexOf(TABLE_FROM) + TABLE_FROM.length;
  const to = page.indexOf(TABLE_TO);
  if (from < TABLE_FROM.length || to < from) throw new Error(`docs/performance.md has no ${TABLE_FROM} … ${TABLE_TO}`);
  writeFileSync(PAGE, `${page.slice(0, from)}\n${markdown(reports)}\n${page.slice(to)}`);
}

function markdown(reports: readonly Report[]): string {
  const names = [...new Set(reports.flatMap((report) => report.measures.map((m) => m.name)))];
  const title = ({ engine, size }: Report) => `${engine === 'sqlite' ? 'SQLite' : 'PostgreSQL'}, ${sizeText(size).replace('m', ' M')}`;
  const cell = (m: Measure | undefined) =>
    m === undefined ? '' : `${figure(m.value)}${m.ratio === null ? '' : ` (${m.ratio.toFixed(2)})`}`;
  const unitOf = (name: string) => reports.flatMap((report) => report.measures).find((m) => m.name === name)?.unit ?? '';
  return [
    ...reports.map((report) => `- ${title(report)}: commit ${report.commit}; ${report.machine}`),
    '',
    `| measure | unit | aim | ${reports.map(title).join(' | ')} |`,
    `|---|---|---|${reports.map(() => '---:|').join('')}`,
    ...names.map((name) => {
      const cells = reports.map((report) => cell(report.measures.find((m) => m.name === name)));
      return `| \`${name}\` | ${unitOf(name)} | ${AIMS[name] ?? ''} | ${cells.join(' | ')} |`;
    }),
  ].join('\n');
}

const figure = (value: number): string => (value < 100 ? value.toFixed(value < 1 ? 2 : 1) : Math.round(value).toLocaleString('en'));

/** 200k, 1m, 10m. */
export const sizeText = (size: number): string => (size % 1_000_000 === 0 ? `${size / 1_000_000}m` : `${size / 1000}k`);
