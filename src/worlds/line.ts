import { offsetAt } from './clock.ts';
import { documentText, type EventMembers, eventText, ilmd, type Party, placed } from './document.ts';
import { lotKey, sgtin, sgtinKey, sscc, ssccEpc, ssccKey, type TradeItem, tradeItem } from './keys.ts';
import { openRandom } from './random.ts';
import { serialNumbers } from './serials.ts';

/**
 * What lines really do wrong (domain.md §5.3), each with what is to be found of it: codes of findings or of checks at the end of the batch, of which one
 * names a thing of the fault; or the code with which the document is refused. None: a store cannot tell, or has nothing to say against it.
 */
export const LINE_FAULTS = {
  repost: { says: 'a document posted again after a time-out', codes: ['EV-DUP'], refused: null },
  'out-of-order': { says: 'a packing that comes before its commissioning', codes: ['EV-LATE', 'AGG-UNKNOWN-CHILD'], refused: null },
  'clock-minutes': { says: 'a station whose clock is 12 minutes ahead', codes: ['LINE-CLOCK'], refused: null },
  'clock-hour': { says: 'a station whose clock is ahead by exactly one hour', codes: ['LINE-CLOCK'], refused: null },
  'no-offset': { says: 'local time without an offset; mended and sent again', codes: [], refused: 'EV-TIMEZONE' },
  'sscc-twice': { says: 'one SSCC printed twice after a printer jam', codes: ['SN-DUP', 'AGG-REUSED'], refused: null },
  'child-in-two-cases': { says: 'a pack scanned into two bundles', codes: ['AGG-DOUBLE'], refused: null },
  'case-one-short': { says: 'a case with 79 of 80: one bundle has 9', codes: ['AGG-COUNT'], refused: null },
  'reject-put-back': { says: 'a destroyed reject that is packed by hand', codes: ['SN-AFTER-END'], refused: null },
  'over-midnight': { says: 'a batch that runs over midnight', codes: [], refused: null },
  'lot-trailing-space': { says: 'a lot text with a space behind it', codes: ['SN-FOREIGN', 'AGG-MIXED'], refused: null },
  'lower-case-serials': { says: 'a serial read in lower case', codes: ['AGG-UNKNOWN-CHILD', 'SN-UNKNOWN'], refused: null },
  'test-serials': { says: 'serials of the engineering run sent to production', codes: ['SN-FOREIGN'], refused: null },
  'expiry-day-00': { says: 'an expiry with day 00', codes: [], refused: null },
  'rework-same-lot': { says: 'rework posted as a new commissioning', codes: ['SN-DUP'], refused: null },
  'interleaved-lots': { says: 'events of two lots in one document at the changeover', codes: [], refused: null },
  'power-loss': { says: 'half a file after a loss of power; sent whole again', codes: [], refused: 'EV-SYNTAX' },
} as const satisfies Record<string, { says: string; codes: readonly string[]; refused: string | null }>;
export type LineFault = keyof typeof LINE_FAULTS;
export const LINE_FAULT_NAMES = Object.keys(LINE_FAULTS) as LineFault[];

export const LINE_PACK: TradeItem = tradeItem(0, '00041', 'Tablets 20 mg, pack of 30');
const BUNDLE = tradeItem(2, '00041', 'Tablets 20 mg, bundle of 10 packs');
const CASE = tradeItem(1, '00041', 'Tablets 20 mg, case of 80 packs');
export const PER_BUNDLE = 10;
const BUNDLES_PER_CASE = 8;
const CASES_PER_PALLET = 48;
/** So that every fault has a place in the run. */
export const PLANNED_MIN = 400;
/** Of a thousand labels: spoiled by the printer; of packs: rejected by the camera, taken as samples. */
const SCRAPPED = 7;
const REJECTED = 2;
const SAMPLED = 3;
const MINUTE = 60_000;
const FORCED_REJECT = 15;

