import { DAY, HOUR, MINUTE, offsetAt, offsetText, WORLD_START, type Zone } from './clock.ts';
import type { CoiAnswerKey, CoiPlantKind } from './coi-answer-key.ts';
import { attempt, type CoiAct, type CoiBook, type CoiIdentity, type CoiStep, type Course, idFrom, type Named, send } from './coi-book.ts';
import { allocate, type Bank, lookBack, makeBank, recovered } from './coi-donors.ts';
import { moveTo, type OrderCourse, type OrderPlan } from './coi-order.ts';
import { among, type CoiPerson, openCoiParties } from './coi-parties.ts';
import {
  acceptIn, bringIn, bringOut, collect, destroy, end, enrol, followUp, manufacture, POST_THAW_MINUTES, ready, rebind, release, schedule, test, treat,
} from './coi-therapy.ts'; // biome-ignore format: a list
import { documentText, masterData } from './document.ts';
import { openRandom, type Random } from './random.ts';

export type { CoiAct, CoiIdentity, CoiSignature, CoiStep } from './coi-book.ts';
export type { CoiPerson } from './coi-parties.ts';

/** How many orders there are, and how many of them are given cells of the donor whom the look-back is about. */
export type CoiSize = { readonly orders: number; readonly recipients: number };
/** S has all that is planted, and little besides; M is the world of domain.md §19. */
export const COI_SIZES = {
  S: { orders: 125, recipients: 20 },
  M: { orders: 400, recipients: 140 },
} as const satisfies Record<string, CoiSize>;

/** What happens to how many orders of patients who are given their own cells (domain.md §13, §19); the rest go well. */
const PLANTED: readonly (readonly [NonNullable<OrderPlan['plant']>, number])[] = [
  ['swap', 2],
  ['look-alike', 2],
  ['rebinding', 3],
  ['out-of-specification', 5],
  ['death', 4],
  ['second-attempt', 15],
  ['warm', 20],
  ['thawing', 10],
  ['cancelled', 10],
  ['withdrawn', 4],
  ['failed', 6],
];
/** Recipients of another donor: not of the look-back. */
const OTHER_RECIPIENTS = 20;
/** Orders begin in so many days; what has not happened by the last day does not. */
const BEGIN_DAYS = 95;
const LAST_DAY = WORLD_START + 118 * DAY;
const LOOK_BACK_DAY = WORLD_START + 105 * DAY;

/** What the makers' products are (POST /api/v1/identity/products). */
const PRODUCTS = ['AUTO-A', 'AUTO-B', 'ALLO-C'].map((product) => ({
  product,
  shelfLife: product === 'ALLO-C' ? 700 : 365,
  transport: [
    { stage: 'pack', low: 2, high: 8, minutesOut: 240 },
    { stage: 'ship', low: -196, high: -150, minutesOut: 240 },
  ],
  postThawMinutes: POST_THAW_MINUTES,
}));

export type CoiWorld = {
  readonly people: readonly CoiPerson[];
  readonly identities: readonly CoiIdentity[];
  /** In order of time; the people and the identities have to be there before. */
  readonly steps: readonly CoiStep[];
  readonly key: CoiAnswerKey;
};

/**
 * The COI world of domain.md §19: orders of cell therapies from enrolment to follow-up, with everything planted that its answer key tells. One seed is one
 * world. It needs nobody's secret: signatures are given as they were, by people who are only on record.
 */
