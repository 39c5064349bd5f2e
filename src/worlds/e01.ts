import type { E01Key, HolderCount, PackStatus } from './answer-key.ts';
import { DAY, HOUR, MINUTE, WORLD_START } from './clock.ts';
import {
  type Deal,
  dealt,
  documentText,
  type EventMembers,
  eventText,
  ilmd,
  masterData,
  type Party,
  type PartyKind,
  placed,
  type WorldDocument,
} from './document.ts';
import { lgtin, lotKey, partyKey, sgtin, sgtinKey, sscc, ssccEpc, ssccKey, type TradeItem, tradeItem } from './keys.ts';
import { openRandom } from './random.ts';
import { serialNumbers } from './serials.ts';

const SEED = 1;
const COMMISSIONED = 4020;
const SAMPLED = 12;
const DESTROYED = 8;
const PER_CASE = 80;
const PALLETS = [48, 2] as const;
const PER_EVENT = 500;
const BROKEN_CASES = 3;
const SHIPPED_TO_PHARMACY = 100;
const EXPIRY = '2028-02-29';

const party = (
  index: number,
  location: string,
  kind: PartyKind,
  name: string,
  city: string,
  country: string,
  zone: Party['zone'],
): Party => ({
  index,
  location,
  name,
  kind,
  city,
  country,
  zone,
  spelling: 'urn',
  zulu: false,
  skewMs: 0,
});

const MAKER = party(0, '00001', 'maker', 'Maker M', 'Basel', 'CH', 'Europe/Zurich');
const SUPPLIER_1 = party(1, '00002', 'supplier', 'API supplier S1', 'Hyderabad', 'IN', 'Asia/Kolkata');
const SUPPLIER_2 = party(2, '00003', 'supplier', 'Excipient supplier S2', 'Freiburg', 'DE', 'Europe/Zurich');
const SUPPLIER_3 = party(3, '00004', 'supplier', 'Excipient supplier S3', 'Lyon', 'FR', 'Europe/Zurich');
const WHOLESALER = party(4, '00005', 'wholesaler', 'Wholesaler W', 'Bern', 'CH', 'Europe/Zurich');
const PHARMACY = party(5, '00006', 'pharmacy', 'Pharmacy P', 'Thun', 'CH', 'Europe/Zurich');
const CUSTOMER = party(6, '00007', 'customer', 'Export customer X', 'Bogota', 'CO', 'America/Bogota');
const PARTIES = [MAKER, SUPPLIER_1, SUPPLIER_2, SUPPLIER_3, WHOLESALER, PHARMACY, CUSTOMER];

const ITEMS = {
  R1: tradeItem(0, '00031', 'Active substance'),
  R2: tradeItem(0, '00032', 'Lactose monohydrate'),
  R3: tradeItem(0, '00033', 'Magnesium stearate'),
  blend: tradeItem(0, '00021', 'Blend'),
  tablets: tradeItem(0, '00022', 'Tablets, compressed'),
  bulk: tradeItem(0, '00023', 'Tablets, bulk'),
  pack: tradeItem(0, '00011', 'Tablets 10 mg, pack of 30'),
  case: tradeItem(1, '00011', 'Tablets 10 mg, case of 80 packs'),
};

const LOTS: Record<keyof E01Key['lots'], { item: TradeItem; lot: string }> = {
  R1: { item: ITEMS.R1, lot: 'R1' },
  R2: { item: ITEMS.R2, lot: 'R2' },
  R3: { item: ITEMS.R3, lot: 'R3' },
  B1: { item: ITEMS.blend, lot: 'B1' },
  C1: { item: ITEMS.tablets, lot: 'C1' },
  C2: { item: ITEMS.tablets, lot: 'C2' },
  K1: { item: ITEMS.bulk, lot: 'K1' },
  L1: { item: ITEMS.pack, lot: 'L1' },
};
const amount = (name: keyof E01Key['lots'], quantity: number, uom?: 'KGM'): EventMembers => ({
  epcClass: lgtin(LOTS[name].item, LOTS[name].lot),
  quantity,
  ...(uom && { uom }),
});

