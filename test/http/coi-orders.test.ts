import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatKey, parseEpc } from '../../src/identifiers/index.ts';
import { BIZ_STEP, type StepId } from '../../src/identity/vocabulary.ts';
import {
  CELL_MAKER,
  COLLECTION_CENTRE,
  Coi,
  DONE,
  EVENT,
  labelled,
  OTHER_SITE,
  releaseBody,
  type Signer,
  sgtinOf,
  type Therapy,
  TREATMENT_SITE,
} from '../support/coi.ts';
import { type Json, siteOf } from '../support/events.ts';
import { ENGINES } from '../support/test-store.ts';

const key = (uri: string): string => formatKey(parseEpc(uri));

describe.each(ENGINES)('orders and what people vouch for of them, on %s', (engine) => {
  let coi: Coi;
  beforeAll(async () => {
    coi = await Coi.on(engine);
  }, 60_000);
  afterAll(() => coi.close());

  const orderOf = (one: Therapy, more: Json = {}): Json => ({
    patientRef: one.patient.patientRef,
    product: one.product,
    template: one.template,
    treatmentSite: siteOf(TREATMENT_SITE),
    collectionSite: siteOf(COLLECTION_CENTRE),
    manufacturer: siteOf(CELL_MAKER),
    ...more,
  });
  const codesOf = async (one: Therapy): Promise<string[]> => [
    ...new Set(((await coi.chain(one)).findings as { code: string }[]).map(({ code }) => code)),
  ];
  const until = async (step: StepId) => {
    const one = await coi.therapy();
    await coi.walk(one, { until: step });
    return one;
  };
  /** Donor-bound dose bags of a bank, as the first event that meets them states. */
  const donorDoses = async (n: number): Promise<{ donorRef: string; doses: string[] }> => {
    const { donorRef } = await coi.post('/identity/donors', {
      identity: { name: `Bank ${n}`, recordNumber: `B-${n}` },
      purpose: 'treatment',
    });
    const doses = [1, 2].map((i) => sgtinOf(`DD${n}.${i}`, 76));
    const bank = { action: 'ADD', bizStep: 'commissioning', epcList: doses, readPoint: { id: siteOf(CELL_MAKER) } };
    await coi.capture(coi.event('ObjectEvent', bank, { donor: donorRef }));
    return { donorRef: donorRef as string, doses };
  };
  const allocated = async (container: string, one: Therapy, signers: readonly Signer[] = [['coordinator', 'approved']]): Promise<Json> => ({
    container,
    orderId: one.orderId,
    match: [{ criterion: 'HLA', pass: true, rules: '2' }],
    signatures: await coi.sign(...signers),
  });

  describe('identifiers and orders', () => {
    it('INV-01: an identifier that is not given is made, in the ISBT 128 form, and printed with its check character', async () => {
      const one = await coi.therapy();
      const order = await coi.post('/identity/orders', orderOf(one));
      expect(order['coiId']).toMatch(/^CHA9999\d\d[0-9A-Z]{6}$/);
      expect(order['printed']).toMatch(new RegExp(`^${order['coiId'] as string}[0-9A-Z*]$`));
    });

    it('INV-01: an identifier is used once for ever: in any case, with its check character, after its order was cancelled, for another patient', async () => {
      const one = await coi.therapy();
      const order = await coi.post('/identity/orders', orderOf(one));
      const coiId = order['coiId'] as string;
      await coi.post(`/identity/orders/${order['orderId'] as string}/state`, {
        to: 'cancelled',
        reason: 'changed therapy',
        signatures: await coi.sign(['coordinator', 'approved']),
      });
      const other = await coi.therapy();
      for (const again of [coiId, coiId.toLowerCase(), order['printed'] as string]) {
        expect(await coi.refused('/identity/orders', orderOf(other, { coiId: again }))).toMatchObject({ status: 409, code: 'COI-DUP' });
        expect(await coi.refused('/identity/orders', orderOf(one, { coiId: again }))).toMatchObject({ code: 'COI-DUP' });
      }
    });

    it('INV-01: an identifier whose check character is wrong, or that has neither form, is refused and burns nothing', async () => {
      const one = await coi.therapy();
      expect(await coi.refused('/identity/orders', orderOf(one, { coiId: 'CHA999926QQQQ110' }))).toMatchObject({
        status: 400,
        code: 'ID-CHECK',
      });
      expect(await coi.refused('/identity/orders', orderOf(one, { coiId: 'a b' }))).toMatchObject({ status: 400 });
      await coi.post('/identity/orders', orderOf(one, { coiId: 'CHA999926QQQQ11' }));
    });

    it('INV-02: one patient may have several orders, each with a chain of its own, and is warned of', async () => {
      const one = await coi.therapy();
      const first = await coi.post('/identity/orders', orderOf(one));
      const second = await coi.post('/identity/orders', orderOf(one));
      expect(second['coiId']).not.toBe(first['coiId']);
      expect(second['warnings']).toHaveLength(1);
      expect(await coi.get(`/identity/orders/${second['orderId'] as string}`)).toMatchObject({ patientRef: one.patient.patientRef });
    });

    it('INV-02: an order for nobody who is registered, and an event that names the order of another chain, are not taken for granted', async () => {
      const one = await coi.therapy();
      expect(await coi.refused('/identity/orders', orderOf(one, { patientRef: `pr_${'a'.repeat(26)}` }))).toMatchObject({
        code: 'COI-ORDER',
      });
      const [a, b] = [await until('collection'), await until('schedule')];
      await coi.capture(EVENT.samples(coi, a, { coi: { order: b.orderId } }));
      expect(await codesOf(a)).toContain('COI-ORDER');
    });

    it('C-20: of a legacy import the row whose identifier is used already is rejected whole, and the others are taken', async () => {
      const [used, one, two] = [await until('enrol'), await coi.therapy(), await coi.therapy()];
      const rows = [orderOf(one, { coiId: 'LEGACY-ONE-1' }), orderOf(two, { coiId: used.coiId }), orderOf(two, { coiId: 'LEGACY-TWO-2' })];
      const report = await coi.post('/identity/orders/import', { orders: rows });
      expect(report).toMatchObject({
        taken: 2,
        rejected: 1,
        rows: [{ ok: true }, { row: 1, ok: false, problem: { code: 'COI-DUP' } }, { ok: true }],
      });
      const orders = await coi.get<{ orders: Json[] }>(`/identity/orders?patientRef=${two.patient.patientRef}`);
      expect(orders.orders.map((order) => order['coiId'])).toEqual(['LEGACY-TWO-2']);
    });
  });

  describe('labels', () => {
    it('INV-14: all labels accounted for reconcile their job', async () => {
      const one = await until('schedule');
      const { jobId } = await labelled(coi, one, { body: { copies: 5 }, counts: { applied: 2, spoiled: 1, returned: 1, inRecord: 1 } });
      expect(await coi.post(`/identity/labels/${jobId}/close`, { applied: 2, spoiled: 1, returned: 1, inRecord: 1 })).toMatchObject({
        state: 'reconciled',
      });
      expect(await codesOf(one)).toEqual([]);
    });

    it('INV-14: a label too few, or too many, is found and held until it is accounted for', async () => {
      const one = await until('schedule');
      const { jobId } = await labelled(coi, one, { body: { copies: 5 }, counts: { applied: 2, spoiled: 0, returned: 1, inRecord: 1 } });
      expect(await codesOf(one)).toEqual(['COI-LABEL']);
      await coi.post(`/identity/labels/${jobId}/close`, { applied: 4, spoiled: 0, returned: 1, inRecord: 1 });
      expect(await codesOf(one)).toEqual(['COI-LABEL']);
      await coi.post(`/identity/labels/${jobId}/close`, { applied: 3, spoiled: 0, returned: 1, inRecord: 1 });
      expect(await codesOf(one)).toEqual([]);
      expect((await coi.order(one))['holds']).toEqual([]);
    });

    it('INV-14: a reprint needs a reason and a second person, and leaves the labels before it to be accounted for', async () => {
      const one = await until('schedule');
      const { jobId } = await labelled(coi, one, { body: { copies: 3 } });
      const again = { orderId: one.orderId, layout: 'bag', copies: 3, reprintOf: jobId };
      expect(await coi.refused('/identity/labels', again)).toMatchObject({ code: 'COI-LABEL' });
      expect(await coi.refused('/identity/labels', { ...again, reason: 'smeared' })).toMatchObject({ code: 'COI-LABEL' });
      const own = { ...again, reason: 'smeared', signatures: await coi.sign(['nurse', 'approved']) };
      expect(await coi.refused('/identity/labels', own, 'nurse')).toMatchObject({ code: 'SIG-SOD' });
      await coi.post('/identity/labels', { ...again, reason: 'smeared', signatures: await coi.sign(['secondNurse', 'approved']) }, 'nurse');
      expect(await coi.post(`/identity/labels/${jobId}/close`, { applied: 0, spoiled: 3, returned: 0, inRecord: 0 })).toMatchObject({
        state: 'void',
      });
    });

    it("INV-14: another patient's bag gets none of these labels", async () => {
      const [a, b] = [await until('schedule'), await until('collection')];
      const body = { orderId: a.orderId, container: b.collected, layout: 'bag', copies: 1 };
      expect(await coi.refused('/identity/labels', body)).toMatchObject({ code: 'COI-DISAGREE', things: [key(b.collected)] });
    });
  });

  describe('allocation', () => {
    const allogeneic = async (): Promise<Therapy> => {
      const one = await coi.therapy({ template: 'allogeneic' });
      await coi.walk(one, { until: 'schedule' });
      return one;
    };

    it("INV-07: a donor's dose is allocated to one order, released with a signature, and goes to another", async () => {
      const { doses } = await donorDoses(1);
      const [a, b] = [await allogeneic(), await allogeneic()];
      const [dose] = doses as [string];
      const { allocationId } = await coi.post('/identity/allocations', await allocated(dose, a));
      expect(await coi.container(dose)).toMatchObject({ binding: { kind: 'patient', chain: a.coiId } });
      expect(await coi.refused('/identity/allocations', await allocated(dose, b))).toMatchObject({ code: 'COI-ALLOC' });
      const freed = { reason: 'patient recovered', signatures: await coi.sign(['reviewer', 'approved']) };
      expect((await coi.call('DELETE', `/identity/allocations/${allocationId as string}`, freed)).statusCode).toBe(200);
      await coi.post('/identity/allocations', await allocated(dose, b));
      expect(await coi.container(dose)).toMatchObject({ binding: { kind: 'patient', chain: b.coiId } });
    });

    it('INV-07: nothing is allocated unsigned, and an allocation is not released unsigned or once the dose was thawed', async () => {
      const { doses } = await donorDoses(2);
      const a = await allogeneic();
      const [dose, other] = doses as [string, string];
      expect(await coi.refused('/identity/allocations', await allocated(dose, a, []))).toMatchObject({ code: 'SIG-MISSING' });
      const { allocationId } = await coi.post('/identity/allocations', await allocated(dose, a));
      const release = async (signatures: string[]) =>
        (await coi.call('DELETE', `/identity/allocations/${allocationId as string}`, { reason: 'not needed', signatures })).json() as Json;
      expect(await release([])).toMatchObject({ code: 'SIG-MISSING' });
      await coi.capture(
        coi.event('ObjectEvent', { action: 'OBSERVE', bizStep: BIZ_STEP.thawing, epcList: doses, readPoint: { id: siteOf(CELL_MAKER) } }),
      );
      expect(await release(await coi.sign(['reviewer', 'approved']))).toMatchObject({ code: 'COI-ALLOC' });
      expect(await coi.refused('/identity/allocations', await allocated(other, a))).toMatchObject({ code: 'COI-ALLOC' });
    });

    it("INV-26: one patient's cells are never another's, also not after the order was cancelled, whoever signs", async () => {
      const [a, b] = [await until('collection'), await until('schedule')];
      const signers = [
        ['qp', 'approved'],
        ['reviewer', 'approved'],
        ['physician', 'approved'],
      ] as const;
      expect(await coi.refused('/identity/allocations', await allocated(a.collected, b, signers))).toMatchObject({
        code: 'COI-ALLOC',
      });
      await coi.state(a, 'cancelled', [['physician', 'approved']], { reason: 'changed therapy' });
      expect(await coi.refused('/identity/allocations', await allocated(a.collected, b, signers))).toMatchObject({
        code: 'COI-ALLOC',
      });
      expect(await coi.container(a.collected)).toMatchObject({ binding: { kind: 'patient', chain: a.coiId } });
    });

    it('INV-26: cells that are nobody’s are not allocated either', async () => {
      const a = await allogeneic();
      expect(await coi.refused('/identity/allocations', await allocated(sgtinOf('NOBODY', 77), a))).toMatchObject({ code: 'COI-ALLOC' });
    });
  });

  it('C-10, INV-06: a container that lost its label is bound again by two people on two pieces of evidence, stays marked, and is not released', async () => {
    const one = await until('qc');
    const lost = sgtinOf(`LOST${one.n}`, 78);
    await coi.capture(
      coi.event(
        'ObjectEvent',
        { action: 'ADD', bizStep: 'commissioning', epcList: [lost], readPoint: { id: siteOf(CELL_MAKER) } },
        { order: one.orderId },
      ),
    );
    expect(await coi.container(lost)).toMatchObject({ binding: { kind: 'unbound' } });
    const body = async (evidence: Json[], ...signers: Signer[]): Promise<Json> => ({
      container: lost,
      chain: one.coiId,
      evidence,
      signatures: await coi.sign(...signers),
    });
    const both = [
      ['operator', 'witnessed'],
      ['reviewer', 'approved'],
    ] as const;
    const position = { kind: 'position', text: 'rack 7, box 2, cell 4' };
    const weight = { kind: 'weight', text: '52.3 g, as filled' };
    expect(await coi.refused('/identity/rebindings', await body([position], ...both))).toMatchObject({ code: 'COI-UNBOUND' });
    expect(await coi.refused('/identity/rebindings', await body([position, { kind: 'weight' }], ...both))).toMatchObject({
      code: 'COI-UNBOUND',
    });
    expect(await coi.refused('/identity/rebindings', await body([position, weight], ['reviewer', 'approved']))).toMatchObject({
      code: 'COI-2P',
    });
    await coi.post('/identity/rebindings', await body([position, weight], ...both));
    expect(await coi.container(lost)).toMatchObject({ binding: { kind: 'patient', chain: one.coiId }, rebound: true });
    const refused = await coi.refused('/identity/releases', await releaseBody(coi, one, { containers: [lost] }));
    expect(refused.unmet?.map((item) => item['code'])).toContain('COI-UNBOUND');
    const { doses } = await donorDoses(3);
    expect(
      await coi.refused('/identity/rebindings', { ...(await body([position, weight], ...both)), container: doses[0] as string }),
    ).toMatchObject({ code: 'COI-ALLOC' });
  }, 120_000);

  describe('sites', () => {
    it('INV-18, C-19: what is shipped to or received at another site is found, and goes on by a re-route that both sites sign', async () => {
      const one = await until('release');
      const wrong = { destinationList: [{ type: 'location', destination: siteOf(OTHER_SITE) }] };
      await coi.checked(one, 'ship', one.doses, ['dock', 'secondDock']);
      await coi.capture(EVENT.packOut(coi, one), EVENT.ship(coi, one, { members: wrong }));
      expect(await codesOf(one)).toContain('COI-WRONGSITE');
      const sites = [TREATMENT_SITE, OTHER_SITE].map((site) => siteOf(site));
      const people = await Promise.all(
        sites.map(async (site, i) => {
          const { personId, ...rest } = await coi.register(`site-${engine}-${i}`, { roles: ['treatmentSite'] });
          await coi.call('PATCH', `/people/${personId}`, { sites: [site] });
          return { personId, ...rest };
        }),
      );
      const path = `/identity/orders/${one.orderId}/amendments`;
      const amendment = { treatmentSite: siteOf(OTHER_SITE), reason: 'the patient is there' };
      const [there, here] = people as [(typeof people)[0], (typeof people)[0]];
      expect(await coi.refused(path, { ...amendment, signatures: await coi.sign([there, 'approved']) })).toMatchObject({ code: 'COI-2P' });
      expect(await coi.post(path, { ...amendment, signatures: await coi.sign([there, 'approved'], [here, 'approved']) })).toMatchObject({
        treatmentSite: '414/9520123000448',
      });
    }, 120_000);

    it('INV-18: before it is shipped a signed amendment is enough, an unsigned one is not, and what goes to the new site is in order', async () => {
      const one = await until('release');
      const path = `/identity/orders/${one.orderId}/amendments`;
      const amendment = { treatmentSite: siteOf(OTHER_SITE), reason: 'moved' };
      expect(await coi.refused(path, amendment)).toMatchObject({ code: 'SIG-MISSING' });
      await coi.post(path, { ...amendment, signatures: await coi.sign(['physician', 'approved']) });
      one.treatmentSite = OTHER_SITE;
      await coi.walk(one, { from: 'ship', until: 'site-receive' });
      expect(await codesOf(one)).toEqual([]);
    }, 120_000);
  });

  describe('release and shipping', () => {
    it('INV-19: what was released is shipped; what was not is blocked in a plan and found when it happened', async () => {
      const one = await until('qc');
      await coi.checked(one, 'ship', one.doses, ['dock', 'secondDock']);
      await coi.capture(EVENT.packOut(coi, one));
      const ship = EVENT.ship(coi, one);
      expect(await coi.check(ship)).toMatchObject({ verdict: 'block' });
      await coi.capture(ship);
      expect(await codesOf(one)).toContain('REL-MISSING');
    }, 120_000);

    it('INV-19: a release is refused without both signatures, by who checked, and for another patient’s dose', async () => {
      const [one, other] = [await until('qc'), await until('qc')];
      const body = await releaseBody(coi, one);
      for (const signers of [
        [['qp', 'released']],
        [['reviewer', 'reviewed']],
        [
          ['qp', 'reviewed'],
          ['reviewer', 'released'],
        ],
      ] as const)
        expect(
          await coi.refused('/identity/releases', {
            ...body,
            signatures: await coi.sign(...signers),
          }),
        ).toMatchObject({ code: 'SIG-MISSING' });
      const foreign = { ...body, containers: other.doses, signatures: await coi.sign(['reviewer', 'reviewed'], ['qp', 'released']) };
      expect(await coi.refused('/identity/releases', foreign)).toMatchObject({ code: 'REL-MISSING' });
      expect(await coi.refused(`/identity/orders/${one.orderId}/state`, { to: 'released' })).toMatchObject({ code: 'ORD-STATE' });
    }, 120_000);

    it('INV-20: the path needs each of its parts and both signatures', async () => {
      const one = await until('qc');
      const path = {
        orderId: one.orderId,
        physicianRequest: 'no other way',
        riskInformation: 'told on paper',
        assessment: 'viable cells suffice',
      };
      const both = async () => await coi.sign(['physician', 'approved'], ['qp', 'approved']);
      for (const member of ['physicianRequest', 'riskInformation', 'assessment'])
        expect(await coi.refused('/identity/oos', { ...path, [member]: ' ', signatures: await both() })).toMatchObject({
          code: 'OOS-PATH',
        });
      expect(await coi.refused('/identity/oos', { ...path, signatures: await coi.sign(['qp', 'approved']) })).toMatchObject({
        code: 'OOS-PATH',
      });
      expect(await coi.refused('/identity/oos', { ...path, signatures: await coi.sign(['physician', 'approved']) })).toMatchObject({
        code: 'OOS-PATH',
      });
      expect(await coi.post('/identity/oos', { ...path, signatures: await both() })).toHaveProperty('oosId');
    }, 120_000);

    it('INV-20: a result that comes after the path was signed needs another', async () => {
      const one = await until('qc');
      const path = { orderId: one.orderId, physicianRequest: 'no other way', riskInformation: 'told', assessment: 'enough' };
      await coi.post('/identity/oos', { ...path, signatures: await coi.sign(['physician', 'approved'], ['qp', 'approved']) });
      await coi.result(one, 'viability', 55, { min: 70 });
      const refused = await coi.refused('/identity/releases', await releaseBody(coi, one));
      expect(refused.unmet?.map((item) => item['code'])).toContain('OOS-PATH');
    }, 120_000);
  });

  describe('the end of an order', () => {
    it('C-08, INV-24: after a death in manufacture nothing goes forward, and what is left is decided about', async () => {
      const one = await until('start');
      await coi.state(one, 'patientDied', [['physician', 'approved']], { reason: 'told by the site' });
      const { tasks } = (await coi.order(one)) as { tasks: { task: string; due: string; things: string[] }[] };
      const decide = tasks.find(({ task }) => task.startsWith('decide about the material'));
      expect(decide?.things).toContain(key(one.vessels[0] as string));
      expect(Date.parse(decide?.due ?? '')).toBeGreaterThan(Date.now());
      const plan = await coi.check(EVENT.process(coi, one));
      expect(plan.verdict).toBe('block');
      expect(plan.findings.map(({ code }) => code)).toContain('ORD-CANCELLED');
      const left = decide?.things ?? [];
      await coi.post(`/identity/orders/${one.orderId}/materials`, {
        containers: left,
        decision: 'destroy',
        reason: 'no consent to keep it',
        signatures: await coi.sign(['reviewer', 'approved']),
      });
      await coi.capture(EVENT.destroy(coi, one, [one.vessels[0] as string, ...one.samples]));
      expect(await codesOf(one)).toEqual([]);
      expect(await coi.state(one, 'closed', [['coordinator', 'reviewed']])).toMatchObject({ state: 'closed' });
    }, 120_000);

    it('INV-24: what went forward all the same is found, and a decision about material needs quality', async () => {
      const one = await until('start');
      await coi.state(one, 'cancelled', [['physician', 'approved']], { reason: 'withdrawn' });
      const body = { containers: [one.vessels[0] as string], decision: 'destroy', reason: 'left over' };
      const path = `/identity/orders/${one.orderId}/materials`;
      expect(await coi.refused(path, { ...body, signatures: await coi.sign(['operator', 'approved']) })).toMatchObject({
        code: 'SIG-MISSING',
      });
      await coi.capture(EVENT.process(coi, one));
      expect(await codesOf(one)).toContain('ORD-CANCELLED');
      expect(await coi.refused(`/identity/orders/${one.orderId}/state`, { to: 'manufacturing' })).toMatchObject({ code: 'ORD-CANCELLED' });
    }, 120_000);

    it('C-09: after a failed manufacture the second attempt goes the whole way under the same chain and order', async () => {
      const one = await until('start');
      const { coiId, orderId } = one;
      await coi.state(one, 'manufacturingFailed', [['reviewer', 'approved']], { reason: 'no growth' });
      await coi.capture(EVENT.destroy(coi, one, [one.vessels[0] as string, ...one.samples]));
      await coi.state(one, 'recallCollection', [['physician', 'approved']], { reason: 'collect again' });
      coi.again(one);
      await coi.walk(one, { from: 'labels', until: 'close' });
      expect(await coi.order(one)).toMatchObject({ coiId, orderId, attempt: 2, state: 'closed' });
      expect(await codesOf(one)).toEqual([]);
    }, 120_000);

    it('INV-25: an order closes when everything has its end, and names what has none before', async () => {
      const one = await coi.therapy();
      await coi.walk(one, { until: 'follow-up', instead: { residue: null } });
      const path = `/identity/orders/${one.orderId}/state`;
      const refused = await coi.refused(path, { to: 'closed', signatures: await coi.sign(['coordinator', 'reviewed']) });
      expect(refused.code).toBe('COI-OPEN');
      const open = new Set(refused.unmet?.flatMap((item) => item['things'] as string[]));
      expect(open).toEqual(new Set([...one.samples, one.qcSample].map(key)));
      await DONE.residue?.(coi, one);
      expect(await coi.state(one, 'closed', [['coordinator', 'reviewed']])).toMatchObject({ state: 'closed' });
    }, 120_000);

    it('INV-25: an order under way is not closed', async () => {
      const one = await until('collection');
      const refused = await coi.refused(`/identity/orders/${one.orderId}/state`, {
        to: 'closed',
        signatures: await coi.sign(['coordinator', 'reviewed']),
      });
      expect(refused.unmet?.map((item) => item['code'])).toEqual(expect.arrayContaining(['ORD-STATE', 'COI-OPEN']));
    });
  });

  describe('holds', () => {
    it('are placed by anybody entitled and lifted one by one, by quality, and not by who placed them', async () => {
      const one = await until('collection');
      const body = { things: [one.collected], reason: 'seal looked odd' };
      const first = await coi.post('/identity/holds', { ...body, signatures: await coi.sign(['reviewer', 'approved']) });
      const second = await coi.post('/identity/holds', { ...body, reason: 'temperature' });
      const lift = async (id: unknown, ...signers: Signer[]) =>
        (
          await coi.call('DELETE', `/identity/holds/${id as string}`, { reason: 'in order', signatures: await coi.sign(...signers) })
        ).json() as Json;
      expect(await lift(first['holdId'], ['reviewer', 'resolved'])).toMatchObject({ code: 'SIG-SOD' });
      expect(await lift(first['holdId'], ['operator', 'resolved'])).toMatchObject({ code: 'SIG-MISSING' });
      expect(await lift(first['holdId'], ['qp', 'resolved'])).toMatchObject({ ok: true });
      expect((await coi.container(one.collected))['holds']).toMatchObject([{ id: second['holdId'] }]);
      expect(await coi.check(EVENT.split(coi, one))).toMatchObject({ verdict: 'ok' });
      expect(await coi.check(EVENT.packIn(coi, one))).toBeDefined();
    });
  });
});
