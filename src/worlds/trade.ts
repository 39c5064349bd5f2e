import type { Defect, PackStatus } from './answer-key.ts';
import { DAY, HOUR, MINUTE } from './clock.ts';
import { type Deal, dealt, type EventMembers, type Party, placed } from './document.ts';
import { type Sscc, sgtin, sgtinKey, ssccEpc, ssccKey } from './keys.ts';
import type { Wholesaler } from './parties.ts';
import {
  type Batch,
  lay,
  mark,
  nextUnit,
  numbered,
  occasion,
  type PackCase,
  type PackLot,
  type Pallet,
  post,
  type SeededWorld,
  serialAt,
  write,
  writeAs,
} from './seeded-world.ts';

/** Pallets that one truck takes at most. */
const TRUCK = 4;
const DAMAGED_PER_MILLE = 3;
const RETURNED_PER_MILLE = 25;
const NEVER_TOLD_PER_MILLE = 5;
const DISPENSED_PER_MILLE = 600;
/** Of the loose packs, what stays in the wholesaler's own stock. */
const KEPT_PER_MILLE = 100;
const RESALEABLE_PER_MILLE = 700;
/** Returns that nobody has looked at when the world ends. */
const UNDECIDED_PER_MILLE = 100;
/** Every third pharmacy is served in totes. */
const TOTE_EVERY = 3;
const MINUTES_WRONG = 7 * MINUTE;
const LATE_BY = 9 * DAY;

/** A distribution centre and the company whose it is. */
type Centre = { readonly place: Party; readonly wholesaler: Wholesaler };
/** Loose packs of one lot. */
type Packs = { readonly lot: PackLot; readonly packs: number[] };

/** Released pallets leave for the distribution centres, a truck at a time. */
export function shipFinished(world: SeededWorld, batch: Batch, pallets: readonly Pallet[]): void {
  const { random, agenda } = world;
  let at = agenda.now();
  for (let first = 0; first < pallets.length; ) {
    const load = pallets.slice(first, first + random.between(1, TRUCK));
    first += load.length;
    const wholesaler = random.pick(world.parties.wholesalers);
    const centre: Centre = { wholesaler, place: random.pick(wholesaler.centres) };
    const when = at;
    agenda.plan(when, () => shipTruck(world, batch, load, centre));
    at += HOUR + random.dwell(6 * HOUR);
  }
}

function shipTruck(world: SeededWorld, batch: Batch, load: readonly Pallet[], centre: Centre): void {
  const { agenda, random } = world;
  const at = agenda.now();
  const { maker, packager } = batch;
  const deal = numbered(world, { owner: maker, from: packager, fromPlace: packager, to: centre.wholesaler.company, toPlace: centre.place });
  post(world, packager, at + MINUTE, {
    slug: 'ship-pallets',
    note: `${packager.name} ships ${load.length} pallets to ${centre.place.name}.`,
    events: [
      write(world, packager, 'ObjectEvent', at, {
        ...observing('shipping', 'in_transit', unitEpcs(packager, load)),
        ...placed(packager, 'DOCK', false),
        ...dealt(packager, deal),
      }),
    ],
  });
  markSealed(load, { status: 'InTransit' });
  agenda.plan(at + 10 * HOUR + random.dwell(DAY), () => receiveTruck(world, load, centre, deal));
}

const observing = (bizStep: string, disposition: string, epcList: string[]): EventMembers => ({
  action: 'OBSERVE',
  bizStep,
  disposition,
  epcList,
});
const unpacking = (parentID: string, childEPCs?: string[]): EventMembers => ({
  parentID,
  ...(childEPCs && { childEPCs }),
  action: 'DELETE',
  bizStep: 'unpacking',
  disposition: 'in_progress',
});
const unitEpcs = (by: Party, load: readonly Pallet[]): string[] => load.map(({ unit }) => ssccEpc(unit, by.spelling));
const packEpcs = (world: SeededWorld, by: Party, { lot, packs }: Packs): string[] =>
  packs.map((pack) => sgtin(lot.item, serialAt(world, lot, pack), by.spelling));
const caseEpc = (by: Party, one: PackCase): string => sgtin(one.lot.caseItem, one.serial, by.spelling);

