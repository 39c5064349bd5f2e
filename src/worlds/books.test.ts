import { beforeAll, describe, expect, it } from 'vitest';
import { formatKey, parseEpc, parseEpcClass } from '../identifiers/index.ts';
import type { AnswerKey } from './answer-key.ts';
import { e01, e01Key, world } from './index.ts';

/*
 * The books are kept while a world happens. Here the same answers are drawn from the documents alone, by a slow and literal reading of
 * the definitions in design.md §3 (order) and §7 (party, holder, status, observed, pack): two ways to one truth.
 */

type WireEvent = {
  type: string;
  action?: 'ADD' | 'OBSERVE' | 'DELETE';
  eventID: string;
  eventTime: string;
  bizStep: string;
  disposition: string;
  epcList?: string[];
  parentID?: string;
  childEPCs?: string[];
  quantityList?: Amount[];
  inputQuantityList?: Amount[];
  outputQuantityList?: Amount[];
  transformationID?: string;
  readPoint: { id: string };
  bizLocation?: { id: string };
  destinationList?: { type: string; destination: string }[];
  ilmd?: Record<string, string>;
  errorDeclaration?: object;
};
type Amount = { epcClass: string; quantity: number; uom?: string };

type Seen = {
  status: string;
  holder: string;
  observed: boolean;
  lot: string | null;
  commissioned: boolean;
  ended: boolean;
  parent: Seen | null;
  inside: Set<Seen>;
  wasParent: boolean;
  key: string;
};
type Found = { code: string; thing: string; event: string };

const STATUS_OF: Record<string, string> = {
  commissioning: 'Commissioned',
  sampling: 'Sampled',
  destroying: 'Destroyed',
  decommissioning: 'Inactive',
  dispensing: 'Dispensed',
  shipping: 'InTransit',
  receiving: 'Received',
  storing: 'Stocked',
  holding: 'Quarantined',
};

function rank(event: WireEvent): number {
  if (event.type === 'ObjectEvent' && event.action === 'ADD') return 0;
  if (event.type === 'TransformationEvent') return 1;
  if (event.type === 'AggregationEvent' && event.action === 'DELETE') return 2;
  if (event.type === 'AggregationEvent' && event.action === 'ADD') return 3;
  return event.action === 'OBSERVE' ? 4 : 5;
}

const keys = new Map<string, string>();
const keyOf = (epc: string): string => {
  const key = keys.get(epc) ?? formatKey(parseEpc(epc));
  keys.set(epc, key);
  return key;
};
const gln = (uri: string): string => keyOf(uri).split('/')[1]!;
const lotOf = (amount: Amount): string => formatKey(parseEpcClass(amount.epcClass));

/** The events that a store holds: no refused documents, nothing twice, nothing voided. */
function standing(documents: readonly string[]): { events: WireEvent[]; arrivals: WireEvent[]; stored: number } {
  const stored = new Map<string, WireEvent>();
  const voided = new Set<string>();
  for (const text of documents) {
    let events: WireEvent[];
    try {
      events = JSON.parse(text).epcisBody.eventList;
    } catch {
      continue;
    }
    if (events.some((event) => !/(Z|[+-]\d\d:\d\d)$/.test(event.eventTime))) continue;
    for (const event of events) {
      stored.set(JSON.stringify(event), event);
      if (event.errorDeclaration) voided.add(event.eventID);
    }
  }
  const arrivals = [...stored.values()];
  const events = arrivals.filter((event) => !voided.has(event.eventID));
  const at = new Map(events.map((event) => [event, Date.parse(event.eventTime)]));
  events.sort((a, b) => at.get(a)! - at.get(b)! || rank(a) - rank(b));
  return { events, arrivals, stored: stored.size };
}

