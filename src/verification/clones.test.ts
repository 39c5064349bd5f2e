import { describe, expect, it } from 'vitest';
import { cloneNote, distance } from './clones.ts';
import { dayIn, expiryDay } from './expiry.ts';

describe('an expiry (codes.md §3)', () => {
  it.each([
    ['2026-05-31', '2026-05-31'],
    ['2026-05-00', '2026-05-31'],
    ['2026-05', '2026-05-31'],
    ['260500', '2026-05-31'],
    ['280200', '2028-02-29'],
    ['2026-02-30', null],
    ['soon', null],
  ])('%s lasts until %s', (text, day) => expect(expiryDay(text, 2026)).toBe(day));

  it('ends with its day in the zone of who answers', () => {
    const ms = Date.parse('2026-05-31T23:30:00Z');
    expect([dayIn('UTC', ms), dayIn('Europe/Berlin', ms), dayIn('America/Bogota', ms)]).toEqual(['2026-05-31', '2026-06-01', '2026-05-31']);
  });
});

describe('sightings of one number (domain.md §8.6)', () => {
  const HOUR = 3_600_000;
  const thun = { latitude: 46.75, longitude: 7.63 };
  const bogota = { latitude: 4.71, longitude: -74.07 };
  const places = new Map([
    ['A', thun],
    ['B', bogota],
  ]);
  const seen = (...list: [string, number][]) => list.map(([site, hours]) => ({ site, at: hours * HOUR }));

  it('are of a clone at three sites within 24 h, and not at two, nor at three in longer', () => {
    expect(cloneNote(seen(['X', 0], ['Y', 5], ['Z', 24]), new Map())).toContain('3 sites');
    expect(cloneNote(seen(['X', 0], ['Y', 5], ['X', 6]), new Map())).toBeNull();
    expect(cloneNote(seen(['X', 0], ['Y', 5], ['Z', 24.001]), new Map())).toBeNull();
  });

  it('are of a clone at two sites that nobody travels between in the time at 900 km/h', () => {
    const hours = distance(thun, bogota) / 900;
    expect(hours).toBeGreaterThan(9);
    expect(cloneNote(seen(['A', 0], ['B', hours - 0.01]), places)).toContain('km away');
    expect(cloneNote(seen(['A', 0], ['B', hours + 0.01]), places)).toBeNull();
    expect(cloneNote(seen(['A', 0], ['unknown', 0.1]), places)).toBeNull();
  });
});
