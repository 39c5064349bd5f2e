import { BIZ_STEP, IDENTITY_NAMESPACE, type Meaning, STEPS, type StepId } from '../../src/identity/vocabulary.ts';
import type { Settings } from '../../src/settings.ts';
import type { Engine } from '../../src/store/sql.ts';
import { EPCIS_CONTEXT, type Json, lotOf, partyOf, quantityOf, siteOf } from './events.ts';
import { type Answer, TestServer } from './server.ts';

/**
 * Cell therapies over HTTP: people who sign, patients, orders, and the 28 steps of domain.md §12.2 as functions, each to be left out or done otherwise.
 *
 *     const coi = await Coi.on('sqlite');
 *     const one = await coi.therapy();
 *     await coi.walk(one);                                             // the happy path, from enrol to close
 *     await coi.walk(other, { until: 'fill', instead: { samples: null } });
 *
 * Everything happens now, one millisecond after what came before, so that signatures and what they are about belong together.
 */

// ── who and where ───────────────────────────────────────────────────────────────────────────────────────────────

export const COLLECTION_CENTRE = 41;
export const CELL_MAKER = 42;
export const TREATMENT_SITE = 43;
export const OTHER_SITE = 44;
export const PURPOSE = { 'x-purpose': 'quality' } as const;

export const ROSTER = {
  coordinator: ['coiCoordinator'],
  physician: ['treatmentSite'],
  monitor: ['qaReviewer'],
  nurse: ['collectionSite'],
  secondNurse: ['collectionSite'],
  collectionLab: ['collectionSite'],
  courier: ['courier'],
  secondCourier: ['courier'],
  dock: ['warehouse'],
  secondDock: ['warehouse'],
  operator: ['operator'],
  secondOperator: ['operator'],
  analyst: ['labAnalyst'],
  reviewer: ['qaReviewer'],
  qp: ['qp'],
  pharmacist: ['treatmentSite'],
  secondPharmacist: ['treatmentSite'],
  bedsideNurse: ['treatmentSite'],
  secondBedsideNurse: ['treatmentSite'],
  privacy: ['privacyOfficer'],
} as const satisfies Record<string, readonly string[]>;
export type Who = keyof typeof ROSTER;
export type Person = { readonly login: string; readonly secret: string; readonly personId: string; readonly session: string };

/** Who signs, with which meaning and reason. */
export type Signer = readonly [who: Who | Person, meaning: Meaning, reason?: string];

// ── one therapy ─────────────────────────────────────────────────────────────────────────────────────────────────

export type Patient = { readonly patientRef: string; readonly name: string; readonly birthDate: string; readonly recordNumber: string };

/** Everything that a therapy's steps name: made up beforehand, so that a test can name it as well. Things are URIs. */
export type Therapy = {
  readonly n: number;
  readonly patient: Patient;
  orderId: string;
  coiId: string;
  product: string;
  template: string;
  treatmentSite: number;
  attempt: number;
  /** Donation of the present attempt. */
  din: string;
  /** What is collected, and what that is split into before it is shipped. */
  collected: string;
  bags: string[];
  samples: string[];
  vessels: string[];
  qcSample: string;
  doses: string[];
  shipperIn: string;
  shipperOut: string;
  loggerIn: string;
  loggerOut: string;
  space: string;
  vectorLot: string;
  mediaLot: string;
  /** Checks by step, the last of each. */
  readonly checks: Partial<Record<StepId, string>>;
  /** Whoever has it, so that the next hand-over goes on from there. */
  custodian: Who;
  oosId: string | null;
  releaseId: string | null;
  readonly jobs: string[];
};

export const sgtinOf = (serial: string, item = 71): string => `urn:epc:id:sgtin:9520123.${String(item).padStart(6, '0')}.${serial}`;
export const giaiOf = (name: string): string => `urn:epc:id:giai:9520123.${name}`;
export const bagOf = (din: string, division = '00', description = 'S1295', type = '4'): string =>
  `urn:lotline:isbt128:bag:${din}:${description}${type}${division}`;

const digits = (n: number, width: number) => String(n).padStart(width, '0');

/** A body with members changed; those set to undefined are left out. */
export const changed = (body: Json, over: Json = {}): Json =>
  Object.fromEntries(Object.entries({ ...body, ...over }).filter(([, value]) => value !== undefined));

export type Step = (coi: Coi, therapy: Therapy) => Promise<unknown>;
export type Route = {
  from?: StepId;
  /** The last step that is done. */
  until?: StepId;
  /** Steps done otherwise, or not at all (null). */
  instead?: Partial<Record<StepId, Step | null>>;
};

export type Read = { source: string; identifier: string; value: string; by: string; manual?: boolean; reason?: string };
type Checkpoint = { people: number; identifiers: number; sources: string[] | number };

// ── the kit ─────────────────────────────────────────────────────────────────────────────────────────────────────

export class Coi {
  readonly server: TestServer;
  private readonly persons = new Map<string, Person>();
  private readonly templates = new Map<string, Map<string, Checkpoint>>();
  private last = 0;
  private therapies = 0;
  private knowsProduct = false;

  private constructor(server: TestServer) {
    this.server = server;
  }