function plainFold(events: readonly WireEvent[]): { things: Map<string, Seen>; found: Found[] } {
  const things = new Map<string, Seen>();
  const found: Found[] = [];
  const thing = (epc: string): Seen => {
    const key = keyOf(epc);
    let seen = things.get(key);
    if (!seen) {
      seen = {
        key,
        status: '',
        holder: '',
        observed: false,
        lot: null,
        commissioned: false,
        ended: false,
        parent: null,
        inside: new Set(),
        wasParent: false,
      };
      things.set(key, seen);
    }
    return seen;
  };
  const concern = (one: Seen, event: WireEvent, observed: boolean): void => {
    one.observed = observed;
    const status = STATUS_OF[event.bizStep];
    if (status) one.status = status === 'Received' && event.disposition === 'returned' ? 'Returned' : status;
    const party = event.destinationList?.find(({ type }) => type === 'possessing_party');
    if (event.bizStep === 'receiving') one.holder = gln(party!.destination);
    else if (one.holder === '' && event.bizStep === 'commissioning') one.holder = gln((event.bizLocation ?? event.readPoint).id);
    for (const child of one.inside) concern(child, event, false);
  };
  const leave = (child: Seen): void => {
    child.parent?.inside.delete(child);
    child.parent = null;
  };
  for (const event of events) {
    const find = (code: string, one: Seen): void => void found.push({ code, thing: one.key, event: event.eventID });
    if (event.type === 'ObjectEvent')
      for (const epc of event.epcList ?? []) {
        const one = thing(epc);
        if (one.ended) find('SN-AFTER-END', one);
        if (event.action !== 'ADD' && !one.commissioned) find('SN-UNKNOWN', one);
        if (event.action === 'ADD') {
          const lot = event.ilmd?.['cbvmda:lotNumber'] ?? null;
          if (one.commissioned) find(one.lot === lot ? 'SN-DUP' : 'SN-CONFLICT', one);
          else one.lot = lot;
          one.commissioned = true;
        }
        concern(one, event, true);
        if (event.action === 'DELETE') {
          one.ended = true;
          leave(one);
        }
      }
    if (event.type === 'AggregationEvent') {
      const parent = thing(event.parentID!);
      parent.wasParent = true;
      const children = event.childEPCs?.map(thing) ?? [...parent.inside];
      concern(parent, event, true);
      for (const child of children) {
        if (child.ended) find('SN-AFTER-END', child);
        concern(child, event, true);
        if (event.action === 'DELETE') {
          if (child.parent === parent) leave(child);
          else find('AGG-NOTCHILD', child);
          continue;
        }
        let above: Seen | null = parent;
        while (above && above !== child) above = above.parent;
        if (above) {
          find('AGG-CYCLE', child);
          continue;
        }
        if (child.parent && child.parent !== parent) find('AGG-DOUBLE', child);
        leave(child);
        child.parent = parent;
        parent.inside.add(child);
      }
    }
  }
  // An unknown child is one that nobody commissions, however late.
  for (const event of events)
    if (event.type === 'AggregationEvent' && event.action === 'ADD')
      for (const epc of event.childEPCs!)
        if (!thing(epc).commissioned) found.push({ code: 'AGG-UNKNOWN-CHILD', thing: keyOf(epc), event: event.eventID });
  return { things, found };
}

type LotCounts = { packs: number; byStatus: Record<string, number>; byHolder: Record<string, [count: number, observed: number]> };

function countByLot(things: ReadonlyMap<string, Seen>): Map<string, LotCounts> {
  const lots = new Map<string, LotCounts>();
  for (const one of things.values()) {
    if (one.lot === null || one.wasParent) continue;
    const key = formatKey({ class: one.key.split('/21/')[0]!, lot: one.lot });
    const lot: LotCounts = lots.get(key) ?? { packs: 0, byStatus: {}, byHolder: {} };
    lots.set(key, lot);
    lot.packs++;
    lot.byStatus[one.status] = (lot.byStatus[one.status] ?? 0) + 1;
    const [count, observed] = lot.byHolder[`414/${one.holder}`] ?? [0, 0];
    lot.byHolder[`414/${one.holder}`] = [count + 1, observed + (one.observed ? 1 : 0)];
  }
  return lots;
}

const asCounts = (answer: Pick<AnswerKey['lots'][number], 'packs' | 'byStatus' | 'byHolder'>): LotCounts => ({
  packs: answer.packs,
  byStatus: Object.fromEntries(answer.byStatus.map(({ status, count }) => [status, count])),
  byHolder: Object.fromEntries(answer.byHolder.map(({ holder, count, observed }) => [holder, [count, observed]])),
});

/** Lots that each lot leads to; pieces of one transformationID are one transformation (domain.md §10.1). */
function lineageOf(events: readonly WireEvent[]): (from: string) => Set<string> {
  const steps = new Map<string, { inputs: string[]; outputs: string[] }>();
  for (const event of events) {
    if (event.type !== 'TransformationEvent') continue;
    const id = event.transformationID ?? event.eventID;
    const step = steps.get(id) ?? { inputs: [], outputs: [] };
    steps.set(id, step);
    step.inputs.push(...(event.inputQuantityList ?? []).map(lotOf));
    step.outputs.push(...(event.outputQuantityList ?? []).map(lotOf));
  }
  return (from) => {
    const reached = new Set<string>([from]);
    for (const key of reached)
      for (const { inputs, outputs } of steps.values()) if (inputs.includes(key)) for (const one of outputs) reached.add(one);
    return reached;
  };
}