export function coiWorld(options: { seed: number; size: keyof typeof COI_SIZES | CoiSize }): CoiWorld {
  const { seed } = options;
  const size = typeof options.size === 'string' ? COI_SIZES[options.size] : options.size;
  const random = openRandom(seed, 'coi');
  const parties = openCoiParties(random.fork('parties'), idMaker(random.fork('people')));
  const book: CoiBook = {
    seed,
    random,
    parties,
    steps: [],
    identities: [],
    spaces: new Map(),
    orders: [],
    plants: [],
    findings: [],
    refusals: [],
    onHold: new Set(),
    reagents: new Map(),
    lookBack: null,
    events: 0,
  };
  introduce(book);
  const banks = openBanks(book, size);
  const plans = planOrders(random.fork('plans'), size);
  const swapped = plans.filter(({ plant }) => plant === 'swap').map((plan) => openOrder(book, plan));
  const alike = plans.filter(({ plant }) => plant === 'look-alike').map((plan) => openOrder(book, plan));
  for (const plan of plans) {
    if (plan.kind === 'donor') recipient(openOrder(book, plan), banks[plan.donor]!);
    else if (plan.plant === 'swap') patient(swapped[plan.nth]!, swapped[1 - plan.nth]!, null);
    else if (plan.plant === 'look-alike') patient(alike[plan.nth]!, null, plan.nth === 0 ? alike[1]!.coiId : null);
    else patient(openOrder(book, plan), null, null);
  }
  lookBack(
    { book, random: random.fork('look-back'), pace: random.fork('look-back/pace'), now: LOOK_BACK_DAY, outbox: [] },
    banks[0]!,
    parties.sites,
    parties.coordinators[0]!,
  );
  tryWhatIsRefused(book);
  const steps = inOrder(book.steps);
  return { people: parties.people, identities: book.identities, steps, key: keyOf(book, steps) };
}

/** `+02:00`: what a clock on the wall of the zone is ahead of UTC by, at an instant. */
export const coiOffset = (zone: Zone, at: number): string => offsetText(offsetAt(zone, at));

const idMaker = (random: Random) => (prefix: string) => idFrom(random, prefix);

/** Who everybody is, and the products. */
function introduce(book: CoiBook): void {
  const { parties } = book;
  const [first] = parties.makers;
  const at = WORLD_START - HOUR;
  book.steps.push({
    at,
    document: {
      name: 'parties',
      note: `Names of ${parties.all.length} parties.`,
      text: documentText(first!.party, at, [], masterData(parties.all, [])),
    },
  });
  for (const [i, body] of PRODUCTS.entries())
    book.steps.push({ at: at + (i + 1) * MINUTE, act: { kind: 'product', id: idFrom(book.random, 'pd'), body, signatures: [] } });
}

function openBanks(book: CoiBook, { recipients }: CoiSize): Bank[] {
  const { parties } = book;
  const bank = (n: number, lots: readonly number[]): Bank => {
    const random = book.random.fork(`donor/${n}`);
    const donorRef = idFrom(random, 'dr');
    book.identities.push({ ref: donorRef, kind: 'donor', identity: identityOf(random) });
    const course: Course = { book, random, pace: random.fork('pace'), now: WORLD_START + n * DAY, outbox: [] };
    return makeBank(course, { donorRef, n, centre: parties.centres[n]!, maker: parties.makers[n % 2]!, lots });
  };
  const half = Math.ceil(recipients / 2);
  return [bank(1, [half + 10, recipients - half + 10]), bank(2, [OTHER_RECIPIENTS + 5])];
}

const SYLLABLES = ['ba', 'ce', 'di', 'fo', 'gu', 'ha', 'je', 'ki', 'lo', 'mu', 'na', 'pe', 'ri', 'so', 'tu', 've', 'wi', 'xo', 'yu', 'za'];
/** Nobody's name: syllables in a row, so that any trace of it outside of the vault can be found. */
function identityOf(random: Random): CoiIdentity['identity'] {
  const word = (count: number) => {
    const text = Array.from({ length: count }, () => random.pick(SYLLABLES)).join('');
    return text[0]!.toUpperCase() + text.slice(1);
  };
  const two = (n: number) => String(n).padStart(2, '0');
  return {
    name: `${word(5)}, ${word(4)}`,
    birthDate: `${1940 + random.below(70)}-${two(1 + random.below(12))}-${two(1 + random.below(28))}`,
    recordNumber: `MRN-${random.between(10_000_000, 99_999_999)}`,
  };
}