  /** A service of its own, with everybody of the roster registered as they are needed, and the product. */
  static async on(engine: Engine, more: Partial<Settings> = {}): Promise<Coi> {
    return await Coi.over(await TestServer.on(engine, more));
  }

  static async over(server: TestServer): Promise<Coi> {
    return new Coi(server);
  }

  /** The product that therapies are of, made known with the first order. */
  async product(): Promise<void> {
    if (this.knowsProduct) return;
    this.knowsProduct = true;
    await this.post('/identity/products', PRODUCT);
  }

  async close(): Promise<void> {
    await this.server.close();
  }

  /** Now, in ms, and later than everything before. */
  now(): number {
    this.last = Math.max(Date.now(), this.last + 1);
    return this.last;
  }

  // ── calls ──

  /** Any call under /api/v1; of posts the body as JSON. As admin, or with somebody's session. */
  async call(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown, as?: Who | Person): Promise<Answer> {
    const key = as === undefined ? undefined : (await this.person(as)).session;
    return await this.server.call(method, `/api/v1${path}`, {
      ...(key !== undefined && { key }),
      ...(body !== undefined && { body }),
      headers: PURPOSE,
    });
  }

  /** A call that has to succeed: its answer's body. */
  async post(path: string, body: Json, as?: Who | Person): Promise<Json> {
    const answer = await this.call('POST', path, body, as);
    if (answer.statusCode >= 300) throw new Error(`POST ${path} answered ${answer.statusCode}: ${answer.body}`);
    return answer.body === '' ? {} : answer.json();
  }

  /** A call that has to be blocked: its problem. */
  async refused(path: string, body: Json, as?: Who | Person): Promise<{ status: number; code: string; things?: string[]; unmet?: Json[] }> {
    const answer = await this.call('POST', path, body, as);
    if (answer.statusCode < 400) throw new Error(`POST ${path} was not refused: ${answer.body}`);
    return answer.json();
  }

  async get<T = Json>(path: string): Promise<T> {
    const answer = await this.call('GET', path);
    if (answer.statusCode !== 200) throw new Error(`GET ${path} answered ${answer.statusCode}: ${answer.body}`);
    return answer.json() as T;
  }

  // ── people ──

  /** Somebody of the roster, or with roles of their own, qualified for every step unless told otherwise; registered at first use. */
  async person(
    who: Who | Person,
    more: { roles?: readonly string[]; qualifications?: readonly { step: string; until: string }[] } = {},
  ): Promise<Person> {
    if (typeof who !== 'string') return who;
    const there = this.persons.get(who);
    if (there !== undefined) return there;
    const person = await this.register(who, { roles: more.roles ?? ROSTER[who], ...more });
    this.persons.set(who, person);
    return person;
  }

  async register(
    login: string,
    { roles, qualifications = EVERY_STEP }: { roles: readonly string[]; qualifications?: readonly { step: string; until: string }[] },
  ): Promise<Person> {
    const { personId, setupCode } = await this.post('/people', { login, name: `The ${login}`, roles, sites: [], qualifications });
    const secret = `a long secret of ${login.split('').reverse().join('')}`;
    await this.server.call('POST', `/api/v1/people/${personId as string}/secret`, { key: null, body: { setupCode, secret } });
    const opened = await this.server.call('POST', '/api/v1/sessions', { key: null, body: { login, secret } });
    if (opened.statusCode >= 300) throw new Error(`no session for ${login}: ${opened.statusCode} ${opened.body}`);
    return { login, secret, personId: personId as string, session: opened.json().session };
  }

  /** One signing token, by one fresh authentication; in the person's own session unless another bearer asks for it. */
  async token(who: Who | Person, meaning: Meaning, more: { reason?: string; record?: string; session?: string } = {}): Promise<string> {
    const { login, secret, session: own } = await this.person(who);
    const { session = own, ...rest } = more;
    const answer = await this.server.call('POST', '/api/v1/signing-tokens', { key: session, body: { login, secret, meaning, ...rest } });
    if (answer.statusCode >= 300) throw new Error(`no token for ${login}: ${answer.statusCode} ${answer.body}`);
    return answer.json().token;
  }

  async sign(...signers: readonly Signer[]): Promise<string[]> {
    const tokens: string[] = [];
    for (const [who, meaning, reason] of signers) tokens.push(await this.token(who, meaning, reason === undefined ? {} : { reason }));
    return tokens;
  }

  // ── events ──

  /** An event as a site's system sends it. Identity fields by their names in identity-wire.md §2, without prefix in `coi`. */
  event(type: string, members: Json, coi: Json = {}, at?: number): Json {
    const fields = Object.fromEntries(Object.entries(coi).map(([name, value]) => [`coi:${name}`, value]));
    return changed({
      type,
      eventTime: new Date(at ?? this.now()).toISOString(),
      eventTimeZoneOffset: '+00:00',
      ...members,
      ...fields,
    });
  }

  /** Captures events in one document; they have to be taken. */
  async capture(...events: readonly Json[]): Promise<void> {
    const job = await this.server.capture(identityDocument(events));
    if (!job.success) throw new Error(`not captured: ${JSON.stringify(job.errors)}`);
  }