export type LineOrder = {
  readonly seed: number;
  readonly planned: number;
  readonly lot: string;
  readonly expiry: string;
  /** Packs a minute. */
  readonly rate: number;
  /** When the line starts, and the time now, which no clock that is right is ahead of: ms since 1970. */
  readonly startsAt: number;
  readonly now: number;
  /** The numbers that the run was given, in the order in which they are printed. */
  readonly serials: readonly string[];
  readonly faults: ReadonlySet<LineFault>;
};

/** One thing that the line sends. */
export type LineStep = { readonly at: number; readonly text: string; readonly refused: string | null; readonly fault: LineFault | null };
/** A fault as it was planted: canonical keys of the things that show it, eventIDs where there are none. */
export type PlantedFault = { readonly fault: LineFault; readonly things: string[]; readonly events: string[] };
export type LineRun = {
  readonly steps: readonly LineStep[];
  readonly planted: readonly PlantedFault[];
  /** Of the numbers: given back because no label bears them. */
  readonly unused: readonly string[];
  readonly counts: {
    readonly issued: number;
    readonly scrapped: number;
    readonly commissioned: number;
    readonly sampled: number;
    readonly destroyed: number;
    readonly good: number;
  };
  /** What the line says at the end: part-filled containers, packs that its camera rejected. */
  readonly partial: readonly string[];
  readonly rejected: readonly string[];
};

const LINE: Party = {
  index: 0,
  location: '00001',
  name: 'Maker M',
  kind: 'packager',
  city: 'Basel',
  country: 'CH',
  zone: 'Europe/Zurich',
  spelling: 'urn',
  zulu: false,
  skewMs: 0,
};

/** A packaging run (domain.md §5.1): printed, seen by the camera, commissioned, aggregated; samples, rejects, interventions; a part-filled end. */
export function lineRun(order: LineOrder): LineRun {
  return new Line(order).run();
}

class Line {
  private readonly order: LineOrder;
  private readonly random;
  private readonly serialOf = new Map<TradeItem, () => string>();
  private readonly steps: LineStep[] = [];
  private readonly planted = new Map<LineFault, PlantedFault>();
  private readonly destroyed: string[] = [];
  private readonly partial: string[] = [];
  private at: number;
  private events: string[] = [];
  private bundles: string[] = [];
  private cases: string[] = [];
  private made = { bundles: 0, cases: 0, pallets: 0, scrapped: 0, commissioned: 0, sampled: 0, lastBundle: [] as string[] };

  constructor(order: LineOrder) {
    this.order = order;
    this.random = openRandom(order.seed, `line ${order.lot}`);
    this.at = order.startsAt;
  }

  run(): LineRun {
    const { order } = this;
    if (order.faults.has('test-serials')) this.testSerials();
    let printed = 0;
    let good = 0;
    let seen: string[] = [];
    let loose: string[] = [];
    while (good < order.planned) {
      const serial = order.serials[printed];
      if (serial === undefined) throw new Error(`the run has ${order.serials.length} numbers, too few for ${order.planned} packs`);
      this.at += MINUTE / order.rate;
      const chance = this.random.below(1000);
      const forced = printed === FORCED_REJECT && order.faults.has('reject-put-back');
      printed++;
      if (chance < SCRAPPED && !forced) {
        this.made.scrapped++;
        this.tell('ObjectEvent', { action: 'OBSERVE', bizStep: 'encoding', disposition: 'destroyed', epcList: [this.pack(serial)] });
        continue;
      }
      seen.push(serial);
      const rejected = forced || chance < SCRAPPED + REJECTED;
      const sampled = !rejected && chance < SCRAPPED + REJECTED + SAMPLED;
      if (!rejected && !sampled) {
        loose.push(serial);
        good++;
      }
      if (loose.length < this.bundleSize && good < order.planned && !rejected && !sampled) continue;
      this.commission(seen);
      seen = [];
      if (rejected) this.destroy(serial);
      if (sampled) this.sample(serial);
      if (loose.length === this.bundleSize || good === order.planned) {
        this.bundle(loose, loose.length < PER_BUNDLE && good === order.planned);
        loose = [];
      }
    }
    this.closeCase();
    this.closePallet();
    this.endOfRun();
    const { destroyed, made } = this;
    return {
      steps: this.steps,
      planted: [...this.planted.values()],
      unused: order.serials.slice(printed),
      partial: this.partial,
      rejected: destroyed,
      counts: {
        issued: order.serials.length,
        scrapped: made.scrapped,
        commissioned: made.commissioned,
        sampled: made.sampled,
        destroyed: destroyed.length,
        good,
      },
    };
  }

