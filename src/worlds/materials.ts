import type { Defect } from './answer-key.ts';
import { DAY, HOUR, MINUTE } from './clock.ts';
import { dealt, type EventMembers, type Party, placed } from './document.ts';
import { planPackaging } from './packaging.ts';
import {
  type Batch,
  descend,
  GRAMS_PER_PACK,
  type Material,
  numbered,
  openMaterial,
  post,
  type SeededWorld,
  type Written,
  write,
} from './seeded-world.ts';

/** How much more is weighed in than the packs will take: every step loses a little. */
const WEIGHED_IN_PER_MILLE = 1090;
const DRUM_GRAMS = 5000;
/** Every fiftieth batch has rejects that are milled and go into the next blend of the product: 2 % (domain.md §19). */
const REWORK_EVERY = 50;
const REWORK_AT = 3;
/** A drum that the one batch opens is emptied by the other, of the same product, eight weeks later. */
const PARTIAL_DRUM_FROM = 1;
const PARTIAL_DRUM_TO = 9;

type Share = readonly [material: Material, grams: number];

const inKilograms = ([material, grams]: Share): EventMembers => ({ epcClass: material.epcClass, quantity: grams / 1000, uom: 'KGM' });

/** One step of production; `claimed` is the time that the event tells when it is not the true one. */
function transform(
  world: SeededWorld,
  by: Party,
  at: number,
  spot: string,
  inputs: readonly Share[],
  outputs: readonly Share[],
  odd: { shows?: Defect; claimed?: number } = {},
): Written {
  for (const [material, grams] of inputs) material.leftGrams -= grams;
  for (const [material, grams] of outputs) material.leftGrams += grams;
  descend(
    world,
    inputs.map(([material]) => material.key),
    outputs.map(([material]) => material.key),
  );
  return write(
    world,
    by,
    'TransformationEvent',
    odd.claimed ?? at,
    {
      inputQuantityList: inputs.map(inKilograms),
      outputQuantityList: outputs.map(inKilograms),
      bizStep: 'creating_class_instance',
      disposition: 'in_progress',
      ...placed(by, spot),
    },
    odd.shows,
  );
}

/** What a step brings out of so much: 99.0 to 99.7 %. */
const afterLoss = (world: SeededWorld, grams: number): number => Math.floor((grams * world.random.between(990, 997)) / 1000);

/** Plans the whole of a batch: raw lots in, granulate, blend, two to five sublots pressed and coated, bulk, packaging. */
export function planBatch(world: SeededWorld, batch: Batch): void {
  world.agenda.plan(batch.start, () => receiveRawLots(world, batch));
}

function receiveRawLots(world: SeededWorld, batch: Batch): void {
  const { random, agenda, parties } = world;
  const { maker, product } = batch;
  const packs = batch.lots.reduce((sum, lot) => sum + lot.planned, 0);
  const wanted = Math.ceil((packs * GRAMS_PER_PACK * WEIGHED_IN_PER_MILLE) / 1000);
  const overuse = batch.defects.get('overuse');

  // API first; then two to seven excipients share what it leaves.
  const others = random.between(2, 7);
  const portions: Share[] = [];
  const received: Written[] = [];
  let rest = wanted;
  for (let i = 0; i <= others; i++) {
    const grams = i === 0 ? Math.floor(wanted / 5) : i === others ? rest : Math.floor(rest / random.between(2, 4));
    rest -= grams;
    const item = i === 0 ? product.api : world.excipients[i % world.excipients.length]!;
    const supplier = i === 0 ? random.pick(parties.apiSuppliers) : parties.excipientSuppliers[i % parties.excipientSuppliers.length]!;
    // A lot is received in whole drums with some to spare, except the one that is to be overdrawn.
    const delivered = Math.ceil((grams * (i === 1 && overuse ? 0.8 : 1.2)) / DRUM_GRAMS) * DRUM_GRAMS;
    const raw = openMaterial(world, item, `R${++world.counts.rawLots}`);
    raw.leftGrams = delivered;
    world.raws.push(raw);
    // Whatever the rounding to drums did, an overdrawn lot is overdrawn by 2 kg at least.
    const used = i === 1 && overuse ? Math.max(grams, delivered + 2000) : grams;
    portions.push([raw, used]);
    if (i === 1 && overuse) {
      overuse.things.push(raw.key);
      overuse.note = `${used / 1000} kg are weighed in of a lot of which ${delivered / 1000} kg were received.`;
    }
    if (i === 1 && batch.number === PARTIAL_DRUM_FROM) world.partialDrums.push(raw);
    received.push(
      write(world, maker, 'ObjectEvent', batch.start + i * 20 * MINUTE, {
        action: 'OBSERVE',
        bizStep: 'receiving',
        disposition: 'in_progress',
        quantityList: [inKilograms([raw, delivered])],
        ...placed(maker, 'GOODSIN'),
        ...dealt(maker, numbered(world, { owner: supplier, from: supplier, fromPlace: supplier, to: maker, toPlace: maker })),
      }),
    );
  }
  const at = batch.start + received.length * 20 * MINUTE;
  post(world, maker, at, {
    slug: 'raw-lots',
    note: `${maker.name} receives ${received.length} raw lots for ${product.name} batch ${batch.number}.`,
    events: received,
  });
  if (batch.number === PARTIAL_DRUM_TO)
    for (const drum of world.partialDrums) portions.unshift([drum, Math.floor((drum.leftGrams * 4) / 5)]);
  agenda.plan(at + DAY + random.dwell(DAY), () => granulate(world, batch, portions));
}