/** Everything in the pallets goes along, unseen. */
function markSealed(load: readonly Pallet[], to: { status?: PackStatus; holder?: Party }): void {
  for (const pallet of load) for (const one of pallet.cases) mark(one.lot, one.packs, { ...to, observed: false });
}

function receiveTruck(world: SeededWorld, load: readonly Pallet[], centre: Centre, deal: Deal): void {
  const { agenda, random } = world;
  const { place, wholesaler } = centre;
  const { company } = wholesaler;
  const at = agenda.now();
  const number = world.parties.wholesalers.indexOf(wholesaler);
  const late = number === 4 ? occasion(world, 'late-event') : undefined;
  const fast = number === 2 ? occasion(world, 'clock-minutes') : undefined;
  const receipt = write(
    world,
    place,
    'ObjectEvent',
    fast ? at + MINUTES_WRONG : at,
    {
      ...observing('receiving', 'sellable_not_accessible', unitEpcs(place, load)),
      ...placed(place, 'DOCK'),
      ...dealt(place, deal),
    },
    late ?? fast,
  );
  const units = load.map(({ unit }) => ssccKey(unit));
  if (fast) {
    fast.things.push(...units);
    fast.note = 'The scanner at the dock is seven minutes fast; nothing else happened in between, so no answer changes.';
  }
  if (late) {
    late.things.push(...units);
    late.note =
      'The receipt is told nine days late, after pallets and cases of it were opened and sold on; all answers are as if it had come in time.';
    agenda.plan(at + LATE_BY, () => lay(world, company, receipt));
  } else lay(world, company, receipt);
  markSealed(load, { status: 'Received', holder: company });

  // The late receipt is to have consequences: its pallets are put away and opened within the nine days.
  const stored = place.index % 2 === 0;
  if (stored)
    agenda.plan(at + 3 * HOUR, () => {
      const members = { ...observing('storing', 'sellable_not_accessible', unitEpcs(place, load)), ...placed(place, 'STOCK') };
      lay(world, company, write(world, place, 'ObjectEvent', agenda.now(), members));
      markSealed(load, { status: 'Stocked' });
    });
  const wrong = load.length > 1 ? occasion(world, 'not-a-child') : undefined;
  if (wrong) agenda.plan(at + HOUR, () => takeFromWrongPallet(world, load, centre, wrong));
  const circle = number === 1 ? occasion(world, 'container-cycle') : undefined;
  if (circle) agenda.plan(at + HOUR, () => packInCircle(world, centre, circle));
  for (const pallet of load)
    agenda.plan(at + DAY + (late ? 0 : random.dwell(6 * DAY)), () => openPallet(world, pallet, centre, late !== undefined));
}

/** A case is booked out of a pallet in which it is not. */
function takeFromWrongPallet(world: SeededWorld, load: readonly Pallet[], { place, wholesaler }: Centre, defect: Defect): void {
  const [named, real] = [load[0]!, load[1]!];
  const one = real.cases[0]!;
  defect.things.push(sgtinKey(one.lot.caseItem, one.serial));
  defect.note = 'A case is taken out of the pallet beside its own; it stays where it is.';
  const members = { ...unpacking(ssccEpc(named.unit, place.spelling), [caseEpc(place, one)]), ...placed(place, 'PICKING') };
  lay(world, wholesaler.company, write(world, place, 'AggregationEvent', world.agenda.now(), members, defect));
}

/** Two empty totes, each scanned into the other. The later packing is not applied. */
function packInCircle(world: SeededWorld, { place, wholesaler }: Centre, defect: Defect): void {
  const at = world.agenda.now();
  const [outer, inner] = [nextUnit(world, 2), nextUnit(world, 2)];
  defect.things.push(ssccKey(outer), ssccKey(inner));
  defect.note = 'The first tote takes the second; then the second is told to take the first. A finding names one of them.';
  const pack = (parent: Sscc, child: Sscc, when: number, shows?: Defect) =>
    write(
      world,
      place,
      'AggregationEvent',
      when,
      { ...packing(ssccEpc(parent, place.spelling), [ssccEpc(child, place.spelling)]), ...placed(place, 'PICKING') },
      shows,
    );
  lay(
    world,
    wholesaler.company,
    write(world, place, 'ObjectEvent', at, { ...commissioning(place, [outer, inner]), ...placed(place, 'PICKING') }),
    pack(outer, inner, at + MINUTE),
    pack(inner, outer, at + 2 * MINUTE, defect),
  );
}

