import { type Agenda, openAgenda } from './agenda.ts';
import { type Defect, type DefectKind, type PackStatus, STATUSES } from './answer-key.ts';
import { DAY, WORLD_START } from './clock.ts';
import { type Deal, documentText, type EventMembers, eventText, type Party, type WorldDocument } from './document.ts';
import { lgtin, lotKey, type Sscc, sscc, type TradeItem, tradeItem } from './keys.ts';
import { openParties, type Parties } from './parties.ts';
import { openRandom, type Random } from './random.ts';
import { serialNumbers } from './serials.ts';
import type { WorldSize } from './size.ts';

/** A lot of bulk material and how much of it is left. Whole grams, so that balances are exact. */
export type Material = { readonly key: string; readonly epcClass: string; readonly name: string; leftGrams: number };

/** A packaging lot with the bookkeeping of its packs: three small numbers a pack, so that a million fit easily. */
export type PackLot = {
  readonly text: string;
  readonly key: string;
  readonly item: TradeItem;
  readonly caseItem: TradeItem;
  readonly expiry: string;
  readonly planned: number;
  /** Serials that the permutation did not give, by index of the pack. */
  readonly oddSerials: Map<number, string>;
  readonly firstCounter: number;
  readonly status: Uint8Array;
  readonly holder: Uint16Array;
  readonly observed: Uint8Array;
  readonly defects: Map<DefectKind, Defect>;
};
export type PackCase = { readonly lot: PackLot; readonly serial: string; packs: number[] };
export type Pallet = { readonly unit: Sscc; readonly cases: PackCase[] };

export type Product = {
  readonly name: string;
  readonly api: TradeItem;
  readonly granulate: TradeItem;
  readonly blend: TradeItem;
  readonly core: TradeItem;
  readonly coated: TradeItem;
  readonly bulk: TradeItem;
  readonly rework: TradeItem;
  /** One pack and its case a market. */
  readonly markets: readonly { pack: TradeItem; case: TradeItem }[];
};

export type Batch = {
  readonly number: number;
  readonly start: number;
  readonly product: Product;
  readonly maker: Party;
  readonly packager: Party;
  readonly lots: PackLot[];
  readonly defects: Map<DefectKind, Defect>;
};

/** An event as written: its true time, its bytes, and the defect that it shows. */
export type Written = { readonly id: string; readonly at: number; readonly text: string; readonly shows?: Defect };

/** Everything that the parts of a seeded world share while it runs. */
export type SeededWorld = {
  readonly seed: number;
  readonly size: WorldSize;
  readonly random: Random;
  readonly agenda: Agenda;
  readonly parties: Parties;
  readonly products: readonly Product[];
  readonly excipients: readonly TradeItem[];
  readonly batches: Batch[];
  readonly lots: PackLot[];
  readonly raws: Material[];
  /** Lineage: from the key of an input to the keys of its outputs. */
  readonly lineage: Map<string, Set<string>>;
  /** Milled rejects that the next blend takes up. */
  readonly toRework: { product: Product; material: Material }[];
  /** What is left in a drum that a batch weeks later uses up. */
  readonly partialDrums: Material[];
  readonly defects: Defect[];
  /** Defects of distribution that wait for their occasion. */
  readonly waiting: Set<DefectKind>;
  /** Written but not yet sent, by who sends it at the end of the day. */
  readonly outboxes: Map<Party, Written[]>;
  readonly ready: WorldDocument[];
  readonly counts: {
    documents: number;
    events: number;
    bytes: number;
    cases: number;
    logisticUnits: number;
    rawLots: number;
    deals: number;
  };
  readonly eventID: () => string;
  readonly serialOf: (item: TradeItem) => (counter: number) => string;
  readonly counters: Map<string, number>;
};

/** Batches begin over twelve weeks; every fourth is of the same product and maker, so a drum may wait eight weeks for the next. */
const SPAN = 84 * DAY;
const LOTS_OF_BATCH = [2, 3, 1, 2] as const;
const BIG_BATCH = 8;

/** Bulk that a pack takes. */
export const GRAMS_PER_PACK = 8;