function granulate(world: SeededWorld, batch: Batch, portions: Share[]): void {
  const at = world.agenda.now();
  const granulated = openMaterial(world, batch.product.granulate, `G${batch.number}`);
  // The lubricant goes into the blend, not through the granulator.
  const lubricant = portions.pop()!;
  const grams = portions.reduce((sum, [, one]) => sum + one, 0);
  const made = afterLoss(world, grams);
  step(world, batch, at, 'granulate', `Granulate ${granulated.name}.`, [
    transform(world, batch.maker, at, 'GRANULATOR', portions, [[granulated, made]], shown(batch, 'overuse')),
  ]);
  world.agenda.plan(at + 3 * HOUR + world.random.dwell(3 * HOUR), () => blend(world, batch, [[granulated, made], lubricant]));
}

function blend(world: SeededWorld, batch: Batch, inputs: Share[]): void {
  const at = world.agenda.now();
  const blended = openMaterial(world, batch.product.blend, `B${batch.number}`);
  // Rejects of an earlier batch of the product come back here.
  const taken = world.toRework.filter(({ product }) => product === batch.product);
  for (const one of taken) world.toRework.splice(world.toRework.indexOf(one), 1);
  const all = [...inputs, ...taken.map(({ material }): Share => [material, material.leftGrams])];
  const grams = all.reduce((sum, [, one]) => sum + one, 0);
  const made = afterLoss(world, grams);
  step(world, batch, at, 'blend', `Blend ${blended.name}${taken.length > 0 ? ', with milled rejects of an earlier batch' : ''}.`, [
    transform(world, batch.maker, at, 'BLENDER', all, [[blended, made]]),
  ]);
  world.agenda.plan(at + 4 * HOUR + world.random.dwell(4 * HOUR), () => press(world, batch, blended, made));
}

function press(world: SeededWorld, batch: Batch, blended: Material, grams: number): void {
  const at = world.agenda.now();
  const machines = world.random.between(2, 5);
  const share = Math.floor(grams / machines);
  const events: Written[] = [];
  const cores: Share[] = [];
  for (let i = 0; i < machines; i++) {
    const core = openMaterial(world, batch.product.core, `C${batch.number}-${i + 1}`);
    const made = afterLoss(world, share);
    events.push(transform(world, batch.maker, at + i * 30 * MINUTE, `PRESS${i + 1}`, [[blended, share]], [[core, made]]));
    cores.push([core, made]);
  }
  step(world, batch, events[events.length - 1]!.at, 'press', `${machines} sublots are pressed from ${blended.name}.`, events);
  world.agenda.plan(at + machines * 30 * MINUTE + 6 * HOUR + world.random.dwell(6 * HOUR), () => coat(world, batch, blended, cores));
}

function coat(world: SeededWorld, batch: Batch, blended: Material, cores: Share[]): void {
  const at = world.agenda.now();
  const early = batch.defects.get('output-before-input');
  const coated: Share[] = [];
  const events = cores.map(([core, grams], i) => {
    const out = openMaterial(world, batch.product.coated, `D${batch.number}-${i + 1}`);
    const made = afterLoss(world, grams);
    coated.push([out, made]);
    const odd = i === 0 && early ? { shows: early, claimed: at - 2 * DAY } : {};
    if (i === 0 && early) {
      early.things.push(core.key, out.key);
      early.note = `The coating of ${out.name} is told for two days before its cores were pressed; GEN-OVERUSE of the cores may be found too.`;
    }
    return transform(world, batch.maker, at + i * 20 * MINUTE, `COATER${i + 1}`, [[core, grams]], [[out, made]], odd);
  });
  step(world, batch, at + coated.length * 20 * MINUTE, 'coat', `Sublots of batch ${batch.number} are coated.`, events);
  const ready = at + coated.length * 20 * MINUTE + 2 * HOUR + world.random.dwell(2 * HOUR);
  world.agenda.plan(ready, () => gather(world, batch, blended, coated));
}

