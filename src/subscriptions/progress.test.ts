import { describe, expect, it } from 'vitest';
import { BATCH_MAX, failed, GIVE_UP_MS, halved, NOTHING_YET, type Progress, RETRY_MAX_MS, taken } from './progress.ts';

const step = { run: null, lastRun: null, reach: null, minRecordTime: 7 };

describe('deliveries that fail (S-8)', () => {
  it('are tried again after one, two, four … seconds, with jitter, and at least every quarter of an hour', () => {
    let late: Progress = NOTHING_YET;
    let soon: Progress = NOTHING_YET;
    for (const seconds of [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]) {
      late = failed(late, 'answered 500', 0, 1);
      soon = failed(soon, 'answered 500', 0, 0);
      expect([late.nextTry, soon.nextTry]).toEqual([seconds * 1000, seconds * 500]);
    }
    expect(late).toMatchObject({ failures: 12, failingSince: 0, lastError: 'answered 500', ended: null });
  });

  it('go on for a week and then end the subscription; a partner that is away for a day gets everything', () => {
    const DAY = 86_400_000;
    let progress: Progress = NOTHING_YET;
    let now = 1_000;
    for (; progress.ended === null; now = progress.nextTry ?? now) {
      progress = failed(progress, 'connect ECONNREFUSED', now, 1);
      if (now < 6 * DAY) expect(progress.nextTry).toBeLessThanOrEqual(now + RETRY_MAX_MS);
    }
    expect(progress).toMatchObject({ ended: 'nothing was taken for 7 days', nextTry: null, failingSince: 1_000 });
    expect(now - 1_000).toBeGreaterThanOrEqual(GIVE_UP_MS);
    expect(now - 1_000).toBeLessThan(GIVE_UP_MS + RETRY_MAX_MS);
  });

  it('do not end a subscription for time in which nobody tried, as while the service was off', () => {
    const before = failed(NOTHING_YET, 'answered 500', 0, 1);
    expect(failed(before, 'answered 500', 2 * GIVE_UP_MS, 1)).toMatchObject({ failures: 2, ended: null });
    expect(failed({ ...before, failures: 99 }, 'answered 500', 2 * GIVE_UP_MS, 1).ended).toMatch(/7 days/);
  });

  it('are forgotten with the first that is taken', () => {
    const after = taken({ ...failed(NOTHING_YET, 'answered 500', 5, 0), attempt: 9 }, step, 3, 50);
    expect(after).toEqual({ ...NOTHING_YET, lastNotified: 50, minRecordTime: 7 });
  });

  it('as too large are halved, down to one event, and grow again one by one', () => {
    let progress = halved(NOTHING_YET, 300);
    expect(progress.batch).toBe(150);
    expect(halved(progress, 1).batch).toBe(1);
    progress = taken(progress, step, 149, 0);
    expect(progress.batch).toBe(150);
    progress = taken(progress, step, 150, 0);
    expect(progress.batch).toBe(151);
    expect(taken(NOTHING_YET, step, BATCH_MAX, 0).batch).toBe(BATCH_MAX);
  });
});
