import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPageToken, parsePageToken } from './page-token.ts';

const start = { after: { seq: 41, time: 1_772_352_000_123, below: '4567' }, through: 99, left: null };
const about = { parameters: [{ name: 'EQ_action', tail: null, value: ['ADD'] }] };

describe('a nextPageToken', () => {
  it('says where the page begins, to whoever asks the same in time (R-24)', () => {
    const place = fc.record({
      after: fc.record(
        {
          seq: fc.nat(),
          time: fc.integer({ min: -(2 ** 47), max: 2 ** 47 }),
          below: fc.stringMatching(/^(\d*[1-9])?$/),
          // In the order of an extension field, its value: null where the event has none.
          key: fc.option(fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', ''))),
        },
        { requiredKeys: ['seq', 'time', 'below'] },
      ),
      through: fc.nat(),
      left: fc.option(fc.nat()),
    });
    fc.assert(
      fc.property(place, fc.json(), fc.nat(), (one, asked, expires) => {
        const token = formatPageToken(one, asked, expires + 1);
        expect(token).toMatch(/^[\w-]+$/);
        expect(parsePageToken(token, asked, expires)).toStrictEqual({ ...one, after: { ...one.after } });
      }),
    );
  });

  it('is a 404 once it has expired', () => {
    const token = formatPageToken(start, about, 1000);
    expect(() => parsePageToken(token, about, 1000)).toThrow(
      expect.objectContaining({ code: 'QRY-TOKEN', message: 'the nextPageToken has expired' }),
    );
  });

  it('is a 400 with other parameters', () => {
    const token = formatPageToken(start, about, 1000);
    const other = { parameters: [{ name: 'EQ_action', tail: null, value: ['DELETE'] }] };
    expect(() => parsePageToken(token, other, 0)).toThrow(expect.objectContaining({ code: 'QRY-PARAM', at: '?nextPageToken' }));
  });

  it('is a 404 when somebody has made up a place that there cannot be, checksum and all', () => {
    const { after } = start;
    for (const made of [
      { ...start, left: 1.5 },
      { ...start, through: 1e300 },
      { ...start, after: { ...after, seq: 'x' } },
      { ...start, after: { ...after, time: 0.5 } },
      { ...start, after: { ...after, below: "1'" } },
      { ...start, after: { ...after, key: 'n\0' } },
    ])
      expect(() => parsePageToken(formatPageToken(made as never, about, 1000), about, 0)).toThrow(
        expect.objectContaining({ code: 'QRY-TOKEN' }),
      );
  });

  it('is a 404 when anything in it was changed, or it never was one', () => {
    const token = formatPageToken(start, about, 1000);
    const strange = fc.oneof(
      fc.string(),
      fc.base64String(),
      fc
        .tuple(fc.nat({ max: token.length - 1 }), fc.stringMatching(/^[\w=.-]$/))
        .map(([at, c]) => token.slice(0, at) + c + token.slice(at + 1)),
    );
    fc.assert(
      fc.property(strange, (text) => {
        fc.pre(text !== token);
        expect(() => parsePageToken(text, about, 0)).toThrow(expect.objectContaining({ code: 'QRY-TOKEN' }));
      }),
    );
  });
});
