import { describe, expect, it } from 'vitest';
import { AddressFailures, lockedUntil, UnknownLogins } from './lock-out.ts';

const MINUTE = 60_000;

describe('a lock (domain.md §15)', () => {
  it('comes with every fifth failure in a row, and lasts twice as long each time, a day at most', () => {
    const minutes = (failures: number) => (lockedUntil(failures, 0) ?? 0) / MINUTE;
    expect([0, 1, 4, 5, 6, 10, 15, 20].map(minutes)).toEqual([0, 0, 0, 15, 0, 30, 60, 120]);
    expect(minutes(500)).toBe(24 * 60);
  });

  it('comes for a login that nobody has too', () => {
    const logins = new UnknownLogins();
    for (let i = 0; i < 4; i++) logins.note('x', 7);
    expect(logins.lockedUntil('x')).toBe(0);
    logins.note('x', 7);
    expect([logins.lockedUntil('x'), logins.lockedUntil('y')]).toEqual([7 + 15 * MINUTE, 0]);
  });
});

describe('an address', () => {
  it('waits after twenty failures in a minute, and after a hundred in an hour', () => {
    const failures = new AddressFailures();
    for (let i = 0; i < 19; i++) failures.note('a', i);
    expect(failures.wait('a', 1_000)).toBe(0);
    failures.note('a', 19);
    expect([failures.wait('a', 1_000), failures.wait('b', 1_000), failures.wait('a', MINUTE)]).toEqual([59, 0, 0]);
    for (let i = 0; i < 80; i++) failures.note('a', (1 + Math.floor(i / 19)) * MINUTE + i);
    expect(failures.wait('a', 30 * MINUTE)).toBe(30 * 60);
    expect(failures.wait('a', 61 * MINUTE)).toBe(0);
  });

  it('that is forgotten for want of room is the one that was quiet longest', () => {
    const failures = new AddressFailures();
    for (let i = 0; i < 20; i++) failures.note('busy', i);
    for (let n = 0; n < 10_000; n++) {
      failures.note(`a${n}`, 20);
      if (n === 5_000) failures.note('busy', 20);
    }
    expect(failures.wait('busy', 20)).toBeGreaterThan(0);
  });
});