describe('E-01 from powder to pharmacy (domain.md §20)', () => {
  const { events } = standing([...e01()].map(({ text }) => text));
  const { things, found } = plainFold(events);
  const key = e01Key();

  it('has the numbers that design.md §7 fixes, in the key and in the documents', () => {
    const expected: LotCounts = {
      packs: 4020,
      byStatus: { Received: 4000, Sampled: 12, Destroyed: 8 },
      byHolder: {
        '414/9520123000059': [3740, 140],
        '414/9520123000073': [160, 0],
        '414/9520123000066': [100, 100],
        '414/9520123000011': [20, 20],
      },
    };
    expect(asCounts({ ...key.packs, packs: key.packs.total })).toEqual(expected);
    expect([...countByLot(things)]).toEqual([['01/09520123000110/10/L1', expected]]);
    expect(key.packs.byHolder.map(({ name, inferred }) => [name, inferred])).toEqual([
      ['Wholesaler W', 3600],
      ['Export customer X', 160],
      ['Pharmacy P', 0],
      ['Maker M', 0],
    ]);
  });

  it('reconciles its numbers to nothing unaccounted (domain.md §5.2)', () => {
    const { issued, returned, scrappedLabels, commissioned, good } = key.numbers;
    expect(issued - returned - scrappedLabels - commissioned).toBe(0);
    expect(commissioned - key.sampled.length - key.destroyed.length).toBe(good);
    expect(good).toBe(key.cases.length * 80);
  });

  it('leads from every raw lot to L1, and back to nothing unknown', () => {
    const reach = lineageOf(events);
    const { R1, R2, R3, B1, C1, C2, K1, L1 } = key.lots;
    for (const raw of [R1, R2, R3]) expect([...reach(raw)].sort()).toEqual([raw, B1, C1, C2, K1, L1].sort());
    const received = events.filter((event) => event.bizStep === 'receiving').flatMap((event) => (event.quantityList ?? []).map(lotOf));
    expect(received).toEqual([R1, R2, R3]);
  });

  it('names the packs that a demonstration shows', () => {
    expect(things.get(key.onePackAtPharmacy)).toMatchObject({ status: 'Received', observed: true, parent: null });
    const sealed = things.get(key.oneSealedPack)!;
    expect(sealed).toMatchObject({ status: 'Received', observed: false });
    expect(sealed.parent!.parent!.key).toBe(key.pallets[0]);
    for (const one of key.sampled) expect(things.get(one)!.status).toBe('Sampled');
    for (const one of key.destroyed) expect(things.get(one)!.status).toBe('Destroyed');
    for (const one of key.brokenCases) expect(things.get(one)!.inside.size).toBe(0);
    expect(key.atPharmacy).toHaveLength(100);
    expect(key.looseAtWholesaler).toHaveLength(140);
  });

  it('is a clean world', () => {
    expect(found).toEqual([]);
    expect(Object.values(key.events).flat().sort()).toEqual(events.map((event) => event.eventID).sort());
  });
});

