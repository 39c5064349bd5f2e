import fc from 'fast-check';
import { REACTIVATING } from '../../src/lifecycle/steps.ts';
import {
  associate,
  caseOf,
  commission,
  declareError,
  decommission,
  destroy,
  dissociate,
  type Json,
  lookInto,
  lotOf,
  observe,
  observeLot,
  pack,
  packOf,
  palletOf,
  quantityOf,
  receive,
  sensorOf,
  ship,
  siteOf,
  transact,
  transform,
  unpack,
  unpackAll,
  voidShipping,
  withID,
} from './events.ts';

/**
 * Random streams of events over so few things that they meet: right ones, and all that lines and docks really do wrong (domain.md §5.3).
 * What arrival legitimately decides is kept out: two events of one eventID with other content, and one content with and without eventID.
 */
type Scene = { packs: string[]; cases: string[]; pallets: string[]; parts: string[]; materials: string[]; lots: string[] };

const pick = <T>(list: readonly T[]) => fc.constantFrom(...list);
const some = <T>(list: readonly T[], max = 3) => fc.uniqueArray(pick(list), { minLength: 1, maxLength: Math.min(max, list.length) });
/** Few instants, so that many events share one; some differ below the minute. */
const at = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: 9 }), weight: 4 },
  { arbitrary: fc.integer({ min: 0, max: 18 }).map((n) => n / 2), weight: 1 },
);
const site = fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined });
const place = site.map((number) => (number === undefined ? {} : { site: number }));
const expiry = pick([undefined, '2020-01-31', '2028-01-31', '2028-02-29']);
const persistent: fc.Arbitrary<Json> = fc.oneof(
  { arbitrary: fc.constant<Json>({}), weight: 4 },
  { arbitrary: pick(['recalled', 'expired']).map((word): Json => ({ persistentDisposition: { set: [word] } })), weight: 1 },
  { arbitrary: pick(['recalled', 'expired']).map((word): Json => ({ persistentDisposition: { unset: [word] } })), weight: 1 },
);
const named = <T extends object>(o: T): T => Object.fromEntries(Object.entries(o).filter(([, v]) => v !== undefined)) as T;