  /** The bundle at which a fault shows, if it is to. */
  private shows(fault: LineFault, bundle: number): boolean {
    return this.order.faults.has(fault) && this.made.bundles === bundle;
  }

  private get bundleSize(): number {
    return this.shows('case-one-short', 5) ? PER_BUNDLE - 1 : PER_BUNDLE;
  }

  private commission(serials: readonly string[]): void {
    const { lot, expiry } = this.order;
    const spaced = this.shows('lot-trailing-space', 17);
    const day00 = this.shows('expiry-day-00', 19);
    const members = commissioning(
      serials.map((serial) => this.pack(serial)),
      spaced ? `${lot} ` : lot,
      day00 ? `${expiry.slice(0, 8)}00` : expiry,
    );
    const id = this.tell('ObjectEvent', members);
    this.made.commissioned += serials.length;
    if (spaced) this.plant('lot-trailing-space', serials.map(keyOf), [id]);
    if (day00) this.plant('expiry-day-00', serials.map(keyOf), [id]);
  }

  private destroy(serial: string): void {
    this.destroyed.push(serial);
    this.tell('ObjectEvent', { action: 'DELETE', bizStep: 'destroying', disposition: 'destroyed', epcList: [this.pack(serial)] });
  }

  private sample(serial: string): void {
    this.made.sampled++;
    this.tell('ObjectEvent', { action: 'OBSERVE', bizStep: 'sampling', disposition: 'active', epcList: [this.pack(serial)] });
  }

  /** Closes a bundle of these packs, and what it fills. */
  private bundle(packs: readonly string[], isLast: boolean): void {
    const children = packs.map((serial) => this.pack(serial));
    const number = this.next(BUNDLE);
    const parent = sgtin(BUNDLE, number);
    const key = sgtinKey(BUNDLE, number);
    this.at++;
    if (this.shows('case-one-short', 5)) this.plant('case-one-short', [key]);
    if (isLast) this.partial.push(key);
    if (this.shows('child-in-two-cases', 7)) {
      const stray = this.made.lastBundle[0] as string;
      children.push(this.pack(stray));
      this.plant('child-in-two-cases', [keyOf(stray)]);
    }
    if (this.shows('reject-put-back', 9)) {
      const reject = this.destroyed[0] as string;
      children.push(this.pack(reject));
      this.plant('reject-put-back', [keyOf(reject)]);
    }
    if (this.shows('lower-case-serials', 11)) {
      const lower = (packs[0] as string).toLowerCase();
      children[0] = this.pack(lower);
      this.plant('lower-case-serials', [keyOf(lower)]);
    }
    this.tell('ObjectEvent', commissioning([parent], this.order.lot, this.order.expiry));
    if (this.shows('out-of-order', 13)) {
      const early = this.events;
      this.events = [];
      this.at += 1_000;
      this.aggregate(parent, children);
      this.send('out-of-order');
      this.events = early;
      this.plant('out-of-order', packs.map(keyOf));
    } else this.aggregate(parent, children);
    if (this.shows('rework-same-lot', 23)) {
      const again = this.made.lastBundle.slice(0, 2);
      this.tell(
        'ObjectEvent',
        commissioning(
          again.map((serial) => this.pack(serial)),
          this.order.lot,
          this.order.expiry,
        ),
      );
      this.plant('rework-same-lot', again.map(keyOf));
    }
    if (this.shows('interleaved-lots', 21)) this.nextLot();
    this.bundles.push(parent);
    this.sendBundle();
    this.made.bundles++;
    this.made.lastBundle = [...packs];
    if (this.bundles.length === BUNDLES_PER_CASE) this.closeCase();
  }