  /** A dry run (INV-…: what would be blocked). */
  async check(body: Json): Promise<{ ok: boolean; verdict: string; findings: { code: string; things: string[] }[]; holds: Json[] }> {
    const event = 'type' in body ? { '@context': [EPCIS_CONTEXT, { coi: IDENTITY_NAMESPACE }], ...body } : body;
    return (await this.post('/identity/check', event)) as never;
  }

  /** Findings that are open: all, or of a code. */
  async findings(code?: string): Promise<{ id: string; code: string; severity: string; things: string[]; state: string }[]> {
    const query = code === undefined ? '' : `&code=${code}`;
    const answer = await this.get<Json>(`/findings?state=open&perPage=200${query}`);
    return (answer['findings'] ?? answer['items'] ?? answer) as never;
  }

  async chain(therapy: Therapy): Promise<{ coiId: string; timeline: Json[]; findings: Json[]; holds: Json[] }> {
    return await this.get(`/identity/chains/${therapy.coiId}`);
  }
  async order(therapy: Therapy): Promise<Json> {
    return await this.get(`/identity/orders/${therapy.orderId}`);
  }
  async container(thing: string): Promise<Json> {
    return await this.get(`/identity/containers/${encodeURIComponent(thing)}`);
  }

  // ── patients and orders ──

  async patient(over: Json = {}): Promise<Patient> {
    const n = ++this.therapies;
    const identity = {
      name: `Sample-Family-${n}, Given ${n}`,
      birthDate: `19${digits(50 + (n % 40), 2)}-03-1${n % 10}`,
      recordNumber: `R-${7_000 + n}`,
    };
    const { patientRef } = await this.post('/identity/patients', { identity: { ...identity, ...over }, purpose: 'treatment' });
    return { ...identity, ...over, patientRef: patientRef as string };
  }

  /** A therapy whose order is not placed yet: the step `enrol` does it. */
  async therapy(over: Partial<Omit<Therapy, 'n'>> = {}): Promise<Therapy> {
    const patient = over.patient ?? (await this.patient());
    const n = this.therapies;
    const therapy: Therapy = {
      n,
      patient,
      orderId: '',
      coiId: '',
      product: PRODUCT.product,
      template: 'autologous-car-t',
      treatmentSite: TREATMENT_SITE,
      space: giaiOf('SUITE-1'),
      vectorLot: lotOf('VEC1', 81),
      mediaLot: lotOf('MED1', 82),
      checks: {},
      custodian: 'collectionLab',
      oosId: null,
      releaseId: null,
      jobs: [],
      ...attemptOf(n, 1),
      ...over,
    };
    return therapy;
  }

  /** A second collection for the same order (C-09): everything that the steps make from here on has new names. */
  again(therapy: Therapy): void {
    Object.assign(therapy, attemptOf(therapy.n, therapy.attempt + 1), { custodian: 'collectionLab' });
  }

  /** Brings an order to a state by hand. */
  async state(therapy: Therapy, to: string, signers: readonly Signer[] = [], over: Json = {}): Promise<Json> {
    const signatures = await this.sign(...signers);
    return await this.post(
      `/identity/orders/${therapy.orderId}/state`,
      changed({ to, ...(signatures.length > 0 && { signatures }), ...over }),
    );
  }

  // ── checks and hand-overs ──

  private async checkpoints(template: string): Promise<Map<string, Checkpoint>> {
    const there = this.templates.get(template);
    if (there !== undefined) return there;
    const all = (await this.get('/identity/templates')) as unknown as { id: string; steps: { id: string; checkpoint?: Checkpoint }[] }[];
    for (const { id, steps } of all)
      this.templates.set(id, new Map(steps.flatMap(({ id: step, checkpoint }) => (checkpoint ? [[step, checkpoint] as const] : []))));
    return this.templates.get(template) ?? new Map();
  }

  /** What people read for a check of a step: each of them, of every source, everything that it shows. */
  reads(therapy: Therapy, o: { containers: readonly string[]; sources: readonly string[]; by: readonly Person[] }): Read[] {
    const { patient } = therapy;
    const ofThing = (source: string): [string, string][] => {
      if (source === 'wristband')
        return [
          ['patientName', patient.name],
          ['birthDate', patient.birthDate],
          ['recordNumber', patient.recordNumber],
        ];
      const personal: [string, string][] =
        o.containers.length === 0 && source === 'order'
          ? [
              ['patientName', patient.name],
              ['birthDate', patient.birthDate],
            ]
          : [];
      return [
        ['coiId', therapy.coiId],
        ...personal,
        ...o.containers.map((one): [string, string] => ['container', one]),
        ...(o.containers.length === 0 ? ([['orderId', therapy.orderId]] as [string, string][]) : []),
      ];
    };
    return o.by.flatMap(({ personId }) =>
      o.sources.flatMap((source) => ofThing(source).map(([identifier, value]) => ({ source, identifier, value, by: personId }))),
    );
  }

