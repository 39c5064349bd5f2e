import { describe, expect, it } from 'vitest';
import { CHAIN_A, CHAIN_B, START } from '../../../test/support/chains.ts';
import type { Act, ActKind, CheckAct, OrderAct } from '../acts.ts';
import { NO_FIELDS } from '../event.ts';
import type { ChainView, ContainerView } from '../view.ts';
import type { AnyAct, ChainWorld, Key, WorldEvent } from '../world.ts';
import { bindingAnswer, holdsOn } from './container-answer.ts';
import { fhirBundle, fhirProduct } from './fhir.ts';
import { type Kpi, kpisOf } from './kpis.ts';
import { missingChecks } from './missing-checks.ts';
import { localTime, reportSections, worldJson, worldOfJson } from './report.ts';
import { coPresence, staysOf } from './stays.ts';
import { timelineOf } from './timeline.ts';

const at = (minute: number) => START + minute * 60_000;
const bag = (n: number): Key => `urn:lotline:isbt128:bag:A9999260${String(n).padStart(5, '0')}:S1295400`;
const HOOD = '8004/9520123hood1';
const SITE = '414/9520123000035';

let seq = 0;
function event(minute: number, more: Partial<Omit<WorldEvent, 'coi'>> & { coi?: Partial<WorldEvent['coi']> } = {}): WorldEvent {
  const { coi, ...rest } = more;
  return {
    seq: seq++,
    eventID: `urn:uuid:${seq}`,
    type: 'ObjectEvent',
    action: 'OBSERVE',
    time: at(minute),
    recorded: at(minute) + 1_000,
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
    ...rest,
    coi: { ...NO_FIELDS, ...coi },
  } as WorldEvent;
}
function act<K extends ActKind>(kind: K, id: string, minute: number, body: Act<K>, more: Partial<AnyAct> = {}): AnyAct {
  return { seq: seq++, id, kind, time: at(minute), recorded: at(minute), actor: 'k_1', body, signatures: [], ...more } as AnyAct;
}
const order: OrderAct = {
  orderId: 'or_a',
  coiId: CHAIN_A,
  patientRef: 'pr_a',
  product: 'cells',
  template: { id: 'autologous-car-t', version: 1 },
  treatmentSite: SITE,
  collectionSite: '414/9520123000011',
  manufacturer: '414/9520123000028',
};
const check = (id: string, minute: number, more: Partial<CheckAct> = {}) =>
  act('check', id, minute, {
    checkId: id,
    checkpoint: 'bedside',
    orderId: 'or_a',
    containers: [bag(1)],
    reads: [{ source: 'bag', identifier: 'coiId', value: CHAIN_A, by: 'pe_1', manual: false, reason: null }],
    compared: [],
    result: 'pass',
    place: SITE,
    resolution: null,
    offline: null,
    ...more,
  });
