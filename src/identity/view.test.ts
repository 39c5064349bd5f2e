import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { FINDINGS, type FindingCode } from '../lifecycle/findings.ts';
import { CHAIN_CODES, MODES } from './view.ts';

it('tells users of every code what a plan comes to and what is held, as it is', () => {
  const page = readFileSync(new URL('../../docs/identity.md', import.meta.url), 'utf8');
  const rows = page.split('\n').filter((line) => /^\| `[A-Z-]+` \|/.test(line));
  const told = CHAIN_CODES.map((code) => {
    const { severity, says } = FINDINGS[code as FindingCode];
    const { planned, hold } = MODES[code] as (typeof MODES)[string];
    const held = hold === null ? '' : hold === 'chain' ? 'the whole chain' : 'the things and all made from them';
    return `| \`${code}\` | ${says} | ${severity} | ${planned === 'block' ? 'blocked' : 'flagged'} | ${held} |`;
  });
  expect(rows).toEqual(told);
});

it('pages people for what domain.md §21 calls patient-safety', () => {
  const safety = CHAIN_CODES.filter((code) => FINDINGS[code as FindingCode].severity === 'patient-safety').sort();
  expect(safety).toEqual(['COI-INFUSED-UNCHECKED', 'COI-MISMATCH', 'COI-MIX', 'COI-WRONGPATIENT', 'COI-WRONGSITE']);
});
