import { describe, expect, it } from 'vitest';
import { nextTime, parseSchedule } from './schedule.ts';

const times = (given: unknown, after: string, count = 3) => {
  const schedule = parseSchedule(given, '/schedule');
  const found: string[] = [];
  for (let at: number | null = Date.parse(after); found.length < count; ) {
    at = nextTime(schedule, at);
    if (at === null) break;
    found.push(new Date(at).toISOString().replace('.000Z', 'Z'));
  }
  return found;
};

describe('a schedule', () => {
  it.each([
    ['at 01:05 of each day', { hour: '1', minute: '5' }, ['2026-03-01T01:05:00Z', '2026-03-02T01:05:00Z', '2026-03-03T01:05:00Z']],
    [
      'at the full hour, where minutes are left out',
      { hour: '2' },
      ['2026-03-01T02:00:00Z', '2026-03-02T02:00:00Z', '2026-03-03T02:00:00Z'],
    ],
    ['each hour, where hours are left out', { minute: '5' }, ['2026-03-01T00:05:00Z', '2026-03-01T01:05:00Z', '2026-03-01T02:05:00Z']],
    [
      'each minute, where only seconds are given',
      { second: '30' },
      ['2026-03-01T00:00:30Z', '2026-03-01T00:01:30Z', '2026-03-01T00:02:30Z'],
    ],
    [
      'every minute of an hour, between the fields given',
      { hour: '7', second: '1' },
      ['2026-03-01T07:00:01Z', '2026-03-01T07:01:01Z', '2026-03-01T07:02:01Z'],
    ],
    [
      'at several seconds and in a range',
      { second: '0,[58-59]' },
      ['2026-03-01T00:00:58Z', '2026-03-01T00:00:59Z', '2026-03-01T00:01:00Z'],
    ],
    ['on Mondays at midnight', { dayOfWeek: '1' }, ['2026-03-02T00:00:00Z', '2026-03-09T00:00:00Z', '2026-03-16T00:00:00Z']],
    ['on Sundays, which are 7', { dayOfWeek: '7', hour: '12' }, ['2026-03-01T12:00:00Z', '2026-03-08T12:00:00Z', '2026-03-15T12:00:00Z']],
    [
      'where both days match',
      { dayOfMonth: '13', dayOfWeek: '5' },
      ['2026-03-13T00:00:00Z', '2026-11-13T00:00:00Z', '2027-08-13T00:00:00Z'],
    ],
    ['in months that have the day', { dayOfMonth: '31' }, ['2026-03-31T00:00:00Z', '2026-05-31T00:00:00Z', '2026-07-31T00:00:00Z']],
    ['in leap years', { month: '2', dayOfMonth: '29' }, ['2028-02-29T00:00:00Z', '2032-02-29T00:00:00Z', '2036-02-29T00:00:00Z']],
    [
      'in leap years on one weekday',
      { month: '02', dayOfMonth: '29', dayOfWeek: '2' },
      ['2028-02-29T00:00:00Z', '2056-02-29T00:00:00Z', '2084-02-29T00:00:00Z'],
    ],
  ])('runs %s (S-3)', (_what, given, expected) => {
    expect(times(given, '2026-03-01T00:00:00Z')).toEqual(expected);
  });

  it('never runs twice at one time, and goes on within the second (S-3, S-4)', () => {
    expect(times({ second: '[0-59]' }, '2026-12-31T23:59:58.400Z', 2)).toEqual(['2026-12-31T23:59:59Z', '2027-01-01T00:00:00Z']);
    expect(times({ hour: '23', minute: '59', second: '59' }, '2026-12-31T23:59:59Z', 1)).toEqual(['2027-01-01T23:59:59Z']);
  });

  it.each([
    ['no object', 'hourly', '/schedule'],
    ['no field', {}, '/schedule'],
    ['another field', { year: '2026' }, '/schedule/year'],
    ['a number instead of text', { hour: 1 }, '/schedule/hour'],
    ['an empty field', { hour: '' }, '/schedule/hour'],
    ['blanks', { hour: '1, 2' }, '/schedule/hour'],
    ['a trailing comma', { hour: '1,' }, '/schedule/hour'],
    ['a range without brackets', { hour: '1-2' }, '/schedule/hour'],
    ['a list in brackets', { hour: '[1,2]' }, '/schedule/hour'],
    ['a descending range', { hour: '[5-1]' }, '/schedule/hour'],
    ['hour 24', { hour: '24' }, '/schedule/hour'],
    ['minute 60', { minute: '[0-60]' }, '/schedule/minute'],
    ['day 0', { dayOfMonth: '0' }, '/schedule/dayOfMonth'],
    ['month 13', { month: '13' }, '/schedule/month'],
    ['weekday 8', { dayOfWeek: '8' }, '/schedule/dayOfWeek'],
    ['a sign', { second: '-1' }, '/schedule/second'],
    ['a step of cron', { minute: '*/5' }, '/schedule/minute'],
    ['a day that never comes', { month: '2', dayOfMonth: '30' }, '/schedule'],
  ])('is refused with %s (S-3, T-6)', (_what, given, at) => {
    expect(() => parseSchedule(given, '/schedule')).toThrow(expect.objectContaining({ code: 'SUB-CONTROLS', at }));
  });
});
