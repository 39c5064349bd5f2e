import { describe, expect, it } from 'vitest';
import { SourceClock } from './source-clock.ts';

const MIN = 60_000;
const at = (minutes: number) => Date.UTC(2026, 2, 2) + minutes * MIN;

/** The verdicts on documents taken at these minutes, whose newest events say so many minutes later or earlier. */
const verdicts = (sightings: readonly (readonly [taken: number, off: number])[]) => {
  const clock = new SourceClock();
  return sightings.map(([taken, off]) => {
    const verdict = clock.saw(at(taken + off), at(taken));
    return typeof verdict === 'string' ? verdict : verdict.offMs / MIN;
  });
};

describe('the clock of a source', () => {
  it('is wrong with the first event that is more than five minutes ahead of when it was taken, and that is told once a stretch (E-11)', () => {
    expect(
      verdicts([
        [0, 0],
        [1, 5],
        [2, 61],
        [3, 61],
        [4, 0],
        [5, 61],
      ]),
    ).toEqual(['right', 'right', 61, 'wrong still', 'right', 61]);
  });

  it('is not wrong because events come late: a queue that drains has a lag that shrinks', () => {
    expect(
      verdicts(Array.from({ length: 60 }, (_, i) => [i, -120 + 2 * i] as const))
        .slice(0, 50)
        .every((v) => v === 'right'),
    ).toBe(true);
  });

  it('is wrong when it is behind by the same time over ten documents and ten minutes', () => {
    const told = verdicts(Array.from({ length: 14 }, (_, i) => [i, -60] as const));
    expect(told.slice(0, 10)).toEqual(Array(10).fill('right'));
    expect(told.slice(10)).toEqual([-60, 'wrong still', 'wrong still', 'wrong still']);
  });

  it('is not wrong because old documents are handed in at once', () => {
    expect(verdicts(Array.from({ length: 500 }, (_, i) => [i / 500, -100_000] as const)).every((v) => v === 'right')).toBe(true);
  });
});
