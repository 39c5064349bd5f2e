import { DAY, HOUR, MINUTE } from './clock.ts';
import {
  act, assetOf, attempt, bagOf, type CoiBook, type Course, ITEMS, idFrom, itemOf, type Named, pass, send, signed, tell, wait,
} from './coi-book.ts'; // biome-ignore format: a list
import { check, handOver, moveTo, type OrderCourse, orderFields, printLabels } from './coi-order.ts';
import { among, type CoiPerson, type CoiSite } from './coi-parties.ts';
import { type EventMembers, placed } from './document.ts';
import { lgtin, lotKey, partyKey, pgln, sgln } from './keys.ts';

/** Everything that one collection and manufacture brings about. */
type Attempt = {
  readonly name: string;
  readonly collected: Named;
  readonly bags: readonly Named[];
  readonly samples: readonly Named[];
  readonly vessels: readonly [Named, Named];
  readonly qcSample: Named;
  readonly doses: readonly Named[];
  /** What exists and has not come to an end: those who have it destroy it when the order ends. */
  readonly live: Map<string, Named>;
};

const BIZ_STEP = 'urn:lotline:identity:bizStep:';
/** A bag is given in the hour after it was thawed, as the product's profile wants it. */
export const POST_THAW_MINUTES = 90;

function openAttempt(course: OrderCourse): Attempt {
  const { plan, attemptNumber, centre } = course;
  const name = `${plan.n}-${attemptNumber}`;
  const din = `${centre.fin}26${String(plan.n * 10 + attemptNumber).padStart(6, '0')}`;
  const several = (item: (typeof ITEMS)[keyof typeof ITEMS], letter: string, count: number) =>
    Array.from({ length: count }, (_, i) => itemOf(item, `${letter}${name}-${i + 1}`));
  return {
    name,
    collected: bagOf(din, '00'),
    bags: [bagOf(din, 'A0'), bagOf(din, 'B0')],
    samples: several(ITEMS.sample, 'S', 2),
    vessels: [itemOf(ITEMS.vessel, `V${name}-1`), itemOf(ITEMS.vessel, `V${name}-2`)],
    qcSample: itemOf(ITEMS.qcSample, `Q${name}`),
    doses: several(ITEMS.dose, 'D', plan.plant === 'rebinding' ? 3 : 1 + (plan.n % 2)),
    live: new Map(),
  };
}

const uris = (things: readonly Named[]) => things.map(({ uri }) => uri);
const volume = (value: number) => ({ value, uom: 'MLT' });
const expires = (at: number, days: number): EventMembers => ({
  ilmd: { 'cbvmda:itemExpirationDate': new Date(at + days * DAY).toISOString().slice(0, 10) },
});

/** From where to where, in the words of who writes. */
export function way(writer: CoiSite, from: CoiSite, to: CoiSite): EventMembers {
  const { spelling } = writer.party;
  return {
    sourceList: [
      { type: 'possessing_party', source: pgln(from.party.location, spelling) },
      { type: 'location', source: sgln(from.party.location, spelling) },
    ],
    destinationList: [
      { type: 'possessing_party', destination: pgln(to.party.location, spelling) },
      { type: 'location', destination: sgln(to.party.location, spelling) },
    ],
  };
}

function born(course: OrderCourse, lot: Attempt, things: readonly Named[]): void {
  for (const thing of things) {
    lot.live.set(thing.key, thing);
    course.containers.push(thing.key);
  }
}
const gone = (lot: Attempt, things: readonly Named[]): void => {
  for (const { key } of things) lot.live.delete(key);
};

const object = (course: OrderCourse, at: CoiSite, slug: string, step: string, members: EventMembers, more: Record<string, unknown> = {}) =>
  tell(course, at.party, 'ObjectEvent', slug, { ...members, ...orderFields(course, step, more) });

export function destroy(course: OrderCourse, lot: Attempt, things: readonly Named[], at: CoiSite): void {
  if (things.length === 0) return;
  object(course, at, 'destruction', 'residue', {
    action: 'DELETE',
    bizStep: 'destroying',
    disposition: 'destroyed',
    epcList: uris(things),
    ...placed(at.party, 'WASTE'),
  });
  gone(lot, things);
}

// ── before the first collection ─────────────────────────────────────────────────────────────────────────────────

