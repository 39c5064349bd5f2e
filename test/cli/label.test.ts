import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pdfPages, scansOf } from '../support/codes.ts';
import { removeFolder, run, temporaryFolder } from '../support/program.ts';

const PACK = '(01)09520123000110(21)A1';
let folder: string;
const at = (name: string) => join(folder, name);
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => removeFolder(folder));

describe('lotline label', () => {
  it('writes one label that is read again, without a server', async () => {
    const flags = ['--data', PACK, '--text', 'product=Examplimab = 150 mg', '--text', 'storage=2–8 °C', '--format', 'png', '--dpi', '600'];
    const ended = await run(['label', 'pack', ...flags, '--out', at('pack.png')]);
    expect([ended.code, ended.out]).toEqual([0, '']);
    expect(await scansOf(readFileSync(at('pack.png')))).toEqual([']d2010952012300011021A1']);
  });

  it('makes as many as a file has lines, and writes to standard output where no file is named', async () => {
    const lines = Array.from({ length: 30 }, (_, i) => JSON.stringify({ data: `(01)09520123000110(21)B${i}` }));
    writeFileSync(at('labels.ndjson'), `${lines.join('\n')}\n\n`);
    const pdf = await run(['label', 'pack', '--from', at('labels.ndjson'), '--out', at('all.pdf')]);
    expect(pdf.err).toContain('all.pdf: 30 labels');
    expect(pdfPages(readFileSync(at('all.pdf')))).toHaveLength(30);
    const zpl = await run(['label', 'pack', '--from', at('labels.ndjson'), '--format', 'zpl']);
    expect(zpl.out.match(/\^XA/g)).toHaveLength(30);
  });

  it.each([
    [
      'every label that is wrong, and makes none',
      ['--from', 'LINES', '--out', 'OUT'],
      /ID-CHECK \(\/labels\/2\/data\)(.|\n)*ID-AI \(\/labels\/1\/data\)/,
    ],
    ['a text without a name', ['--data', PACK, '--text', '=x'], /CFG-VALUE \(--text\)/],
    ['neither data nor file', [], /CFG-VALUE \(--data\)/],
    ['a resolution that no printer has', ['--data', PACK, '--dpi', '111'], /CFG-VALUE \(--dpi\)/],
    ['several labels in one SVG', ['--from', 'LINES', '--format', 'svg'], /REQ-FORM \(\/labels\)/],
  ])('tells of %s', async (_, flags, told) => {
    writeFileSync(at('lines'), [PACK, '(21)A', '(01)09520123000111'].map((data) => JSON.stringify({ data })).join('\n'));
    const ended = await run(['label', 'pack', ...flags.map((flag) => ({ LINES: at('lines'), OUT: at('out.pdf') })[flag] ?? flag)]);
    expect(ended.code).toBe(1);
    expect(ended.err).toMatch(told);
    expect(existsSync(at('out.pdf'))).toBe(false);
  });
});