const packing = (parentID: string, childEPCs: string[]): EventMembers => ({
  parentID,
  childEPCs,
  action: 'ADD',
  bizStep: 'packing',
  disposition: 'in_progress',
});
const commissioning = (by: Party, units: readonly Sscc[]): EventMembers => ({
  action: 'ADD',
  bizStep: 'commissioning',
  disposition: 'active',
  epcList: units.map((unit) => ssccEpc(unit, by.spelling)),
});

/** Some cases come off the pallet and are opened; their packs go to pharmacies. */
function openPallet(world: SeededWorld, pallet: Pallet, centre: Centre, certainly: boolean): void {
  const { random, agenda, size } = world;
  const { place, wholesaler } = centre;
  const opened = pallet.cases.filter((_, i) => random.perMille(size.openedPerMille) || (certainly && i === 0));
  if (opened.length === 0) return;
  const at = agenda.now();
  const take = {
    ...unpacking(
      ssccEpc(pallet.unit, place.spelling),
      opened.map((one) => caseEpc(place, one)),
    ),
    ...placed(place, 'PICKING'),
  };
  lay(world, wholesaler.company, write(world, place, 'AggregationEvent', at, take));
  for (const [i, one] of opened.entries())
    agenda.plan(at + 5 * MINUTE + i * 2 * MINUTE, () => {
      // Emptied as a whole, or with every pack scanned: either way each pack is seen.
      const children = random.perMille(500) ? packEpcs(world, place, one) : undefined;
      const members = { ...unpacking(caseEpc(place, one), children), ...placed(place, 'PICKING') };
      lay(world, wholesaler.company, write(world, place, 'AggregationEvent', agenda.now(), members));
      mark(one.lot, one.packs, { observed: true });
      pickFrom(world, one, centre);
    });
}

function pickFrom(world: SeededWorld, one: PackCase, centre: Centre): void {
  const { random, agenda, size } = world;
  const { lot } = one;
  const { place, wholesaler } = centre;
  const at = agenda.now();
  const damaged = one.packs.filter(() => random.perMille(DAMAGED_PER_MILLE));
  if (damaged.length > 0)
    agenda.plan(at + 20 * MINUTE, () => {
      const members = {
        action: 'DELETE',
        bizStep: 'destroying',
        disposition: 'destroyed',
        epcList: packEpcs(world, place, { lot, packs: damaged }),
      };
      lay(world, wholesaler.company, write(world, place, 'ObjectEvent', agenda.now(), { ...members, ...placed(place, 'PICKING') }));
      mark(lot, damaged, { status: 'Destroyed', observed: true });
    });
  const sound = one.packs.filter((pack) => !damaged.includes(pack));
  const typed = wholesaler === world.parties.wholesalers[1] ? occasion(world, 'lower-case-serials') : undefined;
  if (typed) countInLowerCase(world, { lot, packs: sound.slice(0, 3) }, centre, at + HOUR, typed);
  const sold = sound.slice(Math.floor((sound.length * KEPT_PER_MILLE) / 1000));
  for (let first = 0; first < sold.length; ) {
    const packs = sold.slice(first, first + random.between(...size.delivery));
    first += packs.length;
    const pharmacy = random.pick(wholesaler.pharmacies);
    agenda.plan(at + 2 * HOUR + random.dwell(4 * DAY), () => deliver(world, { lot, packs }, centre, pharmacy));
  }
}