/** Who ends up where, decided before the first event is written: documents and key are two views of it. */
function plan() {
  const random = openRandom(SEED, 'E-01');
  const serialOf = serialNumbers(SEED, ITEMS.pack.gtin);
  const caseSerialOf = serialNumbers(SEED, ITEMS.case.gtin);
  const packs = Array.from({ length: COMMISSIONED }, (_, i) => serialOf(i));
  const out = new Set<number>();
  while (out.size < SAMPLED + DESTROYED) out.add(random.below(COMMISSIONED));
  const [...taken] = out;
  const sampled = taken.slice(0, SAMPLED).sort((a, b) => a - b);
  const destroyed = taken.slice(SAMPLED).sort((a, b) => a - b);
  const good = packs.filter((_, i) => !out.has(i));
  const cases = Array.from({ length: good.length / PER_CASE }, (_, i) => ({
    serial: caseSerialOf(i),
    packs: good.slice(i * PER_CASE, (i + 1) * PER_CASE),
  }));
  const pallets = PALLETS.map((count, i) => ({ unit: sscc(0, 1 + i), cases: cases.slice(i * PALLETS[0], i * PALLETS[0] + count) }));
  // Three cases from the middle of the pallet; the pharmacy's hundred are the first case and part of the second.
  const broken = cases.slice(20, 20 + BROKEN_CASES);
  const loose = broken.flatMap((one) => one.packs);
  return {
    packs,
    sampled: sampled.map((i) => packs[i]!),
    destroyed: destroyed.map((i) => packs[i]!),
    cases,
    pallets,
    broken,
    atPharmacy: loose.slice(0, SHIPPED_TO_PHARMACY),
    looseAtWholesaler: loose.slice(SHIPPED_TO_PHARMACY),
    eventID: random.fork('eventID').uuid,
  };
}

type Written = { step: string; id: string; at: number; text: string };