/** Every kind of event, about the things of a scene. */
function kindsOf({ packs, cases, pallets, parts, materials, lots }: Scene) {
  const containers = [...cases, ...pallets];
  const things = [...packs, ...containers];
  const lot = pick([undefined, ...lots]);
  const quantity = fc
    .record({ of: pick(materials), amount: pick([1, 2, 5]), uom: pick([undefined, 'KGM', 'GRM']) })
    .map((q) => quantityOf(q.of, q.amount, q.uom));
  const transformation = (part: fc.Arbitrary<string | Json>) =>
    fc
      .tuple(at, fc.array(part, { maxLength: 2 }), fc.array(part, { maxLength: 2 }), pick([undefined, undefined, 'T1', 'T2']), lot, expiry)
      .map(([t, i, o, id, l, x]) => {
        const inputs = uniqueParts(i);
        const outputs = uniqueParts(o);
        if (inputs.length + outputs.length === 0) inputs.push(quantityOf(materials[0] as string, 1, 'KGM'));
        const piece = inputs.length === 0 || outputs.length === 0 ? (id ?? 'T1') : id;
        const ilmd = outputs.length > 0 ? { lot: l, expiry: x } : {};
        return transform(t, inputs, outputs, named({ id: piece && `urn:epc:id:gdti:9520123.00001.${piece}`, ...ilmd }) as object);
      });
  return {
    commission: fc
      .tuple(at, some(things, 4), lot, expiry, place)
      .map(([t, e, l, x, p]) => commission(t, e, named({ lot: l, expiry: x, ...p }) as object)),
    pack: fc.tuple(at, pick(containers), some(things), place).map(([t, p, c, w]) => pack(t, p, c, w)),
    fillCase: fc.tuple(at, pick(cases), some(packs, 4), place).map(([t, p, c, w]) => pack(t, p, c, w)),
    fillPallet: fc.tuple(at, pick(pallets), some(cases), place).map(([t, p, c, w]) => pack(t, p, c, w)),
    unpack: fc.tuple(at, pick(containers), some(things), place).map(([t, p, c, w]) => unpack(t, p, c, w)),
    unpackShort: fc
      .tuple(at, pick(containers), some(things), place)
      .map(([t, p, c, w]) => unpack(t, p, c, w, { disposition: 'mismatch_quantity' })),
    unpackAll: fc.tuple(at, pick(containers), place).map(([t, p, w]) => unpackAll(t, p, w)),
    lookInto: fc.tuple(at, pick(containers), some(things), place).map(([t, p, c, w]) => lookInto(t, p, c, w)),
    ship: fc
      .tuple(at, fc.oneof(some(things), some(containers, 1)), site)
      .map(([t, e, s]) => ship(t, e, named({ from: 1, to: 2, site: s }) as object)),
    receive: fc
      .tuple(at, fc.oneof(some(things), some(containers, 1)), site, pick([2, 3]))
      .map(([t, e, s, to]) => receive(t, e, named({ from: 1, to, site: s }) as object)),
    voidShipping: fc
      .tuple(at, some(things), site)
      .map(([t, e, s]) => voidShipping(t, e, s === undefined ? {} : { bizLocation: { id: siteOf(s) } })),
    hold: fc
      .tuple(at, some([...containers, ...containers, ...packs], 1), pick(['holding', 'storing']))
      .map(([t, e, step]) => observe(t, e, { step })),
    observe: fc
      .tuple(
        at,
        some(things),
        pick(['inspecting', 'holding', 'storing', 'sampling', 'dispensing']),
        pick([undefined, 'in_progress', 'recalled']),
        place,
        persistent,
      )
      .map(([t, e, step, disposition, p, more]) => observe(t, e, named({ step, disposition, ...p }) as object, more)),
    encode: fc
      .tuple(at, some(packs, 2), pick([undefined, undefined, 'destroyed', 'inactive']))
      .map(([t, e, disposition]) => observe(t, e, named({ step: 'encoding', disposition }) as object)),
    reactivate: fc.tuple(at, some(things, 2)).map(([t, e]) => observe(t, e, { step: REACTIVATING, disposition: 'active' })),
    observePart: fc.tuple(at, some(parts, 1)).map(([t, e]) => observe(t, e)),
    destroy: fc.tuple(at, some(things, 2)).map(([t, e]) => destroy(t, e)),
    decommission: fc.tuple(at, some(things, 2)).map(([t, e]) => decommission(t, e)),
    transact: fc
      .tuple(at, some(things, 2), pick([undefined, 'dispensing', 'shipping']))
      .map(([t, e, step]) => transact(t, e, named({ step }) as object)),
    associate: fc.tuple(at, pick(containers), some([...packs, ...parts], 2)).map(([t, p, c]) => associate(t, p, c)),
    dissociate: fc
      .tuple(at, pick(containers), fc.option(some([...packs, ...parts], 2), { nil: [] }))
      .map(([t, p, c]) => dissociate(t, p, c)),
    transform: transformation(fc.oneof(quantity, pick(packs))),
    transformLots: transformation(quantity),
    usePack: fc.tuple(at, pick(packs)).map(([t, e]) => transform(t, [e], [quantityOf(materials[0] as string, 1)])),
    observeLot: fc
      .tuple(at, some(materials, 2), pick(['receiving', 'shipping', 'holding', 'storing']), pick(['OBSERVE', 'ADD', 'DELETE']), persistent)
      .map(([t, of, step, action, more]) =>
        observeLot(
          t,
          of.map((m) => quantityOf(m, 3, 'KGM')),
          { step, action },
          more,
        ),
      ),
    packLot: fc.tuple(at, pick(containers), pick(['ADD', 'DELETE']), quantity).map(([t, p, action, q]): Json => {
      const { childEPCs: _, ...rest } = action === 'ADD' ? pack(t, p, []) : unpackAll(t, p);
      return { ...rest, childQuantityList: [q] };
    }),
  };
}
type Kind = keyof ReturnType<typeof kindsOf>;

const range = <T>(count: number, of: (n: number) => T) => Array.from({ length: count }, (_, i) => of(i + 1));
const scene = (packs: number, cases: number, pallets: number): Scene => ({
  packs: range(packs, packOf),
  cases: range(cases, caseOf),
  pallets: range(pallets, palletOf),
  parts: range(2, sensorOf),
  materials: [lotOf('L1'), lotOf('L2'), lotOf('R1', 12), lotOf('R2', 12)],
  lots: ['L1', 'L2'],
});
function eventsIn(stage: Scene, weights: Partial<Record<Kind, number>>): fc.Arbitrary<Json> {
  const kinds = kindsOf(stage);
  return fc.oneof(...Object.entries(weights).map(([kind, weight]) => ({ weight, arbitrary: kinds[kind as Kind] })));
}

