import type { Defect, DefectKind } from './answer-key.ts';
import { DAY, HOUR, MINUTE, offsetAt } from './clock.ts';
import { documentText, type EventMembers, ilmd, placed } from './document.ts';
import { glnOf, lgtin, sgtin, sgtinKey, ssccEpc, ssccKey } from './keys.ts';
import {
  type Batch,
  bookLot,
  descend,
  GRAMS_PER_PACK,
  hand,
  type Material,
  mark,
  nextUnit,
  type PackCase,
  type PackLot,
  type Pallet,
  post,
  type SeededWorld,
  serialAt,
  TEST_SERIALS,
  takeCounters,
  type Written,
  write,
} from './seeded-world.ts';
import { shipFinished } from './trade.ts';

const CHANGEOVER = 2 * HOUR;
const SAMPLED_PER_MILLE = 3;
const DESTROYED_PER_MILLE = 2;
const SPACED_PACKS = 25;
const HOUR_WRONG = HOUR;
/** The case of a lot at which a defect of the case packer shows. */
const ODD_CASE = 1;

/** A lot while it runs over the line. */
type Run = {
  readonly batch: Batch;
  readonly lot: PackLot;
  readonly bulk: Material;
  readonly start: number;
  /** Numbers of the packs after which a document ends. */
  readonly cuts: number[];
  /** Verified packs that wait for a full case. */
  loose: number[];
  readonly cases: PackCase[];
  /** Cases that wait for a full pallet. */
  waiting: PackCase[];
  readonly pallets: Pallet[];
  readonly transformationID: string;
};

/** Lots of the batch follow each other over one line of the packaging site. */
export function planPackaging(world: SeededWorld, batch: Batch, bulk: Material, from: number): void {
  let start = from;
  let held: Held | undefined;
  for (const lot of batch.lots) {
    const duration = lot.planned * world.size.msPerPack;
    if (lot.defects.has('over-midnight')) start = nextMidnight(batch, start + duration) - Math.floor(duration / 2);
    const run: Run = {
      batch,
      lot,
      bulk,
      start,
      cuts: cutsOf(world, lot),
      loose: [],
      cases: [],
      waiting: [],
      pallets: [],
      transformationID: `urn:epcglobal:cbv:xform:${glnOf(batch.packager.location)}:${lot.text}`,
    };
    const [joins, holds] = [held, lot.defects.get('interleaved-lots')];
    held = holds && { defect: holds, events: [] };
    planRun(world, run, joins, held);
    const lastPart = lot.planned - (run.cuts[run.cuts.length - 2] ?? 0);
    // Lots that interleave overlap by half of the first one's last document.
    start += duration + (held ? -Math.floor((lastPart * world.size.msPerPack) / 2) : CHANGEOVER);
  }
}

/** Events of a lot's end that leave in one document with the next lot's first. */
type Held = { readonly defect: Defect; events: Written[] };

function nextMidnight(batch: Batch, after: number): number {
  const offset = offsetAt(batch.packager.zone, after) * MINUTE;
  return Math.ceil((after + offset) / DAY) * DAY - offset;
}

function cutsOf(world: SeededWorld, lot: PackLot): number[] {
  if (lot.defects.has('over-midnight') || lot.defects.has('interleaved-lots')) return [Math.floor(lot.planned / 2), lot.planned];
  const cuts: number[] = [];
  for (let at = world.size.packsPerDocument; at < lot.planned; at += world.size.packsPerDocument) cuts.push(at);
  return [...cuts, lot.planned];
}

