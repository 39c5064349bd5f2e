/**
 * Writes docs/conformance.md: every requirement with the tests that cite it and how they ended, and what reading says of every published example.
 *
 *     npm run conformance
 *
 * It runs the test files that cite a requirement, no others. Ends with 1 when one of them fails.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { isRefused, readEitherSyntax } from '../src/epcis/index.ts';
import { LotlineError } from '../src/errors.ts';
import { sharedPath } from '../test/support/shared.ts';
import { citedIn, citingFiles, type Requirement, readRequirements } from './requirements.ts';

const ROOT = resolve(import.meta.dirname, '..');
const REPORT = join(ROOT, 'docs', 'conformance.md');

/** One test as vitest's JSON reporter tells it. */
type Ran = { readonly file: string; readonly name: string; readonly status: 'passed' | 'failed' | 'skipped' };

const requirements = readRequirements();
const files = [...citingFiles().keys()];
console.error(`Running ${files.length} test files that cite ${requirements.length} requirements …`);
const tests = run(files);
const failed = tests.filter(({ status }) => status === 'failed').length;
writeFileSync(REPORT, `${[...introduction(), ...requirementTable(requirements), ...corpus()].join('\n')}\n`);
console.error(`${relative(ROOT, REPORT)} is written: ${tests.length} tests, ${failed} failed.`);
const needless = requirements.filter(({ id, reason }) => reason !== undefined && testsOf(id).length > 0);
if (needless.length > 0) console.error(`These have tests now and need no reason any more: ${needless.map(({ id }) => id).join(', ')}.`);
if (failed > 0) process.exitCode = 1;

function run(paths: readonly string[]): Ran[] {
  const folder = mkdtempSync(join(tmpdir(), 'lotline-conformance-'));
  const output = join(folder, 'results.json');
  try {
    spawnSync(
      process.execPath,
      [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--reporter=json', `--outputFile=${output}`, ...paths],
      {
        cwd: ROOT,
        stdio: ['ignore', 'inherit', 'inherit'],
      },
    );
    if (!existsSync(output)) throw new Error('vitest has written no results');
    const { testResults } = JSON.parse(readFileSync(output, 'utf8')) as {
      testResults: { name: string; assertionResults: { ancestorTitles: string[]; title: string; status: string }[] }[];
    };
    return testResults.flatMap(({ name, assertionResults }) =>
      assertionResults.map(({ ancestorTitles, title, status }) => ({
        file: relative(ROOT, name),
        name: [...ancestorTitles, title].join(' › '),
        status: status === 'passed' || status === 'failed' ? status : 'skipped',
      })),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function introduction(): string[] {
  return [
    '# Conformance',
    '',
    'Written by `npm run conformance`: do not edit. The requirements are those of EPCIS 2.0 and the CBV 2.0, in our own words and with ids of our own,',
    'which the names of tests cite. A result counts the tests that ended well; a test that needs what was not there when this was written is skipped.',
    '',
  ];
}

// ── Requirements ─────────────────────────────────────────────────────────────────────────────

function testsOf(id: string): Ran[] {
  return tests.filter(({ name }) => citedIn(name).includes(id));
}

function requirementTable(all: readonly Requirement[]): string[] {
  const rows = all.map(({ id, what, reason }) => {
    const own = testsOf(id);
    const where = [...new Set(own.map(({ file }) => file))].map((file) => `\`${file}\``).join(', ');
    return `| ${id} | ${cell(what)} | ${own.length > 0 ? where : cell(reason ?? 'no test')} | ${resultOf(own)} |`;
  });
  const covered = all.filter(({ id }) => testsOf(id).length > 0).length;
  return [
    `## Requirements`,
    '',
    `${covered} of ${all.length} have tests.`,
    '',
    '| requirement | | tests, or why there are none | result |',
    '|---|---|---|---|',
    ...rows,
    '',
  ];
}

function resultOf(own: readonly Ran[]): string {
  const count = (status: Ran['status']) => own.filter((test) => test.status === status).length;
  if (own.length === 0) return '–';
  const parts = [
    [count('passed'), 'passed'],
    [count('failed'), '**failed**'],
    [count('skipped'), 'skipped'],
  ] as const;
  return parts
    .filter(([n]) => n > 0)
    .map(([n, word]) => `${n} ${word}`)
    .join(', ');
}

// ── Published examples ───────────────────────────────────────────────────────────────────────

function corpus(): string[] {
  const title = ['## Published examples', ''];
  const table = sharedPath('gs1', 'examples', 'VALIDATION.tsv');
  if (table === null) return [...title, 'They were not there when this was written.', ''];
  const rows = readFileSync(table, 'utf8')
    .split('\n')
    .slice(1)
    .filter(Boolean)
    .map((line) => line.split('\t'));
  const told = rows.map(([path = '', , schema = '']) => {
    const result = capture(sharedPath('gs1', 'examples', path) as string);
    return { agrees: agrees(schema, result), row: `| \`${cell(path)}\` | ${cell(schema)} | ${cell(result)} |` };
  });
  const same = told.filter((one) => one.agrees).length;
  return [
    ...title,
    `What the official schema says of each, and what capture does with it. They agree on ${same} of ${told.length}: schemas let pass what rules of the`,
    'standard refuse, and refuse what a lenient reader can take without harm; messages of other protocols are no documents.',
    '',
    '| example | schema | capture |',
    '|---|---|---|',
    ...told.map(({ row }) => row),
    '',
  ];
}

/** What capture does with a document, or with a bare event at its own place. */
function capture(path: string): string {
  try {
    const { document } = readEitherSyntax(readFileSync(path), { bare: true, wantHashes: false });
    let warnings = 0;
    const refused: string[] = [];
    for (const item of document.events()) {
      if (isRefused(item)) refused.push(...item.errors.map(({ code, at }) => `${code} at ${at}`));
      else warnings += item.breaches.length;
    }
    if (refused.length > 0) return `refused: ${refused[0]}${refused.length > 1 ? ` and ${refused.length - 1} more` : ''}`;
    return warnings > 0 ? `taken, ${warnings} flagged` : 'taken';
  } catch (error) {
    if (error instanceof LotlineError) return `refused: ${error.code}${error.at === '' ? '' : ` at ${error.at}`}`;
    throw error;
  }
}

function agrees(schema: string, result: string): boolean {
  return schema === 'valid' ? result.startsWith('taken') : schema === 'invalid' ? result.startsWith('refused') : true;
}

/** A text as it can stand in a table. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