  /** A check's body with fresh signatures: at least of the strength that the template demands. */
  async checkBody(
    therapy: Therapy,
    step: StepId,
    containers: readonly string[],
    by: readonly [Who | Person, ...(Who | Person)[]],
    over: Json = {},
  ): Promise<Json> {
    const demanded = (await this.checkpoints(therapy.template)).get(step);
    const sources = Array.isArray(demanded?.sources) ? demanded.sources : ['label', 'order'];
    const persons: Person[] = [];
    for (const who of by) persons.push(await this.person(who));
    return changed(
      {
        checkpoint: step,
        orderId: therapy.orderId,
        containers,
        reads: this.reads(therapy, {
          containers,
          sources: [...new Set([...sources, ...(sources.length < 2 ? ['order'] : [])])],
          by: persons,
        }),
        place: siteOf(STEP_PLACE[step]),
        eventTime: new Date(this.now()).toISOString(),
        signatures: await this.sign(...by.map((who, i): Signer => [who, i === 0 ? 'verified_identity' : 'witnessed'])),
      },
      over,
    );
  }

  /** Makes a check, and remembers it as the one of its step. Steps without a checkpoint need none: then nothing is done. */
  async checked(
    therapy: Therapy,
    step: StepId,
    containers: readonly string[],
    by: readonly [Who | Person, ...(Who | Person)[]],
    over: Json = {},
  ): Promise<Json | null> {
    if (!(await this.checkpoints(therapy.template)).has(step)) return null;
    const answer = await this.post('/identity/checks', await this.checkBody(therapy, step, containers, by, over));
    if (answer['result'] === 'pass') therapy.checks[step] = answer['checkId'] as string;
    return answer;
  }

  /** From whoever has it to somebody else, both signing. */
  async handover(therapy: Therapy, shipment: string, to: Who, over: Json = {}): Promise<Json> {
    const [giver, receiver] = [await this.person(therapy.custodian), await this.person(to)];
    const answer = await this.post(
      '/identity/handovers',
      changed(
        {
          shipment,
          giver: giver.personId,
          receiver: receiver.personId,
          place: siteOf(COLLECTION_CENTRE),
          seals: [`SEAL-${therapy.n}-${therapy.attempt}-${shipment === therapy.shipperOut ? 'OUT' : 'IN'}`],
          condition: 'seal intact',
          eventTime: new Date(this.now()).toISOString(),
          signatures: await this.sign([giver, 'handed_over'], [receiver, 'received']),
        },
        over,
      ),
    );
    therapy.custodian = to;
    return answer;
  }

  /** What a laboratory found, in a sample of the therapy. */
  async result(therapy: Therapy, test: string, value: number, limits: Json, over: Json = {}): Promise<Json> {
    const { min = -Infinity, max = Infinity } = limits as { min?: number; max?: number };
    const verdict = value >= min && value <= max ? 'pass' : 'oos';
    return await this.post(
      '/identity/results',
      changed(
        { sample: therapy.qcSample, test, value, unit: 'P1', limits, verdict, signatures: await this.sign(['analyst', 'authored']) },
        over,
      ),
    );
  }

  /** Two of quality let go everything that is held of a therapy. */
  async lift(therapy: Therapy): Promise<void> {
    for (const { id } of (await this.chain(therapy)).holds) {
      const signatures = await this.sign(['monitor', 'resolved'], ['qp', 'approved']);
      const answer = await this.call('DELETE', `/identity/holds/${id as string}`, { reason: 'settled', signatures });
      if (answer.statusCode >= 300) throw new Error(`hold ${id as string}: ${answer.statusCode} ${answer.body}`);
    }
  }

  // ── the way ──

  /** Goes the way of a therapy, step by step. */
  async walk(therapy: Therapy, { from = 'enrol', until = 'close', instead = {} }: Route = {}): Promise<void> {
    for (const step of STEPS.slice(STEPS.indexOf(from), STEPS.indexOf(until) + 1)) {
      const done = step in instead ? instead[step] : DONE[step];
      await done?.(this, therapy);
    }
  }
}

/** A document with the namespace of identity. */
export const identityDocument = (events: readonly Json[]): Json => ({
  '@context': [EPCIS_CONTEXT, { coi: IDENTITY_NAMESPACE }],
  type: 'EPCISDocument',
  schemaVersion: '2.0',
  creationDate: new Date().toISOString(),
  epcisBody: { eventList: events },
});

const EVERY_STEP = STEPS.map((step) => ({ step, until: '2099-12-31' }));

export const PRODUCT = {
  product: 'CELLS-A',
  shelfLife: 365,
  transport: [
    { stage: 'pack', low: 2, high: 8, minutesOut: 60 },
    { stage: 'ship', low: -196, high: -150, minutesOut: 0 },
  ],
  postThawMinutes: 60,
};

