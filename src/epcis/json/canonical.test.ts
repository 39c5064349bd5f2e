import { expect, it } from 'vitest';
import { canonicalJson } from './canonical.ts';

it('writes one text for one value, as RFC 8785 has it', () => {
  expect(canonicalJson({ b: [1e21, 0.1, -0], a: { ö: null, z: true, A: 'x"\u0001' }, c: undefined })).toBe(
    '{"a":{"A":"x\\"\\u0001","z":true,"ö":null},"b":[1e+21,0.1,0]}',
  );
  expect(canonicalJson({ '\u20ac': 1, '\r': 2, '1': 3, '\ud83d\ude00': 4, '\ufb33': 5 })).toBe('{"\\r":2,"1":3,"€":1,"😀":4,"\ufb33":5}');
});

it('refuses what no JSON can say', () => {
  expect(() => canonicalJson({ a: Number.NaN })).toThrow(expect.objectContaining({ code: 'REQ-FORM' }));
});
