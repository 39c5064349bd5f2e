import { describe, expect, it } from 'vitest';
import { writeElementString } from '../gs1/element-string.ts';
import { LAYOUTS, swapCase, typedOn } from './keyboard.ts';
import { readArrival } from './reading.ts';
import { SETUP_ELEMENTS, workOutSetup } from './setup.ts';

const SYMBOL = `]d2${writeElementString(SETUP_ELEMENTS)}`;
const PACK = `]d20109520123000110${'21Yz-/aQ\u001d1727123110L1'}`;
const codes = (setup: ReturnType<typeof workOutSetup>) => setup?.advice.map(({ code }) => code);

describe('setting a scanner up with the known symbol (codes.md §8)', () => {
  const SEPARATORS = ['\u001d', '|', '{GS}'];
  const WAYS = LAYOUTS.flatMap((host) =>
    [false, true].flatMap((caps) => [false, true].flatMap((bare) => SEPARATORS.map((gs) => ({ host, caps, bare, gs })))),
  );

  it.each(WAYS.filter(({ caps, bare }) => !(caps && bare)))(
    'finds $host, caps lock $caps, no identifier $bare, separator $gs: packs read with that profile',
    (way) => {
      const { host, caps, bare, gs } = way;
      const scanner = (symbol: string) => {
        const pieces = symbol.slice(bare ? 3 : 0).split('\u001d');
        return `\u0002${pieces.map((piece) => typedOn(caps ? swapCase(piece) : piece, host)).join(gs)}\r\n`;
      };
      const setup = workOutSetup(scanner(SYMBOL));
      expect(setup).toMatchObject({ ok: true, symbologyIdentifier: !bare, prefix: '\u0002', suffix: '\r\n' });
      const reading = readArrival(scanner(PACK), { profile: setup?.profile, year: 2026 });
      expect(reading.problems).toEqual([]);
      expect(reading.elements).toEqual(readArrival(PACK, { year: 2026 }).elements);
    },
  );

  it('says what must be changed where no profile helps', () => {
    expect(codes(workOutSetup(SYMBOL.replaceAll('\u001d', '')))).toEqual(['separator-lost']);
    expect(workOutSetup(SYMBOL.replaceAll('\u001d', ''))?.ok).toBe(false);
    expect(codes(workOutSetup(SYMBOL.replaceAll('\u001d', '-')))).toEqual(['separator-in-data']);
    expect(codes(workOutSetup(swapCase(SYMBOL.slice(3))))).toEqual(['case-inverted', 'no-symbology-identifier']);
    expect(workOutSetup(`SCAN:${SYMBOL}`)).toMatchObject({ ok: false, prefix: 'SCAN:' });
  });

  it('answers nothing for any other symbol', () => {
    for (const scan of ['', PACK, SYMBOL.slice(0, -1)]) expect(workOutSetup(scan)).toBeNull();
  });
});
