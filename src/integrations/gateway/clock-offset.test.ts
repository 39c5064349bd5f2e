import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClockOffset } from './clock-offset.ts';

describe('the offset of a clock', () => {
  it('is unknown before the first answer, and when an answer has no Date', () => {
    const offset = new ClockOffset();
    offset.add(0, 10, Number.NaN);
    expect(offset.ms).toBeNull();
  });

  it('is found within 1.5 s, however long answers are on their way, and better the more there are', () => {
    const exchange = fc.record({
      pause: fc.integer({ min: 0, max: 60_000 }),
      there: fc.integer({ min: 0, max: 400 }),
      back: fc.integer({ min: 0, max: 400 }),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: -4_000_000, max: 4_000_000 }),
        fc.array(exchange, { minLength: 1, maxLength: 20 }),
        (ahead, exchanges) => {
          const offset = new ClockOffset();
          let true_ = Date.UTC(2026, 2, 2);
          for (const { pause, there, back } of exchanges) {
            true_ += pause;
            const date = Math.floor((true_ + there) / 1000) * 1000;
            offset.add(true_ + ahead, true_ + there + back + ahead, date);
            true_ += there + back;
          }
          expect(Math.abs((offset.ms as number) - ahead)).toBeLessThanOrEqual(1_500);
        },
      ),
    );
  });

  it('follows a clock that is set', () => {
    const offset = new ClockOffset();
    const now = Date.UTC(2026, 2, 2);
    for (let i = 0; i < 8; i++) offset.add(now + i * 1_000, now + i * 1_000 + 10, now + i * 1_000);
    const hour = 3_600_000;
    offset.add(now + hour + 9_000, now + hour + 9_010, now + 9_000);
    expect(Math.abs((offset.ms as number) - hour)).toBeLessThanOrEqual(1_500);
  });
});
