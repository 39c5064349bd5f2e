import { ed25519 } from '@noble/curves/ed25519.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalValue } from '../../src/access/vault/canonical.ts';
import { canonicalJson } from '../../src/epcis/index.ts';
import { keyboardCheckCharacter } from '../../src/identifiers/index.ts';
import type { Act, ActKind } from '../../src/identity/acts.ts';
import { toBeSigned } from '../../src/identity/offline/device-acts.ts';
import { openCapsule, type SealedCapsule } from '../../src/identity/offline/sealing.ts';
import { matches, type Verifier } from '../../src/identity/offline/verifiers.ts';
import { chainKey } from '../../src/identity/vocabulary.ts';
import {
  CELL_MAKER,
  COLLECTION_CENTRE,
  Coi,
  EVENT,
  giaiOf,
  OTHER_SITE,
  PRODUCT,
  type Therapy,
  TREATMENT_SITE,
  type Who,
} from '../support/coi.ts';
import { type Json, siteOf } from '../support/events.ts';
import { ENGINES } from '../support/test-store.ts';

type Finding = { code: string; severity: string; things: string[] };
type Synced = { counter: number; ok: boolean; act?: string; entry?: { seq: number; leaf: string }; findings: Finding[] };

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const codesOf = (findings: unknown) => (findings as Finding[]).map(({ code }) => code);
let placed = 0;
let orders = 0;

/** Puts an act on record as it is: what is tested here is not how it came to be. */
async function record<K extends ActKind>(coi: Coi, act: K, id: string, body: Act<K>, time = coi.now()): Promise<void> {
  await coi.server.service.deps.capture.record({ kind: 'identity-act', id, act, body, time, signatures: [] }, 'k_test');
}

/** A therapy with its order, which has gone no step yet. */
async function ordered(coi: Coi, coiId = `CHA999926${String(++placed).padStart(5, '0')}A`): Promise<Therapy> {
  const therapy = await coi.therapy();
  therapy.orderId = `or_${String(++orders).padStart(26, 'a')}`;
  therapy.coiId = chainKey(coiId);
  await record(coi, 'order', therapy.orderId, {
    orderId: therapy.orderId,
    coiId: therapy.coiId,
    patientRef: therapy.patient.patientRef,
    product: PRODUCT.product,
    template: { id: 'autologous-car-t', version: 1 },
    treatmentSite: '414/9520123000431',
    collectionSite: '414/9520123000417',
    manufacturer: '414/9520123000424',
  });
  return therapy;
}

/** Reads of a check, by two: what the material shows, and what the other source shows. */
async function reads(coi: Coi, one: [source: string, values: Json], other: [source: string, values: Json], by: [Who, Who]) {
  const [a, b] = [await coi.person(by[0]), await coi.person(by[1])];
  const of = ([source, values]: [string, Json], person: string) =>
    Object.entries(values).map(([identifier, value]) => ({ source, identifier, value, by: person }));
  return [...of(one, a.personId), ...of(other, b.personId)];
}

const NURSES: [Who, Who] = ['nurse', 'secondNurse'];
const AT_BED: [Who, Who] = ['bedsideNurse', 'secondBedsideNurse'];
const signed = async (coi: Coi, by: [Who, Who]) => await coi.sign([by[0], 'verified_identity'], [by[1], 'witnessed']);