/** The order, with everything that has to be there before cells are taken. */
export function enrol(course: OrderCourse): void {
  const { orderId, coiId, patientRef, product, template, centre, maker, site, coordinator, random } = course;
  act(course, 'patient', idFrom(random, 'pt'), { patientRef }, []);
  wait(course, 10 * MINUTE);
  const key = ({ party }: CoiSite) => partyKey(party.location);
  const parties = { treatmentSite: key(site), collectionSite: key(centre), manufacturer: key(maker) };
  act(course, 'order', orderId, { orderId, coiId, patientRef, product, template, ...parties }, []);
  course.state = 'draft';
  const [physician] = among(site, 'physician', random) as [CoiPerson];
  wait(course, 30 * MINUTE);
  check(course, { step: 'enrol', containers: [], by: [physician, coordinator], site });
  wait(course, 10 * MINUTE);
  moveTo(course, 'submitted', [[coordinator, 'authored']]);
  pass(course, 2 * DAY);
  moveTo(course, 'approved', [[physician, 'approved']]);
}

export function schedule(course: OrderCourse): void {
  pass(course, 6 * HOUR);
  moveTo(course, 'scheduled', [[course.coordinator, 'authored']]);
}

// ── collection and the way to the maker ─────────────────────────────────────────────────────────────────────────

export function collect(course: OrderCourse): Attempt {
  const { centre, random } = course;
  const lot = openAttempt(course);
  pass(course, 6 * DAY);
  const [nurse, second] = among(centre, 'nurse', random, 2) as [CoiPerson, CoiPerson];
  const [lab] = among(centre, 'cell lab', random) as [CoiPerson];
  check(course, { step: 'labels', containers: [], by: [nurse], site: centre });
  wait(course, 5 * MINUTE);
  printLabels(course, null, 6, nurse);
  wait(course, 40 * MINUTE);
  const collection = check(course, { step: 'collection', containers: [], by: [nurse, second], site: centre });
  wait(course, 4 * HOUR);
  const here = placed(centre.party, 'APHERESIS');
  const made = { disposition: 'active', ...here, ...expires(course.now, 3) };
  object(
    course,
    centre,
    'collection',
    'collection',
    { action: 'ADD', bizStep: 'commissioning', epcList: [lot.collected.uri], ...made },
    {
      check: collection,
      volume: volume(180 + random.below(60)),
    },
  );
  course.state = 'collected';
  wait(course, 10 * MINUTE);
  check(course, { step: 'samples', containers: [lot.collected], by: [nurse], site: centre });
  wait(course, 5 * MINUTE);
  object(
    course,
    centre,
    'samples',
    'samples',
    { action: 'ADD', bizStep: 'sampling', epcList: uris(lot.samples), ...here },
    {
      from: lot.collected.uri,
    },
  );
  born(course, lot, [lot.collected, ...lot.samples]);
  wait(course, 30 * MINUTE);
  check(course, { step: 'hold', containers: [lot.collected], by: [lab], site: centre });
  wait(course, 10 * MINUTE);
  tell(course, centre.party, 'TransformationEvent', 'split', {
    inputEPCList: [lot.collected.uri],
    outputEPCList: uris(lot.bags),
    ...here,
    ...expires(course.now, 3),
    ...orderFields(course, 'hold', { volume: volume(95) }),
  });
  gone(lot, [lot.collected]);
  born(course, lot, lot.bags);
  send(course);
  return lot;
}

/** What a logger says of a shipment: a reading every half hour. */
function readings(course: OrderCourse, writer: CoiSite, shipper: Named, from: number, usual: number, wrong: number | null): string {
  const every = 30 * MINUTE;
  const count = Math.max(4, Math.floor((course.now - from) / every));
  const first = Math.floor(count / 2);
  const time = (i: number) => new Date(from + i * every).toISOString();
  const report = Array.from({ length: count }, (_, i) => ({
    type: 'Temperature',
    time: time(i),
    value: wrong !== null && i >= first && i < first + 3 ? wrong : usual + course.random.below(11) / 10 - 0.5,
    uom: 'CEL',
  }));
  return tell(course, writer.party, 'ObjectEvent', 'readings', {
    action: 'OBSERVE',
    bizStep: 'sensor_reporting',
    epcList: [shipper.uri],
    sensorElementList: [{ sensorMetadata: { startTime: time(0), endTime: time(count - 1) }, sensorReport: report }],
  });
}