function gather(world: SeededWorld, batch: Batch, blended: Material, coated: Share[]): void {
  const { maker, product } = batch;
  let at = world.agenda.now();
  const events: Written[] = [];
  // Ordinary rework: a fiftieth of the first sublot is milled and waits for the next blend of the product.
  if (batch.number % REWORK_EVERY === REWORK_AT) {
    const milled = openMaterial(world, product.rework, `RW${batch.number}`);
    const [from, grams] = coated[0]!;
    const rejected = Math.floor(grams / 50);
    coated[0] = [from, grams - rejected];
    events.push(transform(world, maker, at, 'MILL', [[from, rejected]], [[milled, rejected]]));
    world.toRework.push({ product, material: milled });
    at += HOUR;
  }
  const bulk = openMaterial(world, product.bulk, `K${batch.number}`);
  const grams = coated.reduce((sum, [, one]) => sum + one, 0);
  let made = afterLoss(world, grams);
  events.push(transform(world, maker, at, 'BULK', coated, [[bulk, made]]));
  const loop = batch.defects.get('rework-loop');
  if (loop) {
    made -= reworkIntoItself(world, batch, blended, bulk, made, at, events, loop);
    at = events[events.length - 1]!.at;
  }
  step(world, batch, at, 'bulk', `Bulk ${bulk.name}.`, events);
  world.agenda.plan(at + DAY + world.random.dwell(DAY), () => sendBulk(world, batch, bulk, made));
}

/** Rejected bulk is milled, goes back into the blend that it came from, and is pressed again: a circle in the graph (E-09). */
function reworkIntoItself(
  world: SeededWorld,
  batch: Batch,
  blended: Material,
  bulk: Material,
  made: number,
  at: number,
  events: Written[],
  loop: Defect,
): number {
  const { maker, product } = batch;
  const rejected = Math.floor(made / 50);
  const milled = openMaterial(world, product.rework, `RW${batch.number}`);
  const again = openMaterial(world, product.core, `C${batch.number}-R`);
  loop.things.push(blended.key, bulk.key, milled.key);
  loop.note = 'Blend, cores, coated tablets and bulk lead back to the blend; what is pressed from it again stays in process.';
  events.push(
    transform(world, maker, at + HOUR, 'MILL', [[bulk, rejected]], [[milled, rejected]], { shows: loop }),
    transform(world, maker, at + 2 * HOUR, 'BLENDER', [[milled, rejected]], [[blended, rejected]], { shows: loop }),
    transform(world, maker, at + 4 * HOUR, 'PRESS1', [[blended, rejected]], [[again, afterLoss(world, rejected)]]),
  );
  return rejected;
}

/** Bulk goes by road to the packaging site, as a quantity. */
function sendBulk(world: SeededWorld, batch: Batch, bulk: Material, grams: number): void {
  const { maker, packager } = batch;
  const at = world.agenda.now();
  const deal = numbered(world, { owner: maker, from: maker, fromPlace: maker, to: packager, toPlace: packager });
  const moved = (by: Party, when: number, bizStep: 'shipping' | 'receiving'): Written =>
    write(world, by, 'ObjectEvent', when, {
      action: 'OBSERVE',
      bizStep,
      disposition: bizStep === 'shipping' ? 'in_transit' : 'in_progress',
      quantityList: [inKilograms([bulk, grams])],
      ...placed(by, 'DOCK', bizStep === 'receiving'),
      ...dealt(by, deal),
    });
  step(world, batch, at, 'ship-bulk', `${maker.name} sends ${bulk.name} to ${packager.name}.`, [moved(maker, at, 'shipping')]);
  world.agenda.plan(at + 8 * HOUR + world.random.dwell(DAY), () => {
    const arrived = world.agenda.now();
    post(world, packager, arrived + MINUTE, {
      slug: 'receive-bulk',
      note: `${packager.name} receives ${bulk.name}.`,
      events: [moved(packager, arrived, 'receiving')],
    });
    planPackaging(world, batch, bulk, arrived + HOUR + world.random.dwell(2 * DAY));
  });
}

const shown = (batch: Batch, kind: 'overuse'): { shows?: Defect } => {
  const shows = batch.defects.get(kind);
  return shows ? { shows } : {};
};

function step(world: SeededWorld, batch: Batch, at: number, slug: string, note: string, events: Written[]): void {
  post(world, batch.maker, at + MINUTE, { slug, note, events });
}