/** What a story is about: everything at once, or one matter among very few things, so that rare meetings happen. */
const THEMES = {
  everything: eventsIn(scene(7, 3, 2), {
    commission: 6, pack: 5, fillCase: 3, fillPallet: 3, unpack: 4, unpackAll: 4, unpackShort: 2, lookInto: 1, ship: 3, receive: 3, voidShipping: 2, observe: 3,
    destroy: 2, decommission: 1, transact: 1, associate: 1, dissociate: 1, transform: 4, observeLot: 2, packLot: 1, encode: 1, reactivate: 1,
  }), // biome-ignore format: a table
  numbers: eventsIn(scene(2, 1, 1), {
    encode: 4,
    commission: 3,
    fillCase: 2,
    ship: 1,
    receive: 1,
    decommission: 3,
    destroy: 1,
    reactivate: 3,
    unpackAll: 1,
  }),
  trade: eventsIn(scene(2, 1, 1), {
    unpackShort: 2,
    fillCase: 3,
    fillPallet: 3,
    unpack: 3,
    unpackAll: 2,
    ship: 2,
    receive: 2,
    hold: 1,
    voidShipping: 1,
  }),
  material: eventsIn(scene(1, 1, 1), { transformLots: 6, observeLot: 1, commission: 1 }),
  use: eventsIn(scene(2, 1, 1), { fillCase: 3, fillPallet: 2, hold: 3, usePack: 4, commission: 1, unpackAll: 1 }),
  parts: eventsIn(scene(2, 1, 1), { associate: 3, dissociate: 4, observePart: 2, packLot: 3, unpackAll: 1, observe: 1, observeLot: 1 }),
};
export type Theme = keyof typeof THEMES;
export const themes = Object.keys(THEMES) as Theme[];

function uniqueParts(parts: readonly (string | Json)[]): (string | Json)[] {
  const seen = new Set<unknown>();
  return parts.filter((part) => {
    const name = typeof part === 'string' ? part : part['epcClass'];
    if (seen.has(name)) return false;
    seen.add(name);
    return true;
  });
}

/** Which of the events get a twin, which are declared erroneous, and how. */
export type Story = { readonly events: readonly Json[]; readonly declarations: readonly Json[] };

/** What an event says without its eventID; equal where events are the same (design.md §3), for the order of a list says nothing. */
export function contentOf(event: Json): string {
  const sorted = (value: unknown): unknown => (Array.isArray(value) ? value.map((one) => JSON.stringify(one)).sort() : value);
  const members = Object.entries(event).filter(([name]) => name !== 'eventID');
  return JSON.stringify(Object.fromEntries(members.map(([name, value]) => [name, sorted(value)])));
}

const contentHash = (json: Json): number => {
  let hash = 7;
  for (const character of contentOf(json)) hash = (hash * 31 + (character.codePointAt(0) as number)) % 1_000_003;
  return hash;
};

/** Gives eventIDs: every fourth content goes without, the others have one each, so that equal contents become twins or one event. */
function identified(events: readonly Json[]): Json[] {
  return events.map((json, i) => (contentHash(json) % 4 === 0 ? json : withID(json, i + 1)));
}

export const story = (o: { theme?: Theme; min?: number; max?: number; declarations?: number } = {}): fc.Arbitrary<Story> =>
  fc
    .record({
      events: fc.array(THEMES[o.theme ?? 'everything'], { minLength: o.min ?? 3, maxLength: o.max ?? (o.theme === 'use' ? 8 : 14) }),
      twins: fc.array(fc.nat(), { maxLength: 2 }),
      declared: fc.array(fc.record({ of: fc.nat(), by: pick(['id', 'hash', 'content']) }), { maxLength: o.declarations ?? 2 }),
    })
    .map(({ events, twins, declared }) => {
      const plain = events.map((json) => JSON.parse(JSON.stringify(json)) as Json);
      const all = identified([...plain, ...twins.map((n) => plain[n % plain.length] as Json)]);
      const declarations = declared.map(({ of, by }, i) => {
        const wrong = all[of % all.length] as Json;
        const { eventID: _, ...content } = wrong;
        if (by === 'hash') return declareError(content, { at: 100 + i });
        // Content that is not that of the event it voids is flagged, and voids it all the same.
        if (by === 'content' && 'eventID' in wrong) return declareError({ ...wrong, disposition: 'unknown' }, { at: 100 + i });
        return declareError(wrong, { at: 100 + i });
      });
      return { events: all, declarations };
    });

/** A stream cut up anew: in any order, into documents, and those into transactions. */
export const anyArrival = fc.record({
  order: fc.array(fc.nat({ max: 1_000_000 }), { minLength: 24, maxLength: 24 }),
  documents: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 24, maxLength: 24 }),
  groups: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 24, maxLength: 24 }),
});
export type Arrival = { order: number[]; documents: number[]; groups: number[] };

/** Transactions of documents of events. */
export function arrive(events: readonly Json[], arrival: Arrival): Json[][][] {
  const order = events.map((json, i) => ({ json, key: arrival.order[i % arrival.order.length] as number, i }));
  order.sort((a, b) => a.key - b.key || a.i - b.i);
  const cut = <T>(list: readonly T[], sizes: readonly number[]): T[][] => {
    const parts: T[][] = [];
    for (let from = 0, n = 0; from < list.length; n++) {
      const size = sizes[n % sizes.length] as number;
      parts.push(list.slice(from, from + size));
      from += size;
    }
    return parts;
  };
  return cut(
    cut(
      order.map((o) => o.json),
      arrival.documents,
    ),
    arrival.groups,
  );
}