function world(more: Partial<ChainWorld> = {}): ChainWorld {
  return {
    chain: CHAIN_A,
    events: [],
    acts: [],
    others: [],
    bindings: new Map([1, 2, 3, 4].map((n) => [bag(n), { chains: [CHAIN_A], donors: [] }])),
    aliases: new Map(),
    holds: [],
    products: new Map(),
    now: at(10_000),
    ...more,
  };
}
const container = (n: number, more: Partial<ContainerView> = {}): ContainerView => ({
  key: bag(n),
  kind: 'container',
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
function view(more: Partial<ChainView> = {}): ChainView {
  return {
    chain: CHAIN_A,
    order: null,
    containers: [],
    checkpoints: [],
    labels: [],
    custody: { handovers: [], gaps: 0 },
    findings: [],
    holds: [],
    ...more,
  };
}
const orderView = (stages: readonly (readonly [string, number])[], more: object = {}) =>
  ({
    ...order,
    state: stages.at(-1)?.[0] ?? 'draft',
    returnState: null,
    since: at(stages.at(-1)?.[1] ?? 0),
    attempt: 1,
    steps: [],
    nextCheckpoint: null,
    tasks: [],
    veinToVein: { from: null, to: null },
    stages: stages.map(([state, minute], i) => ({ state, at: at(minute), seq: i })),
    oos: null,
    released: null,
    ...more,
  }) as unknown as NonNullable<ChainView['order']>;

describe('the timeline', () => {
  it('C-13, C-21: marks what was told offline, and says when it really was where the clock is on record as wrong', () => {
    const offline = { device: 'dv_1', counter: 4, at: at(60) };
    const offset = { device: 'dv_1', offset: 47 * 60_000, from: at(0), until: at(100), reason: 'the clock ran 47 min fast' };
    const lines = timelineOf(world({ acts: [check('ck_1', 60, { offline }), act('clock-offset', 'co_1', 200, offset)] }), view());
    expect(lines[0]).toMatchObject({
      kind: 'check',
      offline: true,
      eventTime: '2026-03-01T09:00:00.000Z',
      correctedTime: '2026-03-01T08:13:00.000Z',
    });
  });

  it('puts a finding behind what it is about', () => {
    const mix = event(5);
    const lines = timelineOf(world({ events: [mix, event(5)] }), view({ findings: [{ code: 'COI-MIX', seq: mix.seq, things: [bag(1)] }] }));
    expect(lines.map(({ kind, code }) => code ?? kind)).toEqual(['event', 'COI-MIX', 'event']);
  });
});

describe('a container’s answer', () => {
  it('shows a mix as an array, and one chain as a text', () => {
    expect(bindingAnswer({ chains: [CHAIN_A, CHAIN_B], donors: [] }, []).chain).toEqual([CHAIN_A, CHAIN_B]);
    expect(bindingAnswer({ chains: [CHAIN_A], donors: ['dr_a'] }, [CHAIN_A])).toEqual({
      kind: 'patient',
      chain: CHAIN_A,
      donor: 'dr_a',
      stated: [CHAIN_A],
      computed: [CHAIN_A],
    });
    expect(bindingAnswer({ chains: [], donors: ['dr_a'] }, []).kind).toBe('donor');
  });

  it('is held by what holds its chain or what it was made from, and not by what was lifted', () => {
    const hold = (id: string, scope: 'chain' | 'things', things: Key[], lifted: number | null) => ({
      id,
      scope,
      things,
      codes: [id],
      reason: id,
      seq: 1,
      lifted,
    });
    const holds = [
      hold('a', 'chain', [], null),
      hold('b', 'things', [bag(1)], null),
      hold('c', 'things', [bag(9)], null),
      hold('d', 'chain', [], 5),
    ];
    expect(holdsOn(holds, new Set([bag(1), bag(2)])).map(({ id }) => id)).toEqual(['a', 'b']);
  });
});

describe('co-presence (Q18)', () => {
  const bindings = new Map([
    [bag(1), { chains: [CHAIN_A], donors: [] }],
    [bag(2), { chains: [CHAIN_B], donors: [] }],
  ]);
  const own = (events: WorldEvent[], acts: AnyAct[] = []) => staysOf(world({ events, acts, bindings }));
  const others = (events: WorldEvent[], acts: AnyAct[] = []) => staysOf(world({ chain: CHAIN_B, events, acts, bindings }));
  const pack = (minute: number, n: number, action: 'ADD' | 'DELETE', parent = '8003/shipper') =>
    event(minute, { type: 'AggregationEvent', action, parent, children: [bag(n)], bizStep: 'packing' });

  it('finds material of another in the same shipper for as long as both were in it; touching times count', () => {
    const mine = own([pack(0, 1, 'ADD'), pack(60, 1, 'DELETE')]);
    expect(coPresence(mine, CHAIN_B, others([pack(30, 2, 'ADD'), pack(90, 2, 'DELETE')]))).toMatchObject([
      { kind: 'container', minutes: 30 },
    ]);
    expect(coPresence(mine, CHAIN_B, others([pack(60, 2, 'ADD')]))).toMatchObject([{ minutes: 0 }]);
    expect(coPresence(mine, CHAIN_B, others([pack(61, 2, 'ADD')]))).toEqual([]);
    expect(coPresence(mine, CHAIN_B, others([pack(10, 2, 'ADD', '8003/other')]))).toEqual([]);
  });

  it('INV-15: a space that was cleared in between was not shared', () => {
    const work = (minute: number, n: number) =>
      event(minute, { type: 'TransformationEvent', action: null, inputs: [bag(n)], outputs: [bag(n)], coi: { space: HOOD } });
    const mine = own([work(0, 1), work(50, 1)]);
    expect(coPresence(mine, CHAIN_B, others([work(40, 2)]))).toMatchObject([{ kind: 'space', place: HOOD }]);
    const cleared = own([work(0, 1), work(100, 1)], [act('clearance', 'cl_1', 30, { space: HOOD })]);
    expect(coPresence(cleared, CHAIN_B, others([work(40, 2)]))).toEqual([]);
  });

  it('a freezer position is shared until one of both is told to be elsewhere', () => {
    const store = (minute: number, n: number, place: string) => event(minute, { epcs: [bag(n)], bizStep: 'storing', bizLocation: place });
    const mine = own([store(0, 1, '414/1/254/F1'), store(100, 1, '414/1/254/F2')]);
    expect(coPresence(mine, CHAIN_B, others([store(50, 2, '414/1/254/F1')]))).toMatchObject([{ kind: 'location', minutes: 50 }]);
    expect(coPresence(mine, CHAIN_B, others([store(150, 2, '414/1/254/F1')]))).toEqual([]);
  });
});

describe('missing checks (Q19)', () => {
  it('lists what the template demands and is missing, late or failed, and checks of fewer people than it asks for', () => {
    const checkpoints = [
      { step: 'collection', attempt: 1, state: 'missing', checks: [] },
      { step: 'thaw', attempt: 1, state: 'late', checks: ['ck_1'] },
      { step: 'fill', attempt: 1, state: 'passed', checks: [] },
      { step: 'ship', attempt: 1, state: 'open', checks: [] },
    ] as unknown as ChainView['checkpoints'];
    const told = world({ acts: [act('order', 'or_a', 0, order), check('ck_1', 10, { checkpoint: 'thaw' })] });
    const list = missingChecks(told, view({ checkpoints }), (_template, step) => ({ people: step === 'thaw' ? 2 : 1 }));
    expect(list.map(({ step, problem }) => [step, problem])).toEqual([
      ['collection', 'missing'],
      ['thaw', 'late'],
      ['thaw', 'one-person'],
    ]);
    expect(list[0]).toMatchObject({ coiId: CHAIN_A, orderId: 'or_a', site: SITE });
  });
});

describe('figures (§16)', () => {
  const period = { from: at(0), to: at(100_000), site: null };
  const kpi = (list: readonly Kpi[], name: string) => list.find((one) => one.kpi === name) as Kpi;
  const demandOf = () => ({ people: 2 });
  const chain = (stages: readonly (readonly [string, number])[], more: object = {}, told: Partial<ChainWorld> = {}) => ({
    view: view({ order: orderView(stages, more) }),
    world: world({ acts: [act('order', 'or_a', 0, order)], ...told }),
  });
  const ask = (chains: ReturnType<typeof chain>[], filter = period) => kpisOf(chains, filter, { now: at(200_000), demandOf });

  it('vein to vein is the median, with what has not ended left out and why', () => {
    const done = (to: number) => chain([['collected', 0]], { veinToVein: { from: at(0), to: at(to) } });
    const list = ask([done(100), done(300), chain([['collected', 0]], { veinToVein: { from: at(0), to: null } })]);
    expect(kpi(list, 'vein-to-vein')).toMatchObject({
      value: 200,
      numerator: 400,
      denominator: 2,
      excluded: [{ id: CHAIN_A, reason: 'it has not ended' }],
    });
  });

  it('C-09: attempts count each: one failed and one released is a success of a half', () => {
    const list = ask([
      chain([
        ['manufacturing', 10],
        ['manufacturingFailed', 50],
        ['manufacturing', 100],
        ['fillFinished', 150],
        ['released', 200],
      ]),
    ]);
    expect(kpi(list, 'manufacturing-success')).toMatchObject({
      numerator: 1,
      denominator: 2,
      value: 0.5,
      counted: [`${CHAIN_A}/1`, `${CHAIN_A}/2`],
    });
  });

  it('C-07: out of specification counts, and what is supplied so is no success', () => {
    const list = ask([
      chain(
        [
          ['manufacturing', 10],
          ['fillFinished', 20],
          ['oos', 30],
        ],
        { oos: 'os_1', veinToVein: { from: at(0), to: at(50) } },
      ),
    ]);
    expect(kpi(list, 'oos-rate')).toMatchObject({ numerator: 1, denominator: 1, value: 1 });
    expect(kpi(list, 'manufacturing-success').value).toBe(0);
    expect(kpi(list, 'oos-infused')).toMatchObject({ numerator: 1, denominator: 1 });
    expect(kpi(list, 'infused-of-collected')).toMatchObject({ numerator: 1, denominator: 1 });
  });

  it('nothing to count is null and not 0', () => {
    for (const { kpi: name, denominator, value } of ask([])) expect([name, denominator || null, value]).toEqual([name, null, null]);
    expect(kpi(ask([]), 'mismatch-rate')).toMatchObject({ numerator: 0, denominator: 0, value: null });
  });

  it('C-02: a mismatch is counted among all checks, and typed identifiers among all reads', () => {
    const manual = { source: 'label', identifier: 'coiId', value: CHAIN_A, by: 'pe_1', manual: true, reason: 'torn' } as const;
    const acts = [act('order', 'or_a', 0, order), check('ck_1', 10, { result: 'fail', reads: [manual] }), check('ck_2', 20)];
    const list = ask([chain([['collected', 0]], {}, { acts })]);
    expect(kpi(list, 'mismatch-rate')).toMatchObject({ numerator: 1, denominator: 2, value: 0.5 });
    expect(kpi(list, 'manual-entry-rate')).toMatchObject({ numerator: 1, denominator: 2 });
  });

  it('says which late entries have restated it', () => {
    const late = { ...event(50, { bizStep: 'shipping' }), recorded: at(150_000) };
    const list = ask([chain([['collected', 0]], { veinToVein: { from: at(0), to: at(50) } }, { events: [late] })]);
    expect(kpi(list, 'vein-to-vein').restated).toEqual([late.seq]);
    expect(kpi(ask([chain([['collected', 0]], { veinToVein: { from: at(0), to: at(50) } })]), 'vein-to-vein').restated).toEqual([]);
  });

  it('an excursion spoils its shipment and not the other', () => {
    const ship = (minute: number, n: number) => event(minute, { bizStep: 'shipping', epcs: [bag(n)] });
    const receive = (minute: number, n: number) => event(minute, { bizStep: 'receiving', epcs: [bag(n)] });
    const reading = event(15, { bizStep: 'sensor_reporting' });
    const one = chain([['collected', 0]], {}, { events: [ship(10, 1), reading, receive(20, 1), ship(30, 2), receive(40, 2), ship(50, 3)] });
    const spoilt = { ...one, view: { ...one.view, findings: [{ code: 'SENS-EXC', seq: reading.seq, things: [] }] } };
    expect(kpi(ask([spoilt]), 'cold-chain-conformity')).toMatchObject({
      numerator: 1,
      denominator: 2,
      excluded: [{ reason: 'it has not arrived' }],
    });
  });

  it('every figure names its formula, its filters and when it was asked', () => {
    for (const one of ask([])) {
      expect(one.formula).toBe(`lotline.kpi.${one.kpi}`);
      expect(one).toMatchObject({ version: 1, filters: { from: '2026-03-01T08:00:00.000Z', site: null }, asOf: expect.any(String) });
    }
  });
});

describe('FHIR R5', () => {
  const collected = event(0, { action: 'ADD', bizStep: 'commissioning', epcs: [bag(1)], bizLocation: '414/9520123000011' });
  const given = event(200, {
    action: 'DELETE',
    bizStep: 'urn:lotline:identity:bizStep:infusing',
    epcs: [bag(1)],
    coi: { recipient: 'pr_a', volume: { value: 60, uom: 'MLT' } },
  });
  const products = new Map([
    [
      'cells',
      { product: 'cells', shelfLife: 30, transport: [{ stage: 'frozen', low: -196, high: -150, minutesOut: 0 }], postThawMinutes: 30 },
    ],
  ]);
  const facts = {
    key: bag(1),
    binding: { chains: [CHAIN_A], donors: [] },
    container: container(1, {
      kind: 'dose',
      aliases: ['01/09520123000110/21/D1'],
      from: [bag(2)],
      volume: { value: 60, uom: 'MLT' },
      bag: { number: 1, of: 2 },
      expiry: '2026-09-01',
    }),
    view: view(),
    world: world({ events: [collected, given], acts: [act('order', 'or_a', -10, order), check('ck_1', 190)], products }),
    held: false,
    entitled: true,
  };

  it('is a BiologicallyDerivedProduct by structure', () => {
    const product = fhirProduct(facts);
    expectShape(product, PRODUCT);
    expect(product).toMatchObject({
      biologicalSourceEvent: { value: 'A999926000001' },
      productCode: { coding: [{ code: 'S1295400' }] },
      division: '00',
      expirationDate: '2026-09-01',
      collection: { collectedDateTime: '2026-03-01T08:00:00.000Z', sourcePatient: { identifier: { value: 'pr_a' } } },
      storageTempRequirements: { low: { value: -196, code: 'Cel' }, high: { value: -150 } },
      productStatus: { code: 'available' },
    });
    expect((product['property'] as { type: { text: string } }[]).map(({ type }) => type.text)).toEqual([
      'attempt',
      'chain-of-identity',
      'volume',
    ]);
  });

  it('is unavailable while it is held, and once it has ended', () => {
    expect(fhirProduct({ ...facts, held: true })['productStatus']).toMatchObject({ code: 'unavailable' });
    const ended = container(1, { end: { kind: 'infused', seq: 1, time: at(200) } });
    expect(fhirProduct({ ...facts, container: ended })['productStatus']).toMatchObject({ code: 'unavailable' });
  });

  it('INV-27: names the source only towards who may know it', () => {
    expect(JSON.stringify(fhirBundle({ ...facts, entitled: false }))).not.toContain('pr_a');
  });

  it('comes with the bedside check and the infusion as dispenses', () => {
    const bundle = fhirBundle(facts);
    const resources = (bundle['entry'] as { fullUrl: string; resource: Record<string, unknown> }[]).map(({ resource }) => resource);
    expect(bundle['type']).toBe('collection');
    for (const resource of resources.slice(1)) expectShape(resource, DISPENSE);
    expect(resources.slice(1).map((one) => [one['id'], one['status']])).toEqual([
      ['ck-1', 'issued'],
      [`infusion-${given.seq}`, 'issued'],
    ]);
    expect(resources[2]?.['quantity']).toMatchObject({ value: 60, code: 'mL', system: 'http://unitsofmeasure.org' });
  });
});

describe('the report', () => {
  it('prints a time with its zone', () => {
    expect(localTime(Date.parse('2026-03-01T23:30:00Z'), '+01:00')).toBe('2026-03-02 00:30:00 +01:00');
    expect(localTime(Date.parse('2026-03-01T03:30:00Z'), '-05:00')).toBe('2026-02-28 22:30:00 -05:00');
  });

  it('says for which version something was signed', () => {
    const signature = {
      id: 'sg_1',
      person: 'pe_1',
      name: 'A Person',
      roles: [],
      sites: [],
      qualifications: [],
      meaning: 'approved',
      reason: 'fit',
      at: at(0),
      offset: '+00:00',
      session: 's',
    };
    const state = (id: string, minute: number, to: string) =>
      act('order-state', id, minute, { orderId: 'or_a', to, reason: null }, { signatures: [signature] });
    const { signatures } = reportSections(world({ acts: [state('os_1', 0, 'approved'), state('os_2', 5, 'scheduled')] }), view());
    expect(signatures.map(({ text }) => text.replace(/.*for/, 'for'))).toEqual([
      'for version 1 of order-state or_a',
      'for version 2 of order-state or_a',
    ]);
    expect(signatures[0]?.text).toContain('A Person, approved, 2026-03-01 08:00:00 +00:00, reason: fit');
  });

  it('its world goes through JSON and back', () => {
    const told = world({ events: [event(1)], acts: [check('ck_1', 2)], aliases: new Map([['a', 'b']]) });
    expect(worldOfJson(JSON.parse(JSON.stringify(worldJson(told))))).toEqual(told);
  });
});

// ── the shape of R5 ─────────────────────────────────────────────────────────────────────────────────────────────

type Shape =
  | 'code'
  | 'string'
  | 'id'
  | 'dateTime'
  | 'integer'
  | 'uri'
  | 'decimal'
  | { readonly [member: string]: Shape | readonly [Shape] | readonly ['?', Shape] };
const PRIMITIVE: Readonly<Record<string, (value: unknown) => boolean>> = {
  code: (value) => typeof value === 'string' && /^\S+( \S+)*$/.test(value),
  string: (value) => typeof value === 'string' && value.trim() !== '',
  uri: (value) => typeof value === 'string' && /^[a-z][a-z0-9+.-]*:\S+$/.test(value),
  id: (value) => typeof value === 'string' && /^[A-Za-z0-9\-.]{1,64}$/.test(value),
  dateTime: (value) => typeof value === 'string' && /^\d{4}(-\d\d(-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?)?)?$/.test(value),
  integer: (value) => Number.isInteger(value),
  decimal: (value) => typeof value === 'number' && Number.isFinite(value),
};
const CODING: Shape = { system: ['?', 'uri'], code: ['?', 'code'], display: ['?', 'string'] };
const CONCEPT: Shape = { coding: [CODING], text: ['?', 'string'] };
const IDENTIFIER: Shape = { use: ['?', 'code'], system: ['?', 'uri'], value: ['?', 'string'] };
const REFERENCE: Shape = { type: ['?', 'uri'], identifier: ['?', IDENTIFIER], display: ['?', 'string'] };
const TYPED: Shape = { type: ['?', 'string'], identifier: ['?', IDENTIFIER], display: ['?', 'string'] };
const QUANTITY: Shape = { value: 'decimal', unit: ['?', 'string'], system: ['?', 'uri'], code: ['?', 'code'] };
const PRODUCT: Shape = {
  resourceType: 'code',
  id: 'id',
  productCategory: ['?', { coding: [CODING] }],
  productCode: ['?', CONCEPT],
  parent: ['?', { ...TYPED, list: 'code' }],
  request: ['?', { ...TYPED, list: 'code' }],
  identifier: ['?', { ...IDENTIFIER, list: 'code' }],
  biologicalSourceEvent: ['?', IDENTIFIER],
  processingFacility: ['?', { ...TYPED, list: 'code' }],
  division: ['?', 'string'],
  productStatus: ['?', CODING],
  expirationDate: ['?', 'dateTime'],
  collection: ['?', { collector: ['?', REFERENCE], sourcePatient: ['?', TYPED], collectedDateTime: ['?', 'dateTime'] }],
  storageTempRequirements: ['?', { low: ['?', QUANTITY], high: ['?', QUANTITY] }],
  property: [
    '?',
    { type: CONCEPT, valueInteger: ['?', 'integer'], valueString: ['?', 'string'], valueQuantity: ['?', QUANTITY], list: 'code' },
  ],
} as const;
const DISPENSE: Shape = {
  resourceType: 'code',
  id: 'id',
  identifier: ['?', { ...IDENTIFIER, list: 'code' }],
  partOf: ['?', { ...TYPED, list: 'code' }],
  status: 'code',
  originRelationshipType: ['?', CONCEPT],
  product: TYPED,
  patient: TYPED,
  matchStatus: ['?', CONCEPT],
  performer: ['?', { function: ['?', CONCEPT], actor: REFERENCE, list: 'code' }],
  location: ['?', REFERENCE],
  quantity: ['?', QUANTITY],
  preparedDate: ['?', 'dateTime'],
  whenHandedOver: ['?', 'dateTime'],
  destination: ['?', REFERENCE],
} as const;

/** Only members that R5 has, of the type that it gives them; a member `list` in a shape says that there are several. */
function expectShape(value: unknown, shape: Shape, path = ''): void {
  if (typeof shape === 'string') {
    expect([path, PRIMITIVE[shape]?.(value)]).toEqual([path, true]);
    return;
  }
  const members = value as Record<string, unknown>;
  for (const name of Object.keys(members)) expect([path, Object.keys(shape)]).toEqual([path, expect.arrayContaining([name])]);
  for (const [name, of] of Object.entries(shape)) {
    if (name === 'list') continue;
    const optional = Array.isArray(of) && of[0] === '?';
    const inner = (Array.isArray(of) ? of.at(-1) : of) as Shape;
    const member = members[name];
    if (member === undefined) {
      expect([`${path}/${name}`, optional]).toEqual([`${path}/${name}`, true]);
      continue;
    }
    const several = (Array.isArray(of) && !optional) || (typeof inner !== 'string' && 'list' in inner);
    expect([`${path}/${name}`, Array.isArray(member)]).toEqual([`${path}/${name}`, several]);
    for (const one of [member].flat()) expectShape(one, inner, `${path}/${name}`);
  }
}