/** Packs, hands over, ships. Answers when it set off. */
function dispatch(
  course: OrderCourse,
  o: {
    things: readonly Named[];
    shipper: Named;
    from: CoiSite;
    to: CoiSite;
    courier: CoiSite;
    step: 'pack' | 'ship';
    by: readonly CoiPerson[];
  },
): { left: number; driver: CoiPerson; seal: string } {
  const { things, shipper, from, to, courier, step, by } = o;
  const checkId = check(course, { step, containers: things, by, site: from });
  wait(course, 10 * MINUTE);
  const seal = `SEAL-${course.plan.n}-${course.attemptNumber}-${step.toUpperCase()}`;
  tell(course, from.party, 'AggregationEvent', 'packing', {
    action: 'ADD',
    bizStep: 'packing',
    parentID: shipper.uri,
    childEPCs: uris(things),
    ...placed(from.party, 'DOCK'),
    ...orderFields(course, step, { check: checkId }),
  });
  wait(course, 5 * MINUTE);
  tell(course, from.party, 'AssociationEvent', 'logger', {
    action: 'ADD',
    bizStep: 'assembling',
    parentID: shipper.uri,
    childEPCs: [assetOf(`LOGGER-${course.plan.n}-${course.attemptNumber}-${step}`).uri],
    ...placed(from.party, 'DOCK'),
  });
  send(course);
  wait(course, 20 * MINUTE);
  const [driver] = among(courier, 'driver', course.random) as [CoiPerson];
  handOver(course, shipper, seal, by[0] as CoiPerson, driver, from);
  wait(course, 5 * MINUTE);
  object(
    course,
    from,
    'shipping',
    step === 'pack' ? 'pickup' : 'ship',
    {
      action: 'OBSERVE',
      bizStep: 'shipping',
      disposition: 'in_transit',
      epcList: [shipper.uri],
      ...placed(from.party, 'DOCK', false),
      ...way(from, from, to),
    },
    course.oosId === null ? {} : { oos: course.oosId },
  );
  send(course);
  return { left: course.now, driver, seal };
}

function unpack(course: OrderCourse, shipper: Named, things: readonly Named[], from: CoiSite, to: CoiSite, step: string): void {
  object(course, to, 'receiving', step, {
    action: 'OBSERVE',
    bizStep: 'receiving',
    disposition: 'in_progress',
    epcList: [shipper.uri],
    ...placed(to.party, 'DOCK'),
    ...way(to, from, to),
  });
  wait(course, 10 * MINUTE);
  tell(course, to.party, 'AggregationEvent', 'unpacking', {
    action: 'DELETE',
    bizStep: 'unpacking',
    parentID: shipper.uri,
    childEPCs: uris(things),
    ...placed(to.party, 'DOCK'),
    ...orderFields(course, step),
  });
}

function accept(course: OrderCourse, things: readonly Named[], from: CoiSite, to: CoiSite, step: string): void {
  object(course, to, 'acceptance', step, {
    action: 'OBSERVE',
    bizStep: 'accepting',
    disposition: 'in_progress',
    epcList: uris(things),
    ...placed(to.party, 'LAB'),
    ...way(to, from, to),
  });
}

/** Quality looks at an excursion and keeps the shipment. */
function judgeExcursion(course: OrderCourse, shipper: Named, eventID: string, things: readonly Named[], note: string): void {
  const { book, maker, random, coiId } = course;
  send(course);
  pass(course, 4 * HOUR);
  const [reviewer] = among(maker, 'reviewer', random) as [CoiPerson];
  const excursionId = idFrom(random, 'ex');
  act(course, 'excursion', excursionId, { excursionId, shipment: shipper.key, verdict: 'accept', reason: 'within the stability budget' }, [
    [reviewer, 'resolved', 'within the stability budget'],
  ]);
  book.plants.push({ kind: 'excursion', chains: [coiId], acts: [excursionId], events: [eventID], note });
  book.findings.push({ code: 'SENS-EXC', at: eventID, things: things.map(({ key }) => key).sort(), state: 'closed' });
}