describe.each(ENGINES)('identity checks on %s', (engine) => {
  let coi: Coi;
  beforeAll(async () => {
    coi = await Coi.on(engine);
    await record(coi, 'product', 'pd_test', PRODUCT);
  });
  afterAll(async () => await coi.close());

  /** A bedside check of a dose, by what bag, wristband and request show. */
  async function bedside(t: Therapy, dose: string, over: Json = {}): Promise<Json> {
    const { patient } = t;
    const bag = { coiId: t.coiId, container: dose };
    const [first, second] = [await coi.person('bedsideNurse'), await coi.person('secondBedsideNurse')];
    return {
      checkpoint: 'bedside',
      orderId: t.orderId,
      containers: [dose],
      reads: [
        ...(await reads(coi, ['bag', bag], ['request', bag], AT_BED)),
        { source: 'wristband', identifier: 'patientName', value: patient.name, by: first.personId },
        { source: 'wristband', identifier: 'birthDate', value: patient.birthDate, by: second.personId },
      ],
      place: siteOf(TREATMENT_SITE),
      ...over,
    };
  }
  const filled = async (t: Therapy) => {
    await coi.capture(EVENT.collection(coi, t), EVENT.split(coi, t), EVENT.start(coi, t), EVENT.process(coi, t), ...EVENT.fill(coi, t));
  };
  const viewOf = async (t: Therapy) => await coi.server.service.deps.readers.look('chainView', { chain: t.coiId });
  const openCodes = async (t: Therapy) => [...new Set((await viewOf(t))?.findings.map(({ code }) => code))].sort();

  it('C-02: a label set of another patient is a mismatch in both chains, and goes on by resolution alone', async () => {
    const [mine, theirs] = [await ordered(coi), await ordered(coi)];
    const body = async (coiId: string, more: Json = {}) => ({
      checkpoint: 'collection',
      orderId: mine.orderId,
      containers: [],
      reads: [
        ...(await reads(coi, ['label', { coiId, din: mine.din }], ['order', { coiId: mine.coiId, din: mine.din }], NURSES)),
        ...(await reads(
          coi,
          ['wristband', { patientName: mine.patient.name }],
          ['wristband', { birthDate: mine.patient.birthDate }],
          NURSES,
        )),
      ],
      place: siteOf(COLLECTION_CENTRE),
      signatures: await signed(coi, NURSES),
      ...more,
    });
    const answer = await coi.call('POST', '/identity/checks', await body(theirs.coiId));
    expect(answer.statusCode).toBe(201);
    const failed = answer.json();
    expect(failed).toMatchObject({ ok: true, result: 'fail', findings: [{ code: 'COI-MISMATCH', severity: 'patient-safety' }] });
    expect(failed.compared).toContainEqual({ identifier: 'coiId', sources: ['label', 'order'], match: false });
    expect(failed.compared).toContainEqual({ identifier: 'patientName', sources: ['wristband'], match: true });
    for (const t of [mine, theirs]) {
      expect(await openCodes(t)).toContain('COI-MISMATCH');
      expect((await viewOf(t))?.holds.filter(({ codes, lifted }) => codes.includes('COI-MISMATCH') && lifted === null)).toHaveLength(1);
    }

    expect(await coi.refused('/identity/checks', await body(mine.coiId))).toMatchObject({ status: 409, code: 'COI-MISMATCH' });
    const resolve = `/identity/checks/${failed.checkId}/resolution`;
    const decision = { decision: 'new labels', reason: 'the label set of another order was at the bedside' };
    expect(await coi.refused(resolve, { ...decision, signatures: [] })).toMatchObject({ code: 'SIG-MISSING' });
    const { resolutionId } = await coi.post(resolve, { ...decision, signatures: await coi.sign(['reviewer', 'resolved']) });
    expect(await coi.refused('/identity/checks', await body(mine.coiId))).toMatchObject({ status: 409, code: 'COI-MISMATCH' });
    const passed = await coi.post('/identity/checks', await body(mine.coiId, { resolution: resolutionId }));
    expect(passed).toMatchObject({ result: 'pass' });
    for (const t of [mine, theirs]) {
      expect(await openCodes(t)).not.toContain('COI-MISMATCH');
      expect((await viewOf(t))?.holds.filter(({ lifted }) => lifted === null)).toEqual([]);
      const timeline = (await coi.chain(t)).timeline.filter(({ kind }) => kind === 'check');
      expect(timeline.map((one) => one['result'])).toEqual(t === mine ? ['fail', 'pass'] : ['fail']);
    }
  });

  it('a check keeps of a person commitments alone, and says nothing of them', async () => {
    const t = await ordered(coi);
    const answer = await coi.post('/identity/checks', {
      ...(await bedside(t, t.doses[0] as string)),
      signatures: await signed(coi, AT_BED),
    });
    const wrong = await bedside(t, t.doses[0] as string);
    const others = (wrong['reads'] as Json[]).map((one) =>
      one['identifier'] === 'patientName' ? { ...one, value: 'Someone-Else, Quite' } : one,
    );
    const failed = await coi.post('/identity/checks', { ...wrong, reads: others, signatures: await signed(coi, AT_BED) });
    expect([answer['result'], failed['result']]).toEqual(['pass', 'fail']);
    const view = JSON.stringify([answer, failed, await coi.chain(t)]);
    for (const secret of [t.patient.name, t.patient.birthDate, 'Someone-Else', 'Quite']) expect(view).not.toContain(secret);
    const told = await coi.server.service.deps.readers.look('entryTold', { seq: (failed['entry'] as { seq: number }).seq });
    expect(told?.findings).toMatchObject([{ code: 'COI-MISMATCH' }]);
  });

  it('C-13: what a device did offline keeps its time, bears its mark, and shows what it could not know', async () => {
    const t = await ordered(coi);
    await filled(t);
    const [dose, dose2] = t.doses as [string, string];
    const keys = ed25519.keygen();
    const { device } = (await coi.post('/identity/devices', { name: 'ward 7 tablet 2', publicKey: base64(keys.publicKey) })) as {
      device: string;
    };
    const sealed = await coi.post('/identity/capsules', { device, orders: [t.orderId] });
    const capsule = sealed['capsule'] as SealedCapsule;
    const { orders } = openCapsule(capsule, keys.secretKey) as { orders: (Json & { verifiers: Record<string, Verifier> })[] };
    expect(orders).toMatchObject([{ orderId: t.orderId, coiId: t.coiId }]);
    expect(JSON.stringify(orders)).not.toContain(t.patient.recordNumber);
    expect(matches(orders[0]?.verifiers['name'] as Verifier, canonicalValue('patientName', t.patient.name.toUpperCase()))).toBe(true);
    expect(matches(orders[0]?.verifiers['birthDate'] as Verifier, '1900-01-01')).toBe(false);
    expect(() => openCapsule(capsule, ed25519.keygen().secretKey)).toThrow();

    const done = new Date(Date.now() - 6 * 3_600_000).toISOString();
    const sign = (what: object) => base64(ed25519.sign(new TextEncoder().encode(canonicalJson(what)), keys.secretKey));
    const offline = (counter: number, act: Json, at = done) => ({
      device,
      counter,
      act,
      at,
      signature: sign({ device, counter, act, at }),
    });
    const sync = async (...acts: Json[]) => (await coi.post('/identity/sync', { acts }))['acts'] as Synced[];
    const first = offline(1, { kind: 'check', ...(await bedside(t, dose)) });
    const [quiet] = await sync(first);
    expect(quiet).toMatchObject({ counter: 1, ok: true });
    expect(codesOf(quiet?.findings)).not.toContain('OFFLINE-CONFLICT');
    const timeline = (await coi.chain(t)).timeline.filter(({ kind }) => kind === 'check');
    expect(timeline).toMatchObject([{ eventTime: done, result: 'pass' }]);
    expect(Date.parse(timeline[0]?.['recordTime'] as string)).toBeGreaterThan(Date.parse(done) + 5 * 3_600_000);

    await record(coi, 'order-state', `os_${t.orderId}`, { orderId: t.orderId, to: 'cancelled', reason: null });
    const [late] = await sync(offline(2, { kind: 'check', ...(await bedside(t, dose2)) }));
    expect(late).toMatchObject({ counter: 2, ok: true });
    expect(late?.findings).toContainEqual(expect.objectContaining({ code: 'OFFLINE-CONFLICT', severity: 'critical' }));

    const [again] = await sync(first);
    expect(again?.entry).toEqual(quiet?.entry);
    const skipped = offline(4, { kind: 'event', event: EVENT.thaw(coi, t, dose2) });
    const repeated = offline(2, { kind: 'event', event: EVENT.thaw(coi, t, dose) });
    const forged = { ...offline(5, { kind: 'event', event: EVENT.infuse(coi, t, dose) }), counter: 6 };
    const alone = offline(7, {
      kind: 'check',
      ...(await bedside(t, dose)),
      reads: [((await bedside(t, dose))['reads'] as Json[])[0] as Json],
    });
    const answers = await sync(skipped, repeated, forged, alone, offline(8, { kind: 'gossip' }));
    expect(answers.map(({ ok }) => ok)).toEqual([true, true, false, false, false]);
    expect(
      answers.map(({ findings }) => codesOf(findings)).map((codes) => codes.filter((code) => /^OFFLINE-|^COI-W|^REQ/.test(code))),
    ).toEqual([
      expect.arrayContaining(['OFFLINE-COUNTER']),
      expect.arrayContaining(['OFFLINE-COUNTER']),
      ['OFFLINE-SIGNATURE'],
      expect.arrayContaining(['COI-WEAKCHECK']),
      expect.arrayContaining(['REQ-FORM']),
    ]);
  });

  it('C-13: people who have a key on the device vouch with it themselves', async () => {
    const t = await ordered(coi);
    const keys = ed25519.keygen();
    const { device } = (await coi.post('/identity/devices', { name: 'tablet', publicKey: base64(keys.publicKey) })) as { device: string };
    const nurse = await coi.person('bedsideNurse');
    const second = await coi.person('secondBedsideNurse');
    const own = ed25519.keygen();
    const register = { person: nurse.personId, publicKey: base64(own.publicKey) };
    expect(
      await coi.refused(`/identity/devices/${device}/people`, { ...register, signatures: await coi.sign([second, 'authored']) }),
    ).toMatchObject({
      code: 'SIG-MISSING',
    });
    await coi.post(`/identity/devices/${device}/people`, { ...register, signatures: await coi.sign([nurse, 'authored']) });

    const at = new Date().toISOString();
    const content = { kind: 'check', ...(await bedside(t, t.doses[0] as string)) };
    const of = (person: string) => ({ person, meaning: 'verified_identity', at, session: person });
    const proof = base64(
      ed25519.sign(new TextEncoder().encode(toBeSigned({ device, counter: 1, act: content }, of(nurse.personId))), own.secretKey),
    );
    const send = async (counter: number, signatures: Json[]) => {
      const act = { ...content, signatures };
      const signature = base64(ed25519.sign(new TextEncoder().encode(canonicalJson({ device, counter, act, at })), keys.secretKey));
      const answer = await coi.post('/identity/sync', { acts: [{ device, counter, act, at, signature }] });
      return (answer['acts'] as Synced[])[0] as Synced;
    };
    expect(await send(1, [{ ...of(nurse.personId), proof }, of(second.personId)])).toMatchObject({ ok: true });
    expect(codesOf((await send(2, [{ ...of(nurse.personId), proof }, of(second.personId)])).findings)).toContain('OFFLINE-SIGNATURE');
    expect(codesOf((await send(3, [of(nurse.personId), of(second.personId)])).findings)).toContain('OFFLINE-SIGNATURE');
  });

  it('C-14: two shippers that were swapped are found by the receiver’s check, by their seals, and in the gap report', async () => {
    const [a, b] = [await ordered(coi), await ordered(coi)];
    for (const t of [a, b]) {
      await coi.capture(EVENT.collection(coi, t), EVENT.split(coi, t), EVENT.packIn(coi, t));
      await coi.handover(t, t.shipperIn, 'courier', { seals: [`S-${t.n}`] });
    }
    // The courier of a brings b's shipper, under the seal of b.
    const swapped = await coi.handover({ ...b, custodian: 'secondCourier' }, b.shipperIn, 'dock', {
      place: siteOf(CELL_MAKER),
      seals: [`S-${b.n}`],
    });
    expect(codesOf(swapped['findings'])).toContain('COC-GAP');
    const body = {
      checkpoint: 'receive',
      orderId: a.orderId,
      containers: [a.bags[0]],
      reads: await reads(
        coi,
        ['bag', { container: b.bags[0], coiId: b.coiId }],
        ['order', { container: a.bags[0], coiId: a.coiId }],
        ['dock', 'secondDock'],
      ),
      signatures: await signed(coi, ['dock', 'secondDock']),
    };
    const failed = await coi.post('/identity/checks', body);
    expect(failed).toMatchObject({ result: 'fail' });
    for (const t of [a, b]) expect(await openCodes(t)).toContain('COI-MISMATCH');
    const held = (await viewOf(b))?.holds.find(({ codes }) => codes.includes('COI-MISMATCH'));
    expect(held?.things).toEqual([b.bags[0]]);

    const courier = await coi.person('courier');
    const found = await coi.call('GET', `/identity/shipments?seal=${encodeURIComponent(` s-${b.n}`)}`, undefined, courier);
    expect(found.json().shipments).toMatchObject([{ seals: [`S-${b.n}`] }]);
    const shipment = found.json().shipments[0].shipment as string;
    const report = await coi.call('GET', `/identity/custody/${encodeURIComponent(shipment)}`, undefined, courier);
    expect(report.json()).toMatchObject({ gaps: 1, handovers: [{ gap: null }, { gap: expect.stringContaining('then given by') }] });
    // Who carries it learns nothing of whose it is.
    for (const answer of [found, report]) {
      expect(answer.body).not.toContain(b.coiId);
      expect(answer.body).not.toContain(b.bags[0]);
    }
    const [giver, receiver] = [courier, await coi.person('dock')];
    const own = await coi.call(
      'POST',
      '/identity/handovers',
      {
        shipment: a.shipperIn,
        giver: giver.personId,
        receiver: receiver.personId,
        place: siteOf(CELL_MAKER),
        seals: ['S-OTHER'],
        signatures: await coi.sign([giver, 'handed_over'], [receiver, 'received']),
      },
      courier,
    );
    expect(codesOf(own.json().findings)).toContain('COC-SEAL');
    expect(own.body).not.toContain(a.bags[0]);
    expect(
      await coi.refused('/identity/handovers', {
        shipment: a.shipperIn,
        giver: giver.personId,
        receiver: receiver.personId,
        place: siteOf(CELL_MAKER),
      }),
    ).toMatchObject({
      code: 'SIG-MISSING',
    });
  });

  it('C-15: a colleague’s login in the same session is no second person', async () => {
    const t = await ordered(coi);
    const { session } = await coi.person('bedsideNurse');
    const tokens = [
      await coi.token('bedsideNurse', 'verified_identity', { session }),
      await coi.token('secondBedsideNurse', 'witnessed', { session }),
    ];
    const body = await bedside(t, t.doses[0] as string);
    expect(await coi.refused('/identity/checks', { ...body, signatures: tokens })).toMatchObject({ status: 409, code: 'COI-2P' });
    expect((await coi.chain(t)).timeline.filter(({ kind }) => kind === 'check')).toEqual([]);
    expect(await coi.post('/identity/checks', { ...body, signatures: await signed(coi, AT_BED) })).toMatchObject({ result: 'pass' });
  });

  it('C-21: a check that appears before the thaw is put right by the offset of its clock, not by an edit', async () => {
    const t = await ordered(coi);
    await filled(t);
    const [dose] = t.doses as [string];
    const keys = ed25519.keygen();
    const { device } = (await coi.post('/identity/devices', { name: 'slow clock', publicKey: base64(keys.publicKey) })) as {
      device: string;
    };
    await coi.capture(EVENT.thaw(coi, t, dose));
    const told = new Date(coi.now() - 47 * 60_000).toISOString();
    await coi.post('/identity/checks', { ...(await bedside(t, dose)), eventTime: told, device, signatures: await signed(coi, AT_BED) });
    expect(await openCodes(t)).toContain('COI-TIME');
    await coi.post(`/identity/devices/${device}/clock`, {
      offset: -47 * 60_000,
      from: new Date(Date.now() - 86_400_000).toISOString(),
      until: new Date(Date.now() + 60_000).toISOString(),
      reason: 'it had been set by hand',
    });
    expect(await openCodes(t)).not.toContain('COI-TIME');
    const [check] = (await coi.chain(t)).timeline.filter(({ kind }) => kind === 'check');
    expect(check).toMatchObject({ eventTime: told });
  });

  it('C-22: a last digit typed wrong is another order’s valid number: the second identifier is what tells', async () => {
    const [mine, theirs] = [await ordered(coi, 'CHA999925AB12C4'), await ordered(coi, 'CHA999925AB12C7')];
    const [first] = [await coi.person('nurse')];
    const both = await reads(
      coi,
      ['record', { coiId: theirs.coiId, din: mine.din }],
      ['order', { coiId: mine.coiId, din: mine.din }],
      NURSES,
    );
    const typed = (reason?: string) =>
      both.map((read) =>
        read.source === 'record' && read.identifier === 'coiId' ? { ...read, manual: true, ...(reason && { reason }) } : read,
      );
    const body = { checkpoint: 'labels', orderId: mine.orderId, containers: [], reads: typed('the label is torn') };
    expect(await coi.refused('/identity/checks', { ...body, reads: typed(), signatures: await signed(coi, NURSES) })).toMatchObject({
      code: 'COI-MANUAL',
    });
    const single = body.reads.map((read) => ({ ...read, by: first.personId }));
    expect(
      await coi.refused('/identity/checks', { ...body, reads: single, signatures: await coi.sign([first, 'verified_identity']) }),
    ).toMatchObject({
      code: 'COI-MANUAL',
    });
    const weak = { ...body, reads: both.filter(({ identifier }) => identifier === 'coiId'), signatures: await signed(coi, NURSES) };
    expect(await coi.refused('/identity/checks', weak)).toMatchObject({ status: 409, code: 'COI-WEAKCHECK' });
    const answer = await coi.post('/identity/checks', { ...body, signatures: await signed(coi, NURSES) });
    expect(answer).toMatchObject({
      result: 'fail',
      compared: [
        { identifier: 'coiId', match: false },
        { identifier: 'din', match: true },
      ],
    });
    expect(await openCodes(theirs)).toContain('COI-MISMATCH');
    // Its check character would have told at once: that is a misreading, and no check.
    const wrong = keyboardCheckCharacter(theirs.coiId) === 'A' ? 'B' : 'A';
    const misread = body.reads.map((read) => ('manual' in read ? { ...read, value: `${theirs.coiId}${wrong}` } : read));
    const refused = await coi.refused('/identity/checks', { ...body, reads: misread, signatures: await signed(coi, NURSES) });
    expect(refused).toMatchObject({ status: 400, code: 'ID-CHECK', at: '/reads/0/value' });
  });

  it('INV-08, INV-21, INV-22: a dry run tells what an infusion lacks, and stores nothing', async () => {
    const t = await ordered(coi);
    await filled(t);
    const [dose] = t.doses as [string];
    await coi.capture(EVENT.thaw(coi, t, dose));
    const size = (await viewOf(t))?.findings.length;
    const plan = { step: 'infuse', orderId: t.orderId, containers: [dose], recipient: t.patient.patientRef };
    const before = await coi.check(plan);
    expect(before).toMatchObject({ ok: false, verdict: 'block' });
    expect(codesOf(before.findings)).toEqual(expect.arrayContaining(['COI-INFUSED-UNCHECKED', 'COI-NOCHECK']));
    expect((await viewOf(t))?.findings.length).toBe(size);
    await coi.post('/identity/checks', { ...(await bedside(t, dose)), signatures: await signed(coi, AT_BED) });
    expect(codesOf((await coi.check(plan)).findings)).not.toContain('COI-INFUSED-UNCHECKED');
    expect(codesOf((await coi.check({ ...plan, recipient: 'pr_someoneelse' })).findings)).toContain('COI-WRONGPATIENT');
    const late = { ...plan, eventTime: new Date(Date.now() + 61 * 60_000).toISOString() };
    expect(codesOf((await coi.check(late)).findings)).toEqual(expect.arrayContaining(['COI-EXPIRED', 'COI-INFUSED-UNCHECKED']));
    expect(await coi.refused('/identity/check', { step: 'infuse' })).toMatchObject({ status: 400, code: 'REQ-FORM' });
    expect(await coi.refused('/identity/check', { ...plan, orderId: 'or_none' })).toMatchObject({ status: 404 });
  });

  it('INV-21: a physician’s word is on record before a bag is given that is past its time', async () => {
    const t = await ordered(coi);
    await filled(t);
    const [dose] = t.doses as [string];
    const body = { orderId: t.orderId, containers: [dose], reason: 'no second dose is to be had' };
    expect(await coi.refused('/identity/overrides', { ...body, signatures: await coi.sign(['operator', 'reviewed']) })).toMatchObject({
      code: 'SIG-MISSING',
    });
    expect(
      await coi.refused('/identity/overrides', {
        ...body,
        containers: [giaiOf('NOBODYS')],
        signatures: await coi.sign(['physician', 'approved']),
      }),
    ).toMatchObject({
      code: 'COI-ALLOC',
    });
    await coi.capture(EVENT.thaw(coi, t, dose, { at: Date.now() - 61 * 60_000 }));
    const plan = { step: 'infuse', orderId: t.orderId, containers: [dose] };
    expect(codesOf((await coi.check(plan)).findings)).toContain('COI-EXPIRED');
    await coi.post('/identity/overrides', { ...body, signatures: await coi.sign(['physician', 'approved']) });
    expect(codesOf((await coi.check({ ...plan, eventTime: new Date(coi.now() + 5_000).toISOString() })).findings)).not.toContain(
      'COI-EXPIRED',
    );
  });

  it('INV-23: cells that were given to another freeze both chains', async () => {
    const [mine, theirs] = [await ordered(coi), await ordered(coi)];
    await filled(mine);
    await coi.capture(EVENT.infuse(coi, mine, mine.doses[0] as string, { coi: { recipient: theirs.patient.patientRef } }));
    for (const t of [mine, theirs]) {
      expect(await openCodes(t)).toContain('COI-WRONGPATIENT');
      expect((await viewOf(t))?.holds).toContainEqual(
        expect.objectContaining({ scope: 'chain', codes: ['COI-WRONGPATIENT'], lifted: null }),
      );
    }
  });

  it('lets whoever has sites check at those alone', async () => {
    const t = await ordered(coi);
    const body = await bedside(t, t.doses[0] as string, { place: siteOf(TREATMENT_SITE) });
    const grant = { name: 'a tablet elsewhere', roles: ['treatmentSite'], sites: [siteOf(OTHER_SITE)] };
    const { key } = (await coi.post('/keys', grant)) as { key: string };
    const post = async (place: string) =>
      (await coi.server.call('POST', '/api/v1/identity/checks', { key, body: { ...body, place, signatures: [] } })).json();
    expect(await post(siteOf(TREATMENT_SITE))).toMatchObject({ status: 403, code: 'ACC-SCOPE', at: '/place' });
    expect(await post(siteOf(OTHER_SITE))).toMatchObject({ code: 'COI-2P' });
  });

  it('refuses devices, capsules and clocks that are none', async () => {
    expect(await coi.refused('/identity/devices', { name: 'x', publicKey: 'AAAA' })).toMatchObject({ code: 'REQ-FORM', at: '/publicKey' });
    expect(await coi.refused('/identity/capsules', { device: 'dv_none', orders: ['or_none'] })).toMatchObject({ status: 404 });
    const clock = { offset: 1, from: '2026-05-04T12:00:00Z', until: '2026-05-04T11:00:00Z', reason: 'x' };
    const { device } = (await coi.post('/identity/devices', { name: 'y', publicKey: base64(ed25519.keygen().publicKey) })) as {
      device: string;
    };
    expect(await coi.refused(`/identity/devices/${device}/clock`, clock)).toMatchObject({ code: 'REQ-FORM', at: '/until' });
    expect(await coi.refused('/identity/devices/dv_none/clock', { ...clock, until: clock.from })).toMatchObject({ status: 404 });
    const courier = await coi.call('POST', '/identity/checks', { checkpoint: 'bedside', reads: [] }, 'courier');
    expect(courier.statusCode).toBe(403);
  });
});