function attemptOf(n: number, attempt: number) {
  const din = `A9999260${digits(n * 10 + attempt, 5)}`;
  const name = `${n}-${attempt}`;
  return {
    attempt,
    din,
    collected: bagOf(din),
    bags: [bagOf(din, 'A0'), bagOf(din, 'B0')],
    samples: ['A', 'B', 'C'].map((one) => sgtinOf(`S${name}${one}`, 72)),
    vessels: ['A', 'B'].map((one) => sgtinOf(`V${name}${one}`, 73)),
    qcSample: sgtinOf(`Q${name}`, 74),
    doses: ['1', '2'].map((one) => sgtinOf(`D${name}.${one}`, 75)),
    shipperIn: giaiOf(`SHIPPER-IN-${name}`),
    shipperOut: giaiOf(`SHIPPER-OUT-${name}`),
    loggerIn: giaiOf(`LOGGER-IN-${name}`),
    loggerOut: giaiOf(`LOGGER-OUT-${name}`),
  };
}

const STEP_PLACE: Record<StepId, number> = Object.fromEntries(
  STEPS.map((step, i) => [
    step,
    i < STEPS.indexOf('receive') ? COLLECTION_CENTRE : i < STEPS.indexOf('site-receive') ? CELL_MAKER : TREATMENT_SITE,
  ]),
) as never;

// ── what happens at each step, as events ────────────────────────────────────────────────────────────────────────

const at = (site: number, spot?: string): Json => ({
  readPoint: { id: siteOf(site, spot ?? '0') },
  bizLocation: { id: siteOf(site, spot ?? '0') },
});
const between = (from: number, to: number): Json => ({
  sourceList: [
    { type: 'possessing_party', source: partyOf(from) },
    { type: 'location', source: siteOf(from) },
  ],
  destinationList: [
    { type: 'possessing_party', destination: partyOf(to) },
    { type: 'location', destination: siteOf(to) },
  ],
});
const volume = (value: number): Json => ({ value, uom: 'MLT' });
const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

/** The fields that every event of a step carries. */
export function fields(therapy: Therapy, step: StepId, more: Json = {}): Json {
  const check = therapy.checks[step];
  return {
    chain: therapy.coiId,
    order: therapy.orderId,
    attempt: therapy.attempt,
    step,
    ...(check !== undefined && { check }),
    ...more,
  };
}

type Built = (coi: Coi, therapy: Therapy, over?: { members?: Json; coi?: Json; at?: number }) => Json;
const built =
  (type: string, step: StepId, members: (t: Therapy) => Json, more: (t: Therapy) => Json = () => ({})): Built =>
  (coi, therapy, over = {}) =>
    coi.event(type, { ...members(therapy), ...over.members }, { ...fields(therapy, step, more(therapy)), ...over.coi }, over.at);

