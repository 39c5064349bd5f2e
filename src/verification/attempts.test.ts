import { describe, expect, it } from 'vitest';
import { type Attempt, Attempts } from './attempts.ts';

const by = (caller: string, product = '09520123000110', source = '192.0.2.1'): Attempt => ({ caller, product, source });
const failed = (serial: string) => ({ failed: true, unknown: true, serial, hash: serial });
const right = { failed: false, unknown: false, serial: 'A', hash: 'A' };

describe('attempts (domain.md §8.6)', () => {
  it('stop a caller after 20 failures in a minute, until the first of them is a minute old', () => {
    const attempts = new Attempts();
    for (let i = 0; i < 20; i++) {
      expect(attempts.wait(by('a'), i * 1000)).toBe(0);
      attempts.note(by('a'), failed(`S${i * 97}`), i * 1000);
    }
    expect(attempts.wait(by('a'), 20_000)).toBe(40);
    expect(attempts.wait(by('a'), 60_000)).toBe(0);
  });

  it('stop it after 200 in an hour', () => {
    const attempts = new Attempts();
    for (let i = 0; i < 200; i++) attempts.note(by('a'), failed(`S${i * 97}`), i * 10_000);
    expect(attempts.wait(by('a'), 2_000_000)).toBe(1600);
  });

  it('leave others alone who fail seldom, and give those who fail often with the same product a quarter', () => {
    const attempts = new Attempts();
    for (let i = 0; i < 20; i++) attempts.note(by('a'), failed(`S${i * 97}`), 0);
    attempts.note(by('b'), failed('X'), 0);
    expect(attempts.wait(by('b'), 1)).toBe(0);
    for (let i = 0; i < 4; i++) attempts.note(by('b'), failed(`X${i * 97}`), 0);
    expect(attempts.wait(by('b'), 1)).toBe(60);
    expect(attempts.wait(by('b', '09520123000127', '192.0.2.2'), 1)).toBe(0);
  });

  it.each([
    ['more than 5 % of 200 failed', 'share', (i: number) => (i % 19 === 0 ? failed(`S${i * 97}`) : right), 400],
    ['more than 50 unknown numbers in 10 minutes', 'distinct', (i: number) => failed(`S${i * 97}`), 60],
    ['ten numbers in a row rise by little', 'sequence', (i: number) => failed(`AB${1000 + i * 3}`), 10],
  ] as const)('say that somebody guesses when %s, once an hour', (_, rule, result, count) => {
    const attempts = new Attempts();
    const told = Array.from({ length: count }, (_, i) => attempts.note(by('a'), result(i), i * 1000)).filter((one) => one !== null);
    expect(told.map((one) => one.rule)).toEqual([rule]);
  });

  it('say nothing of 1,000 that are right', () => {
    const attempts = new Attempts();
    for (let i = 0; i < 1000; i++) expect(attempts.note(by('a'), right, i)).toBeNull();
    expect(attempts.wait(by('a'), 1000)).toBe(0);
  });
});