/** Who is when, and what happens to whom. */
function planOrders(random: Random, { orders, recipients }: CoiSize): OrderPlan[] {
  const own = orders - recipients - OTHER_RECIPIENTS;
  const plants: { plant: OrderPlan['plant']; nth: number }[] = PLANTED.flatMap(([plant, count]) =>
    Array.from({ length: count }, (_, nth) => ({ plant, nth })),
  );
  if (plants.length > own) throw new Error(`A COI world needs ${plants.length} orders of patients’ own cells, and has ${own}.`);
  while (plants.length < own) plants.push({ plant: null, nth: plants.length });
  for (let i = plants.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [plants[i], plants[j]] = [plants[j]!, plants[i]!];
  }
  const startOf = (share: number) => WORLD_START + Math.floor(share * BEGIN_DAYS) * DAY + random.below(10 * 60) * MINUTE;
  // What is planted has the time to happen.
  const early = (share: number) => share * 0.6;
  const pairStart = startOf(0.2);
  const plans = plants.map(({ plant, nth }, i): OrderPlan => {
    const share = plant === null ? i / own : early(i / own);
    const start = plant === 'swap' ? pairStart : startOf(share);
    return { n: i + 1, kind: 'autologous', start, donor: 0, plant, nth, pace: plant === 'swap' ? 'swap' : `order/${i + 1}` };
  });
  const given = Array.from({ length: recipients + OTHER_RECIPIENTS }, (_, i): OrderPlan => {
    const n = own + i + 1;
    const share = (i % recipients) / recipients;
    return {
      n,
      kind: 'donor',
      start: startOf(share * 0.75),
      donor: i < recipients ? 0 : 1,
      plant: null,
      nth: i,
      pace: `order/${n}`,
    };
  });
  return [...plans, ...given].sort((a, b) => a.start - b.start || a.n - b.n);
}

const COI_ALPHABET = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';

function openOrder(book: CoiBook, plan: OrderPlan): OrderCourse {
  const { parties } = book;
  const random = book.random.fork(`order/${plan.n}`);
  const patientRef = idFrom(random, 'pr');
  book.identities.push({ ref: patientRef, kind: 'patient', identity: identityOf(random) });
  // A pair of swapped bags comes from one maker; otherwise everybody works with everybody.
  const n = plan.plant === 'swap' ? 10 + plan.nth : plan.n;
  const centre = parties.centres[n % 8]!;
  const suffix = Array.from({ length: 6 }, () => COI_ALPHABET[random.below(COI_ALPHABET.length)]!).join('');
  const lookAlike = `${parties.centres[0]!.fin}26AB12C${plan.nth === 0 ? '4' : '7'}`;
  return {
    book,
    random,
    pace: book.random.fork(`${plan.pace}/pace`),
    now: plan.start,
    outbox: [],
    plan,
    patientRef,
    orderId: idFrom(random, 'or'),
    coiId: plan.plant === 'look-alike' ? `CH${lookAlike}` : `CH${centre.fin}26${suffix}`,
    product: plan.kind === 'donor' ? 'ALLO-C' : plan.n % 3 === 0 ? 'AUTO-B' : 'AUTO-A',
    template: { id: plan.kind === 'donor' ? 'allogeneic' : 'autologous-car-t', version: 1 },
    centre,
    maker: plan.kind === 'donor' ? parties.makers[(plan.donor + 1) % 2]! : parties.makers[plan.plant === 'swap' ? 0 : n % 2]!,
    site: parties.sites[n % 10]!,
    couriers: [parties.couriers[n % 3]!, parties.couriers[(n + 1) % 3]!],
    coordinator: parties.coordinators[n % 3]!,
    attemptNumber: 1,
    over: false,
    state: 'draft',
    oosId: null,
    containers: [],
    infused: [],
  };
}

