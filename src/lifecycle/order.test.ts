import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comparePositions, type Position, rankOf } from './order.ts';

const position: fc.Arbitrary<Position> = fc.record({
  ms: fc.integer({ min: 0, max: 3 }),
  below: fc.constantFrom('', '0004', '001', '9'),
  rank: fc.integer({ min: 0, max: 5 }),
  digest: fc.constantFrom('\u0000', 'a', 'b', '\u00ff'),
});

describe('the order in which effects apply (design.md §3)', () => {
  it('goes by time exactly, then rank, then digest', () => {
    const at = (ms: number, below: string, rank: number, digest: string): Position => ({ ms, below, rank, digest });
    const sorted = [
      at(1, '', 5, 'z'),
      at(1, '0004', 5, 'z'),
      at(1, '001', 0, 'a'),
      at(2, '', 0, 'b'),
      at(2, '', 0, 'c'),
      at(2, '', 3, 'a'),
    ];
    expect([...sorted].reverse().sort(comparePositions)).toEqual(sorted);
  });

  it('compares digests by their bytes, not by a language', () => {
    expect(comparePositions({ ms: 0, below: '', rank: 0, digest: 'Z' }, { ms: 0, below: '', rank: 0, digest: 'a' })).toBeLessThan(0);
    expect(comparePositions({ ms: 0, below: '', rank: 0, digest: '\u00ff' }, { ms: 0, below: '', rank: 0, digest: 'a' })).toBeGreaterThan(
      0,
    );
  });

  it('is a total order: one way round only, and transitive', () => {
    fc.assert(
      fc.property(position, position, position, (a, b, c) => {
        expect(Math.sign(comparePositions(a, b)) + Math.sign(comparePositions(b, a))).toBe(0);
        expect(comparePositions(a, b) === 0).toBe(JSON.stringify(a) === JSON.stringify(b));
        if (comparePositions(a, b) <= 0 && comparePositions(b, c) <= 0) expect(comparePositions(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });

  it('lets things of one instant come into being, change, be unpacked, packed, seen, and end, in this order', () => {
    const ranks = [
      rankOf('ObjectEvent', 'ADD'),
      rankOf('TransformationEvent', null),
      rankOf('AggregationEvent', 'DELETE'),
      rankOf('AggregationEvent', 'ADD'),
      rankOf('ObjectEvent', 'OBSERVE'),
      rankOf('ObjectEvent', 'DELETE'),
    ];
    expect(ranks).toEqual([0, 1, 2, 3, 4, 5]);
    expect(rankOf('AssociationEvent', 'DELETE')).toBe(2);
    expect(rankOf('AssociationEvent', 'ADD')).toBe(3);
    for (const type of ['AggregationEvent', 'AssociationEvent', 'TransactionEvent', 'https://example.com/Event'])
      expect(rankOf(type, 'OBSERVE')).toBe(4);
  });
});
