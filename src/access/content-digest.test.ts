import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../epcis/index.ts';
import { contentDigest } from './content-digest.ts';

describe('canonical JSON (RFC 8785)', () => {
  it('is the example of §3.2.4', () => {
    const value = {
      numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"/',
      literals: [null, true, false],
    };
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it('sorts members by UTF-16 code units (§3.2.3)', () => {
    const names = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6'];
    const sorted = ['\r', '1', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33'];
    expect(canonicalJson(Object.fromEntries(names.map((name) => [name, 0])))).toBe(
      `{${sorted.map((name) => `${JSON.stringify(name)}:0`).join(',')}}`,
    );
  });

  it('says the same of a value in whichever order its members came, and reads back as it', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(turned)).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it.each([['\ud800'], [{ a: ['\udc00'] }], [{ '\ud800': 1 }], [Number.NaN]])('refuses what has no such form', (value) => {
    expect(() => canonicalJson(value)).toThrow(expect.objectContaining({ code: 'REQ-FORM' }));
  });
});

describe('the digest of a content', () => {
  it('leaves the signatures out, and nothing else', () => {
    const digest = contentDigest({ a: 1, b: { signatures: ['x'] } });
    expect(contentDigest({ b: { signatures: ['x'] }, signatures: ['st_1'], a: 1 })).toBe(digest);
    expect(contentDigest({ a: 1, b: { signatures: ['y'] } })).not.toBe(digest);
    expect(contentDigest({})).toBe('44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a');
  });
});
