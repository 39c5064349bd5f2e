import type { Act, ActKind } from '../../src/identity/acts.ts';
import type { Deciding } from '../../src/identity/deciding.ts';
import { NO_FIELDS } from '../../src/identity/event.ts';
import type { ChainView, ContainerView, OrderView } from '../../src/identity/view.ts';
import type { AnyAct, Binding, ChainWorld, CoiFields, Key, Signature, WorldEvent } from '../../src/identity/world.ts';

/** Noon of a day of tests, ms; times are given in minutes after it. */
export const NOON = Date.parse('2026-05-04T12:00:00Z');
export const at = (minutes: number): number => NOON + minutes * 60_000;

export const CHAIN = 'CHA999925AB12C4';
export const OTHER = 'CHA999925AB12C7';
export const ORDER = 'or_aaaaaaaaaaaaaaaaaaaaaaaaaa';
export const PATIENT = 'pr_aaaaaaaaaaaaaaaaaaaaaaaaaa';
export const BAG = 'urn:lotline:isbt128:bag:A999925123456:S1295400';
export const DOSE = '01/09520123000110/21/D1';
export const DOSE2 = '01/09520123000110/21/D2';

export type EventParts = Partial<Omit<WorldEvent, 'coi' | 'time'>> & { minutes: number; coi?: Partial<CoiFields> };
export type ActParts<K extends ActKind = ActKind> = {
  minutes: number;
  kind: K;
  body: Act<K>;
  signatures?: readonly Signature[];
  seq?: number;
  recorded?: number;
};
type Parts = EventParts | ActParts;

/** A world out of events and acts as they are listed: seq is the place in the list. */
export function worldOf(
  parts: readonly Parts[],
  more: { chain?: string; bound?: Record<Key, string | Binding>; aliases?: Record<Key, Key>; others?: readonly EventParts[] } & Partial<
    Pick<ChainWorld, 'holds' | 'products'>
  > = {},
): ChainWorld {
  const { chain = CHAIN, bound = {}, aliases = {}, others = [], holds = [], products = new Map() } = more;
  const events: WorldEvent[] = [];
  const acts: AnyAct[] = [];
  parts.forEach((part, i) => {
    if ('kind' in part) acts.push(actOf(part, part.seq ?? i));
    else events.push(eventOf(part, part.seq ?? i));
  });
  const binding = (value: string | Binding): Binding => (typeof value === 'string' ? { chains: [value], donors: [] } : value);
  return {
    chain,
    events: events.sort((a, b) => a.time - b.time || a.seq - b.seq),
    acts,
    others: others.map((one, i) => eventOf(one, one.seq ?? 1000 + i)),
    bindings: new Map(Object.entries(bound).map(([key, value]) => [key, binding(value)])),
    aliases: new Map(Object.entries(aliases)),
    holds,
    products,
    now: at(100_000),
  };
}

function eventOf({ minutes, coi = {}, ...more }: EventParts, seq: number): WorldEvent {
  return {
    seq,
    eventID: `ev-${seq}`,
    type: 'ObjectEvent',
    action: 'OBSERVE',
    time: at(minutes),
    recorded: at(minutes),
    offset: '+00:00',
    bizStep: null,
    disposition: null,
    readPoint: null,
    bizLocation: null,
    sources: [],
    destinations: [],
    parent: null,
    epcs: [],
    children: [],
    inputs: [],
    outputs: [],
    quantities: [],
    expiry: null,
    transformationID: null,
    ...more,
    coi: { ...NO_FIELDS, ...coi },
  };
}

function actOf({ minutes, kind, body, signatures = [], recorded }: ActParts, seq: number): AnyAct {
  const id = Object.entries(body).find(([name]) => name.endsWith('Id'))?.[1] ?? `act-${seq}`;
  return { seq, id, kind, time: at(minutes), recorded: recorded ?? at(minutes), actor: 'k_1', body, signatures } as AnyAct;
}