  /** One document a bundle, in the way of the fault that shows at it. */
  private sendBundle(): void {
    if (this.shows('repost', 15)) {
      const { text, at } = this.send(null);
      this.steps.push({ at, text, refused: null, fault: 'repost' });
      this.plant('repost', [], eventIDs(text));
    } else if (this.shows('no-offset', 25)) {
      const whole = this.write();
      const local = whole.replace(/("eventTime":"[^"]{23})[^"]*"/g, '$1"');
      this.steps.push({ at: this.at, text: local, refused: 'EV-TIMEZONE', fault: 'no-offset' });
      this.plant('no-offset', [], eventIDs(whole));
      this.send(null);
    } else if (this.shows('power-loss', 27)) {
      const whole = this.write();
      this.steps.push({ at: this.at, text: whole.slice(0, Math.floor(whole.length / 2)), refused: 'EV-SYNTAX', fault: 'power-loss' });
      this.plant('power-loss', [], eventIDs(whole));
      this.send(null);
    } else this.send(null);
  }

  private closeCase(): void {
    if (this.bundles.length === 0) return;
    const bundles = this.bundles.splice(0);
    let parent = sgtin(CASE, this.next(CASE));
    const { lot, expiry } = this.order;
    this.at++;
    this.tell('ObjectEvent', commissioning([parent], lot, expiry));
    this.aggregate(parent, bundles);
    this.made.cases++;
    if (this.made.cases === 2) {
      // An intervention: the case is opened, a bundle is looked at, and put back.
      this.at += 1_000;
      this.unpack(parent, bundles.slice(0, 1));
      this.at += 5_000;
      this.aggregate(parent, bundles.slice(0, 1));
    }
    if (this.made.cases === 3) {
      // The case gets another label: what was in the old one is in the new one.
      this.at += 1_000;
      this.unpack(parent, bundles);
      this.tell('ObjectEvent', { action: 'DELETE', bizStep: 'destroying', disposition: 'destroyed', epcList: [parent] }, 1);
      parent = sgtin(CASE, this.next(CASE));
      this.tell('ObjectEvent', commissioning([parent], lot, expiry), 2);
      this.at += 5_000;
      this.aggregate(parent, bundles);
    }
    this.cases.push(parent);
    this.send(null);
    if (this.cases.length === CASES_PER_PALLET) this.closePallet();
  }

  private closePallet(): void {
    if (this.cases.length === 0) return;
    const unit = sscc(0, this.random.below(1_000_000_000));
    this.at++;
    this.tell('ObjectEvent', commissioning([ssccEpc(unit)]));
    this.aggregate(ssccEpc(unit), this.cases.splice(0));
    this.made.pallets++;
    if (this.order.faults.has('sscc-twice') && this.made.pallets === 1) {
      this.at += 1_000;
      this.tell('ObjectEvent', commissioning([ssccEpc(unit)]));
      this.plant('sscc-twice', [ssccKey(unit)]);
    }
    this.send(null);
  }

  /** Stations at the end of the line, each with a clock of its own, look at the last packs. */
  private endOfRun(): void {
    for (const [fault, station, ahead] of [
      ['clock-minutes', 'CHECK1', 12 * MINUTE],
      ['clock-hour', 'CHECK2', 60 * MINUTE],
    ] as const) {
      if (!this.order.faults.has(fault)) continue;
      const packs = this.made.lastBundle;
      const members = { action: 'OBSERVE', bizStep: 'inspecting', epcList: packs.map((serial) => this.pack(serial)) };
      const id = this.random.uuid();
      this.events.push(eventText(LINE, 'ObjectEvent', this.order.now + ahead, id, { ...members, ...placed(LINE, station) }));
      this.plant(fault, packs.map(keyOf), [id]);
      this.send(fault);
    }
    if (this.order.faults.has('over-midnight')) this.plant('over-midnight', [lotKey(LINE_PACK, this.order.lot)]);
  }