/** A keyboard in the wrong mode: serials are told apart by case, so these are numbers that nobody commissioned (I-4). */
function countInLowerCase(world: SeededWorld, { lot, packs }: Packs, { place, wholesaler }: Centre, at: number, defect: Defect): void {
  const serials = packs.map((pack) => serialAt(world, lot, pack).toLowerCase());
  defect.things.push(...serials.map((serial) => sgtinKey(lot.item, serial)));
  defect.note = 'Three serials are typed in lower case at a stock count: unknown things, and the packs meant are not touched.';
  world.agenda.plan(at, () => {
    const epcs = serials.map((serial) => sgtin(lot.item, serial, place.spelling));
    const members = { ...observing('cycle_counting', 'sellable_accessible', epcs), ...placed(place, 'STOCK') };
    lay(world, wholesaler.company, write(world, place, 'ObjectEvent', at, members, defect));
  });
}

/** One delivery to a pharmacy: in a tote, or pack by pack. */
function deliver(world: SeededWorld, goods: Packs, centre: Centre, pharmacy: Party): void {
  const { random, agenda } = world;
  const { place, wholesaler } = centre;
  const { company } = wholesaler;
  const at = agenda.now();
  const terms = { owner: company, from: company, fromPlace: place, to: pharmacy, toPlace: pharmacy };
  const tote = pharmacy.index % TOTE_EVERY === 0 ? nextUnit(world, 2) : undefined;
  const epcs = (by: Party): string[] => (tote ? [ssccEpc(tote, by.spelling)] : packEpcs(world, by, goods));
  const shipped = at + HOUR;
  if (tote)
    lay(
      world,
      company,
      write(world, place, 'ObjectEvent', at, { ...commissioning(place, [tote]), ...placed(place, 'PICKING') }),
      write(world, place, 'AggregationEvent', at + MINUTE, {
        ...packing(ssccEpc(tote, place.spelling), packEpcs(world, place, goods)),
        ...placed(place, 'PICKING'),
      }),
    );
  const wrong = !tote && wholesaler === world.parties.wholesalers[3] ? occasion(world, 'declared-error') : undefined;
  agenda.plan(shipped, () => {
    const deal = numbered(world, terms);
    const told = (to: Deal): EventMembers => ({
      ...observing('shipping', 'in_transit', epcs(place)),
      ...placed(place, 'DOCK', false),
      ...dealt(place, to),
    });
    if (wrong) shipToWrongPharmacy(world, goods, centre, deal, shipped, told, wrong);
    else lay(world, company, write(world, place, 'ObjectEvent', shipped, told(deal)));
    mark(goods.lot, goods.packs, { status: 'InTransit', observed: !tote });
    // Half a per cent of receipts are never told: the packs stay in transit, held by the wholesaler.
    if (!wrong && random.perMille(NEVER_TOLD_PER_MILLE)) return;
    agenda.plan(shipped + 9 * HOUR + random.dwell(14 * HOUR), () => receiveDelivery(world, goods, centre, pharmacy, deal, tote));
  });
}

/** The shipment is told for the wrong pharmacy; three hours later that is declared an error, and told again as it was (DM-9). */
function shipToWrongPharmacy(
  world: SeededWorld,
  { lot, packs }: Packs,
  { place, wholesaler }: Centre,
  deal: Deal,
  at: number,
  told: (deal: Deal) => EventMembers,
  defect: Defect,
): void {
  const other = wholesaler.pharmacies.find((one) => one !== deal.to)!;
  const mistaken = told({ ...deal, to: other, toPlace: other });
  const first = write(world, place, 'ObjectEvent', at, mistaken, defect);
  const right = write(world, place, 'ObjectEvent', at, told(deal), defect);
  const declared = at + 3 * HOUR;
  const declaration = writeAs(
    first.id,
    place,
    'ObjectEvent',
    at,
    {
      ...mistaken,
      errorDeclaration: { declarationTime: new Date(declared).toISOString(), reason: 'incorrect_data', correctiveEventIDs: [right.id] },
    },
    defect,
  );
  defect.things.push(...packs.map((pack) => sgtinKey(lot.item, serialAt(world, lot, pack))));
  defect.note = `A shipment for ${deal.to.name} is told for ${other.name}. In order: the event, its error declaration under the same eventID, the corrective event.`;
  lay(world, wholesaler.company, first);
  world.agenda.plan(declared, () => lay(world, wholesaler.company, declaration, right));
}