export function bringIn(course: OrderCourse, lot: Attempt): void {
  const { centre, maker, random, plan } = course;
  pass(course, 2 * HOUR);
  const lab = among(centre, 'cell lab', random, 2);
  const shipper = assetOf(`SHIPPER-${lot.name}-IN`);
  const { left, driver, seal } = dispatch(course, {
    things: lot.bags,
    shipper,
    from: centre,
    to: maker,
    courier: course.couriers[0],
    step: 'pack',
    by: lab.slice(0, 1),
  });
  course.state = 'inTransitIn';
  wait(course, (10 + random.below(14)) * HOUR);
  const [dock, second] = among(maker, 'dock', random, 2) as [CoiPerson, CoiPerson];
  handOver(course, shipper, seal, driver, dock, maker);
  wait(course, 10 * MINUTE);
  const warm = plan.plant === 'warm' && course.attemptNumber === 1;
  const told = readings(course, maker, shipper, left, 4.5, warm ? 11 : null);
  wait(course, 10 * MINUTE);
  check(course, { step: 'receive', containers: lot.bags, by: [dock], site: maker });
  wait(course, 5 * MINUTE);
  unpack(course, shipper, lot.bags, centre, maker, 'receive');
  course.state = 'received';
  if (warm) judgeExcursion(course, shipper, told, [...lot.bags, shipper], 'An hour and a half at 11 °C on the way to the maker.');
  pass(course, 2 * HOUR);
  // Who checks does not release: the first of the reviewers is the one who accepts.
  check(course, { step: 'accept', containers: lot.bags, by: [maker.people['reviewer']![0]!, second], site: maker });
  wait(course, 10 * MINUTE);
  send(course);
}

export function acceptIn(course: OrderCourse, lot: Attempt): void {
  accept(course, lot.bags, course.centre, course.maker, 'accept');
  send(course);
  course.state = 'accepted';
}

// ── manufacture ─────────────────────────────────────────────────────────────────────────────────────────────────

/** A cleared suite that is free, booked for that time: one patient's material at a time. */
function bookSuite(book: CoiBook, maker: CoiSite, from: number, until: number): Named {
  for (let n = 1; ; n++) {
    const suite = assetOf(`SUITE-${maker.party.index}-${n}`);
    const taken = book.spaces.get(suite.key) ?? [];
    if (taken.some((one) => one.from < until && from < one.until)) continue;
    taken.push({ from, until });
    book.spaces.set(suite.key, taken);
    return suite;
  }
}

function clear(course: Course, maker: CoiSite, suite: Named): void {
  const [operator, second] = among(maker, 'operator', course.random, 2) as [CoiPerson, CoiPerson];
  act(course, 'clearance', idFrom(course.random, 'cl'), { space: suite.key }, [
    [operator, 'authored'],
    [second, 'witnessed'],
  ]);
}

/** Ends before the harvest where it fails: then the vessel is destroyed, and false is answered. */
export function manufacture(course: OrderCourse, lot: Attempt, fails: boolean): boolean {
  const { book, maker, random, coiId } = course;
  pass(course, 4 * HOUR);
  const activation = course.pace.dwell(2 * DAY);
  const expansion = course.pace.dwell(7 * DAY);
  const suite = bookSuite(book, maker, course.now - HOUR, course.now + activation + expansion + DAY);
  clear(course, maker, suite);
  wait(course, 20 * MINUTE);
  const [operator, second] = among(maker, 'operator', random, 2) as [CoiPerson, CoiPerson];
  const here = placed(maker.party, 'GMP');
  const start = check(course, { step: 'start', containers: lot.bags, by: [operator, second], site: maker });
  wait(course, 15 * MINUTE);
  tell(course, maker.party, 'TransformationEvent', 'start', {
    inputEPCList: uris(lot.bags),
    outputEPCList: [lot.vessels[0].uri],
    ...here,
    ...orderFields(course, 'start', { check: start, space: suite.uri }),
  });
  gone(lot, lot.bags);
  born(course, lot, [lot.vessels[0]]);
  course.state = 'manufacturing';
  wait(course, activation);
  check(course, { step: 'process', containers: [lot.vessels[0]], by: [operator], site: maker });
  wait(course, 15 * MINUTE);
  const week = Math.floor(course.now / (14 * DAY));
  const lots = [
    [ITEMS.vector, `VEC-${maker.party.index}-${week}`],
    [ITEMS.media, `MED-${maker.party.index}-${week}`],
  ] as const;
  tell(course, maker.party, 'TransformationEvent', 'transduction', {
    inputEPCList: [lot.vessels[0].uri],
    inputQuantityList: lots.map(([item, text]) => ({ epcClass: lgtin(item, text), quantity: 10, uom: 'MLT' })),
    outputEPCList: [lot.vessels[1].uri],
    ...here,
    ...orderFields(course, 'process', { space: suite.uri }),
  });
  for (const [item, text] of lots) {
    const key = lotKey(item, text);
    const users = book.reagents.get(key) ?? [];
    if (!users.includes(coiId)) users.push(coiId);
    book.reagents.set(key, users);
  }
  gone(lot, [lot.vessels[0]]);
  born(course, lot, [lot.vessels[1]]);
  wait(course, fails ? Math.floor(expansion / 2) : expansion);
  if (fails) {
    destroy(course, lot, [lot.vessels[1]], maker);
    send(course);
    wait(course, HOUR);
    clear(course, maker, suite);
    return false;
  }
  check(course, { step: 'qc-samples', containers: [lot.vessels[1]], by: [operator], site: maker });
  wait(course, 10 * MINUTE);
  object(
    course,
    maker,
    'release sample',
    'qc-samples',
    { action: 'ADD', bizStep: 'sampling', epcList: [lot.qcSample.uri], ...here },
    {
      from: lot.vessels[1].uri,
    },
  );
  born(course, lot, [lot.qcSample]);
  wait(course, 30 * MINUTE);
  const fill = check(course, { step: 'fill', containers: lot.doses, by: [operator, second], site: maker });
  wait(course, 10 * MINUTE);
  lot.doses.forEach((dose, i) => {
    tell(course, maker.party, 'TransformationEvent', 'fill', {
      ...(i === 0 && { inputEPCList: [lot.vessels[1].uri] }),
      outputEPCList: [dose.uri],
      transformationID: `urn:epc:id:gdti:9520123.00071.FILL${lot.name}`,
      ...here,
      ...expires(course.now, 365),
      ...orderFields(course, 'fill', {
        check: fill,
        space: suite.uri,
        bag: { number: i + 1, of: lot.doses.length },
        volume: volume(50),
      }),
    });
  });
  gone(lot, [lot.vessels[1]]);
  born(course, lot, lot.doses);
  course.state = 'fillFinished';
  wait(course, 20 * MINUTE);
  printLabels(course, null, lot.doses.length + 2, operator);
  wait(course, 30 * MINUTE);
  check(course, { step: 'store', containers: lot.doses, by: [operator], site: maker });
  wait(course, 10 * MINUTE);
  object(course, maker, 'storage', 'store', {
    action: 'OBSERVE',
    bizStep: 'storing',
    epcList: uris(lot.doses),
    ...placed(maker.party, `LN2-${course.plan.n}`),
  });
  send(course);
  wait(course, HOUR);
  clear(course, maker, suite);
  return true;
}

