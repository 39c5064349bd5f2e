import { MINUTE } from './clock.ts';
import { act, type Course, idFrom, type Named, personalRead, type Signer, wait } from './coi-book.ts';
import type { CoiPerson, CoiSite } from './coi-parties.ts';
import { partyKey } from './keys.ts';

/** What goes wrong with an order, if anything does (domain.md §13, §19). */
export type OrderPlan = {
  readonly n: number;
  readonly kind: 'autologous' | 'donor';
  readonly start: number;
  /** Of whose cells it is, where they are a donor's. */
  readonly donor: number;
  readonly plant:
    | null
    | 'swap'
    | 'look-alike'
    | 'rebinding'
    | 'out-of-specification'
    | 'death'
    | 'second-attempt'
    | 'warm'
    | 'thawing'
    | 'cancelled'
    | 'withdrawn'
    | 'failed';
  /** The nth of its plant; of pairs, 0 and 1. */
  readonly nth: number;
  /** Courses that keep pace share it. */
  readonly pace: string;
};

/** An order under way. */
export type OrderCourse = Course & {
  readonly plan: OrderPlan;
  readonly patientRef: string;
  readonly orderId: string;
  readonly coiId: string;
  readonly product: string;
  readonly template: { readonly id: string; readonly version: number };
  readonly centre: CoiSite;
  readonly maker: CoiSite;
  readonly site: CoiSite;
  readonly couriers: readonly [CoiSite, CoiSite];
  readonly coordinator: CoiPerson;
  attemptNumber: number;
  /** Nothing more happens to it but what the end brings. */
  over: boolean;
  state: string;
  oosId: string | null;
  /** Everything that is bound to the chain. */
  readonly containers: string[];
  readonly infused: string[];
};

/** Fields that all events of an order carry. */
export function orderFields(course: OrderCourse, step: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    'coi:chain': course.coiId,
    'coi:order': course.orderId,
    'coi:attempt': course.attemptNumber,
    'coi:step': step,
    ...Object.fromEntries(Object.entries(more).map(([name, value]) => [`coi:${name}`, value])),
  };
}

export function moveTo(course: OrderCourse, to: string, signers: readonly Signer[], reason: string | null = null): string {
  course.state = to;
  return act(course, 'order-state', idFrom(course.random, 'st'), { orderId: course.orderId, to, reason }, signers);
}

/** Where each step's identifiers are read: the material's side first. */
const SOURCES: Readonly<Record<string, readonly string[]>> = {
  enrol: ['wristband', 'order'],
  labels: ['order', 'record'],
  collection: ['wristband', 'order', 'label'],
  samples: ['label', 'bag'],
  hold: ['bag', 'paper'],
  pack: ['bag', 'order', 'paper'],
  receive: ['bag', 'order'],
  accept: ['bag', 'order'],
  start: ['bag', 'record', 'label'],
  process: ['bag', 'label'],
  'qc-samples': ['label', 'bag'],
  fill: ['bag', 'label', 'record'],
  store: ['bag', 'record'],
  ship: ['bag', 'order', 'paper'],
  'site-receive': ['bag', 'order'],
  'site-store': ['bag', 'record'],
  ready: ['wristband', 'order'],
  thaw: ['bag', 'order', 'request'],
  bedside: ['bag', 'wristband', 'request'],
};

export type Check = {
  readonly step: string;
  readonly containers: readonly Named[];
  readonly by: readonly CoiPerson[];
  readonly site: CoiSite;
  /** Another container, or another chain, that a source shows instead: then the check fails. */
  readonly shows?: { readonly source: string; readonly container?: Named; readonly coiId?: string; readonly typed?: string };
  readonly resolution?: string;
  /** Chains that what was read belongs to. */
  readonly met?: readonly string[];
};

type Read = { source: string; identifier: string; value: string; by: string; manual: boolean; reason: string | null };

/** Identifiers are compared: everybody reads every source. Answers the check's id. */
export function check(course: OrderCourse, { step, containers, by, site, shows, resolution, met }: Check): string {
  const sources = SOURCES[step] ?? ['bag', 'order'];
  const reads = by.flatMap((person) => sources.flatMap((source) => readsOf(course, source, containers, person, shows)));
  const identifiers = [...new Set(reads.map(({ identifier }) => identifier))];
  const wrong = (identifier: string) =>
    (identifier === 'container' && shows?.container !== undefined) || (identifier === 'coiId' && shows?.coiId !== undefined);
  const checkId = idFrom(course.random, 'ck');
  const body = {
    checkId,
    checkpoint: step,
    orderId: course.orderId,
    containers: containers.map(({ key }) => key),
    reads,
    compared: identifiers.map((identifier) => ({
      identifier,
      sources: [...new Set(reads.filter((read) => read.identifier === identifier).map(({ source }) => source))],
      match: !wrong(identifier),
    })),
    result: identifiers.some(wrong) ? 'fail' : 'pass',
    place: partyKey(site.party.location),
    resolution: resolution ?? null,
    ...(met !== undefined && { met }),
    offline: null,
  };
  return act(
    course,
    'check',
    checkId,
    body,
    by.map((person, i): Signer => [person, i === 0 ? 'verified_identity' : 'witnessed']),
  );
}

function readsOf(course: OrderCourse, source: string, containers: readonly Named[], person: CoiPerson, shows: Check['shows']): Read[] {
  const here = shows?.source === source ? shows : undefined;
  const read = (identifier: string, value: string, typed?: string): Read => ({
    source,
    identifier,
    value,
    by: person.id,
    manual: typed !== undefined,
    reason: typed ?? null,
  });
  if (source === 'wristband') return ['patientName', 'birthDate'].map((one) => read(one, personalRead(one)));
  const things = here?.container === undefined ? containers : [here.container];
  return [
    read('coiId', here?.coiId ?? course.coiId, here?.typed),
    ...things.map(({ key }) => read('container', key)),
    ...(containers.length === 0 ? [read('orderId', course.orderId)] : []),
  ];
}

/** Both sign: who gives and who takes. */
export function handOver(course: OrderCourse, shipper: Named, seal: string, giver: CoiPerson, receiver: CoiPerson, place: CoiSite): string {
  const handoverId = idFrom(course.random, 'ho');
  const body = {
    handoverId,
    containers: [],
    shipment: shipper.key,
    giver: giver.id,
    receiver: receiver.id,
    place: partyKey(place.party.location),
    seals: [seal],
    condition: null,
  };
  return act(course, 'handover', handoverId, body, [
    [giver, 'handed_over'],
    [receiver, 'received'],
  ]);
}

/** Printed, put on, and every one accounted for. */
export function printLabels(course: OrderCourse, container: Named | null, copies: number, by: CoiPerson): void {
  const jobId = idFrom(course.random, 'lj');
  const { orderId } = course;
  act(
    course,
    'labels',
    jobId,
    { jobId, orderId, container: container?.key ?? null, layout: 'bag', copies, reprintOf: null, reason: null },
    [[by, 'authored']],
  );
  wait(course, 20 * MINUTE);
  const spoiled = course.random.perMille(120) ? 1 : 0;
  act(course, 'labels-close', idFrom(course.random, 'lc'), { jobId, applied: copies - 1 - spoiled, spoiled, returned: 0, inRecord: 1 }, [
    [by, 'reviewed'],
  ]);
}