/** Events of the steps, to be changed: `EVENT.ship(coi, therapy, { members: between(…) })`. */
export const EVENT = {
  collection: built(
    'ObjectEvent',
    'collection',
    (t) => ({
      action: 'ADD',
      bizStep: 'commissioning',
      disposition: 'active',
      epcList: [t.collected],
      ...at(COLLECTION_CENTRE),
      ilmd: { 'cbvmda:itemExpirationDate': inDays(3) },
    }),
    () => ({ volume: volume(200) }),
  ),
  samples: built(
    'ObjectEvent',
    'samples',
    (t) => ({ action: 'ADD', bizStep: 'sampling', epcList: t.samples, ...at(COLLECTION_CENTRE) }),
    (t) => ({ from: t.collected }),
  ),
  split: built(
    'TransformationEvent',
    'hold',
    (t) => ({
      inputEPCList: [t.collected],
      outputEPCList: t.bags,
      ilmd: { 'cbvmda:itemExpirationDate': inDays(3) },
      ...at(COLLECTION_CENTRE),
    }),
    () => ({ volume: volume(100) }),
  ),
  packIn: built('AggregationEvent', 'pack', (t) => ({
    action: 'ADD',
    bizStep: 'packing',
    parentID: t.shipperIn,
    childEPCs: t.bags,
    ...at(COLLECTION_CENTRE),
  })),
  loggerIn: built('AssociationEvent', 'pack', (t) => ({
    action: 'ADD',
    bizStep: 'assembling',
    parentID: t.shipperIn,
    childEPCs: [t.loggerIn],
    ...at(COLLECTION_CENTRE),
  })),
  shipIn: built('ObjectEvent', 'pickup', (t) => ({
    action: 'OBSERVE',
    bizStep: 'shipping',
    disposition: 'in_transit',
    epcList: [t.shipperIn],
    readPoint: { id: siteOf(COLLECTION_CENTRE) },
    ...between(COLLECTION_CENTRE, CELL_MAKER),
  })),
  receive: built('ObjectEvent', 'receive', (t) => ({
    action: 'OBSERVE',
    bizStep: 'receiving',
    disposition: 'in_progress',
    epcList: [t.shipperIn],
    ...at(CELL_MAKER),
    ...between(COLLECTION_CENTRE, CELL_MAKER),
  })),
  unpackIn: built('AggregationEvent', 'receive', (t) => ({
    action: 'DELETE',
    bizStep: 'unpacking',
    parentID: t.shipperIn,
    childEPCs: t.bags,
    ...at(CELL_MAKER),
  })),
  accept: built('ObjectEvent', 'accept', (t) => ({
    action: 'OBSERVE',
    bizStep: 'accepting',
    disposition: 'in_progress',
    epcList: t.bags,
    ...at(CELL_MAKER),
    ...between(COLLECTION_CENTRE, CELL_MAKER),
  })),
  start: built(
    'TransformationEvent',
    'start',
    (t) => ({ inputEPCList: t.bags, outputEPCList: [t.vessels[0]], ...at(CELL_MAKER) }),
    (t) => ({ space: t.space }),
  ),
  process: built(
    'TransformationEvent',
    'process',
    (t) => ({
      inputEPCList: [t.vessels[0]],
      inputQuantityList: [quantityOf(t.vectorLot, 1, 'MLT'), quantityOf(t.mediaLot, 500, 'MLT')],
      outputEPCList: [t.vessels[1]],
      ...at(CELL_MAKER),
    }),
    (t) => ({ space: t.space }),
  ),
  qcSamples: built(
    'ObjectEvent',
    'qc-samples',
    (t) => ({ action: 'ADD', bizStep: 'sampling', epcList: [t.qcSample], ...at(CELL_MAKER) }),
    (t) => ({ from: t.vessels[1] as string }),
  ),
  /** Dose bag n, each by an event of its own under one transformation id, since each has its number. */
  fill: (coi: Coi, therapy: Therapy, over: { members?: Json; coi?: Json } = {}): Json[] =>
    therapy.doses.map((dose, i) =>
      coi.event(
        'TransformationEvent',
        {
          ...(i === 0 && { inputEPCList: [therapy.vessels[1]] }),
          outputEPCList: [dose],
          transformationID: `urn:epc:id:gdti:9520123.00001.FILL${therapy.n}.${therapy.attempt}`,
          ilmd: { 'cbvmda:itemExpirationDate': inDays(365) },
          ...at(CELL_MAKER),
          ...over.members,
        },
        {
          ...fields(therapy, 'fill', { bag: { number: i + 1, of: therapy.doses.length }, volume: volume(50), space: therapy.space }),
          ...over.coi,
        },
      ),
    ),
  store: built('ObjectEvent', 'store', (t) => ({
    action: 'OBSERVE',
    bizStep: 'storing',
    epcList: t.doses,
    ...at(CELL_MAKER, `LN2-${t.n}`),
  })),
  packOut: built('AggregationEvent', 'ship', (t) => ({
    action: 'ADD',
    bizStep: 'packing',
    parentID: t.shipperOut,
    childEPCs: t.doses,
    ...at(CELL_MAKER),
  })),
  loggerOut: built('AssociationEvent', 'ship', (t) => ({
    action: 'ADD',
    bizStep: 'assembling',
    parentID: t.shipperOut,
    childEPCs: [t.loggerOut],
    ...at(CELL_MAKER),
  })),
  ship: built(
    'ObjectEvent',
    'ship',
    (t) => ({
      action: 'OBSERVE',
      bizStep: 'shipping',
      disposition: 'in_transit',
      epcList: [t.shipperOut],
      readPoint: { id: siteOf(CELL_MAKER) },
      ...between(CELL_MAKER, t.treatmentSite),
    }),
    (t): Json => (t.oosId === null ? {} : { oos: t.oosId }),
  ),
  siteReceive: built('ObjectEvent', 'site-receive', (t) => ({
    action: 'OBSERVE',
    bizStep: 'receiving',
    disposition: 'in_progress',
    epcList: [t.shipperOut],
    ...at(t.treatmentSite),
    ...between(CELL_MAKER, t.treatmentSite),
  })),
  unpackOut: built('AggregationEvent', 'site-receive', (t) => ({
    action: 'DELETE',
    bizStep: 'unpacking',
    parentID: t.shipperOut,
    childEPCs: t.doses,
    ...at(t.treatmentSite),
  })),
  siteAccept: built('ObjectEvent', 'site-receive', (t) => ({
    action: 'OBSERVE',
    bizStep: 'accepting',
    disposition: 'in_progress',
    epcList: t.doses,
    ...at(t.treatmentSite),
    ...between(CELL_MAKER, t.treatmentSite),
  })),
  siteStore: built('ObjectEvent', 'site-store', (t) => ({
    action: 'OBSERVE',
    bizStep: 'storing',
    epcList: t.doses,
    ...at(t.treatmentSite, `LN2-${t.n}`),
  })),
  /** One dose bag. */
  thaw: (coi: Coi, therapy: Therapy, dose: string, over: { members?: Json; coi?: Json; at?: number } = {}): Json =>
    coi.event(
      'ObjectEvent',
      { action: 'OBSERVE', bizStep: BIZ_STEP.thawing, epcList: [dose], ...at(therapy.treatmentSite), ...over.members },
      { ...fields(therapy, 'thaw', therapy.oosId === null ? {} : { oos: therapy.oosId }), ...over.coi },
      over.at,
    ),
  infuse: (coi: Coi, therapy: Therapy, dose: string, over: { members?: Json; coi?: Json; at?: number } = {}): Json =>
    coi.event(
      'ObjectEvent',
      {
        action: 'DELETE',
        bizStep: BIZ_STEP.infusing,
        disposition: 'dispensed',
        epcList: [dose],
        ...at(therapy.treatmentSite),
        ...over.members,
      },
      {
        ...fields(therapy, 'infuse', { recipient: therapy.patient.patientRef, volume: volume(50) }),
        ...(therapy.checks.bedside !== undefined && { check: therapy.checks.bedside }),
        ...over.coi,
      },
      over.at,
    ),
  destroy: (coi: Coi, therapy: Therapy, things: readonly string[], over: { members?: Json; coi?: Json; at?: number } = {}): Json =>
    coi.event(
      'ObjectEvent',
      {
        action: 'DELETE',
        bizStep: 'destroying',
        disposition: 'destroyed',
        epcList: things,
        ...at(therapy.treatmentSite),
        ...over.members,
      },
      { ...fields(therapy, 'residue'), ...over.coi },
      over.at,
    ),
};