function planRun(world: SeededWorld, run: Run, joins: Held | undefined, holds: Held | undefined): void {
  const { agenda, size } = world;
  descend(world, [run.bulk.key], [run.lot.key]);
  if (splitsTransformation(run)) agenda.plan(run.start - MINUTE, () => sendTransformation(world, run, 'inputs'));
  let first = 0;
  for (const [part, last] of run.cuts.entries()) {
    const from = first;
    agenda.plan(run.start + last * size.msPerPack + MINUTE, () => {
      const events = runPart(world, run, from, last);
      const closes = last === run.lot.planned;
      if (part === 0 && joins) sendInterleaved(world, run, joins, events);
      else if (closes && holds) holds.events = events;
      else sendPart(world, run, part, events);
      if (closes) endRun(world, run);
    });
    first = last;
  }
}

/** Every second lot tells its transformation in two pieces under one transformationID (domain.md §10.1). */
const splitsTransformation = (run: Run): boolean => Number(run.lot.text.slice(1)) % 2 === 1;

function sendTransformation(world: SeededWorld, run: Run, piece: 'inputs' | 'outputs' | 'whole'): void {
  const { packager } = run.batch;
  const grams = run.lot.planned * GRAMS_PER_PACK;
  run.bulk.leftGrams -= piece === 'outputs' ? 0 : grams;
  const at = world.agenda.now();
  const event = write(world, packager, 'TransformationEvent', at, {
    ...(piece !== 'outputs' && { inputQuantityList: [{ epcClass: run.bulk.epcClass, quantity: grams / 1000, uom: 'KGM' }] }),
    ...(piece !== 'inputs' && { outputQuantityList: [{ epcClass: lgtin(run.lot.item, run.lot.text), quantity: run.lot.planned }] }),
    transformationID: run.transformationID,
    bizStep: 'creating_class_instance',
    disposition: 'in_progress',
    ...placed(packager, 'LINE1'),
  });
  const what = { inputs: 'goes to the line for', outputs: 'has become', whole: 'has become' }[piece];
  post(world, packager, at + MINUTE, { slug: 'package', note: `Bulk ${run.bulk.name} ${what} lot ${run.lot.text}.`, events: [event] });
}

/** An event of this line. A clock that is an hour wrong moves everything that the line tells, and nothing else. */
function lineEvent(world: SeededWorld, run: Run, type: string, at: number, members: EventMembers, shows?: Defect): Written {
  const wrong = run.lot.defects.get('clock-hour');
  const written = write(
    world,
    run.batch.packager,
    type,
    wrong ? at + HOUR_WRONG : at,
    { ...members, ...placed(run.batch.packager, 'LINE1') },
    shows ?? wrong,
  );
  return { ...written, at };
}

const packEpcs = (world: SeededWorld, lot: PackLot, packs: readonly number[]): string[] =>
  packs.map((pack) => sgtin(lot.item, serialAt(world, lot, pack)));
const packKeys = (world: SeededWorld, lot: PackLot, packs: readonly number[]): string[] =>
  packs.map((pack) => sgtinKey(lot.item, serialAt(world, lot, pack)));

const commissioning = (epcList: string[], lot?: string, expiry?: string): EventMembers => ({
  action: 'ADD',
  bizStep: 'commissioning',
  disposition: 'active',
  epcList,
  ...(lot !== undefined && expiry !== undefined && ilmd(lot, expiry)),
});
const destroying = (epcList: string[]): EventMembers => ({
  action: 'DELETE',
  bizStep: 'destroying',
  disposition: 'destroyed',
  epcList,
});
const packing = (parentID: string, childEPCs: string[]): EventMembers => ({
  parentID,
  childEPCs,
  action: 'ADD',
  bizStep: 'packing',
  disposition: 'in_progress',
});