// ── testing and release ─────────────────────────────────────────────────────────────────────────────────────────

const TESTS = [
  { test: 'endotoxin', unit: 'EU/mL', limits: { max: 5 }, good: 0.2 },
  { test: 'transduced cells', unit: '%', limits: { min: 20 }, good: 41 },
  { test: 'viability', unit: '%', limits: { min: 70 }, good: 84 },
] as const;
const POOR_VIABILITY = 62;

export function test(course: OrderCourse, lot: Attempt): void {
  const { maker, random, plan, book } = course;
  const [analyst] = among(maker, 'analyst', random) as [CoiPerson];
  for (const { test: name, unit, limits, good } of TESTS) {
    pass(course, 2 * DAY);
    const poor = plan.plant === 'out-of-specification' && name === 'viability';
    const value = poor ? POOR_VIABILITY : good + random.below(5);
    const resultId = idFrom(random, 're');
    const verdict = poor ? 'oos' : 'pass';
    // Some values go up to the limit, and none beyond it.
    const told = name === 'endotoxin' ? Math.round(value * 10) / 100 : value;
    act(
      course,
      'result',
      resultId,
      { resultId, sample: lot.qcSample.key, test: name, value: told, unit, limits, verdict, computed: verdict },
      [[analyst, 'authored']],
    );
    course.state = 'qcPending';
    if (!poor) continue;
    book.findings.push({
      code: 'QC-OOS',
      at: resultId,
      things: [lot.qcSample, lot.vessels[1]].map(({ key }) => key).sort(),
      state: 'open',
    });
  }
  wait(course, HOUR);
  destroy(course, lot, [lot.qcSample], maker);
  send(course);
}