/** Readings of a logger, one every ten minutes of `minutes`, ending now. */
export function readings(coi: Coi, logger: string, values: readonly number[], everyMs = 60_000): Json {
  const end = coi.now();
  const first = end - values.length * everyMs;
  return coi.event(
    'ObjectEvent',
    {
      action: 'OBSERVE',
      bizStep: 'sensor_reporting',
      epcList: [logger],
      sensorElementList: [
        {
          sensorMetadata: { startTime: new Date(first).toISOString(), endTime: new Date(end).toISOString() },
          sensorReport: values.map((value, i) => ({
            type: 'Temperature',
            time: new Date(first + i * everyMs).toISOString(),
            value,
            uom: 'CEL',
          })),
        },
      ],
    },
    {},
    end,
  );
}

// ── the 28 steps (domain.md §12.2) ──────────────────────────────────────────────────────────────────────────────

/** One dose bag from the freezer into the patient. */
export async function thaw(coi: Coi, therapy: Therapy, dose: string): Promise<void> {
  await coi.checked(therapy, 'thaw', [dose], ['pharmacist', 'secondPharmacist']);
  await coi.capture(EVENT.thaw(coi, therapy, dose));
}
export async function bedside(coi: Coi, therapy: Therapy, dose: string): Promise<void> {
  await coi.checked(therapy, 'bedside', [dose], ['bedsideNurse', 'secondBedsideNurse']);
}
export async function infuse(coi: Coi, therapy: Therapy, dose: string): Promise<void> {
  await coi.capture(EVENT.infuse(coi, therapy, dose));
}

/** Labels printed and accounted for. */
export async function labelled(
  coi: Coi,
  therapy: Therapy,
  over: { body?: Json; counts?: Json; container?: string } = {},
): Promise<{ jobId: string }> {
  const { container } = over;
  const job = await coi.post('/identity/labels', {
    orderId: therapy.orderId,
    ...(container !== undefined && { container }),
    layout: 'bag',
    copies: 4,
    ...over.body,
  });
  const jobId = job['jobId'] as string;
  therapy.jobs.push(jobId);
  if (over.counts !== undefined) await coi.post(`/identity/labels/${jobId}/close`, over.counts);
  return { jobId };
}