/** What the line tells of these packs: commissioned in groups, samples and rejects taken out, cases and pallets as they fill. */
function runPart(world: SeededWorld, run: Run, from: number, to: number): Written[] {
  const { lot } = run;
  const { size, random } = world;
  const events: Written[] = [];
  if (from === 0) startOfRun(world, run, events);
  for (let first = from; first < to; first += size.perEvent) {
    const last = Math.min(first + size.perEvent, to);
    const at = run.start + last * size.msPerPack;
    const packs = Array.from({ length: last - first }, (_, i) => first + i);
    const split = lot.defects.get('over-midnight') ?? lot.defects.get('expiry-day-00');
    events.push(lineEvent(world, run, 'ObjectEvent', at, commissioning(packEpcs(world, lot, packs), lot.text, lot.expiry), split));
    if (first === 0) claimAgain(world, run, at + 1000, events);

    const sampled: number[] = [];
    const destroyed: number[] = [];
    for (const pack of packs) {
      const chance = random.below(1000);
      const forced = pack === REJECTED_PACK && lot.defects.has('reject-put-back');
      if (forced || chance < DESTROYED_PER_MILLE) destroyed.push(pack);
      else if (chance < DESTROYED_PER_MILLE + SAMPLED_PER_MILLE) sampled.push(pack);
      else run.loose.push(pack);
    }
    if (sampled.length > 0) {
      mark(lot, sampled, { status: 'Sampled', observed: true });
      const members = { action: 'OBSERVE', bizStep: 'sampling', disposition: 'active', epcList: packEpcs(world, lot, sampled) };
      events.push(lineEvent(world, run, 'ObjectEvent', at + 2000, members));
    }
    if (destroyed.length > 0) {
      mark(lot, destroyed, { status: 'Destroyed', observed: true });
      const back = lot.defects.get('reject-put-back');
      const shows = destroyed.includes(REJECTED_PACK) ? back : undefined;
      events.push(lineEvent(world, run, 'ObjectEvent', at + 3000, destroying(packEpcs(world, lot, destroyed)), shows));
    }
    fillCases(world, run, at + 4000, last === lot.planned, events);
  }
  return events;
}

/** The pack that the camera rejects on the line where a reject comes back. */
const REJECTED_PACK = 3;

/** Test numbers of the engineering run reach production before the lot begins. */
function startOfRun(world: SeededWorld, run: Run, events: Written[]): void {
  const { lot } = run;
  const tests = lot.defects.get('test-serials');
  if (!tests) return;
  const packs = testPacks(lot);
  for (const [i, pack] of packs.entries()) lot.oddSerials.set(pack, `TEST${String(i + 1).padStart(8, '0')}`);
  tests.things.push(...packKeys(world, lot, packs));
  tests.note = `${packs.length} test serials are commissioned for ${lot.text} and decommissioned after the run: Inactive, and counted among its packs.`;
  const members = commissioning(packEpcs(world, lot, packs), lot.text, lot.expiry);
  events.push(lineEvent(world, run, 'ObjectEvent', run.start - 10 * MINUTE, members, tests));
}

const testPacks = (lot: PackLot): number[] => Array.from({ length: TEST_SERIALS }, (_, i) => lot.planned + i);

/** A reworked pack is posted as newly commissioned: for its own lot, or for another. The first claim stands. */
function claimAgain(world: SeededWorld, run: Run, at: number, events: Written[]): void {
  const { lot } = run;
  for (const [kind, text] of [
    ['rework-same-lot', lot.text],
    ['rework-other-lot', `${lot.text}R`],
  ] as const) {
    const defect = lot.defects.get(kind);
    if (!defect) continue;
    const packs = [1, 2];
    defect.things.push(...packKeys(world, lot, packs));
    defect.note = `Two packs of ${lot.text} are commissioned once more, for ${text}.`;
    events.push(lineEvent(world, run, 'ObjectEvent', at, commissioning(packEpcs(world, lot, packs), text, lot.expiry), defect));
  }
}

