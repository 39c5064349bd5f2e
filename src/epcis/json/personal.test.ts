import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exampleFiles } from '../../../test/support/epcis-examples.ts';
import { e01, world } from '../../worlds/index.ts';
import { personalText } from './personal.ts';

describe('free text that says who somebody is (INV-27)', () => {
  it.each([
    ['call erika@example.org please', 'an e-mail address'],
    ['write to müller@klinik-süd.example', 'an e-mail address'],
    ['relative: +49 30 901820', 'a telephone number'],
    ['Tel.: 030/901820', 'a telephone number'],
    ['phone (555) 010-4477', 'a telephone number'],
    ['Name: Mustermann', 'a name'],
    ['bag dropped. Name: Erika Mustermann', 'a name'],
    ["patient's name = Erika", 'a name'],
    ['patient name: erika mustermann', 'a name'],
    ['Nachname: Ångström', 'a name'],
    ['name: 王小明', 'a name'],
    ['Patient: Mustermann, Erika', 'a name'],
    ['told Frau Mustermann', 'a name'],
    ['Mr. Example was called', 'a name'],
    ['DOB 12.04.1961', 'a date of birth'],
    ['DOB: 04/12/1961', 'a date of birth'],
    ['geb. 12.4.1961', 'a date of birth'],
    ['geboren am 12. April 1961', 'a date of birth'],
    ['born on April 12, 1961', 'a date of birth'],
    ['born 1961-04-12', 'a date of birth'],
    ['née le 12/04/1961', 'a date of birth'],
    ['Mustermann *12.04.1961', 'a date of birth'],
    ['SSN 078-05-1120', 'a social security number'],
    ['social security number: 078051120', 'a social security number'],
    ['NHS number 943 476 5919', 'a social security number'],
    ['MRN 4711-77', 'a record number'],
    ['MRN 471177', 'a record number'],
    ['MRN:A471177', 'a record number'],
    ['patient id 00471177', 'a record number'],
    ['Patienten-Nr. 471177', 'a record number'],
    ['scanned &#047117', 'an ISBT 128 structure that identifies a patient'],
  ])('%j has %s in it', (text, what) => {
    expect(personalText(text)).toBe(what);
  });

  it.each([
    'urn:epc:id:sgtin:0952012.000011.1234567890123',
    'https://id.gs1.org/01/09520123000110/21/12345678901234567890',
    '(01)09520123000110(21)ABC123(17)271231(10)LOT-2026/03',
    '00095201230000000017',
    '=W00002600000100 =%2800 &>0283061430',
    'urn:lotline:isbt128:bag:W000026000001:S1234V00',
    'hmac:8e7f0a1b2c3d4e5f60718293a4b5c6d7e8f90123456789abcdef0123456789ab',
    'ni:///sha-256;8e7f0a1b2c3d4e5f60718293a4b5c6d7e8f90123456789abcdef0123456789ab?ver=CBV2.0',
    'pr_abcdefghijklmnopqrstuvwxyz or_234567abcdefghijklmnopqrst',
    'CHA999925AB12C4',
    '2026-03-02T12:00:00.000+13:45',
    '2026-03-02 12:00 – 2026-03-03 08:15',
    'manufactured 2026-03-02, expires 31.12.2027',
    'lot 20260302, exp 12.2027',
    '-150 °C … -196 °C, +2 to +8 °C, +25.0 °C for 45 min',
    'volume 62.5 mL of 250 mL; 1.2e8 cells/kg',
    'product name: Kymriah; file name: report.pdf',
    'the name of the template: autologous-car-t',
    'born digital; the patient is ready; patient consent on file',
    'patient 3 of 12 today; case 12 of pallet 4',
    'case 000123456789; fall 2026; record 20260302',
    'call the coordinator, room 4711',
    'deviation DEV-2026-0042 closed by QA',
    'GLN 9520123000015; SSCC 095201230000000017',
    'tel aviv; a mobile freezer 12345',
    '10.1000/182; 192.168.10.20; 1.3.6.1.4.1.99999',
    'C++17, a+b=12345678',
  ])('%j is nobody', (text) => {
    expect(personalText(text)).toBe(null);
  });

  /** Every string of JSON, every text and attribute of XML. */
  const stringsOf = (text: string) => [...text.matchAll(/"(?:[^"\\]|\\.)*"|>[^<]+</g)].map(([value]) => value.slice(1, -1));

  it('is found in none of the official examples of EPCIS', () => {
    for (const [name, bytes] of exampleFiles(/\.(json|jsonld|xml)$/))
      for (const value of stringsOf(bytes.toString('utf8')))
        expect({ name, value, what: personalText(value) }).toMatchObject({ what: null });
  });

  it('is found nowhere in the demo worlds', () => {
    const seen = new Set<string>();
    for (const { text } of [...e01(), ...world({ seed: 5, size: 'S' }).documents].slice(0, 200))
      for (const value of stringsOf(text)) seen.add(value);
    expect(seen.size).toBeGreaterThan(1000);
    for (const value of seen) expect({ value, what: personalText(value) }).toMatchObject({ what: null });
  });

  it('takes no longer than its text deserves, whatever stands in it', () => {
    const piece = fc.constantFrom('name: ', '+49', ' ', '-', '1', 'geb. ', 'a@', 'a.', 'MRN', 'Patient: A', 'tel: ', 'é', '王', '\u0000');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 3000 }), (pieces) => {
        const begun = performance.now();
        personalText(pieces.join(''));
        expect(performance.now() - begun).toBeLessThan(500);
      }),
      { numRuns: 60 },
    );
  });
});