  private testSerials(): void {
    const tests = [1, 2, 3].map((n) => `TEST${String(this.random.below(10_000)).padStart(4, '0')}${n}`);
    const epcs = tests.map((serial) => this.pack(serial));
    const { lot, expiry } = this.order;
    this.tell('ObjectEvent', commissioning(epcs, lot, expiry));
    this.at += 1_000;
    this.tell('ObjectEvent', { action: 'DELETE', bizStep: 'decommissioning', disposition: 'inactive', epcList: epcs });
    this.plant('test-serials', tests.map(keyOf));
    this.send('test-serials');
  }

  /** The first packs of the lot that follows, in one document with those of this one. */
  private nextLot(): void {
    const packs = Array.from({ length: 5 }, () => this.next(LINE_PACK));
    const lot = `${this.order.lot}N`;
    this.tell(
      'ObjectEvent',
      commissioning(
        packs.map((serial) => this.pack(serial)),
        lot,
        this.order.expiry,
      ),
    );
    this.plant('interleaved-lots', packs.map(keyOf));
  }

  private pack(serial: string): string {
    return sgtin(LINE_PACK, serial);
  }

  private aggregate(parentID: string, childEPCs: readonly string[]): void {
    this.tell('AggregationEvent', { parentID, childEPCs, action: 'ADD', bizStep: 'packing', disposition: 'in_progress' }, 3);
  }

  private unpack(parentID: string, childEPCs: readonly string[]): void {
    this.tell('AggregationEvent', { parentID, childEPCs, action: 'DELETE', bizStep: 'unpacking', disposition: 'in_progress' });
  }

  private tell(type: string, members: EventMembers, after = 0): string {
    const id = this.random.uuid();
    this.events.push(eventText(LINE, type, Math.floor(this.at) + after, id, { ...members, ...placed(LINE, 'LINE1') }));
    return id;
  }

  private write(): string {
    return documentText(LINE, Math.floor(this.at), this.events);
  }

  private send(fault: LineFault | null): LineStep {
    const step: LineStep = { at: this.at, text: this.write(), refused: null, fault };
    this.events = [];
    this.steps.push(step);
    return step;
  }

  private plant(fault: LineFault, things: string[], events: string[] = []): void {
    this.planted.set(fault, { fault, things, events });
  }

  private next(item: TradeItem): string {
    let next = this.serialOf.get(item);
    if (next === undefined) {
      const serial = serialNumbers(this.random.u32(), item.gtin);
      let counter = 0;
      next = () => serial(counter++);
      this.serialOf.set(item, next);
    }
    return next();
  }
}

const keyOf = (serial: string): string => sgtinKey(LINE_PACK, serial);
const eventIDs = (text: string): string[] => Array.from(text.matchAll(/"eventID":"([^"]+)"/g), ([, id]) => id as string);
const commissioning = (epcList: string[], lot?: string, expiry?: string): EventMembers => ({
  action: 'ADD',
  bizStep: 'commissioning',
  disposition: 'active',
  epcList,
  ...(lot !== undefined && expiry !== undefined && ilmd(lot, expiry)),
});

/** Numbers for a run where nobody grants any: of this seed and lot alone. */
export function ownSerials(seed: number, lot: string, count: number): string[] {
  const serial = serialNumbers(openRandom(seed, `numbers ${lot}`).u32(), LINE_PACK.gtin);
  return Array.from({ length: count }, (_, i) => serial(i));
}

/** How long a run takes at its rate, about: what is rejected or spoiled comes on top. ms. */
export const durationOf = ({ planned, rate }: Pick<LineOrder, 'planned' | 'rate'>): number => (planned * 1.02 * MINUTE) / rate;

/** A start such that midnight falls into the middle of a run that ends by `now`. */
export function startOverMidnight(now: number, duration: number): number {
  const offset = offsetAt(LINE.zone, now) * MINUTE;
  const day = 24 * 60 * MINUTE;
  const midnight = Math.floor((now - duration / 2 + offset) / day) * day - offset;
  return midnight - duration / 2;
}