/** Closes every case that is full (at the end of the run the partial one too), then the pallets. */
function fillCases(world: SeededWorld, run: Run, at: number, closes: boolean, events: Written[]): void {
  const { perCase, casesPerPallet } = world.size;
  const packed: { one: PackCase; children: string[]; shows?: Defect }[] = [];
  while (run.loose.length >= perCase || (closes && run.loose.length > 0)) packed.push(closeCase(world, run));
  if (packed.length > 0) {
    const epcs = packed.map(({ one }) => sgtin(run.lot.caseItem, one.serial));
    events.push(lineEvent(world, run, 'ObjectEvent', at, commissioning(epcs, run.lot.text, run.lot.expiry)));
  }
  for (const [i, { one, children, shows }] of packed.entries()) {
    const members = packing(sgtin(run.lot.caseItem, one.serial), children);
    events.push(lineEvent(world, run, 'AggregationEvent', at + 1000 + i * 100, members, shows));
    run.waiting.push(one);
  }
  while (run.waiting.length >= casesPerPallet || (closes && run.waiting.length > 0)) {
    const cases = run.waiting.splice(0, casesPerPallet);
    closePallet(world, run, cases, at + 5000 + run.pallets.length * 10, events);
  }
}

function closeCase(world: SeededWorld, run: Run): { one: PackCase; children: string[]; shows?: Defect } {
  const { lot, cases } = run;
  const serial = world.serialOf(lot.caseItem)(takeCounters(world, lot.caseItem.gtin));
  world.counts.cases++;
  const odd = cases.length === ODD_CASE ? lot.defects : new Map<DefectKind, Defect>();
  const take = (count: number): number[] => run.loose.splice(0, count);
  const full = world.size.perCase;
  const one: PackCase = { lot, serial, packs: [] };
  const caseKey = sgtinKey(lot.caseItem, serial);
  let children: string[];
  let shows: Defect | undefined;

  const short = odd.get('case-one-short');
  const twice = odd.get('child-in-two-cases');
  const back = odd.get('reject-put-back');
  const unknown = odd.get('unknown-child');
  one.packs = take(short || twice || back ? full - 1 : full);
  if (short) {
    shows = short;
    short.things.push(caseKey);
    short.note = `A case of ${lot.text} is closed with ${full - 1} of ${full}.`;
  }
  if (twice) {
    // The later case holds it: its packing has the later eventTime (domain.md §6.1).
    const before = cases[ODD_CASE - 1]!;
    const stray = before.packs.pop()!;
    one.packs.push(stray);
    shows = twice;
    twice.things.push(...packKeys(world, lot, [stray]));
    twice.note = `A pack of ${lot.text} is scanned into the first case and then into the second, which holds it from there on.`;
  }
  children = packEpcs(world, lot, one.packs);
  if (back) {
    shows = back;
    back.things.push(...packKeys(world, lot, [REJECTED_PACK]));
    back.note = `A destroyed pack of ${lot.text} is packed into a case and taken out again after the run; it stays Destroyed.`;
    children = [...children, ...packEpcs(world, lot, [REJECTED_PACK])];
  }
  if (unknown) {
    const ghost = world.serialOf(lot.item)(takeCounters(world, lot.item.gtin));
    one.packs.pop(); // misread: the real pack lies in the case, but no event says so
    children = [...children.slice(0, -1), sgtin(lot.item, ghost)];
    shows = unknown;
    unknown.things.push(sgtinKey(lot.item, ghost));
    unknown.note = `The camera misreads the last pack of a case of ${lot.text}: a serial that is never commissioned. The real pack has no container.`;
  }
  mark(lot, one.packs, { observed: true });
  cases.push(one);
  return { one, children, ...(shows && { shows }) };
}

function closePallet(world: SeededWorld, run: Run, cases: PackCase[], at: number, events: Written[]): void {
  const { lot } = run;
  const jam = run.pallets.length === 1 ? lot.defects.get('sscc-twice') : undefined;
  const unit = jam ? run.pallets[0]!.unit : nextUnit(world, 1);
  if (jam) {
    jam.things.push(ssccKey(unit));
    jam.note =
      'After a printer jam the label of the first pallet is printed again for the second: two commissionings, two pallets, one number.';
    run.pallets[0]!.cases.push(...cases);
  }
  events.push(
    lineEvent(world, run, 'ObjectEvent', at, commissioning([ssccEpc(unit)]), jam),
    lineEvent(
      world,
      run,
      'AggregationEvent',
      at + 1000,
      packing(
        ssccEpc(unit),
        cases.map((one) => sgtin(lot.caseItem, one.serial)),
      ),
      jam,
    ),
  );
  for (const one of cases) mark(lot, one.packs, { observed: false });
  // After a jam whoever moves the one number moves both pallets: the second has no list of its own.
  run.pallets.push({ unit, cases: jam ? [] : cases });
}

