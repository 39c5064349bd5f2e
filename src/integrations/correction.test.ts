import { describe, expect, it } from 'vitest';
import { caseOf, commission, declareError, documentOf, eventID, pack, packs, withID } from '../../test/support/events.ts';
import { correctionDocuments, correctTime, readOffset, StretchOfEvents } from './correction.ts';

describe('the time that a right clock would have told', () => {
  it.each([
    ['2026-03-02T02:01:00.000+01:00', 61, undefined, '2026-03-02T01:00:00.000+01:00'],
    ['2026-03-01T00:30:00Z', 61, undefined, '2026-02-28T23:29:00Z'],
    ['2026-03-02T02:01:00.0001234+01:00', 61, undefined, '2026-03-02T01:00:00.0001234+01:00'],
    ['2026-03-02T02:00:00+02:00', 60, '+01:00', '2026-03-02T00:00:00+01:00'],
    ['2026-03-02T02:00:00Z', -5, '+01:00', '2026-03-02T02:05:00Z'],
  ])('of %s, %d min ahead, is exact to the digit', (told, minutes, zone, right) => {
    expect(correctTime(told, { offsetMs: minutes * 60_000, zone })).toBe(right);
  });

  it('takes offsets as people write them', () => {
    expect(['+61m', '-5m', '+1h30m', '+90s'].map(readOffset)).toEqual([3_660_000, -300_000, 5_400_000, 90_000]);
    for (const text of ['61m', '+', '+0m', '+1d', '+1m1h']) expect(() => readOffset(text)).toThrow('is no offset');
  });
});

describe('a correction', () => {
  const stretchOf = (events: readonly unknown[]) => {
    const stretch = new StretchOfEvents();
    stretch.add(Buffer.from(JSON.stringify(documentOf(events))));
    return stretch;
  };
  const told = [withID(commission(61, packs(1, 2), { lot: 'L1' }), 1), withID(pack(62, caseOf(1), packs(1, 2)), 2)];
  const plus61 = { offsetMs: 61 * 60_000 };
  const at = { now: '2026-03-03T00:00:00Z', attempt: 0 };

  it('declares every event erroneous and tells it again, an hour and a minute earlier and else the same, in one document', () => {
    const [document, ...others] = correctionDocuments(stretchOf(told).open, plus61, at);
    expect(others).toEqual([]);
    const list = JSON.parse(document?.text ?? '').epcisBody.eventList;
    expect(list).toHaveLength(4);
    const [voided, , corrected] = list;
    expect(voided).toMatchObject({ ...told[0], errorDeclaration: { reason: 'incorrect_data', correctiveEventIDs: [corrected.eventID] } });
    expect({ ...corrected, eventID: eventID(1), eventTime: told[0]?.['eventTime'] }).toEqual(told[0]);
    expect(corrected.eventTime).toBe('2026-03-01T08:00:00.000Z');
  });

  it('goes under the same ids when it is made again, so that an interrupted run goes on', () => {
    const make = (now: string) =>
      [...correctionDocuments(stretchOf(told).open, plus61, { now, attempt: 0 })].map(({ captureID }) => captureID);
    expect(make('2026-03-04T00:00:00Z')).toEqual(make('2026-03-03T00:00:00Z'));
  });

  it('leaves alone what was declared erroneous, and what came in its place', () => {
    const [document] = correctionDocuments(stretchOf(told).open, plus61, at);
    const after = stretchOf([...told, ...JSON.parse(document?.text ?? '').epcisBody.eventList]);
    expect(after.open).toEqual([]);
    expect(after.corrected).toBe(2);
    const one = stretchOf([...told, declareError(told[0] as Record<string, unknown>)]);
    expect(one.open.map((event) => event.eventID)).toEqual([eventID(2)]);
  });

  it('of a clock that was behind begins with the latest event, so that nothing is packed before it was made', () => {
    const [document] = correctionDocuments(stretchOf(told).open, { offsetMs: -60_000 }, at);
    expect(document?.originals.map((event) => event.eventID)).toEqual([eventID(2), eventID(1)]);
  });
});