/** Which lot shows which defect of the line; lots between them stay clean. */
const DEFECT_OF_LOT: Record<number, DefectKind> = {
  1: 'interleaved-lots',
  3: 'repost',
  4: 'out-of-order',
  5: 'clock-hour',
  6: 'power-loss',
  7: 'lot-trailing-space',
  8: 'sscc-twice',
  9: 'child-in-two-cases',
  10: 'case-one-short',
  11: 'reject-put-back',
  12: 'over-midnight',
  13: 'test-serials',
  14: 'expiry-day-00',
  15: 'rework-same-lot',
  16: 'rework-other-lot',
  20: 'no-offset',
  21: 'unknown-child',
};
const DEFECT_OF_BATCH: Record<number, DefectKind> = { 4: 'output-before-input', 5: 'rework-loop', 6: 'overuse' };
const DEFECTS_OF_TRADE: readonly DefectKind[] = [
  'clock-minutes',
  'lower-case-serials',
  'container-cycle',
  'not-a-child',
  'declared-error',
  'late-event',
];

const VERDICTS: Record<DefectKind, Pick<Defect, 'verdict' | 'code' | 'also'>> = {
  repost: { verdict: 'stored-once', code: 'EV-DUP' },
  'out-of-order': { verdict: 'finding', code: 'EV-LATE' },
  'clock-hour': { verdict: 'unremarked', code: null },
  'clock-minutes': { verdict: 'unremarked', code: null },
  'no-offset': { verdict: 'refused', code: 'EV-TIMEZONE' },
  'sscc-twice': { verdict: 'finding', code: 'SN-DUP', also: ['AGG-REUSED'] },
  'child-in-two-cases': { verdict: 'finding', code: 'AGG-DOUBLE' },
  'case-one-short': { verdict: 'batch-check', code: 'AGG-COUNT' },
  'reject-put-back': { verdict: 'finding', code: 'SN-AFTER-END' },
  'over-midnight': { verdict: 'unremarked', code: null },
  'lot-trailing-space': { verdict: 'unremarked', code: null },
  'lower-case-serials': { verdict: 'finding', code: 'SN-UNKNOWN' },
  'test-serials': { verdict: 'unremarked', code: null },
  'expiry-day-00': { verdict: 'unremarked', code: null },
  'rework-same-lot': { verdict: 'finding', code: 'SN-DUP' },
  'rework-other-lot': { verdict: 'finding', code: 'SN-CONFLICT' },
  'interleaved-lots': { verdict: 'unremarked', code: null },
  'power-loss': { verdict: 'refused', code: 'EV-SYNTAX' },
  'container-cycle': { verdict: 'finding', code: 'AGG-CYCLE' },
  'not-a-child': { verdict: 'finding', code: 'AGG-NOTCHILD' },
  'unknown-child': { verdict: 'finding', code: 'AGG-UNKNOWN-CHILD' },
  'output-before-input': { verdict: 'finding', code: 'GEN-TIME' },
  overuse: { verdict: 'finding', code: 'GEN-OVERUSE' },
  'rework-loop': { verdict: 'finding', code: 'GEN-REWORK-LOOP' },
  'declared-error': { verdict: 'voided', code: null },
  'late-event': { verdict: 'finding', code: 'EV-LATE' },
};

/** Four products, their items numbered from 00100 on; what lies below belongs to scenario E-01. */
function openProducts(): Product[] {
  return ['Alorin', 'Bevatan', 'Cortamid', 'Dexoval'].map((name, i) => {
    const item = (step: number, what: string): TradeItem => tradeItem(0, `001${i}${step}`, what);
    return {
      name,
      api: item(0, `${name} active substance`),
      granulate: item(1, `${name} granulate`),
      blend: item(2, `${name} blend`),
      core: item(3, `${name} tablet cores`),
      coated: item(4, `${name} coated tablets`),
      bulk: item(5, `${name} bulk tablets`),
      rework: item(6, `${name} milled rejects`),
      markets: [7, 8, 9].map((step, market) => ({
        pack: item(step, `${name} 20 mg, pack of 30, market ${market + 1}`),
        case: tradeItem(1, `001${i}${step}`, `${name} 20 mg, case of packs, market ${market + 1}`),
      })),
    };
  });
}

const EXCIPIENTS = [
  'Lactose monohydrate',
  'Microcrystalline cellulose',
  'Maize starch',
  'Povidone',
  'Croscarmellose sodium',
  'Magnesium stearate',
];