/** Sends a part of a run, in the way that the defect of the lot wants. */
function sendPart(world: SeededWorld, run: Run, part: number, events: Written[]): void {
  const { lot, batch } = run;
  const sender = batch.packager;
  const at = world.agenda.now();
  const note = `Lot ${lot.text} on the line, part ${part + 1} of ${run.cuts.length}.`;
  const send = (what: readonly Written[], remark = note): ReturnType<typeof post> =>
    post(world, sender, at, { slug: `line-${lot.text}`, note: remark, events: what });
  if (part > 0) {
    send(events);
    return;
  }
  const { defects } = lot;
  const late = defects.get('out-of-order');
  const midnight = defects.get('over-midnight');
  if (midnight) {
    midnight.things.push(lot.key);
    midnight.note = `${lot.text} runs over midnight: two documents, two dates, one lot.`;
  }
  const day00 = defects.get('expiry-day-00');
  if (day00) {
    day00.things.push(lot.key);
    day00.note = `The line writes the expiry of ${lot.text} as ${lot.expiry}: day 00 stands for the last day of the month in a code (AI 17), and is no date in ilmd.`;
  }
  const hour = defects.get('clock-hour');
  if (hour) {
    hour.things.push(lot.key);
    hour.note = `The line's clock is ahead by exactly one hour throughout ${lot.text}: eventTime lies behind the document's creationDate (what a clock check calls LINE-CLOCK).`;
  }
  if (late) {
    const isPacking = (one: Written): boolean => one.text.startsWith('{"type":"AggregationEvent"');
    const isCommissioning = (one: Written): boolean => one.text.includes('"bizStep":"commissioning"');
    late.things.push(...run.cases.map((one) => sgtinKey(lot.caseItem, one.serial)));
    late.note =
      'The packing arrives before the commissioning of its children, which is therefore late; it comes within the grace, so no AGG-UNKNOWN-CHILD may stay.';
    send(events.filter(isPacking), `${note} The packing overtakes the commissioning.`);
    send(events.filter((one) => !isPacking(one)).map((one) => (isCommissioning(one) ? { ...one, shows: late } : one)));
    return;
  }
  const broken = defects.get('power-loss') ?? defects.get('no-offset');
  if (broken) {
    // What the server refuses comes first; then the line sends it whole.
    const text = documentText(
      sender,
      at,
      events.map((one) => one.text),
    );
    const half = broken.kind === 'power-loss';
    const refused = hand(
      world,
      `line-${lot.text}-refused`,
      `${note} ${half ? 'The power fails half way.' : 'Its first time has no zone.'}`,
      half ? text.slice(0, Math.floor(text.length / 2)) : withoutZone(text),
    );
    broken.things.push(lot.key);
    broken.documents.push(refused.name);
    broken.events.push(...(half ? events : events.slice(0, 1)).map((one) => one.id));
    broken.note = half
      ? 'Half of the file: it ends in the middle of an event. The whole follows.'
      : 'The first eventTime is a local time without zone. The right document follows.';
    broken.documents.push(send(events, `${note} Sent again, whole.`).name);
    return;
  }
  const whole = send(events);
  const twice = defects.get('repost');
  if (twice) {
    const again = hand(world, `line-${lot.text}`, `${note} Posted again after a time-out, byte for byte.`, whole.text);
    twice.things.push(lot.key);
    twice.events.push(...events.map((one) => one.id));
    twice.documents.push(whole.name, again.name);
    twice.note = 'The same document twice: success, and nothing stored the second time.';
  }
}