describe.each([7, 20260302])('the books of world S, seed %i', (seed) => {
  let events: WireEvent[];
  let arrivals: WireEvent[];
  let stored: number;
  let things: Map<string, Seen>;
  let found: Found[];
  let key: AnswerKey;
  beforeAll(() => {
    const { documents, key: books } = world({ seed, size: 'S' });
    ({ events, arrivals, stored } = standing([...documents].map(({ text }) => text)));
    key = books();
    ({ things, found } = plainFold(events));
  });

  it('count the packs of every lot by status and by holder as the documents do', () => {
    const counts = countByLot(things);
    expect([...counts.keys()].sort()).toEqual(key.lots.map((lot) => lot.key).sort());
    for (const lot of key.lots) expect(counts.get(lot.key), lot.key).toEqual(asCounts(lot));
  });

  it('count the events that a store holds, and the packs, cases and logistic units', () => {
    expect(key.events).toBe(stored);
    const packs = [...things.values()].filter((one) => one.key.startsWith('01/0') && one.commissioned);
    expect(packs).toHaveLength(key.packs);
    expect([...things.values()].filter((one) => one.key.startsWith('01/1'))).toHaveLength(key.cases);
    expect([...things.values()].filter((one) => one.key.startsWith('00/'))).toHaveLength(key.logisticUnits);
  });

  it('lead from every raw lot to the finished lots that the transformations reach', () => {
    const reach = lineageOf(events);
    const finished = new Map(key.lots.map((lot) => [lot.key, lot.packs]));
    for (const raw of key.rawLots) {
      const lots = [...reach(raw.key)].filter((one) => finished.has(one)).sort();
      expect(raw.lots, raw.key).toEqual(lots);
      expect(raw.packs).toBe(lots.reduce((sum, one) => sum + finished.get(one)!, 0));
    }
    expect(key.rawLots.length).toBeGreaterThan(30);
  });

  it('show the findings that are planted and no others', () => {
    const codes = ['SN-DUP', 'SN-CONFLICT', 'SN-UNKNOWN', 'SN-AFTER-END', 'AGG-DOUBLE', 'AGG-NOTCHILD', 'AGG-CYCLE', 'AGG-UNKNOWN-CHILD'];
    const planted = key.defects.filter(({ verdict, code }) => verdict === 'finding' && codes.includes(code!));
    expect(new Set(planted.map(({ code }) => code))).toEqual(new Set(codes));
    for (const { code, thing, event } of found)
      expect(
        planted.some((defect) => defect.code === code && defect.things.includes(thing) && defect.events.includes(event)),
        `${code} ${thing}`,
      ).toBe(true);
    for (const { kind, code, things: named } of planted) {
      const seen = new Set(found.filter((one) => one.code === code).map(({ thing }) => thing));
      if (kind === 'container-cycle') expect(named.filter((one) => seen.has(one))).toHaveLength(1);
      else
        expect(
          named.filter((one) => !seen.has(one)),
          kind,
        ).toEqual([]);
    }
  });

  it('bring nothing late but what is planted (EV-LATE), and every commissioning before its packing but once', () => {
    const latest = new Map<string, number>();
    const late = new Set<string>();
    for (const event of arrivals) {
      const at = Date.parse(event.eventTime);
      const named = [...(event.epcList ?? []), ...(event.childEPCs ?? []), ...(event.parentID === undefined ? [] : [event.parentID])];
      for (const epc of named) {
        const thing = keyOf(epc);
        if ((latest.get(thing) ?? 0) > at) late.add(event.eventID);
        else latest.set(thing, at);
      }
    }
    const planted = key.defects.filter(({ code }) => code === 'EV-LATE').flatMap(({ events: ids }) => ids);
    expect([...late].sort()).toEqual(planted.sort());
  });

  it('overdraw one raw lot and no other lot (GEN-OVERUSE)', () => {
    const grams = new Map<string, number>();
    const add = (amount: Amount, sign: 1 | -1): void => {
      if (amount.uom) grams.set(lotOf(amount), (grams.get(lotOf(amount)) ?? 0) + sign * Math.round(amount.quantity * 1000));
    };
    const made = new Set<string>();
    for (const event of events)
      for (const amount of event.outputQuantityList ?? []) {
        add(amount, 1);
        made.add(lotOf(amount));
      }
    for (const event of events) {
      // Bulk on the road is made before; only raw lots come in by their receipt.
      if (event.bizStep === 'receiving') for (const amount of event.quantityList ?? []) if (!made.has(lotOf(amount))) add(amount, 1);
      for (const amount of event.inputQuantityList ?? []) add(amount, -1);
    }
    const overdrawn = [...grams].filter(([, left]) => left < 0).map(([lot]) => lot);
    expect(overdrawn).toEqual(key.defects.find(({ kind }) => kind === 'overuse')!.things);
  });

  it('tell one output for before its input was made, and no other (GEN-TIME)', () => {
    const madeAt = new Map<string, string>();
    const early: string[] = [];
    const order = [...events]
      .filter(({ type }) => type === 'TransformationEvent')
      .map((event) => ({ event, at: Date.parse(event.eventTime) }));
    const first = new Map<string, number>();
    for (const { event, at } of order)
      for (const amount of event.outputQuantityList ?? []) {
        const lot = lotOf(amount);
        if (!first.has(lot) || at < first.get(lot)!) first.set(lot, at);
        madeAt.set(lot, event.eventID);
      }
    for (const { event, at } of order)
      if ((event.inputQuantityList ?? []).some((amount) => (first.get(lotOf(amount)) ?? 0) > at)) early.push(event.eventID);
    expect(early).toEqual(key.defects.find(({ kind }) => kind === 'output-before-input')!.events);
  });

  it('lead one blend back to itself (GEN-REWORK-LOOP)', () => {
    const loop = key.defects.find(({ kind }) => kind === 'rework-loop')!;
    const reach = lineageOf(events);
    for (const one of loop.things) expect([...reach(one)]).toEqual(expect.arrayContaining(loop.things));
  });
});