export const signature = (person: string, more: Partial<Signature> & { minutes?: number } = {}): Signature => {
  const { minutes = 0, ...rest } = more;
  return {
    id: `sg_${person}`,
    person,
    name: `Person ${person}`,
    roles: ['operator'],
    sites: [],
    qualifications: [
      { step: 'collection', until: '2099-12-31' },
      { step: 'bedside', until: '2099-12-31' },
      { step: 'pack', until: '2099-12-31' },
    ],
    meaning: 'verified_identity',
    reason: null,
    at: at(minutes),
    offset: '+00:00',
    session: `s_${person}`,
    ...rest,
  };
};

type CheckParts = Partial<Act<'check'>> & { minutes: number; signatures?: readonly Signature[] };
let checks = 0;
export function check({ minutes, signatures = [signature('p1'), signature('p2')], ...body }: CheckParts): ActParts<'check'> {
  return {
    minutes,
    kind: 'check',
    signatures,
    body: {
      checkId: `ck_${++checks}`,
      checkpoint: 'bedside',
      orderId: ORDER,
      containers: [DOSE],
      reads: [],
      compared: [],
      result: 'pass',
      place: '414/9520123000011',
      resolution: null,
      offline: null,
      ...body,
    },
  };
}

export const order = (more: Partial<OrderView> = {}): OrderView => ({
  orderId: ORDER,
  patientRef: PATIENT,
  product: 'car-t',
  template: { id: 'autologous-car-t', version: 1 },
  treatmentSite: '414/9520123000011',
  collectionSite: '414/9520123000028',
  manufacturer: '414/9520123000035',
  state: 'ready',
  returnState: null,
  since: NOON,
  attempt: 1,
  steps: [],
  nextCheckpoint: null,
  tasks: [],
  veinToVein: { from: null, to: null },
  stages: [],
  oos: null,
  released: null,
  ...more,
});

export const container = (key: Key, more: Partial<ContainerView> = {}): ContainerView => ({
  key,
  kind: 'dose',
  aliases: [],
  attempt: 1,
  from: [],
  made: null,
  volume: null,
  bag: null,
  expiry: null,
  thawed: null,
  end: null,
  given: null,
  rebound: false,
  place: null,
  ...more,
});

export const told = (more: Partial<ChainView> = {}): Omit<ChainView, 'findings' | 'holds'> => ({
  chain: CHAIN,
  order: order(),
  containers: [],
  checkpoints: [],
  labels: [],
  custody: { handovers: [], gaps: 0 },
  ...more,
});

/** What a decision may look at, of one order and its world. */
export function deciding(
  signatures: readonly Signature[],
  { world = worldOf([]), view = { ...told(), findings: [], holds: [] } as ChainView }: { world?: ChainWorld; view?: ChainView } = {},
): Deciding {
  const acts = (kind: ActKind) => world.acts.filter((act) => act.kind === kind);
  return {
    now: NOON,
    time: NOON,
    actor: 'k_1',
    signatures,
    db: null as never,
    world: async () => world,
    view: async () => view,
    chainOfOrder: async (orderId) => (orderId === view.order?.orderId ? view.chain : null),
    canonical: async (key) => world.aliases.get(key) ?? key,
    binding: async (key) => world.bindings.get(key) ?? { chains: [], donors: [] },
    acts: async (kind) => acts(kind) as never,
    act: async (id) => world.acts.find((act) => act.id === id) ?? null,
  };
}

/** A workflow of a few checkpoints, so that tests of rules do not hang on what templates are shipped: `vi.mock('./demands.ts', plainDemands)`. */
export function plainDemands() {
  const two = { people: 2, identifiers: 2, sources: 2 };
  const one = { ...two, people: 1 };
  const demands = [
    { step: 'collection', optional: false, checkpoint: two },
    { step: 'pack', optional: false, checkpoint: one },
    { step: 'store', optional: true, checkpoint: one },
    { step: 'thaw', optional: false, checkpoint: two },
    { step: 'bedside', optional: false, checkpoint: { ...two, independent: true } },
  ];
  return {
    demandsOf: () => demands,
    strengthAt: (_: unknown, step: string) => demands.find((demand) => demand.step === step)?.checkpoint ?? one,
  };
}