/** Reviewed and certified; or, out of specification, asked for by the physician and approved all the same (C-07). */
export function release(course: OrderCourse, lot: Attempt): void {
  const { maker, site, random, plan, book, orderId, coiId } = course;
  pass(course, DAY);
  const reviewer = random.pick(maker.people['reviewer']!.slice(1));
  const [qp] = among(maker, 'qualified person', random) as [CoiPerson];
  const containers = lot.doses.map(({ key }) => key);
  const certify = () => {
    const releaseId = idFrom(random, 'rl');
    act(course, 'release', releaseId, { releaseId, orderId, containers }, [
      [reviewer, 'reviewed'],
      [qp, 'released'],
    ]);
    course.state = 'released';
  };
  if (plan.plant !== 'out-of-specification') {
    certify();
    return;
  }
  const [physician] = among(site, 'physician', random) as [CoiPerson];
  const oosId = idFrom(random, 'oo');
  const body = {
    oosId,
    orderId,
    physicianRequest: 'no other treatment is left',
    riskInformation: 'viability 62 %, limit 70 %; given to the physician in writing',
    assessment: 'fewer viable cells; the dose is still above the lowest effective one',
    authority: null,
  };
  // The physician's signature is missing at first.
  attempt(course, 'oos', idFrom(random, 'oo'), { ...body, oosId: `${oosId}x` }, [[qp, 'approved']], 'OOS-PATH');
  wait(course, 3 * HOUR);
  act(course, 'oos', oosId, body, [
    [physician, 'approved', 'no other treatment is left'],
    [reviewer, 'reviewed'],
    [qp, 'approved'],
  ]);
  course.oosId = oosId;
  wait(course, HOUR);
  letGo(course, 'QC-OOS', reviewer);
  wait(course, HOUR);
  certify();
  book.plants.push({
    kind: 'out-of-specification',
    chains: [coiId],
    acts: [oosId],
    events: [],
    note: 'Viability 62 %, the limit is 70 %.',
  });
}

// ── the way to the patient ──────────────────────────────────────────────────────────────────────────────────────

/** How the courses of swapped bags know of each other. */
export type Swap = { readonly dose: Named; readonly coiId: string };

export function bringOut(course: OrderCourse, lot: Pick<Attempt, 'name' | 'doses'>, swap: Swap | null): void {
  const { maker, site, random, plan } = course;
  pass(course, 2 * DAY);
  const docks = among(maker, 'dock', random, 2);
  const shipper = assetOf(`SHIPPER-${lot.name}-OUT`);
  const { left, driver, seal } = dispatch(course, {
    things: lot.doses,
    shipper,
    from: maker,
    to: site,
    courier: course.couriers[1],
    step: 'ship',
    by: docks,
  });
  course.state = 'inTransitOut';
  wait(course, (18 + random.below(24)) * HOUR);
  const [pharmacist, second] = among(site, 'pharmacist', random, 2) as [CoiPerson, CoiPerson];
  handOver(course, shipper, seal, driver, pharmacist, site);
  wait(course, 10 * MINUTE);
  const thawing = plan.plant === 'thawing';
  const told = readings(course, site, shipper, left, -180, thawing ? -128 : null);
  wait(course, 10 * MINUTE);
  if (swap === null) check(course, { step: 'site-receive', containers: lot.doses, by: [pharmacist], site });
  else receiveSwapped(course, lot.doses, swap, pharmacist, second);
  wait(course, 5 * MINUTE);
  unpack(course, shipper, lot.doses, maker, site, 'site-receive');
  course.state = 'atSite';
  if (thawing)
    judgeExcursion(course, shipper, told, [...lot.doses, shipper], 'An hour and a half at −128 °C on the way to the treatment site.');
  wait(course, 20 * MINUTE);
  accept(course, lot.doses, maker, site, 'site-receive');
  wait(course, 20 * MINUTE);
  course.state = 'siteAccepted';
  check(course, { step: 'site-store', containers: lot.doses, by: [pharmacist], site });
  wait(course, 10 * MINUTE);
  object(course, site, 'storage', 'site-store', {
    action: 'OBSERVE',
    bizStep: 'storing',
    epcList: uris(lot.doses),
    ...placed(site.party, `LN2-${plan.n}`),
  });
  send(course);
}

/** The shipper holds somebody else's bag: the check fails, quality has the bags brought to where they belong, and the next check passes (C-14). */
function receiveSwapped(course: OrderCourse, doses: readonly Named[], swap: Swap, pharmacist: CoiPerson, second: CoiPerson): void {
  const { site, book, coiId } = course;
  const failed = check(course, {
    step: 'site-receive',
    containers: doses,
    by: [pharmacist, second],
    site,
    shows: { source: 'bag', container: swap.dose },
    met: [swap.coiId],
  });
  const resolution = resolve(
    course,
    failed,
    'The two bags were in each other’s shipper; each is at its own site now.',
    'swapped by the courier',
  );
  const acts = [failed, resolution.id];
  wait(course, HOUR);
  acts.push(check(course, { step: 'site-receive', containers: doses, by: [pharmacist], site, resolution: resolution.id }));
  book.plants.push({ kind: 'swap', chains: [coiId, swap.coiId], acts, events: [], note: 'Two bags in each other’s shipper.' });
  book.findings.push({
    code: 'COI-MISMATCH',
    at: failed,
    things: [...doses.map(({ key }) => key), swap.dose.key].sort(),
    state: 'closed',
  });
}

