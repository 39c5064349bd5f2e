import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { sharedPath } from '../../../test/support/shared.ts';
import { isPzn, ntinOfPzn, ppnOfPzn, pznOfNtin, readPpn } from './pharma.ts';

const code = (c: string) => expect.objectContaining({ code: c });

describe('German medicine numbers (codes.md §6)', () => {
  it('carries one PZN as PPN and as NTIN, and finds it again in both', () => {
    expect(ppnOfPzn('03752864')).toBe('110375286414');
    expect(readPpn('110375286414')).toEqual({ pra: '11', number: '03752864', pzn: '03752864' });
    expect(pznOfNtin(ntinOfPzn('03752864'))).toBe('03752864');
  });

  it('refuses a PPN with wrong check digits, or with a PZN inside that is none', () => {
    expect(() => readPpn('110375286415')).toThrow(code('ID-CHECK'));
    expect(() => readPpn('110375286502')).toThrow(code('ID-CHECK'));
    expect(() => readPpn('11x')).toThrow(code('ID-FORM'));
    expect(() => ppnOfPzn('03752865')).toThrow(code('ID-CHECK'));
  });

  it('knows no PZN whose remainder is ten: such a number is never issued', () => {
    expect('0123456789'.split('').filter((digit) => isPzn(`7147065${digit}`))).toEqual([]);
  });

  it('finds no PZN in a GTIN that is no NTIN', () => {
    expect(pznOfNtin('09520123000110')).toBeNull();
    expect(pznOfNtin('04150037528640')).toBeNull();
  });
});

const path = sharedPath('vectors/gs1-codes/pzn-ppn-ntin.json');
describe.skipIf(path === null)('the published PZN, PPN and NTIN', () => {
  type Entry = { type: string; input?: string; body?: string; valid: boolean; pra?: string; pzn?: string };
  const entries = path === null ? [] : (JSON.parse(readFileSync(path, 'utf8')) as Entry[]);
  it.each(entries)('$type $input$body is valid: $valid', ({ type, input = '', body, valid, pra, pzn = '' }) => {
    if (type === 'PPN' && valid) {
      expect(readPpn(input)).toEqual({ pra, number: pzn, pzn });
      expect(ppnOfPzn(pzn)).toBe(input);
    } else if (type === 'PPN') expect(() => readPpn(input)).toThrow(code('ID-CHECK'));
    else if (type === 'NTIN') {
      expect(pznOfNtin(input)).toBe(pzn);
      expect(ntinOfPzn(pzn)).toBe(input);
    } else expect('0123456789'.split('').some((digit) => isPzn(body === undefined ? input : body + digit))).toBe(valid);
  });
});