/** Scenario E-01 (domain.md §20), from powder to pharmacy: every event with its step, grouped into documents. */
function* steps(): Generator<{ slug: string; note: string; sender: Party; header?: EventMembers; events: Written[] }> {
  const world = plan();
  const write = (step: string, by: Party, type: string, at: number, members: EventMembers): Written => {
    const id = world.eventID();
    return { step, id, at, text: eventText(by, type, at, id, members) };
  };
  const day = (n: number, hour: number): number => WORLD_START + n * DAY + hour * HOUR;
  const packEpcs = (serials: readonly string[]): string[] => serials.map((serial) => sgtin(ITEMS.pack, serial));
  const caseEpcs = (list: readonly { serial: string }[]): string[] => list.map((one) => sgtin(ITEMS.case, one.serial));
  const deal = (from: Party, to: Party, number: number): Deal => ({
    owner: from,
    from,
    fromPlace: from,
    to,
    toPlace: to,
    order: `PO-${number}`,
    advice: `DA-${number}`,
  });

  const raw = [
    { name: 'R1', from: SUPPLIER_1, kilograms: 25 },
    { name: 'R2', from: SUPPLIER_2, kilograms: 80 },
    { name: 'R3', from: SUPPLIER_3, kilograms: 5 },
  ] as const;
  const header = masterData(
    PARTIES,
    Object.entries(ITEMS).map(([name, item]) => ({
      item,
      maker: name === 'R1' ? SUPPLIER_1 : name === 'R2' ? SUPPLIER_2 : name === 'R3' ? SUPPLIER_3 : MAKER,
    })),
  );
  for (const [i, { name, from, kilograms }] of raw.entries())
    yield {
      slug: `receive-${name.toLowerCase()}`,
      note: `Maker M receives ${kilograms} kg of raw lot ${name} from ${from.name}.`,
      sender: MAKER,
      ...(i === 0 && { header }),
      events: [
        write(`receive ${name}`, MAKER, 'ObjectEvent', day(0, 8 + i), {
          action: 'OBSERVE',
          bizStep: 'receiving',
          disposition: 'in_progress',
          quantityList: [amount(name, kilograms, 'KGM')],
          ...placed(MAKER, 'GOODSIN'),
          ...dealt(MAKER, deal(from, MAKER, 1001 + i)),
        }),
      ],
    };

  const make = (
    step: string,
    at: number,
    spot: string,
    inputs: EventMembers[],
    outputs: EventMembers[],
    more: EventMembers = {},
  ): Written =>
    write(step, MAKER, 'TransformationEvent', at, {
      inputQuantityList: inputs,
      outputQuantityList: outputs,
      ...more,
      bizStep: 'creating_class_instance',
      disposition: 'in_progress',
      ...placed(MAKER, spot),
    });
  yield {
    slug: 'blend',
    note: 'Raw lots R1, R2 and R3 become blend B1, 100 kg.',
    sender: MAKER,
    events: [
      make(
        'blend',
        day(2, 9),
        'BLENDER',
        [amount('R1', 20, 'KGM'), amount('R2', 78, 'KGM'), amount('R3', 2, 'KGM')],
        [amount('B1', 100, 'KGM')],
      ),
    ],
  };
  yield {
    slug: 'compress',
    note: 'Blend B1 is compressed in two sublots, C1 and C2.',
    sender: MAKER,
    events: [make('compress', day(3, 9), 'PRESS', [amount('B1', 100, 'KGM')], [amount('C1', 50, 'KGM'), amount('C2', 50, 'KGM')])],
  };
  yield {
    slug: 'bulk',
    note: 'Sublots C1 and C2 are joined as bulk K1.',
    sender: MAKER,
    events: [make('bulk', day(4, 9), 'BULK', [amount('C1', 50, 'KGM'), amount('C2', 50, 'KGM')], [amount('K1', 100, 'KGM')])],
  };
  const lineStart = day(7, 7);
  yield {
    slug: 'package',
    note: 'Bulk K1 is packaged as lot L1: 4,020 packs.',
    sender: MAKER,
    events: [
      make('package', lineStart, 'LINE1', [amount('K1', 100, 'KGM')], [amount('L1', COMMISSIONED)], {
        transformationID: 'urn:epcglobal:cbv:xform:9520123000011:PKG-L1',
      }),
    ],
  };

  const commissioned: Written[] = [];
  for (let first = 0; first < COMMISSIONED; first += PER_EVENT)
    commissioned.push(
      write('commission packs', MAKER, 'ObjectEvent', lineStart + (1 + first / PER_EVENT) * 10 * MINUTE, {
        action: 'ADD',
        bizStep: 'commissioning',
        disposition: 'active',
        epcList: packEpcs(world.packs.slice(first, first + PER_EVENT)),
        ...placed(MAKER, 'LINE1'),
        ...ilmd('L1', EXPIRY),
      }),
    );
  yield { slug: 'commission', note: 'The line commissions 4,020 packs of lot L1.', sender: MAKER, events: commissioned };

  const afterRun = lineStart + 2 * HOUR;
  yield {
    slug: 'sample-and-destroy',
    note: 'Twelve packs are taken as samples, eight are destroyed on the line.',
    sender: MAKER,
    events: [
      write('sample', MAKER, 'ObjectEvent', afterRun, {
        action: 'OBSERVE',
        bizStep: 'sampling',
        disposition: 'active',
        epcList: packEpcs(world.sampled),
        ...placed(MAKER, 'LINE1'),
      }),
      write('destroy', MAKER, 'ObjectEvent', afterRun + 5 * MINUTE, {
        action: 'DELETE',
        bizStep: 'destroying',
        disposition: 'destroyed',
        epcList: packEpcs(world.destroyed),
        ...placed(MAKER, 'LINE1'),
      }),
    ],
  };

  yield {
    slug: 'pack-cases',
    note: 'The 4,000 good packs go into 50 cases of 80.',
    sender: MAKER,
    events: [
      write('commission cases', MAKER, 'ObjectEvent', afterRun + 10 * MINUTE, {
        action: 'ADD',
        bizStep: 'commissioning',
        disposition: 'active',
        epcList: caseEpcs(world.cases),
        ...placed(MAKER, 'LINE1'),
      }),
      ...world.cases.map((one, i) =>
        write('pack case', MAKER, 'AggregationEvent', afterRun + (15 + i) * MINUTE, {
          parentID: sgtin(ITEMS.case, one.serial),
          childEPCs: packEpcs(one.packs),
          action: 'ADD',
          bizStep: 'packing',
          disposition: 'in_progress',
          ...placed(MAKER, 'LINE1'),
        }),
      ),
    ],
  };
  const palletized = afterRun + 2 * HOUR;
  yield {
    slug: 'pack-pallets',
    note: 'Pallet 1 takes 48 cases, pallet 2 the last 2.',
    sender: MAKER,
    events: world.pallets.flatMap((pallet, i) => [
      write('commission pallet', MAKER, 'ObjectEvent', palletized + i * 10 * MINUTE, {
        action: 'ADD',
        bizStep: 'commissioning',
        disposition: 'active',
        epcList: [ssccEpc(pallet.unit)],
        ...placed(MAKER, 'LINE1'),
      }),
      write('pack pallet', MAKER, 'AggregationEvent', palletized + (i * 10 + 5) * MINUTE, {
        parentID: ssccEpc(pallet.unit),
        childEPCs: caseEpcs(pallet.cases),
        action: 'ADD',
        bizStep: 'packing',
        disposition: 'in_progress',
        ...placed(MAKER, 'LINE1'),
      }),
    ]),
  };

  function* handOver(
    what: string,
    epcList: string[],
    sale: Deal,
    shipped: number,
    received: number,
    slug: string,
  ): ReturnType<typeof steps> {
    yield {
      slug: `ship-${slug}`,
      note: `${sale.from.name} ships ${what} to ${sale.to.name}.`,
      sender: sale.from,
      events: [
        write(`ship ${slug}`, sale.from, 'ObjectEvent', shipped, {
          action: 'OBSERVE',
          bizStep: 'shipping',
          disposition: 'in_transit',
          epcList,
          ...placed(sale.from, 'DOCK', false),
          ...dealt(sale.from, sale),
        }),
      ],
    };
    yield {
      slug: `receive-${slug}`,
      note: `${sale.to.name} receives ${what}.`,
      sender: sale.to,
      events: [
        write(`receive ${slug}`, sale.to, 'ObjectEvent', received, {
          action: 'OBSERVE',
          bizStep: 'receiving',
          disposition: 'sellable_not_accessible',
          epcList,
          ...placed(sale.to, 'DOCK'),
          ...dealt(sale.to, sale),
        }),
      ],
    };
  }
  const [pallet1, pallet2] = world.pallets as [(typeof world.pallets)[number], (typeof world.pallets)[number]];
  yield* handOver('pallet 1', [ssccEpc(pallet1.unit)], deal(MAKER, WHOLESALER, 2001), day(10, 13), day(11, 6), 'pallet-1');
  yield* handOver('pallet 2', [ssccEpc(pallet2.unit)], deal(MAKER, CUSTOMER, 2002), day(11, 9), day(18, 15), 'pallet-2');

  const broke = day(21, 8);
  yield {
    slug: 'break-cases',
    note: 'Wholesaler W takes three cases off the pallet and opens them, 240 packs.',
    sender: WHOLESALER,
    events: [
      write('unpack pallet', WHOLESALER, 'AggregationEvent', broke, {
        parentID: ssccEpc(pallet1.unit),
        childEPCs: caseEpcs(world.broken),
        action: 'DELETE',
        bizStep: 'unpacking',
        disposition: 'in_progress',
        ...placed(WHOLESALER, 'PICKING'),
      }),
      ...world.broken.map((one, i) =>
        write('unpack case', WHOLESALER, 'AggregationEvent', broke + (10 + i) * MINUTE, {
          parentID: sgtin(ITEMS.case, one.serial),
          childEPCs: packEpcs(one.packs),
          action: 'DELETE',
          bizStep: 'unpacking',
          disposition: 'in_progress',
          ...placed(WHOLESALER, 'PICKING'),
        }),
      ),
    ],
  };
  yield* handOver(
    '100 packs, each by its own number',
    packEpcs(world.atPharmacy),
    deal(WHOLESALER, PHARMACY, 3001),
    day(22, 13),
    day(23, 7),
    'pharmacy',
  );
}