/** Quality decides about a failed check, and nobody who checked: that also lets go what the check held. */
function resolve(course: OrderCourse, checkId: string, decision: string, reason: string): { id: string } {
  const { maker, random } = course;
  pass(course, 5 * HOUR);
  const [reviewer] = among(maker, 'reviewer', random) as [CoiPerson];
  const resolutionId = idFrom(random, 'rs');
  act(course, 'resolution', resolutionId, { resolutionId, checkId, decision, reason }, [[reviewer, 'resolved', reason]]);
  return { id: resolutionId };
}

/** Two of quality let go what protects a patient. */
function letGo(course: OrderCourse, code: string, reviewer: CoiPerson): void {
  const [qp] = among(course.maker, 'qualified person', course.random) as [CoiPerson];
  course.book.steps.push({
    at: course.now,
    lift: {
      id: idFrom(course.random, 'hl'),
      chain: course.coiId,
      code,
      reason: 'resolved',
      signatures: signed(course, [
        [reviewer, 'resolved', 'resolved'],
        [qp, 'approved', 'resolved'],
      ]),
    },
  });
}

// ── at the bedside ──────────────────────────────────────────────────────────────────────────────────────────────

export function ready(course: OrderCourse): void {
  const { site, random } = course;
  pass(course, 4 * DAY);
  const [physician] = among(site, 'physician', random) as [CoiPerson];
  const [nurse] = among(site, 'nurse', random) as [CoiPerson];
  check(course, { step: 'ready', containers: [], by: [physician, nurse], site });
  wait(course, 10 * MINUTE);
  moveTo(course, 'ready', [[physician, 'approved']]);
}

/** `typed`: a look-alike Chain of Identity Identifier that somebody types from the bag (C-22). */
export function treat(course: OrderCourse, lot: Pick<Attempt, 'doses' | 'samples' | 'live'>, lookAlike: string | null): void {
  const { site, random, patientRef } = course;
  pass(course, 5 * HOUR);
  const [pharmacist, second] = among(site, 'pharmacist', random, 2) as [CoiPerson, CoiPerson];
  const [nurse, witness] = among(site, 'nurse', random, 2) as [CoiPerson, CoiPerson];
  const here = placed(site.party, 'WARD');
  const oos = course.oosId === null ? {} : { oos: course.oosId };
  const given = course.plan.plant === 'rebinding' ? lot.doses.slice(0, 2) : lot.doses;
  for (const [i, dose] of given.entries()) {
    const by = [pharmacist, second] as const;
    if (i === 0 && lookAlike !== null) checkLookAlike(course, dose, lookAlike, by);
    else check(course, { step: 'thaw', containers: [dose], by, site });
    wait(course, 10 * MINUTE);
    object(course, site, 'thawing', 'thaw', { action: 'OBSERVE', bizStep: `${BIZ_STEP}thawing`, epcList: [dose.uri], ...here }, oos);
    wait(course, 15 * MINUTE);
    course.state = 'thawed';
    const bedside = check(course, { step: 'bedside', containers: [dose], by: [nurse, witness], site });
    wait(course, 10 * MINUTE);
    object(
      course,
      site,
      'infusion',
      'infuse',
      { action: 'DELETE', bizStep: `${BIZ_STEP}infusing`, disposition: 'dispensed', epcList: [dose.uri], ...here },
      { recipient: patientRef, check: bedside, volume: volume(50), ...oos },
    );
    gone(lot as Attempt, [dose]);
    course.infused.push(dose.key);
    wait(course, 40 * MINUTE);
  }
  course.state = course.plan.plant === 'rebinding' ? 'infusing' : 'infused';
  send(course);
}

function checkLookAlike(course: OrderCourse, dose: Named, other: string, by: readonly [CoiPerson, CoiPerson]): void {
  const { site, book, coiId } = course;
  const typed = 'the code is frosted over';
  const failed = check(course, { step: 'thaw', containers: [dose], by, site, shows: { source: 'bag', coiId: other, typed }, met: [other] });
  const { id } = resolve(course, failed, 'The last character was misread; the bag is the right one.', 'misread');
  wait(course, 20 * MINUTE);
  const again = check(course, { step: 'thaw', containers: [dose], by, site, resolution: id });
  book.plants.push({ kind: 'look-alike', chains: [coiId, other], acts: [failed, id, again], events: [], note: 'One character apart.' });
  book.findings.push({ code: 'COI-MISMATCH', at: failed, things: [dose.key], state: 'closed' });
}

// ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────────

export function followUp(course: OrderCourse, lot: Attempt): void {
  const { site, centre, random, coordinator } = course;
  pass(course, DAY);
  destroy(course, lot, lot.samples, centre);
  send(course);
  const [physician] = among(site, 'physician', random) as [CoiPerson];
  wait(course, HOUR);
  moveTo(course, 'followUp', [[physician, 'reviewed']]);
  wait(course, 28 * DAY);
  if (lot.live.size > 0) return;
  moveTo(course, 'closed', [[coordinator, 'reviewed']]);
}

/** The order ends before its time: its material is destroyed where it is, on a decision (INV-24). */
export function end(course: OrderCourse, lot: Attempt | null, to: string, at: CoiSite, reason: string): void {
  const { random, orderId, coordinator, site, maker } = course;
  const [physician] = among(site, 'physician', random) as [CoiPerson];
  const [reviewer] = among(maker, 'reviewer', random) as [CoiPerson];
  pass(course, 8 * HOUR);
  moveTo(
    course,
    to,
    [
      [coordinator, 'authored', reason],
      [physician, 'approved', reason],
      [reviewer, 'approved', reason],
    ],
    reason,
  );
  course.over = true;
  const left = [...(lot?.live.values() ?? [])];
  if (lot === null || left.length === 0) return;
  pass(course, DAY);
  act(
    course,
    'material-decision',
    idFrom(random, 'md'),
    { orderId, containers: left.map(({ key }) => key).sort(), decision: 'destroy', due: null, reason },
    [[reviewer, 'approved', reason]],
  );
  pass(course, DAY);
  const samples = new Set(lot.samples.map(({ key }) => key));
  destroy(
    course,
    lot,
    left.filter(({ key }) => samples.has(key)),
    course.centre,
  );
  destroy(
    course,
    lot,
    left.filter(({ key }) => !samples.has(key)),
    at,
  );
  send(course);
}

/**
 * The third bag of a dose lost its label in the freezer. It is found under no name that could be read; two of quality bind it again, on two pieces of
 * evidence, and it is not used (C-10).
 */
export function rebind(course: OrderCourse, lot: Attempt): void {
  const { site, maker, random, book, coiId, plan } = course;
  const lost = lot.doses[2];
  if (lost === undefined) return;
  pass(course, 3 * DAY);
  const found = itemOf(ITEMS.dose, `FOUND-${plan.n}`);
  const eventID = object(course, site, 'find', 'site-store', {
    action: 'ADD',
    bizStep: 'commissioning',
    disposition: 'active',
    epcList: [found.uri],
    ...placed(site.party, `LN2-${plan.n}`),
  });
  const unstated = course.outbox.at(-1)!;
  // Nobody can say whose it is: the event names the order whose cassette it lay in, and no chain.
  unstated.text = unstated.text.replace(`"coi:chain":${JSON.stringify(coiId)},`, '');
  send(course);
  course.containers.push(found.key);
  pass(course, 2 * DAY);
  const [reviewer] = among(maker, 'reviewer', random) as [CoiPerson];
  const [qp] = among(maker, 'qualified person', random) as [CoiPerson];
  const rebindingId = idFrom(random, 'rb');
  const evidence = [
    { kind: 'position', text: `cassette LN2-${plan.n}, put away under two signatures`, by: null },
    { kind: 'genotype', text: 'HLA typing agrees with the retained sample', by: null },
  ];
  act(course, 'rebinding', rebindingId, { rebindingId, container: found.key, chain: coiId, evidence }, [
    [reviewer, 'reviewed'],
    [qp, 'approved'],
  ]);
  book.plants.push({
    kind: 'rebinding',
    chains: [coiId],
    acts: [rebindingId],
    events: [eventID],
    note: 'A label came off in the freezer.',
  });
  book.findings.push({ code: 'COI-UNBOUND', at: eventID, things: [found.key], state: 'closed' });
  pass(course, DAY);
  // It is one bag under two keys, and both come to their end with it.
  destroy(course, lot, [lost, found], site);
  send(course);
  course.state = 'infused';
  wait(course, HOUR);
  letGo(course, 'COI-UNBOUND', reviewer);
  wait(course, HOUR);
}
