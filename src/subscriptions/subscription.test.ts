import { describe, expect, it } from 'vitest';
import { NOTHING_YET } from './progress.ts';
import { minRecordTimeOf, type Subscription } from './subscription.ts';

describe('the earliest recordTime that is still to come', () => {
  const of = (initialRecordTime: string | null, minRecordTime: number | null) =>
    minRecordTimeOf({ terms: { initialRecordTime }, progress: { ...NOTHING_YET, minRecordTime }, created: 0 } as unknown as Subscription);

  it('is never before initialRecordTime, whatever has been looked at (S-4)', () => {
    expect(of('2026-03-01T00:00:00.0005Z', null)).toBe('2026-03-01T00:00:00.0005Z');
    const at = Date.parse('2026-03-01T00:00:00Z') * 1000;
    expect(of('2026-03-01T00:00:00.0005Z', at + 499)).toBe('2026-03-01T00:00:00.0005Z');
    expect(of('2026-03-01T00:00:00.0005Z', at + 501)).toBe('2026-03-01T00:00:00.000501Z');
    expect(of(null, at)).toBe('2026-03-01T00:00:00Z');
  });
});