/**
 * Scenario E-01 of domain.md §20 as documents in capture order, the same bytes always.
 *
 *     for (const { name, text } of e01()) await capture(name, text);
 */
export function* e01(): Generator<WorldDocument> {
  let number = 0;
  for (const { slug, note, sender, header, events } of steps()) {
    number++;
    const created = events[events.length - 1]!.at + MINUTE;
    yield {
      name: `e01-${String(number).padStart(4, '0')}-${slug}.json`,
      text: documentText(
        sender,
        created,
        events.map((one) => one.text),
        header,
      ),
      note,
    };
  }
}

/** What must be answered about E-01: the counts that design.md §7 fixes, and the things by name. */
export function e01Key(): E01Key {
  const world = plan();
  const key = (serial: string): string => sgtinKey(ITEMS.pack, serial);
  const counts = new Map<PackStatus, number>();
  const holders = new Map<Party, HolderCount>();
  const put = (at: Party, status: PackStatus, observed: boolean): void => {
    counts.set(status, (counts.get(status) ?? 0) + 1);
    const holder = holders.get(at) ?? { holder: partyKey(at.location), name: at.name, count: 0, observed: 0, inferred: 0 };
    holder.count++;
    if (observed) holder.observed++;
    else holder.inferred++;
    holders.set(at, holder);
  };
  const byItself = new Map<string, { at: Party; status: PackStatus }>();
  for (const serial of world.sampled) byItself.set(serial, { at: MAKER, status: 'Sampled' });
  for (const serial of world.destroyed) byItself.set(serial, { at: MAKER, status: 'Destroyed' });
  for (const serial of world.looseAtWholesaler) byItself.set(serial, { at: WHOLESALER, status: 'Received' });
  for (const serial of world.atPharmacy) byItself.set(serial, { at: PHARMACY, status: 'Received' });
  const withPallet = new Map<string, Party>();
  for (const [i, pallet] of world.pallets.entries())
    for (const one of pallet.cases) for (const serial of one.packs) withPallet.set(serial, i === 0 ? WHOLESALER : CUSTOMER);
  for (const serial of world.packs) {
    const own = byItself.get(serial);
    if (own) put(own.at, own.status, true);
    else put(withPallet.get(serial)!, 'Received', false);
  }
  const byHolder = [...holders.values()].sort((a, b) => b.count - a.count);
  const total = (of: 'count' | 'observed' | 'inferred'): number => byHolder.reduce((sum, one) => sum + one[of], 0);

  const events: Record<string, string[]> = {};
  for (const { events: written } of steps()) for (const { step, id } of written) events[step] = [...(events[step] ?? []), id];

  const sealed = world.pallets[0]!.cases.find((one) => !world.broken.includes(one))!;
  return {
    lots: Object.fromEntries(Object.entries(LOTS).map(([name, { item, lot }]) => [name, lotKey(item, lot)])) as E01Key['lots'],
    expiry: EXPIRY,
    numbers: {
      issued: 4200,
      returned: 150,
      scrappedLabels: 30,
      commissioned: world.packs.length,
      good: world.packs.length - world.sampled.length - world.destroyed.length,
    },
    packs: {
      total: total('count'),
      observed: total('observed'),
      inferred: total('inferred'),
      byStatus: [...counts].map(([status, count]) => ({ status, count })).sort((a, b) => b.count - a.count),
      byHolder,
    },
    sampled: world.sampled.map(key),
    destroyed: world.destroyed.map(key),
    cases: world.cases.map((one) => sgtinKey(ITEMS.case, one.serial)),
    brokenCases: world.broken.map((one) => sgtinKey(ITEMS.case, one.serial)),
    pallets: world.pallets.map((pallet) => ssccKey(pallet.unit)),
    atPharmacy: world.atPharmacy.map(key),
    looseAtWholesaler: world.looseAtWholesaler.map(key),
    onePackAtPharmacy: key(world.atPharmacy[0]!),
    oneSealedPack: key(sealed.packs[0]!),
    events,
  };
}
