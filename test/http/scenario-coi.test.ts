import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatKey, parseEpc, parseEpcClass } from '../../src/identifiers/index.ts';
import { verifyReport } from '../../src/query/verify-report.ts';
import {
  bagOf,
  bedside,
  COLLECTION_CENTRE,
  Coi,
  DONE,
  EVENT,
  infuse,
  labelled,
  PURPOSE,
  releaseBody,
  type Signer,
  sgtinOf,
  type Therapy,
  thaw,
} from '../support/coi.ts';
import { type Json, lotOf, quantityOf, siteOf } from '../support/events.ts';
import { ENGINES } from '../support/test-store.ts';

const key = (uri: string): string => (uri.startsWith('urn:epc:class:') ? formatKey(parseEpcClass(uri)) : formatKey(parseEpc(uri)));
const codes = (findings: readonly { code: string }[]): string[] => [...new Set(findings.map(({ code }) => code))].sort();
const things = (list: readonly string[]): string[] => list.map(key).sort();

describe.each(ENGINES)('cell therapies (domain.md §13), on %s', (engine) => {
  let coi: Coi;
  beforeAll(async () => {
    coi = await Coi.on(engine);
  }, 60_000);
  afterAll(() => coi.close());

  /** Findings about a therapy, open ones. */
  const about = async (therapy: Therapy) => (await coi.chain(therapy)).findings as { code: string; things: string[]; state?: string }[];
  const exposed = async (query: string) =>
    (await coi.get<{ chains: { coiId: string }[] }>(`/identity/exposed?${query}`)).chains.map(({ coiId }) => coiId).sort();

  describe('C-01, all 28 steps with all checks', () => {
    let one: Therapy;
    beforeAll(async () => {
      one = await coi.therapy();
      await coi.walk(one, { until: 'follow-up' });
    }, 120_000);

    it('finds nothing, holds nothing, and tells 28 events and more in the order of time', async () => {
      const { timeline, findings, holds } = await coi.chain(one);
      expect(findings).toEqual([]);
      expect(holds).toEqual([]);
      expect(timeline.length).toBeGreaterThanOrEqual(28);
      const times = timeline.map(({ eventTime }) => Date.parse(eventTime as string));
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(new Set(timeline.map(({ kind }) => kind))).toEqual(
        new Set([...new Set(timeline.map(({ kind }) => kind)), 'event', 'check', 'handover', 'release', 'state']),
      );
    });

    it('has a report with every checkpoint passed, custody unbroken, labels reconciled, every container at its end', async () => {
      const { sections } = await coi.get<{ sections: Record<string, Json[]> }>(`/identity/chains/${one.coiId}/report?format=json`);
      expect(sections['checkpoints']?.filter(({ state }) => state !== 'passed')).toEqual([]);
      expect(sections['checkpoints']?.length).toBeGreaterThanOrEqual(8);
      expect(sections['custody']?.map(({ gap }) => gap)).toEqual([null, null, null, null]);
      expect(sections['labels']?.map(({ state }) => state)).toEqual(['reconciled', 'reconciled']);
      expect(sections['containers']?.filter(({ end }) => end === null)).toEqual([]);
      const doses = sections['containers']?.filter(({ kind }) => kind === 'dose') ?? [];
      expect(new Set(doses.map(({ key: of }) => of))).toEqual(new Set(things(one.doses)));
      expect(doses.map(({ end }) => end)).toEqual(['infused', 'infused']);
      expect(sections['results']?.map(({ verdict }) => verdict)).toEqual(['pass', 'pass']);
    });

    it('can be closed', async () => {
      await DONE.close(coi, one);
      expect(await coi.order(one)).toMatchObject({ state: 'closed', tasks: [] });
    });

    it('E-18: what went into it, and whom that reached, list each other', async () => {
      const { materials } = await coi.get<{ materials: { key: string }[] }>(`/identity/chains/${one.coiId}/materials`);
      const used = materials.map((material) => material.key);
      expect(used).toEqual(expect.arrayContaining([...things([one.vectorLot, one.mediaLot]), ...things([one.collected, ...one.bags])]));
      for (const material of used) expect(await exposed(`material=${encodeURIComponent(material)}`), material).toContain(one.coiId);
    });

    it('E-18: has a bundle that verifies offline, and one with a changed fact does not', async () => {
      const report = await coi.get<Parameters<typeof verifyReport>[0]>(`/identity/chains/${one.coiId}/report?format=json`);
      const folder = mkdtempSync(join(tmpdir(), 'lotline-report-'));
      writeFileSync(join(folder, 'report.json'), JSON.stringify(report));
      rmSync(folder, { recursive: true });
      const { vkey } = coi.server.service.deps;
      expect(verifyReport(report, vkey)).toMatchObject({ ok: true, problems: [] });
      const changed = JSON.parse(JSON.stringify(report).replaceAll('"result":"pass"', '"result":"fail"'));
      expect(verifyReport(changed, vkey).ok).toBe(false);
    });
  });

  it('E-18: is not closed before label 7 of 12 is accounted for', async () => {
    const one = await coi.therapy();
    await coi.walk(one, { until: 'follow-up' });
    const { jobId } = await labelled(coi, one, { body: { copies: 12 } });
    const refusal = async () =>
      await coi.refused(`/identity/orders/${one.orderId}/state`, { to: 'closed', signatures: await coi.sign(['coordinator', 'reviewed']) });
    expect(await refusal()).toMatchObject({ status: 409, code: 'COI-OPEN', unmet: [{ code: 'COI-LABEL', things: [jobId] }] });
    await coi.post(`/identity/labels/${jobId}/close`, { applied: 10, spoiled: 0, returned: 0, inRecord: 1 });
    expect((await refusal()).unmet?.map(({ code }) => code)).toContain('COI-LABEL');
    await coi.post(`/identity/labels/${jobId}/close`, { applied: 10, spoiled: 0, returned: 1, inRecord: 1 });
    expect(await coi.state(one, 'closed', [['coordinator', 'reviewed']])).toMatchObject({ state: 'closed' });
  }, 120_000);

  describe('C-03, cells of two patients in one vessel', () => {
    let a: Therapy;
    let b: Therapy;
    const mixed = () => ({
      members: { inputEPCList: [...a.bags, ...b.bags], outputEPCList: [a.vessels[0]] },
      coi: { chain: [a.coiId, b.coiId] },
    });
    beforeAll(async () => {
      [a, b] = [
        await coi.therapy({ space: 'urn:epc:id:giai:9520123.SUITE-3' }),
        await coi.therapy({ space: 'urn:epc:id:giai:9520123.SUITE-3' }),
      ];
      for (const one of [a, b]) await coi.walk(one, { until: 'accept' });
    }, 120_000);

    it('is blocked as a plan, and nothing is stored', async () => {
      const dry = await coi.check(EVENT.start(coi, a, mixed()));
      expect(dry.verdict).toBe('block');
      expect(codes(dry.findings)).toContain('COI-MIX');
      expect(codes(await about(a))).not.toContain('COI-MIX');
    });

    it('that happened is told once an event, holds both chains and everything made from it, and neither is released (INV-03)', async () => {
      await coi.capture(EVENT.start(coi, a, mixed()));
      await coi.capture(EVENT.process(coi, a, { coi: { chain: [a.coiId, b.coiId] } }));
      const found = (await coi.findings('COI-MIX')).reverse(); // told newest first
      expect(found.map(({ things: of }) => of.includes(key(a.bags[0] as string)))).toEqual([true, false]);
      expect(found.map(({ severity }) => severity)).toEqual(['patient-safety', 'patient-safety']);
      for (const one of [a, b]) expect((await coi.chain(one)).holds.length).toBeGreaterThan(0);
      const made = await coi.container(a.vessels[1] as string);
      expect(made).toMatchObject({ binding: { kind: 'patient', chain: [a.coiId, b.coiId].sort() } });
      expect((made['holds'] as Json[]).length).toBeGreaterThan(0);
      for (const one of [a, b])
        expect(await coi.refused('/identity/releases', await releaseBody(coi, one))).toMatchObject({ status: 409, code: 'REL-MISSING' });
    });
  });

  it('C-04: one vector lot in two therapies is no mix, and leads to both', async () => {
    const vectorLot = lotOf('VEC-SHARED', 81);
    const [a, b] = [await coi.therapy({ vectorLot }), await coi.therapy({ vectorLot })];
    for (const one of [a, b]) await coi.walk(one, { until: 'store' });
    for (const one of [a, b]) expect(await about(one)).toEqual([]);
    expect(await coi.container(vectorLot)).toMatchObject({ binding: { kind: 'unbound' } });
    const { chains } = await coi.get<{ chains: { coiId: string }[] }>(`/identity/lookback?lot=${encodeURIComponent(vectorLot)}`);
    expect(chains.map(({ coiId }) => coiId).sort()).toEqual([a.coiId, b.coiId].sort());
    expect(await exposed(`material=${encodeURIComponent(vectorLot)}`)).toEqual([a.coiId, b.coiId].sort());
  }, 120_000);

  it('C-05: two collection days of one patient are pooled, and the output lists both donations', async () => {
    const one = await coi.therapy();
    const second = `A9999269${String(10_000 + one.n)}`;
    const bags = [bagOf(second, 'A0'), bagOf(second, 'B0')];
    await coi.walk(one, {
      until: 'store',
      instead: {
        samples: async () => {
          await DONE.samples(coi, one);
          await coi.checked(one, 'collection', [], ['nurse', 'secondNurse']);
          await coi.capture(EVENT.collection(coi, one, { members: { epcList: bags } }));
          one.bags.push(...bags);
        },
        hold: async () => {
          await coi.checked(one, 'hold', [one.collected], ['collectionLab', 'nurse']);
          await coi.capture(EVENT.split(coi, one, { members: { outputEPCList: one.bags.slice(0, 2) } }));
        },
      },
    });
    expect(await about(one)).toEqual([]);
    const { materials } = await coi.get<{ materials: { key: string }[] }>(`/identity/chains/${one.coiId}/materials`);
    expect(materials.map((material) => material.key)).toEqual(expect.arrayContaining([key(one.collected), ...things(bags)]));
    expect(await coi.container(one.doses[0] as string)).toMatchObject({ binding: { kind: 'patient', chain: one.coiId } });
  }, 120_000);

  it('C-06: after a reaction to the second of three bags the third is destroyed unthawed, and the order closes', async () => {
    const one = await coi.therapy();
    one.doses.push(sgtinOf(`D${one.n}.3`, 75));
    const given = one.doses.slice(0, 2);
    await coi.walk(one, {
      instead: {
        thaw: null,
        infuse: async () => {
          for (const dose of given) {
            await thaw(coi, one, dose);
            await bedside(coi, one, dose);
            await infuse(coi, one, dose);
          }
          // A bag that is left leaves it open whether there will be more: the physician says that there will not.
          await coi.state(one, 'infused', [['physician', 'reviewed']]);
        },
        close: null,
      },
    });
    const refused = await coi.refused(`/identity/orders/${one.orderId}/state`, {
      to: 'closed',
      signatures: await coi.sign(['coordinator', 'reviewed']),
    });
    expect(refused.code).toBe('COI-OPEN');
    expect(refused.unmet?.flatMap((item) => item['things'] as string[])).toEqual([key(one.doses[2] as string)]);
    await coi.capture(EVENT.destroy(coi, one, one.doses.slice(2)));
    await DONE.close(coi, one);
    expect(await about(one)).toEqual([]);
  }, 120_000);

  describe('C-07, viability 62 % where 70 % is the limit', () => {
    let one: Therapy;
    const path = async (...signers: readonly Signer[]) => ({
      orderId: one.orderId,
      physicianRequest: 'no other treatment is left',
      riskInformation: 'given to the physician in writing',
      assessment: 'above the lowest effective dose',
      signatures: await coi.sign(...signers),
    });
    beforeAll(async () => {
      one = await coi.therapy();
      await coi.walk(one, {
        until: 'qc',
        instead: {
          qc: async () => {
            await coi.checked(one, 'qc', [one.qcSample], ['analyst', 'operator']);
            await coi.result(one, 'viability', 62, { min: 70 });
          },
        },
      });
    }, 120_000);

    it('is held, and not shipped before the path is signed', async () => {
      expect(codes(await about(one))).toEqual(['QC-OOS']);
      expect((await coi.chain(one)).holds.length).toBeGreaterThan(0);
      const dry = await coi.check(EVENT.packOut(coi, one));
      expect(dry.verdict).toBe('block');
    });

    it('is refused the path when one signature is missing (INV-20)', async () => {
      for (const signers of [
        [
          ['reviewer', 'reviewed'],
          ['qp', 'approved'],
        ],
        [
          ['physician', 'approved'],
          ['reviewer', 'reviewed'],
        ],
      ] as const)
        expect(await coi.refused('/identity/oos', await path(...(signers as readonly Signer[])))).toMatchObject({
          status: 409,
          code: 'OOS-PATH',
        });
    });

    it('is shipped under the signed path, and given', async () => {
      const { oosId } = await coi.post(
        '/identity/oos',
        await path(['physician', 'approved'], ['reviewer', 'reviewed'], ['qp', 'approved']),
      );
      one.oosId = oosId as string;
      await coi.lift(one);
      await coi.walk(one, { from: 'ship', until: 'infuse' });
      expect(codes(await about(one)).filter((code) => code !== 'QC-OOS')).toEqual([]);
    }, 60_000);
  });

  describe('C-16, a donor of whom something is learned after the donation', () => {
    const din = 'A999926800001';
    const lots = [lotOf('ALLO-1', 76), lotOf('ALLO-2', 76)];
    const bank = lotOf('BANK-1', 77);
    const doses = [1, 2].flatMap((lot) => [1, 2, 3].map((n) => sgtinOf(`AL${lot}.${n}`, 76)));
    let donorRef = '';
    const recipients: Therapy[] = [];
    beforeAll(async () => {
      ({ donorRef } = (await coi.post('/identity/donors', {
        identity: { name: 'Donor-Sample, Given', birthDate: '1990-01-02', recordNumber: 'D-1' },
        purpose: 'treatment',
      })) as { donorRef: string });
      const donor = { donor: donorRef };
      const bag = bagOf(din);
      await coi.capture(
        coi.event('ObjectEvent', { action: 'ADD', bizStep: 'commissioning', epcList: [bag], ...at(COLLECTION_CENTRE) }, donor),
        coi.event('TransformationEvent', { inputEPCList: [bag], outputQuantityList: [quantityOf(bank, 40, 'MLT')], ...at(42) }, donor),
        ...lots.map((_, i) =>
          coi.event(
            'TransformationEvent',
            {
              inputQuantityList: [quantityOf(bank, 10, 'MLT')],
              outputEPCList: doses.slice(i * 3, i * 3 + 3),
              ilmd: { 'cbvmda:lotNumber': `ALLO-${i + 1}`, 'cbvmda:itemExpirationDate': '2040-01-31' },
              ...at(42),
            },
            donor,
          ),
        ),
      );
      for (const dose of [doses[0], doses[1], doses[3]] as string[]) {
        const one = await coi.therapy({ template: 'allogeneic', doses: [dose] });
        await coi.walk(one, { until: 'schedule' });
        await coi.post('/identity/allocations', {
          container: dose,
          orderId: one.orderId,
          match: [{ criterion: 'HLA', pass: true, rules: 'match-3' }],
          signatures: await coi.sign(['coordinator', 'authored'], ['reviewer', 'approved']),
        });
        recipients.push(one);
      }
    }, 120_000);

    it('leads to all lots, all doses, all recipients, and what is left', async () => {
      const found = await coi.get<{ chains: Json[]; stock: Json[]; containers: string[]; lots: string[] }>(
        `/identity/lookback?donor=${donorRef}`,
      );
      expect(new Set(found.chains.map(({ coiId }) => coiId))).toEqual(new Set(recipients.map(({ coiId }) => coiId)));
      expect(new Set(found.stock.map(({ key: of }) => of))).toEqual(new Set(things([doses[2], doses[4], doses[5]] as string[])));
      expect(found.containers).toEqual(expect.arrayContaining(things([bagOf(din), ...doses])));
      expect(found.lots).toEqual(expect.arrayContaining([key(bank)]));
    });

    it('and back: a recipient leads to the donor and the siblings', async () => {
      const [one] = recipients as [Therapy];
      const found = await coi.get<{ donors: string[]; chains: Json[] }>(`/identity/lookback?chain=${one.coiId}`);
      expect(found.donors).toEqual([donorRef]);
      expect(new Set(found.chains.map(({ coiId }) => coiId))).toEqual(new Set(recipients.map(({ coiId }) => coiId)));
    });

    it('holds everything that is left, and keeps track of who was told', async () => {
      await coi.post('/identity/lookbacks', {
        donor: donorRef,
        reason: 'post-donation information',
        signatures: await coi.sign(['reviewer', 'approved']),
      });
      for (const dose of doses) expect(((await coi.container(dose))['holds'] as Json[]).length, dose).toBeGreaterThan(0);
      await coi.post('/identity/notices', { donor: donorRef, to: siteOf(43), state: 'sent', note: 'told by telephone' });
      const found = await coi.get<{ notices: Json[] }>(`/identity/lookback?donor=${donorRef}`);
      expect(found.notices).toMatchObject([{ state: 'sent' }]);
    });
  });

  describe('C-17, somebody asks to be forgotten', () => {
    const erasure = async (one: Therapy, decision: string) => ({
      patientRef: one.patient.patientRef,
      class: 'identity',
      decision,
      reason: 'asked for in writing',
      signatures: await coi.sign(['privacy', 'approved'], ['reviewer', 'approved']),
    });
    const identityOf = async (one: Therapy) =>
      await coi.call('GET', `/identity/patients/${one.patient.patientRef}/identity`, undefined, 'physician');

    it('who was given cells stays traceable: erasing is refused before the term, and reading restricted instead', async () => {
      const one = await coi.therapy();
      await coi.walk(one, { until: 'infuse' });
      expect(await coi.refused('/identity/erasures', await erasure(one, 'erase'))).toMatchObject({ status: 409, code: 'RET-TERM' });
      await coi.post('/identity/erasures', await erasure(one, 'restrict'));
      expect((await identityOf(one)).json()).toMatchObject({ code: 'VLT-RESTRICTED' });
    }, 120_000);

    it('who was given none is erased; the skeleton stays, and its proofs hold', async () => {
      const one = await coi.therapy();
      await coi.walk(one, { until: 'samples' });
      expect((await identityOf(one)).json()).toMatchObject({ identity: { name: one.patient.name } });
      await coi.post('/identity/erasures', await erasure(one, 'erase'));
      expect((await identityOf(one)).statusCode).toBe(410);
      const { timeline } = await coi.chain(one);
      expect(timeline.some(({ step }) => step === 'collection')).toBe(true);
      const report = await coi.get<Parameters<typeof verifyReport>[0]>(`/identity/chains/${one.coiId}/report?format=json`);
      expect(verifyReport(report, coi.server.service.deps.vkey)).toMatchObject({ ok: true });
    }, 60_000);
  });

  it('C-18: an adverse event leads back to lots, people and equipment, and forward from the medium to others', async () => {
    const mediaLot = lotOf('MED-SHARED', 82);
    const [a, b] = [await coi.therapy({ mediaLot }), await coi.therapy({ mediaLot })];
    await coi.walk(a, { until: 'infuse' });
    await coi.walk(b, { until: 'process' });
    const back = await coi.get<{
      materials: { key: string }[];
      people: { person: string }[];
      equipment: { key?: string; space?: string }[];
    }>(`/identity/chains/${a.coiId}/materials`);
    expect(back.materials.map((material) => material.key)).toEqual(expect.arrayContaining(things([mediaLot, a.vectorLot])));
    const operator = await coi.person('operator');
    expect(JSON.stringify(back.people)).toContain(operator.personId);
    expect(JSON.stringify(back.equipment)).toContain(key(a.space));
    expect(await exposed(`material=${encodeURIComponent(mediaLot)}`)).toEqual([a.coiId, b.coiId].sort());
  }, 120_000);

  it('reads of chains say what for (INV-29)', async () => {
    const one = await coi.therapy();
    await coi.walk(one, { until: 'enrol' });
    const answer = await coi.server.get(`/api/v1/identity/chains/${one.coiId}`);
    expect([answer.statusCode, answer.json().code]).toEqual([403, 'ACC-PURPOSE']);
    expect((await coi.server.get(`/api/v1/identity/chains/${one.coiId}`, { headers: PURPOSE })).statusCode).toBe(200);
  });
});

const at = (site: number): Json => ({ readPoint: { id: siteOf(site) }, bizLocation: { id: siteOf(site) } });
