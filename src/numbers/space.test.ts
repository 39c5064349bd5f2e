import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Draw } from './draw.ts';
import { grantable, guessChance, spaceOf, UNMISTAKABLE } from './space.ts';

describe('a number space (domain.md §4.1)', () => {
  it('of 12 characters from 32 is 1.15 × 10^18', () => {
    expect(spaceOf({ alphabet: UNMISTAKABLE, length: 12 })).toBe(1_152_921_504_606_846_976n);
    expect(guessChance(1_000_000_000n, 32n ** 12n).chance).toBe('1 : 1152921504');
  });

  it('of 7 digits makes 2,000 packs 1 in 5,000, and bears 999', () => {
    expect(guessChance(2_000n, 10_000_000n)).toEqual({ guessChance: 0.0002, chance: '1 : 5000' });
    expect(grantable(10_000_000n, 0n, 0n)).toBe(999n);
    expect(grantable(10_000_000n, 2_000n, 2_000n)).toBe(0n);
  });

  it('gives as many as keep the chance below 1 : 10,000, and not one more', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 2n, max: 82n ** 20n }), fc.bigInt({ min: 0n, max: 82n ** 17n }), (space, issued) => {
        const more = grantable(space, issued, issued);
        expect(more >= 0n).toBe(true);
        if (more > 0n) expect((issued + more) * 10_000n < space).toBe(true);
        expect((issued + more + 1n) * 10_000n >= space || issued + more >= space / 2n).toBe(true);
      }),
    );
  });

  it('that is half used up gives no more, so that drawing ends', () => {
    expect(grantable(1_000_000n, 0n, 499_999n)).toBe(1n);
    expect(grantable(1_000_000n, 0n, 500_000n)).toBe(0n);
  });
});

describe('drawing', () => {
  it('is the same from the same seed, another from another, and stays within the alphabet', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uniqueArray(fc.constantFrom(...UNMISTAKABLE.split('')), { minLength: 2 }),
        fc.integer({ min: 12, max: 20 }),
        (bytes, characters, length) => {
          const seed = Buffer.from(bytes).toString('hex');
          const alphabet = characters.join('');
          const list = (of: string) => {
            const draw = new Draw(of, alphabet, length);
            return Array.from({ length: 20 }, () => draw.next());
          };
          const first = list(seed);
          expect(list(seed)).toEqual(first);
          expect(list(`${seed.slice(0, -1)}${seed.endsWith('0') ? '1' : '0'}`)).not.toEqual(first);
          for (const serial of first) expect([serial.length, serial.split('').every((c) => alphabet.includes(c))]).toEqual([length, true]);
        },
      ),
    );
  });

  it('favours no character, where the alphabet does not divide 256 either', () => {
    const draw = new Draw('ab'.repeat(32), 'ABCDEFG', 20);
    const counts = new Map<string, number>();
    for (let i = 0; i < 10_000; i++) for (const c of draw.next()) counts.set(c, (counts.get(c) ?? 0) + 1);
    const expected = 200_000 / 7;
    // Five standard deviations; passing no byte over would be 4 of them off for A to D alone, each in the same direction.
    const chi = [...counts.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    expect(counts.size).toBe(7);
    expect(chi).toBeLessThan(30);
  });
});
