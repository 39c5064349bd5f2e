import { describe, expect, it } from 'vitest';
import { citedIn, citingFiles, readRequirements } from '../scripts/requirements.ts';

const requirements = readRequirements();
const cited = new Set([...citingFiles().values()].flatMap((ids) => [...ids]));

describe('the list of requirements', () => {
  it('has a test for each, or the reason why there is none', () => {
    expect(requirements.filter(({ id, reason }) => cited.has(id) === (reason !== undefined)).map(({ id }) => id)).toEqual([]);
  });

  it('has every requirement that a test cites', () => {
    const known = new Set(requirements.map(({ id }) => id));
    expect([...cited].filter((id) => !known.has(id))).toEqual([]);
  });

  it('has each once, and in the order of its family', () => {
    const numbers = new Map<string, number>();
    for (const { id } of requirements) {
      const [family = '', number = ''] = id.split('-');
      expect(Number(number), id).toBe((numbers.get(family) ?? 0) + 1);
      numbers.set(family, Number(number));
    }
  });
});

describe('a citation', () => {
  it.each([
    ['a test (§2, X-2; C-9)', ['X-2', 'C-9']],
    ['a range (V-14 to V-16)', ['V-14', 'V-15', 'V-16']],
    ['what only looks like one: E-01, E-12, UTF-8, SN-DUP, INV-27, ISO-8859-1, X-2-3', []],
  ])('is read: %s', (text, ids) => {
    expect(citedIn(text)).toEqual(ids);
  });
});