/** Lays out a world: who there is, which batches run when, which lot shows which defect. Nothing has happened yet. */
export function openSeededWorld(seed: number, size: WorldSize): SeededWorld {
  const random = openRandom(seed, 'world');
  const permutations = new Map<string, (counter: number) => string>();
  const world: SeededWorld = {
    seed,
    size,
    random,
    agenda: openAgenda(),
    parties: openParties(random.fork('parties')),
    products: openProducts(),
    excipients: EXCIPIENTS.map((name, i) => tradeItem(0, `0019${i}`, name)),
    batches: [],
    lots: [],
    raws: [],
    lineage: new Map(),
    toRework: [],
    partialDrums: [],
    defects: [],
    waiting: new Set(DEFECTS_OF_TRADE),
    outboxes: new Map(),
    ready: [],
    counts: { documents: 0, events: 0, bytes: 0, cases: 0, logisticUnits: 0, rawLots: 0, deals: 0 },
    eventID: random.fork('eventID').uuid,
    serialOf: (item) => {
      const permutation = permutations.get(item.gtin) ?? serialNumbers(seed, item.gtin);
      permutations.set(item.gtin, permutation);
      return permutation;
    },
    counters: new Map(),
  };
  for (let i = 0; i < size.batches; i++) {
    const product = world.products[i % world.products.length]!;
    const packager = random.pick(world.parties.packagers);
    const batch: Batch = {
      number: i,
      start: WORLD_START + Math.floor((SPAN * i) / size.batches) + random.between(6, 10) * 3_600_000,
      product,
      maker: world.parties.makers[i % world.parties.makers.length]!,
      packager,
      lots: [],
      defects: new Map(),
    };
    const kind = DEFECT_OF_BATCH[i];
    if (kind) batch.defects.set(kind, openDefect(world, kind));
    const big = i === BIG_BATCH;
    const count = big ? 3 : LOTS_OF_BATCH[i % LOTS_OF_BATCH.length]!;
    for (let market = 0; market < count; market++) {
      const packs = big ? size.packsPerBigLot : random.between(...size.packsPerLot);
      const lot = openLot(world, packager, `L${world.lots.length + 1}`, product.markets[market]!, packs);
      batch.lots.push(lot);
      world.lots.push(lot);
    }
    world.batches.push(batch);
  }
  return world;
}

/** Test serials of an engineering run sit behind the lot's own packs. */
export const TEST_SERIALS = 20;

function openLot(world: SeededWorld, packager: Party, text: string, market: Product['markets'][number], planned: number): PackLot {
  const kind = DEFECT_OF_LOT[world.lots.length + 1];
  const all = planned + (kind === 'test-serials' ? TEST_SERIALS : 0);
  const month = String(1 + (world.lots.length % 12)).padStart(2, '0');
  const lot = bookLot(world, packager, text, market, all, kind === 'expiry-day-00' ? `2028-${month}-00` : `2028-${month}-28`, planned);
  if (kind) lot.defects.set(kind, openDefect(world, kind));
  return lot;
}

/** A lot with its books open: every pack Commissioned, at the packaging site, seen there. */
export function bookLot(
  world: SeededWorld,
  packager: Party,
  text: string,
  market: { pack: TradeItem; case: TradeItem },
  packs: number,
  expiry: string,
  planned = packs,
): PackLot {
  return {
    text,
    key: lotKey(market.pack, text),
    item: market.pack,
    caseItem: market.case,
    expiry,
    planned,
    oddSerials: new Map(),
    firstCounter: takeCounters(world, market.pack.gtin, packs),
    status: new Uint8Array(packs),
    holder: new Uint16Array(packs).fill(packager.index),
    observed: new Uint8Array(packs).fill(1),
    defects: new Map(),
  };
}

function openDefect(world: SeededWorld, kind: DefectKind): Defect {
  const defect: Defect = { kind, ...VERDICTS[kind], things: [], events: [], documents: [], note: '' };
  world.defects.push(defect);
  return defect;
}

/** The defect of this kind if it still waits for its occasion, which is now. */
export function occasion(world: SeededWorld, kind: DefectKind): Defect | undefined {
  return world.waiting.delete(kind) ? openDefect(world, kind) : undefined;
}

/** The first of so many counters that nobody else gets: serials of a GTIN, or logistic units. */
export function takeCounters(world: SeededWorld, of: string, count = 1): number {
  const first = world.counters.get(of) ?? 0;
  world.counters.set(of, first + count);
  return first;
}

/** A new logistic unit: extension digit 1 for pallets, 2 for totes. Scenario E-01 numbers its pallets under 0. */
export function nextUnit(world: SeededWorld, extension: 1 | 2): Sscc {
  world.counts.logisticUnits++;
  return sscc(extension, 1 + takeCounters(world, `00/${extension}`));
}