const withoutZone = (text: string): string => text.replace(/("eventTime":"[^"]*?)[+-]\d\d:\d\d"/, '$1"');

/** At changeover the end of one lot and the beginning of the next leave in one document, mixed by time. */
function sendInterleaved(world: SeededWorld, run: Run, { defect, events: before }: Held, events: Written[]): void {
  defect.things.push(run.batch.lots[run.batch.lots.indexOf(run.lot) - 1]!.key, run.lot.key);
  defect.note = 'Events of both lots alternate in one document; each pack belongs to the lot that its own commissioning names.';
  post(world, run.batch.packager, world.agenda.now(), {
    slug: 'line-changeover',
    note: `Changeover to lot ${run.lot.text}: events of two lots interleaved.`,
    events: [...before, ...events].sort((a, b) => a.at - b.at).map((one) => ({ ...one, shows: defect })),
  });
}

/** After the last pack: what was left over is told, the transformation is closed, and the lot waits for release. */
function endRun(world: SeededWorld, run: Run): void {
  const { lot, batch } = run;
  const { agenda, random } = world;
  const at = agenda.now();
  const tell = (when: number, slug: string, note: string, make: (when: number) => Written[]): void =>
    agenda.plan(when, () => {
      post(world, batch.packager, when + MINUTE, { slug, note, events: make(when) });
    });
  agenda.plan(at + 10 * MINUTE, () => sendTransformation(world, run, splitsTransformation(run) ? 'outputs' : 'whole'));

  const tests = lot.defects.get('test-serials');
  if (tests) {
    const packs = testPacks(lot);
    mark(lot, packs, { status: 'Inactive', observed: true });
    tell(at + 20 * MINUTE, 'test-serials', `Test serials of ${lot.text} are decommissioned.`, (when) => [
      lineEvent(
        world,
        run,
        'ObjectEvent',
        when,
        { action: 'DELETE', bizStep: 'decommissioning', disposition: 'inactive', epcList: packEpcs(world, lot, packs) },
        tests,
      ),
    ]);
  }
  const space = lot.defects.get('lot-trailing-space');
  if (space) {
    const market = { pack: lot.item, case: lot.caseItem };
    const spaced = bookLot(world, batch.packager, `${lot.text} `, market, SPACED_PACKS, lot.expiry);
    world.lots.push(spaced);
    const packs = Array.from({ length: SPACED_PACKS }, (_, i) => i);
    space.things.push(spaced.key, lot.key);
    space.note = `${SPACED_PACKS} packs carry the lot text "${spaced.text}". A space is not in the character set of AI (10), so it is no legal lot; as told it is another lot than ${lot.text}, and only an alias record may join them.`;
    tell(at + 20 * MINUTE, 'line-lot-text', `The last packs of ${lot.text}, typed with a space behind the lot.`, (when) => [
      lineEvent(world, run, 'ObjectEvent', when, commissioning(packEpcs(world, spaced, packs), spaced.text, spaced.expiry), space),
    ]);
  }
  const back = lot.defects.get('reject-put-back');
  const wrongCase = run.cases[ODD_CASE];
  if (back && wrongCase)
    tell(at + HOUR, 'reject-removed', `Quality takes the rejected pack of ${lot.text} out of its case.`, (when) => [
      lineEvent(
        world,
        run,
        'AggregationEvent',
        when,
        {
          parentID: sgtin(lot.caseItem, wrongCase.serial),
          childEPCs: packEpcs(world, lot, [REJECTED_PACK]),
          action: 'DELETE',
          bizStep: 'unpacking',
          disposition: 'in_progress',
        },
        back,
      ),
    ]);
  const pallets = run.pallets.filter((pallet) => pallet.cases.length > 0);
  agenda.plan(at + DAY + random.dwell(3 * DAY), () => shipFinished(world, batch, pallets));
}
