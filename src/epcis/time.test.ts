import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareExactTime, formatExactTime, formatMilliseconds, parseExactTime } from './time.ts';

const code = (text: string) => {
  try {
    parseExactTime(text);
    return 'read';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('exact times (V-11, V-12, X-8)', () => {
  it.each([
    ['2005-04-03T20:33:31.116-06:00', '2005-04-04T02:33:31.116Z'],
    ['2005-04-03T20:33:31.116000-06:00', '2005-04-04T02:33:31.116Z'],
    ['2026-03-01T00:00:00.1160004000+14:00', '2026-02-28T10:00:00.1160004Z'],
    ['2024-02-29T23:59:59-00:00', '2024-02-29T23:59:59Z'],
    ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00Z'],
    ['0099-12-31T23:59:59.5Z', '0099-12-31T23:59:59.5Z'],
    ['9999-12-31T23:59:59.999999999Z', '9999-12-31T23:59:59.999999999Z'],
    ['1969-12-31T23:59:59.9995Z', '1969-12-31T23:59:59.9995Z'],
  ])('reads %s as %s', (text, utc) => {
    expect(formatExactTime(parseExactTime(text))).toBe(utc);
  });

  it('keeps whole milliseconds and the digits below them apart', () => {
    expect(parseExactTime('1970-01-01T00:00:31.1160004Z')).toEqual({ ms: 31116, below: '0004' });
    expect(parseExactTime('1969-12-31T23:59:59.9995Z')).toEqual({ ms: -1, below: '5' });
  });

  it.each(['2026-03-01T08:15:00', '2026-03-01T08:15:00.123'])('tells of the missing zone of %s as EV-TIMEZONE', (text) => {
    expect(code(text)).toBe('EV-TIMEZONE');
  });

  it.each([
    '22-07-2026',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2016-12-31T23:59:60Z',
    '2026-03-01T24:00:00Z',
    '2026-03-01T08:60:00Z',
    '2026-03-01t08:15:00Z',
    '2026-03-01T08:15:00z',
    '2026-03-01T08:15:00.Z',
    '2026-03-01T08:15:00+14:01',
    '2026-03-01T08:15:00+01:60',
    '2026-03-01T08:15:00+0100',
    '2026-03-01T08:15:00Zx',
    '-2026-03-01T08:15:00Z',
    '12026-03-01T08:15:00Z',
    '2026-03-01 08:15:00Z',
  ])('refuses %s', (text) => {
    expect(code(text)).toBe('EV-SCHEMA');
  });

  it('agrees with Date on every instant it can hold', () => {
    const instant = fc.date({ min: new Date('0001-01-02T00:00:00Z'), max: new Date('9999-12-30T00:00:00Z'), noInvalidDate: true });
    fc.assert(
      fc.property(instant, (date) => {
        const time = parseExactTime(date.toISOString());
        expect(time).toEqual({ ms: date.getTime(), below: '' });
        expect(formatMilliseconds(time)).toBe(date.toISOString());
      }),
    );
  });

  it('compares in time order, also below the millisecond and across zones', () => {
    const inOrder = ['2026-03-01T00:00:00Z', '2026-03-01T00:00:00.0004Z', '2026-03-01T01:00:00.00041+01:00', '2026-03-01T00:00:00.001Z'];
    const times = inOrder.map(parseExactTime);
    expect([...times].reverse().sort(compareExactTime)).toEqual(times);
    expect(compareExactTime(parseExactTime('2026-03-01T00:00:00.10Z'), parseExactTime('2026-03-01T01:00:00.1+01:00'))).toBe(0);
  });

  it.each([
    ['2023-02-02T11:04:03.1414Z', '2023-02-02T11:04:03.141Z'],
    ['2023-02-02T11:04:03.1415Z', '2023-02-02T11:04:03.142Z'],
    ['2023-02-02T11:04:03.1405Z', '2023-02-02T11:04:03.141Z'],
    ['2023-12-31T23:59:59.9996Z', '2024-01-01T00:00:00.000Z'],
    ['2023-02-02T11:04:03Z', '2023-02-02T11:04:03.000Z'],
  ])('rounds %s half up to %s for the event hash, carrying', (text, rounded) => {
    expect(formatMilliseconds(parseExactTime(text))).toBe(rounded);
  });
});