/** Somebody's own cells, from vein to vein (domain.md §12.2), as far as they come. */
function patient(course: OrderCourse, swappedWith: OrderCourse | null, lookAlike: string | null): void {
  const { plan } = course;
  const inTime = () => !course.over && course.now < LAST_DAY;
  enrol(course);
  if (plan.plant === 'cancelled' && plan.nth % 3 === 0) stop(course, null, 'cancelled', course.site, 'another treatment was chosen');
  if (inTime()) schedule(course);
  if (plan.plant === 'death' && plan.nth === 0) stop(course, null, 'patientDied', course.site, 'before the collection');
  if (plan.plant === 'withdrawn' && plan.nth % 2 === 0) stop(course, null, 'withdrawnConsent', course.site, 'before the collection');
  if (plan.plant === 'cancelled' && plan.nth % 3 === 1) stop(course, null, 'cancelled', course.site, 'too ill for the collection');
  let lot: ReturnType<typeof collect> | null = null;
  for (let again = true; again && inTime(); ) {
    again = false;
    lot = collect(course);
    if (plan.plant === 'cancelled') stop(course, lot, 'cancelled', course.centre, 'the disease went on too fast');
    if (!inTime()) break;
    bringIn(course, lot);
    if (plan.plant === 'withdrawn') stop(course, lot, 'withdrawnConsent', course.maker, 'on the patient’s wish');
    if (course.over) break;
    const first = course.attemptNumber === 1;
    if (first && plan.plant === 'second-attempt' && plan.nth % 3 === 0) {
      tryAgain(course, lot, 'rejectedIncoming', 'a bag leaked');
      again = true;
      continue;
    }
    acceptIn(course, lot);
    if (!inTime()) break;
    const fails = first && (plan.plant === 'second-attempt' || plan.plant === 'failed' || (plan.plant === 'death' && plan.nth < 3));
    const made = manufacture(course, lot, fails);
    if (made) continue;
    if (plan.plant === 'death') stop(course, lot, 'patientDied', course.maker, 'during the manufacture');
    else if (plan.plant === 'failed') fail(course);
    else {
      tryAgain(course, lot, 'manufacturingFailed', 'the cells did not grow');
      again = true;
    }
  }
  if (lot !== null && inTime()) test(course, lot);
  if (lot !== null && inTime()) release(course, lot);
  if (plan.plant === 'death' && plan.nth === 3) stop(course, lot, 'patientDied', course.maker, 'after the release');
  if (lot !== null && inTime())
    bringOut(course, lot, swappedWith === null ? null : { dose: doseOf(swappedWith), coiId: swappedWith.coiId });
  if (lot !== null && inTime()) ready(course);
  if (lot !== null && inTime()) treat(course, lot, lookAlike);
  if (lot !== null && inTime() && plan.plant === 'rebinding') rebind(course, lot);
  if (lot !== null && inTime()) followUp(course, lot);
  close(course);
}

/** The first dose bag of an order's first attempt. */
function doseOf({ plan }: OrderCourse): Named {
  const name = `D${plan.n}-1-1`;
  return { uri: `urn:epc:id:sgtin:9520123.000074.${name}`, key: `01/09520123000745/21/${name}` };
}

function stop(course: OrderCourse, lot: ReturnType<typeof collect> | null, to: string, at: OrderCourse['site'], reason: string): void {
  if (course.over) return;
  end(course, lot, to, at, reason);
  const { plan, book, coiId } = course;
  const kind: CoiPlantKind = plan.plant === 'death' ? 'death' : plan.plant === 'withdrawn' ? 'withdrawn' : 'cancelled';
  book.plants.push({ kind, chains: [coiId], acts: [lastState(book)], events: [], note: reason });
}
const lastState = ({ steps }: CoiBook): string =>
  (steps.findLast((step) => 'act' in step && step.act.kind === 'order-state') as { act: CoiAct }).act.id;

/** No product comes of it, and there is no second attempt. */
function fail(course: OrderCourse): void {
  const { book, coiId, maker, random } = course;
  const [reviewer] = among(maker, 'reviewer', random) as [CoiPerson];
  const id = moveTo(course, 'manufacturingFailed', [[reviewer, 'approved', 'the cells did not grow']], 'the cells did not grow');
  course.over = true;
  book.plants.push({
    kind: 'failed',
    chains: [coiId],
    acts: [id],
    events: [],
    note: 'Nothing came of it, and the patient is too ill for another.',
  });
}

/** The first attempt comes to nothing: the patient's cells are collected once more for the same order (C-09). */
function tryAgain(course: OrderCourse, lot: ReturnType<typeof collect>, state: string, reason: string): void {
  const { maker, random, book, coiId, coordinator, centre } = course;
  const [reviewer] = among(maker, 'reviewer', random) as [CoiPerson];
  const samples = lot.samples;
  destroy(course, lot, samples, centre);
  const bags = [...lot.live.values()];
  const failed = moveTo(course, state, [[reviewer, 'approved', reason]], reason);
  course.now += HOUR;
  destroy(course, lot, bags, maker);
  send(course);
  course.now += DAY;
  const recall = moveTo(course, 'recallCollection', [[coordinator, 'authored', reason]], reason);
  course.attemptNumber += 1;
  course.state = 'scheduled';
  book.plants.push({ kind: 'second-attempt', chains: [coiId], acts: [failed, recall], events: [], note: reason });
}