export const DONE: Readonly<Record<StepId, Step>> = {
  enrol: async (coi, t) => {
    await coi.product();
    const order = await coi.post('/identity/orders', {
      patientRef: t.patient.patientRef,
      ...(t.coiId !== '' && { coiId: t.coiId }),
      product: t.product,
      template: t.template,
      treatmentSite: siteOf(t.treatmentSite),
      collectionSite: siteOf(COLLECTION_CENTRE),
      manufacturer: siteOf(CELL_MAKER),
    });
    t.orderId = order['orderId'] as string;
    t.coiId = order['coiId'] as string;
    await coi.checked(t, 'enrol', [], ['physician', 'coordinator']);
    await coi.state(t, 'submitted', [['coordinator', 'authored']]);
    await coi.state(t, 'approved', [['physician', 'approved']]);
  },
  schedule: async (coi, t) => {
    await coi.checked(t, 'schedule', [], ['coordinator', 'physician']);
    await coi.state(t, 'scheduled', [['coordinator', 'authored']]);
  },
  labels: async (coi, t) => {
    await coi.checked(t, 'labels', [], ['nurse', 'secondNurse']);
    await labelled(coi, t, { counts: { applied: 2, spoiled: 0, returned: 1, inRecord: 1 } });
  },
  collection: async (coi, t) => {
    await coi.checked(t, 'collection', [], ['nurse', 'secondNurse']);
    await coi.capture(EVENT.collection(coi, t));
  },
  samples: async (coi, t) => {
    await coi.checked(t, 'samples', t.samples, ['nurse', 'secondNurse']);
    await coi.capture(EVENT.samples(coi, t));
  },
  hold: async (coi, t) => {
    await coi.checked(t, 'hold', [t.collected], ['collectionLab', 'nurse']);
    await coi.capture(EVENT.split(coi, t));
  },
  pack: async (coi, t) => {
    await coi.checked(t, 'pack', t.bags, ['collectionLab', 'nurse']);
    await coi.capture(EVENT.packIn(coi, t), EVENT.loggerIn(coi, t));
  },
  pickup: async (coi, t) => {
    await coi.checked(t, 'pickup', t.bags, ['collectionLab', 'courier']);
    await coi.handover(t, t.shipperIn, 'courier');
    await coi.capture(EVENT.shipIn(coi, t));
  },
  transit: async (coi, t) => {
    await coi.capture(readings(coi, t.loggerIn, [4, 4.5, 5, 4.5]));
    await coi.handover(t, t.shipperIn, 'dock', { place: siteOf(CELL_MAKER) });
  },
  receive: async (coi, t) => {
    await coi.checked(t, 'receive', t.bags, ['dock', 'secondDock']);
    await coi.capture(EVENT.receive(coi, t), EVENT.unpackIn(coi, t));
  },
  accept: async (coi, t) => {
    await coi.checked(t, 'accept', t.bags, ['reviewer', 'dock']);
    await coi.capture(EVENT.accept(coi, t));
  },
  start: async (coi, t) => {
    await cleared(coi, t.space);
    await coi.checked(t, 'start', t.bags, ['operator', 'secondOperator']);
    await coi.capture(EVENT.start(coi, t));
  },
  process: async (coi, t) => {
    await coi.checked(t, 'process', [t.vessels[0] as string], ['operator', 'secondOperator']);
    await coi.capture(EVENT.process(coi, t));
  },
  'qc-samples': async (coi, t) => {
    await coi.checked(t, 'qc-samples', [t.vessels[1] as string], ['operator', 'secondOperator']);
    await coi.capture(EVENT.qcSamples(coi, t));
  },
  fill: async (coi, t) => {
    await coi.checked(t, 'fill', t.doses, ['operator', 'secondOperator']);
    await coi.capture(...EVENT.fill(coi, t));
    await labelled(coi, t, { body: { copies: 3 }, counts: { applied: 2, spoiled: 0, returned: 0, inRecord: 1 } });
    await cleared(coi, t.space);
  },
  store: async (coi, t) => {
    await coi.checked(t, 'store', t.doses, ['operator', 'secondOperator']);
    await coi.capture(EVENT.store(coi, t));
  },
  qc: async (coi, t) => {
    await coi.checked(t, 'qc', [t.qcSample], ['analyst', 'operator']);
    await coi.result(t, 'viability', 84, { min: 70 });
    await coi.result(t, 'endotoxin', 0.1, { max: 5 });
  },
  release: async (coi, t) => {
    const answer = await released(coi, t);
    t.releaseId = answer['releaseId'] as string;
  },
  ship: async (coi, t) => {
    await coi.checked(t, 'ship', t.doses, ['dock', 'secondDock']);
    t.custodian = 'dock';
    await coi.capture(EVENT.packOut(coi, t), EVENT.loggerOut(coi, t), EVENT.ship(coi, t));
    await coi.handover(t, t.shipperOut, 'secondCourier', { place: siteOf(CELL_MAKER) });
    await coi.capture(readings(coi, t.loggerOut, [-180, -179, -178, -178]));
    await coi.handover(t, t.shipperOut, 'pharmacist', { place: siteOf(t.treatmentSite) });
  },
  'site-receive': async (coi, t) => {
    await coi.checked(t, 'site-receive', t.doses, ['pharmacist', 'secondPharmacist']);
    await coi.capture(EVENT.siteReceive(coi, t), EVENT.unpackOut(coi, t), EVENT.siteAccept(coi, t));
  },
  'site-store': async (coi, t) => {
    await coi.checked(t, 'site-store', t.doses, ['pharmacist', 'secondPharmacist']);
    await coi.capture(EVENT.siteStore(coi, t));
  },
  ready: async (coi, t) => {
    await coi.checked(t, 'ready', [], ['physician', 'bedsideNurse']);
    await coi.state(t, 'ready', [['physician', 'approved']]);
  },
  thaw: async (coi, t) => {
    for (const dose of t.doses) await thaw(coi, t, dose);
  },
  bedside: async () => {
    // Bag by bag, just before each is given: see `infuse`.
  },
  infuse: async (coi, t) => {
    for (const dose of t.doses) {
      await bedside(coi, t, dose);
      await infuse(coi, t, dose);
    }
  },
  residue: async (coi, t) => {
    await coi.capture(EVENT.destroy(coi, t, [...t.samples, t.qcSample]));
  },
  'follow-up': async (coi, t) => {
    await coi.state(t, 'followUp', [['physician', 'reviewed']]);
  },
  close: async (coi, t) => {
    await coi.state(t, 'closed', [['coordinator', 'reviewed']]);
  },
};

/** Two people say that a space is free of everybody's material. */
export async function cleared(coi: Coi, space: string): Promise<void> {
  await coi.post('/identity/clearances', { space, signatures: await coi.sign(['operator', 'authored'], ['secondOperator', 'witnessed']) });
}

export async function released(coi: Coi, therapy: Therapy, over: Json = {}): Promise<Json> {
  return await coi.post('/identity/releases', await releaseBody(coi, therapy, over));
}
export const releaseBody = async (coi: Coi, therapy: Therapy, over: Json = {}): Promise<Json> =>
  changed(
    {
      orderId: therapy.orderId,
      containers: therapy.doses,
      signatures: await coi.sign(['monitor', 'reviewed'], ['qp', 'released']),
    },
    over,
  );
