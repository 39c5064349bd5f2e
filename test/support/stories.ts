import fc from 'fast-check';
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
const PACKS = Array.from({ length: 7 }, (_, i) => packOf(i + 1));
const CASES = [1, 2, 3].map(caseOf);
const PALLETS = [palletOf(1), palletOf(2)];
const CONTAINERS = [...CASES, ...PALLETS];
const THINGS = [...PACKS, ...CONTAINERS];
const LOTS = ['L1', 'L2'];
const MATERIALS = [lotOf('L1'), lotOf('L2'), lotOf('R1', 12), lotOf('R2', 12)];

const pick = <T>(list: readonly T[]) => fc.constantFrom(...list);
const some = <T>(list: readonly T[], max = 3) => fc.uniqueArray(pick(list), { minLength: 1, maxLength: max });
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
const quantity = fc
  .record({ of: pick(MATERIALS), amount: pick([1, 2, 5]), uom: pick([undefined, 'KGM', 'GRM']) })
  .map((q) => quantityOf(q.of, q.amount, q.uom));
const lot = pick([undefined, ...LOTS]);
const named = <T extends object>(o: T): T => Object.fromEntries(Object.entries(o).filter(([, v]) => v !== undefined)) as T;

/** One event of any kind. */
export const anyEvent: fc.Arbitrary<Json> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(at, some(THINGS, 4), lot, expiry, place)
      .map(([t, e, l, x, p]) => commission(t, e, named({ lot: l, expiry: x, ...p }) as object)),
  },
  { weight: 5, arbitrary: fc.tuple(at, pick(CONTAINERS), some(THINGS), place).map(([t, p, c, w]) => pack(t, p, c, w)) },
  // As it should be: packs into cases, cases onto pallets.
  { weight: 3, arbitrary: fc.tuple(at, pick(CASES), some(PACKS, 4), place).map(([t, p, c, w]) => pack(t, p, c, w)) },
  { weight: 3, arbitrary: fc.tuple(at, pick(PALLETS), some(CASES), place).map(([t, p, c, w]) => pack(t, p, c, w)) },
  { weight: 4, arbitrary: fc.tuple(at, pick(CONTAINERS), some(THINGS), place).map(([t, p, c, w]) => unpack(t, p, c, w)) },
  { weight: 4, arbitrary: fc.tuple(at, pick(CONTAINERS), place).map(([t, p, w]) => unpackAll(t, p, w)) },
  { weight: 1, arbitrary: fc.tuple(at, pick(CONTAINERS), some(THINGS), place).map(([t, p, c, w]) => lookInto(t, p, c, w)) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(at, fc.oneof(some(THINGS), some(CONTAINERS, 1)), site)
      .map(([t, e, s]) => ship(t, e, named({ from: 1, to: 2, site: s }) as object)),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(at, some(THINGS), site, pick([2, 3]))
      .map(([t, e, s, to]) => receive(t, e, named({ from: 1, to, site: s }) as object)),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(at, some(THINGS), place)
      .map(([t, e, w]) =>
        voidShipping(t, e, w.site === undefined ? {} : { bizLocation: { id: `urn:epc:id:sgln:9520123.0000${w.site}.0` } }),
      ),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        at,
        some(THINGS),
        pick(['inspecting', 'holding', 'storing', 'sampling', 'dispensing']),
        pick([undefined, 'in_progress', 'recalled']),
        place,
        persistent,
      )
      .map(([t, e, step, disposition, p, more]) => observe(t, e, named({ step, disposition, ...p }) as object, more)),
  },
  { weight: 2, arbitrary: fc.tuple(at, some(THINGS, 2)).map(([t, e]) => destroy(t, e)) },
  { weight: 1, arbitrary: fc.tuple(at, some(THINGS, 2)).map(([t, e]) => decommission(t, e)) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(at, some(THINGS, 2), pick([undefined, 'dispensing', 'shipping']))
      .map(([t, e, step]) => transact(t, e, named({ step }) as object)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(at, pick(CONTAINERS), some([...PACKS, sensorOf(1), sensorOf(2)], 2)).map(([t, p, c]) => associate(t, p, c)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(at, pick(CONTAINERS), fc.option(some([...PACKS, sensorOf(1)], 2), { nil: [] }))
      .map(([t, p, c]) => dissociate(t, p, c)),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        at,
        fc.array(fc.oneof(quantity, pick(PACKS)), { maxLength: 2 }),
        fc.array(fc.oneof(quantity, pick(PACKS)), { maxLength: 2 }),
        pick([undefined, 'T1', 'T2']),
        lot,
        expiry,
      )
      .map(([t, i, o, id, l, x]) => {
        const inputs = uniqueParts(i);
        const outputs = uniqueParts(o);
        if (inputs.length + outputs.length === 0) inputs.push(quantityOf(MATERIALS[2] as string, 1, 'KGM'));
        const whole = id === undefined && (inputs.length === 0 || outputs.length === 0);
        const of = whole ? 'T1' : id;
        return transform(
          t,
          inputs,
          outputs,
          named({
            id: of && `urn:epc:id:gdti:9520123.00001.${of}`,
            lot: outputs.length > 0 ? l : undefined,
            expiry: outputs.length > 0 ? x : undefined,
          }) as object,
        );
      }),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(at, some(MATERIALS, 2), pick(['receiving', 'shipping', 'holding', 'storing']), pick(['OBSERVE', 'ADD', 'DELETE']), persistent)
      .map(([t, of, step, action, more]) =>
        observeLot(
          t,
          of.map((m) => quantityOf(m, 3, 'KGM')),
          { step, action },
          more,
        ),
      ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(at, pick(CONTAINERS), pick(['ADD', 'DELETE']), quantity).map(
      ([t, p, action, q]): Json => ({
        ...(action === 'ADD' ? pack(t, p, []) : unpackAll(t, p)),
        childEPCs: undefined,
        childQuantityList: [q],
      }),
    ),
  },
);

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

const contentHash = (json: Json): number => {
  let hash = 7;
  for (const character of JSON.stringify(json)) hash = (hash * 31 + (character.codePointAt(0) as number)) % 1_000_003;
  return hash;
};

/** Gives eventIDs: every fourth content goes without, the others have one each, so that equal contents become twins or one event. */
function identified(events: readonly Json[]): Json[] {
  return events.map((json, i) => (contentHash(json) % 4 === 0 ? json : withID(json, i + 1)));
}

export const story = (o: { min?: number; max?: number; declarations?: number } = {}): fc.Arbitrary<Story> =>
  fc
    .record({
      events: fc.array(anyEvent, { minLength: o.min ?? 3, maxLength: o.max ?? 14 }),
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