function receiveDelivery(world: SeededWorld, goods: Packs, centre: Centre, pharmacy: Party, deal: Deal, tote: Sscc | undefined): void {
  const { random, agenda, parties } = world;
  const { lot, packs } = goods;
  const at = agenda.now();
  const service = parties.pharmacyService;
  const epcs = tote ? [ssccEpc(tote, pharmacy.spelling)] : packEpcs(world, pharmacy, goods);
  lay(
    world,
    service,
    write(world, pharmacy, 'ObjectEvent', at, {
      ...observing('receiving', 'sellable_accessible', epcs),
      ...placed(pharmacy, 'DOCK'),
      ...dealt(pharmacy, deal),
    }),
  );
  mark(lot, packs, { status: 'Received', holder: pharmacy, observed: !tote });
  if (tote)
    agenda.plan(at + 15 * MINUTE, () => {
      const members = { ...unpacking(ssccEpc(tote, pharmacy.spelling)), ...placed(pharmacy, 'SHELF') };
      lay(world, service, write(world, pharmacy, 'AggregationEvent', agenda.now(), members));
      mark(lot, packs, { observed: true });
    });

  const dispensed: number[] = [];
  const returned: number[] = [];
  for (const pack of packs) {
    if (random.perMille(RETURNED_PER_MILLE)) returned.push(pack);
    else if (random.perMille(DISPENSED_PER_MILLE)) dispensed.push(pack);
  }
  for (let first = 0; first < dispensed.length; ) {
    const some = dispensed.slice(first, first + random.between(1, 6));
    first += some.length;
    agenda.plan(at + HOUR + random.dwell(8 * DAY), () => {
      const members = {
        action: 'DELETE',
        bizStep: 'dispensing',
        disposition: 'dispensed',
        epcList: packEpcs(world, pharmacy, { lot, packs: some }),
      };
      lay(world, service, write(world, pharmacy, 'ObjectEvent', agenda.now(), { ...members, ...placed(pharmacy, 'COUNTER') }));
      mark(lot, some, { status: 'Dispensed', observed: true });
    });
  }
  if (returned.length > 0)
    agenda.plan(at + 2 * DAY + random.dwell(6 * DAY), () => sendBack(world, { lot, packs: returned }, centre, pharmacy));
}

/** A return: back to the centre under an RMA, then to stock or to quarantine (domain.md §7.5). */
function sendBack(world: SeededWorld, goods: Packs, { place, wholesaler }: Centre, pharmacy: Party): void {
  const { random, agenda, parties } = world;
  const { company } = wholesaler;
  const { lot, packs } = goods;
  const at = agenda.now();
  const deal = numbered(world, { owner: pharmacy, from: pharmacy, fromPlace: pharmacy, to: company, toPlace: place, returned: true });
  const moved = (by: Party, bizStep: string): EventMembers => ({
    ...observing(bizStep, 'returned', packEpcs(world, by, goods)),
    ...placed(by, 'DOCK', bizStep !== 'shipping'),
    ...dealt(by, deal),
  });
  lay(world, parties.pharmacyService, write(world, pharmacy, 'ObjectEvent', at, moved(pharmacy, 'shipping')));
  mark(lot, packs, { status: 'InTransit', observed: true });
  // More than a day on the road: the wholesaler's document of a day goes out before the pharmacies'.
  agenda.plan(at + 26 * HOUR + random.dwell(DAY), () => {
    lay(world, company, write(world, place, 'ObjectEvent', agenda.now(), moved(place, 'receiving')));
    mark(lot, packs, { status: 'Returned', holder: company, observed: true });
    if (random.perMille(UNDECIDED_PER_MILLE)) return;
    const sound = random.perMille(RESALEABLE_PER_MILLE);
    agenda.plan(agenda.now() + 4 * HOUR + random.dwell(DAY), () => {
      const members = sound
        ? observing('storing', 'sellable_accessible', packEpcs(world, place, goods))
        : observing('holding', 'non_sellable_other', packEpcs(world, place, goods));
      lay(world, company, write(world, place, 'ObjectEvent', agenda.now(), { ...members, ...placed(place, 'STOCK') }));
      mark(lot, packs, { status: sound ? 'Stocked' : 'Quarantined', observed: true });
    });
  });
}