export const serialAt = (world: SeededWorld, lot: PackLot, index: number): string =>
  lot.oddSerials.get(index) ?? world.serialOf(lot.item)(lot.firstCounter + index);

export function openMaterial(world: SeededWorld, item: TradeItem, lot: string, grams = 0): Material {
  const material = { key: lotKey(item, lot), epcClass: lgtin(item, lot), name: `${item.name} ${lot}`, leftGrams: grams };
  world.lineage.set(material.key, new Set());
  return material;
}

/** Notes that every output descends from every input: full mixing (domain.md §10.3). */
export function descend(world: SeededWorld, inputs: readonly string[], outputs: readonly string[]): void {
  for (const input of inputs) {
    const reached = world.lineage.get(input);
    for (const output of outputs) reached?.add(output);
  }
}

/** The numbers of one sale. */
export function numbered(world: SeededWorld, deal: Omit<Deal, 'order' | 'advice'>): Deal {
  const number = ++world.counts.deals;
  return { ...deal, order: `${deal.returned ? 'RMA' : 'PO'}-${number}`, advice: `DA-${number}` };
}

/** What the packs are, with whom, and how it is known, from here on; what is not named stays. */
export function mark(lot: PackLot, packs: readonly number[], to: { status?: PackStatus; holder?: Party; observed: boolean }): void {
  const status = to.status === undefined ? -1 : STATUSES.indexOf(to.status);
  const holder = to.holder?.index ?? -1;
  const observed = to.observed ? 1 : 0;
  for (const pack of packs) {
    if (status >= 0) lot.status[pack] = status;
    if (holder >= 0) lot.holder[pack] = holder;
    lot.observed[pack] = observed;
  }
}

/** Writes an event as the party's system would; the defect that it shows learns its id when it is sent. */
export function write(world: SeededWorld, by: Party, type: string, at: number, members: EventMembers, shows?: Defect): Written {
  return writeAs(world.eventID(), by, type, at, members, shows);
}

/** The same under an eventID of one's own: an error declaration repeats that of the event it voids. */
export function writeAs(id: string, by: Party, type: string, at: number, members: EventMembers, shows?: Defect): Written {
  return { id, at, text: eventText(by, type, at, id, members), ...(shows && { shows }) };
}

type Post = { slug: string; note: string; events: readonly Written[]; masterData?: EventMembers };

/** Sends a document now and tells its name and text. */
export function post(world: SeededWorld, sender: Party, at: number, { slug, note, events, masterData }: Post): WorldDocument {
  const document = hand(
    world,
    slug,
    note,
    documentText(
      sender,
      at,
      events.map((one) => one.text),
      masterData,
    ),
  );
  world.counts.events += events.length;
  for (const { id, shows } of events) {
    if (!shows) continue;
    shows.events.push(id);
    if (!shows.documents.includes(document.name)) shows.documents.push(document.name);
  }
  return document;
}

/** Hands out a text under the next name, whatever it is: a broken half, or the same once more. Its events do not count. */
export function hand(world: SeededWorld, slug: string, note: string, text: string): WorldDocument {
  const number = String(++world.counts.documents).padStart(6, '0');
  const document = { name: `world-${number}-${slug}.json`, text, note };
  world.counts.bytes += Buffer.byteLength(text);
  world.ready.push(document);
  return document;
}

/** Lays an event ready for the sender's document of the day. */
export function lay(world: SeededWorld, sender: Party, ...events: Written[]): void {
  const box = world.outboxes.get(sender);
  if (box) box.push(...events);
  else world.outboxes.set(sender, [...events]);
}

/** Events of one document of the day; a busier day is sent in parts. */
const EVENTS_PER_DOCUMENT = 2000;

/** Everybody sends what the day brought: wholesalers first, so that a delivery is known before its receipt. */
export function sendOutboxes(world: SeededWorld, at: number): void {
  for (const [sender, box] of [...world.outboxes].sort(([a], [b]) => a.index - b.index)) {
    for (let first = 0; first < box.length; first += EVENTS_PER_DOCUMENT) {
      const events = box.slice(first, first + EVENTS_PER_DOCUMENT);
      const slug = sender.kind === 'wholesaler' ? 'wholesaler' : 'pharmacies';
      post(world, sender, at, { slug, note: `${sender.name}: ${events.length} events of the day.`, events });
    }
  }
  world.outboxes.clear();
}