/** A donor's cells for somebody else: allocated, brought, given; what the look-back could meet on its way stays where it is. */
function recipient(course: OrderCourse, bank: Bank): void {
  const end = course.plan.donor === 0 ? LOOK_BACK_DAY : LAST_DAY;
  const hasDays = (days: number) => course.now + days * DAY < end;
  enrol(course);
  schedule(course);
  const dose = allocate(course, bank);
  const lot = { name: `${course.plan.n}-1`, doses: [dose], samples: [], live: new Map<string, Named>() };
  if (hasDays(13)) {
    bringOut(course, lot, null);
    if (hasDays(23)) {
      ready(course);
      treat(course, lot, null);
      bank.infused.add(dose.key);
      recovered(course);
    }
  }
  close(course);
}

function close(course: OrderCourse): void {
  const { book, orderId, coiId, patientRef, product, template, site, state, attemptNumber, containers, infused } = course;
  book.orders.push({
    orderId,
    coiId,
    patientRef,
    product,
    template: template.id,
    treatmentSite: site.party.location,
    state,
    attempts: attemptNumber,
    containers: [...containers].sort(),
    infused: [...infused].sort(),
  });
}

/** What somebody tries, and is not let (domain.md §12.3): one order twice, two patients in one, cells for somebody else. */
function tryWhatIsRefused(book: CoiBook): void {
  const random = book.random.fork('refused');
  const course: Course = { book, random, pace: random, now: LAST_DAY - DAY, outbox: [] };
  const [a, b] = book.orders as [CoiAnswerKey['orders'][number], CoiAnswerKey['orders'][number]];
  const refs = [a.patientRef, b.patientRef];
  book.steps.push({
    at: course.now,
    call: { method: 'POST', path: '/api/v1/identity/patients/merge', body: { patientRefs: refs }, code: 'COI-NOMERGE' },
  });
  book.plants.push({ kind: 'merge-attempt', chains: [a.coiId, b.coiId], acts: [], events: [], note: 'Two patients are to become one.' });
  course.now += HOUR;
  const orderId = idFrom(random, 'or');
  const site = '414/0000000000000';
  attempt(
    course,
    'order',
    orderId,
    {
      orderId,
      coiId: a.coiId,
      patientRef: b.patientRef,
      product: a.product,
      template: { id: a.template, version: 1 },
      treatmentSite: site,
      collectionSite: site,
      manufacturer: site,
    },
    [],
    'COI-DUP',
  );
}

/** Steps in order of time, documents named by it. */
function inOrder(steps: readonly CoiStep[]): CoiStep[] {
  const sorted = steps.map((step, i) => ({ step, i })).sort((x, y) => x.step.at - y.step.at || x.i - y.i);
  let documents = 0;
  return sorted.map(({ step }) => {
    if (!('document' in step)) return step;
    documents += 1;
    const { name, ...document } = step.document;
    const slug = name.replace(/[^a-z-]+/g, '-');
    return { at: step.at, document: { name: `C${String(documents).padStart(5, '0')}-${slug}`, ...document } };
  });
}

function keyOf(book: CoiBook, steps: readonly CoiStep[]): CoiAnswerKey {
  const acts = steps.flatMap((step) => ('act' in step ? [step.act] : []));
  return {
    seed: book.seed,
    orders: book.orders
      .map((order) => (book.onHold.has(order.coiId) ? { ...order, state: 'onHold' } : order))
      .sort((x, y) => (x.coiId < y.coiId ? -1 : 1)),
    plants: book.plants,
    findings: book.findings,
    refusals: book.refusals,
    onHold: [...book.onHold].sort(),
    reagents: [...book.reagents].map(([lot, chains]) => ({ lot, chains: [...chains].sort() })).sort((x, y) => (x.lot < y.lot ? -1 : 1)),
    lookBack: book.lookBack!,
    counts: {
      documents: steps.filter((step) => 'document' in step).length,
      events: book.events,
      acts: acts.length,
      signatures: acts.reduce((sum, { signatures }) => sum + signatures.length, 0),
    },
  };
}
