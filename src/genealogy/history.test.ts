import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  caseOf,
  commission,
  declareError,
  type Json,
  lotOf,
  observeLot,
  pack,
  packOf,
  packs,
  palletOf,
  quantityOf,
  receive,
  START,
  ship,
  unpack,
  unpackAll,
  withID,
} from '../../test/support/events.ts';
import { questionsOf } from '../../test/support/questions.ts';
import { memoryStore, type TestStore } from '../../test/support/test-store.ts';
import { formatKey, parseEpcClass, parseThing } from '../identifiers/index.ts';
import type { AsOfArgs } from '../lifecycle/as-of.ts';
import { contents, history, thing } from './index.ts';

const key = (epc: string) => formatKey(parseThing(epc));
const P1 = packOf(1);
const C1 = caseOf(1);
const C2 = caseOf(2);
const S1 = palletOf(1);
const S2 = palletOf(2);

let store: TestStore;
let now: number;
/** Of the event told last. */
let number: number;
beforeEach(async () => {
  now = START + 86_400_000;
  number = 0;
  store = await memoryStore({ clock: () => now });
});
afterEach(() => store.close());

/** Captures each event a minute after the other; they are numbered from 1. Answers the record time of the last. */
async function tell(...events: Json[]): Promise<string> {
  for (const event of events) {
    now += 60_000;
    expect((await store.capture([withID(event, ++number)])).errors).toEqual([]);
  }
  return new Date(now).toISOString();
}
const told = async (epc: string, t: AsOfArgs = {}) =>
  (await history(questionsOf(store), { of: key(epc), ...t }))?.entries.map(
    ({ eventID, why, via, voided }) => `${Number(eventID.slice(-12))} ${why}${via === null ? '' : ` ${via}`}${voided ? ' voided' : ''}`,
  );

describe('the history of a thing', () => {
  it('has the events of its containers while it was inside, also those of the pallet its case was on, and none before or after', async () => {
    await tell(
      commission(0, P1),
      ship(1, C1), // before it went in
      pack(2, C1, P1),
      pack(3, S1, C1),
      ship(4, S1),
      unpack(5, C1, P1),
      receive(6, S1), // after it left
      receive(7, C1),
    );
    expect(await told(P1)).toEqual(['1 own', '3 own', `4 inside ${key(C1)}`, `5 inside ${key(S1)}`, '6 own']);
  });

  it('ends its time in a pallet when its case leaves, and counts a later stay by itself', async () => {
    await tell(
      pack(0, C1, P1),
      pack(1, S1, C1),
      unpack(2, S1, C1),
      ship(3, S1),
      pack(4, S2, C1),
      ship(5, S2),
      unpack(6, C1, P1),
      ship(7, S2),
    );
    expect(await told(P1)).toEqual([
      '1 own',
      `2 inside ${key(C1)}`,
      `3 inside ${key(C1)}`,
      `5 inside ${key(C1)}`,
      `6 inside ${key(S2)}`,
      '7 own',
    ]);
  });

  it('has the full unpack by which it left, which names no child; that is its last event too', async () => {
    await tell(pack(0, C1, P1), unpackAll(1, C1, { site: 3 }), ship(2, C1));
    expect(await told(P1)).toEqual(['1 own', `2 inside ${key(C1)}`]);
    expect(await thing(questionsOf(store), { of: key(P1) })).toMatchObject({
      parent: null,
      observed: true,
      lastEvent: expect.stringMatching(/0002$/),
    });
  });

  it('ends a stay where the thing turns up elsewhere', async () => {
    await tell(pack(0, C1, P1), pack(1, C2, P1), ship(2, C1), ship(3, C2));
    expect(await told(P1)).toEqual(['1 own', '2 own', `4 inside ${key(C2)}`]);
  });

  it('shows voided events and their declarations as such, and what was known before as it was', async () => {
    const wrong = withID(pack(1, C1, P1), 2);
    const before = await tell(commission(0, P1), wrong, ship(2, C1));
    expect(await told(P1)).toEqual(['1 own', '2 own', `3 inside ${key(C1)}`]);
    now += 60_000;
    await store.capture([declareError(wrong)]);
    expect(await told(P1)).toEqual(['1 own', '2 own voided', '2 own voided']);
    expect(await told(P1, { known: before })).toEqual(['1 own', '2 own', `3 inside ${key(C1)}`]);
  });

  it('stops at the time asked for, that moment included', async () => {
    await tell(pack(0, C1, P1), ship(1, C1), receive(2, C1));
    expect(await told(P1, { at: '2026-03-01T08:00:59.999Z' })).toEqual(['1 own']);
    expect(await told(P1, { at: '2026-03-01T08:01:00Z' })).toEqual(['1 own', `2 inside ${key(C1)}`]);
  });

  it('of a lot has the events of the containers that held some of it', async () => {
    const L1 = formatKey(parseEpcClass(lotOf('L1')));
    const some = { childEPCs: undefined, childQuantityList: [quantityOf(lotOf('L1'), 5)] };
    await tell(observeLot(0, [quantityOf(lotOf('L1'), 5)]), { ...pack(1, S1, []), ...some }, ship(2, S1));
    const entries = (await history(questionsOf(store), { of: L1 }))?.entries;
    expect(entries?.map(({ why, via }) => [why, via])).toEqual([
      ['own', null],
      ['own', null],
      ['inside', key(S1)],
    ]);
    expect((await contents(questionsOf(store), { of: key(S1), depth: 1 }))?.members).toEqual([
      { key: L1, epc: expect.stringContaining('/10/L1'), depth: 1, parent: key(S1), quantity: 5 },
    ]);
  });

  it('is null for what nothing names or was known by then, and empty before anything happened to it', async () => {
    await tell(commission(5, P1));
    expect(await told(packOf(2))).toBeUndefined();
    expect(await told(P1, { at: '2026-03-01T08:04:00Z' })).toEqual([]);
    expect(await told(P1, { known: '2026-03-01T00:00:00Z' })).toBeUndefined();
  });
});

describe('contents and the last event', () => {
  it('of a container used again are those of now, and of any earlier time', async () => {
    await tell(pack(0, C1, packs(1, 3)), unpackAll(1, C1), pack(2, C1, packs(4, 5)));
    const inside = async (t: AsOfArgs = {}) =>
      (await contents(questionsOf(store), { of: key(C1), depth: 'all', ...t }))?.members.map((member) => member.key);
    expect(await inside()).toEqual(packs(4, 5).map(key));
    expect(await inside({ at: '2026-03-01T08:00:30Z' })).toEqual(packs(1, 3).map(key));
    expect(await inside({ at: '2026-03-01T08:01:30Z' })).toEqual([]);
  });

  it('is the container’s while it is inside', async () => {
    await tell(pack(0, C1, P1), pack(1, S1, C1), ship(2, S1));
    expect(await thing(questionsOf(store), { of: key(P1) })).toMatchObject({
      parent: key(C1),
      top: key(S1),
      lastEvent: expect.stringMatching(/0003$/),
    });
  });
});
