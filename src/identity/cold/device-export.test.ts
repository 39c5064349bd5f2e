import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDeviceCsv, timeIn } from './device-export.ts';
import { thinned } from './shown-series.ts';

const where = { line: 1, column: 1, title: 'time' };
const iso = (words: string, options: Parameters<typeof timeIn>[1] = {}, before = Number.NEGATIVE_INFINITY) => {
  const { ms, offset } = timeIn(words, options, before, where);
  return `${new Date(ms).toISOString()} ${offset}`;
};
const refused = (csv: string, options = {}) => {
  try {
    return readDeviceCsv(csv, options).readings;
  } catch (error) {
    const { code, at } = error as { code: string; at: string };
    return `${code} ${at}`;
  }
};

describe('exports of devices', () => {
  it.each([
    ['2026-05-04T14:00:00+02:00', {}, '2026-05-04T12:00:00.000Z +02:00'],
    ['2026-05-04 14:00', { zone: '+02:00' }, '2026-05-04T12:00:00.000Z +02:00'],
    ['04.05.2026 14:00:30', { zone: 'Europe/Paris' }, '2026-05-04T12:00:30.000Z +02:00'],
    ['05/04/2026 2:00 PM', { zone: 'America/New_York', dates: 'mdy' as const }, '2026-05-04T18:00:00.000Z -04:00'],
    ['13/05/2026 12:05 AM', { zone: 'Z' }, '2026-05-13T00:05:00.000Z +00:00'],
    ['2026-05-04T14:00:00Z', { zone: '+09:00' }, '2026-05-04T14:00:00.000Z +00:00'],
  ])('%s', (words, options, told) => expect(iso(words, options)).toBe(told));

  it('in the hour that clocks go through twice, time goes on; one that there never was is refused', () => {
    const options = { zone: 'Europe/Paris' };
    expect(iso('2026-10-25 02:30', options)).toBe('2026-10-25T00:30:00.000Z +02:00');
    expect(iso('2026-10-25 02:00', options, Date.parse('2026-10-25T00:50:00Z'))).toBe('2026-10-25T01:00:00.000Z +01:00');
    expect(() => iso('2026-03-29 02:30', options)).toThrow(/no time that there was/);
    expect(() => iso('2026-03-29 01:30', { zone: 'Nowhere/Town' })).toThrow(expect.objectContaining({ code: 'EV-TIMEZONE', at: '?zone' }));
  });

  it.each([
    ['time,temp\n2026-05-04 14:00,5', 'EV-TIMEZONE line 2, column 1'],
    ['time,temp\n2026-13-04T14:00Z,5', 'EV-SYNTAX line 2, column 1'],
    ['time,temp\n04/05/2026 14:00Z,5', 'EV-SYNTAX line 2, column 1'],
    ['time,temp\n\n2026-05-04T14:00Z,OPEN', 'EV-SYNTAX line 3, column 2'],
    ['time,temp\n2026-05-04T14:00Z,5,2', 'EV-SYNTAX line 2, column 3'],
    ['time,temp (K)\n2026-05-04T14:00Z,-1', 'EV-SYNTAX line 2, column 2'],
    ['time;temp\n2026-05-04T14:00Z;"5', 'EV-SYNTAX line 2, column 2'],
    ['time,humidity\n2026-05-04T14:00Z,40', 'EV-SYNTAX line 1, column 1'],
    ['', 'EV-SYNTAX line 1, column 1'],
    ['time,temp\n', 'EV-SYNTAX line 1, column 1'],
  ])('%# is refused where it is wrong', (csv, told) => expect(refused(csv)).toBe(told));

  it('units by header, by column, by cell, or as asked; date and time in two columns; empty cells are unknown', () => {
    const values = (csv: string, options = {}) => {
      const told = readDeviceCsv(csv, { zone: 'Z', ...options });
      return [told.readings.map(({ value, unit }) => `${value} ${unit}`), told.empty];
    };
    expect(values('Date;Time;Temp [°F]\n04.05.2026;14:00;41,5')).toEqual([['41.5 FAH'], 0]);
    expect(values('Timestamp\tValue\tUnit\n2026-05-04 14:00\t278.15\tK')).toEqual([['278.15 KEL'], 0]);
    expect(values('time,temperature\n2026-05-04 14:00,"5,2 °C"\n2026-05-04 14:10,\n2026-05-04 14:20,−4.5')).toEqual([
      ['5.2 CEL', '-4.5 CEL'],
      1,
    ]);
    expect(values('2026-05-04 14:00,41', { unit: 'FAH' })).toEqual([['41 FAH'], 0]);
    expect(readDeviceCsv('time,temp,tilt\n2026-05-04T14:00Z,-150,80').readings).toMatchObject([{ value: -150, tilt: 80 }]);
  });

  it('reads back what was written, whatever the marks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 4e7 }), fc.integer({ min: -1960, max: 400 })), { minLength: 1, maxLength: 20 }),
        fc.constantFrom([';', ','], [';', '.'], ['\t', ','], [',', '.']),
        (points, [mark, decimal]) => {
          const rows = points.map(([minute, tenths]) => [
            new Date(minute * 60_000).toISOString().slice(0, 16).replace('T', ' '),
            (tenths / 10).toFixed(1).replace('.', decimal as string),
          ]);
          const csv = [['Date and time', 'Temperature'], ...rows].map((cells) => cells.join(mark)).join('\n');
          const { readings } = readDeviceCsv(csv, { zone: '+00:00' });
          expect(readings.map(({ ms, value }) => [ms, value])).toEqual(points.map(([minute, tenths]) => [minute * 60_000, tenths / 10]));
        },
      ),
    );
  });

  it('a thinned series keeps its lowest and its highest', () => {
    const points = Array.from({ length: 10_000 }, (_, i): [number, number] => [i, i === 4_321 ? 99 : i === 77 ? -99 : 5]);
    const kept = thinned(points, 500);
    expect(kept.length).toBeLessThanOrEqual(500);
    expect(kept).toContainEqual([4_321, 99]);
    expect(kept).toContainEqual([77, -99]);
  });
});
