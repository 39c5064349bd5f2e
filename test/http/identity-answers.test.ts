import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Act, ActKind } from '../../src/identity/acts.ts';
import type { Signature } from '../../src/identity/world.ts';
import type { ChainReport } from '../../src/query/chain-report.ts';
import { verifyReport } from '../../src/query/verify-report.ts';
import { at, bag, CHAIN_A, CHAIN_B, collect, documentOf, type Json, make, reagent, START, sample } from '../support/chains.ts';
import { run } from '../support/program.ts';
import { problemOf, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

const SITE = '414/9520123000035';
const DONOR = 'dr_aaaaaaaaaaaaaaaaaaaaaaaaaa';
const time = (minute: number) => START + minute * 60_000;
const signature = (id: string, name: string, meaning: string, minute: number): Signature => ({
  id,
  person: `pe_${name.toLowerCase().replaceAll(' ', '-')}`,
  name,
  roles: ['operator'],
  sites: [SITE],
  qualifications: [],
  meaning,
  reason: null,
  at: time(minute),
  offset: '+01:00',
  session: `se_${id}`,
});
const infuse = (minute: number, n: number): Json => ({
  type: 'ObjectEvent',
  action: 'DELETE',
  bizStep: 'urn:lotline:identity:bizStep:infusing',
  disposition: 'dispensed',
  ...at(minute),
  epcList: [bag(n)],
  bizLocation: { id: 'urn:epc:id:sgln:9520123.00003.0' },
  'coi:recipient': 'pr_a',
  'coi:check': 'ck_2',
  'coi:volume': { value: 60, uom: 'MLT' },
});

describe.each(ENGINES)('answers about chains on %s', (engine) => {
  let server: TestServer;
  const purpose = { 'x-purpose': 'quality' };
  const get = async (path: string, headers: Record<string, string> = purpose) => await server.get(`/api/v1/identity/${path}`, { headers });
  const act = async <K extends ActKind>(kind: K, id: string, body: Act<K>, minute: number, signatures: readonly Signature[] = []) => {
    await server.service.deps.capture.record(
      { kind: 'identity-act', id, act: kind, body: body as Act, time: time(minute), signatures },
      'tester',
    );
  };
  const order = (orderId: string, coiId: string, patientRef: string) => ({
    orderId,
    coiId,
    patientRef,
    product: 'cells',
    template: { id: 'autologous-car-t', version: 1 },
    treatmentSite: SITE,
    collectionSite: '414/9520123000011',
    manufacturer: '414/9520123000028',
  });
  const check = (checkId: string, checkpoint: string, n: number, result: 'pass' | 'fail') => ({
    checkId,
    checkpoint,
    orderId: 'or_a',
    containers: [bag(n)],
    reads: [
      { source: 'bag', identifier: 'container', value: bag(n), by: 'pe_nurse-one', manual: false, reason: null },
      { source: 'order', identifier: 'coiId', value: CHAIN_A, by: 'pe_nurse-two', manual: true, reason: 'label torn' },
    ],
    compared: [{ identifier: 'coiId', sources: ['bag', 'order'], match: result === 'pass' }],
    result,
    place: SITE,
    resolution: null,
    offline: null,
  });

  beforeAll(async () => {
    server = await TestServer.on(engine);
    await act('order', 'or_a', order('or_a', CHAIN_A, 'pr_a'), -60);
    await act('order', 'or_b', order('or_b', CHAIN_B, 'pr_b'), -50);
    const two = (n: number, minute: number) => [
      signature(`sg_${n}1`, 'Nurse One', 'verified_identity', minute),
      signature(`sg_${n}2`, 'Nurse Two', 'witnessed', minute),
    ];
    await act('check', 'ck_1', check('ck_1', 'collection', 1, 'pass'), -5, two(1, -5));
    const vector = {
      inputQuantityList: [{ epcClass: reagent, quantity: 2, uom: 'MLT' }],
      'coi:space': 'urn:epc:id:giai:9520123.hood1',
      'coi:step': 'process',
    };
    await server.capture(
      documentOf([
        {
          ...collect(0, 1, CHAIN_A),
          ilmd: { 'coi:alias': ['urn:epc:id:sgtin:9520123.000011.D1'] },
          'coi:volume': { value: 200, uom: 'MLT' },
        },
        collect(2, 2, CHAIN_B),
        make(100, [1], [3], vector),
        make(110, [2], [4], vector),
        sample(120, 3, 5),
        make(130, [3], [6], { 'coi:step': 'fill', 'coi:bag': { number: 1, of: 1 } }),
        infuse(300, 6),
      ]),
    );
    await act('check', 'ck_2', check('ck_2', 'bedside', 6, 'pass'), 290, two(2, 290));
    await act(
      'result',
      'rs_1',
      { resultId: 'rs_1', sample: bag(5), test: 'viability', value: 82, unit: '%', limits: { min: 70 }, verdict: 'pass', computed: 'pass' },
      200,
    );
  });
  afterAll(async () => await server.close());

  it('INV-29: refuses reads of what is linked to a patient without a purpose', async () => {
    for (const path of [
      `chains/${CHAIN_A}`,
      `chains/${CHAIN_A}/report`,
      `chains/${CHAIN_A}/copresence`,
      `chains/${CHAIN_A}/materials`,
      `chains/${CHAIN_A}/reads`,
      `containers/${encodeURIComponent(bag(1))}`,
      `exposed?donor=${DONOR}`,
      `lookback?donor=${DONOR}`,
      'missing-checks',
      'kpis',
      `fhir/${encodeURIComponent(bag(1))}`,
    ]) {
      const answer = await get(path, {});
      expect([path, answer.statusCode, problemOf(answer).code]).toEqual([path, 403, 'ACC-PURPOSE']);
    }
  });

  it('tells a chain in order of time, with events, checks, signatures and their entries', async () => {
    const answer = (await get(`chains/${CHAIN_A.toLowerCase()}`)).json();
    expect(answer.coiId).toBe(CHAIN_A);
    expect(
      answer.timeline
        .filter(({ kind }: Json) => kind !== 'finding')
        .map(({ kind, step }: { kind: string; step?: string }) => `${kind} ${step ?? ''}`.trim()),
    ).toEqual([
      'order enrol',
      'check collection',
      'event collection',
      'event process',
      'event qc-samples',
      'event fill',
      'result',
      'check bedside',
      'event infuse',
    ]);
    const [, first] = answer.timeline;
    expect(first).toMatchObject({ kind: 'check', result: 'pass', signatures: ['sg_11', 'sg_12'], place: SITE });
    expect(answer.timeline.every(({ seq, eventTime }: Json) => Number.isInteger(seq) && typeof eventTime === 'string')).toBe(true);
  });

  it('tells whose a container is by any of its keys, and of a reagent that it is nobody’s', async () => {
    const one = (await get(`containers/${encodeURIComponent('urn:epc:id:sgtin:9520123.000011.D1')}`)).json();
    expect(one).toMatchObject({
      key: bag(1),
      binding: { kind: 'patient', chain: CHAIN_A, stated: [CHAIN_A], computed: [CHAIN_A] },
      aliases: ['01/09520123000110/21/D1'],
      end: { kind: 'used' },
      rebound: false,
    });
    const vector = (await get(`containers/${encodeURIComponent(reagent)}`)).json();
    expect(vector).toMatchObject({ binding: { kind: 'unbound', computed: [] }, end: null, holds: [] });
    expect(problemOf(await get(`containers/${encodeURIComponent(bag(99))}`)).code).toBe('NOT-FOUND');
    expect(problemOf(await get('chains/CHA999926NONE01')).code).toBe('NOT-FOUND');
  });

  it('Q16, Q17, Q18: exposure, materials, and who else was in the hood', async () => {
    const { chains } = (await get(`exposed?material=${encodeURIComponent(reagent)}`)).json();
    expect(chains.map(({ coiId }: Json) => coiId)).toEqual([CHAIN_A, CHAIN_B]);
    expect(chains[0]).toMatchObject({ patientRef: 'pr_a', site: SITE, doses: [{ key: bag(6), infused: '2026-03-01T13:00:00.000Z' }] });
    const materials = (await get(`chains/${CHAIN_A}/materials`)).json();
    expect(materials.people.map(({ name }: Json) => name).sort()).toEqual(['Nurse One', 'Nurse Two']);
    expect(materials.results).toMatchObject([{ test: 'viability', verdict: 'pass' }]);
    const together = (await get(`chains/${CHAIN_A}/copresence?step=process`)).json();
    expect(together.stays.map(({ kind }: Json) => kind)).toContain('space');
    expect(problemOf(await get('exposed')).code).toBe('REQ-FORM');
    expect(problemOf(await get(`exposed?donor=${DONOR}`)).code).toBe('NOT-FOUND');
  });

  it('E-18: the report verifies offline, and no longer when a fact, a body or a proof in it was changed', async () => {
    const report = (await get(`chains/${CHAIN_A}/report`)).json() as ChainReport;
    const key = server.service.deps.vkey;
    const good = verifyReport(report, key);
    expect(good.problems).toEqual([]);
    expect(good.facts).toBe(report.world.events.length + report.world.acts.length);
    const changed = (change: (copy: ChainReport) => void) => {
      const copy = structuredClone(report);
      change(copy);
      return verifyReport(copy, key).problems.join('\n');
    };
    // biome-ignore lint/suspicious/noExplicitAny: what a forger changes has no type
    type Loose = any;
    const loose = (copy: ChainReport) => copy as Loose;
    expect(changed((copy) => Object.assign(loose(copy)['sections']['checks'][0], { result: 'fail' }))).toContain(
      'Section checks does not follow',
    );
    expect(changed((copy) => Object.assign(loose(copy)['world']['acts'][1]['body'], { result: 'fail' }))).toContain(
      'is not what the entry tells',
    );
    expect(changed((copy) => Object.assign(loose(copy)['world']['events'][0], { epcs: [bag(77)] }))).toContain(
      'is not what the entry tells',
    );
    expect(changed((copy) => Object.assign(loose(copy)['entries'][2], { body: Buffer.from('{}').toString('base64') }))).toContain(
      'its body is not the one that was logged',
    );
    expect(changed((copy) => loose(copy)['entries'].splice(3, 1))).toContain('is not proven');
    expect(changed((copy) => Object.assign(loose(copy)['log'], { size: 1 }))).toContain('are not those of its checkpoint');
    expect(verifyReport(report, key.replace('test', 'other')).ok).toBe(false);
  });

  it('the report says by whom it was signed, as people read it', async () => {
    const { sections, log } = (await get(`chains/${CHAIN_A}/report`)).json() as ChainReport;
    expect(sections.signatures[0]?.text).toBe('Nurse One, verified identity, 2026-03-01 08:55:00 +01:00, for version 1 of check ck_1');
    expect(log).toMatchObject({ origin: 'lotline.example/test' });
  });

  it('Q23, INV-29: says who read the chain and what for', async () => {
    await get(`chains/${CHAIN_A}/materials`, { 'x-purpose': 'traceability' });
    const { reads } = (await get(`chains/${CHAIN_A}/reads?perPage=1`)).json();
    expect(reads).toMatchObject([{ purpose: 'traceability', what: 'GET /api/v1/identity/chains/:coiId/materials', chains: [CHAIN_A] }]);
    const refused = await server.get(`/api/v1/identity/chains/${CHAIN_A}/reads`, { headers: purpose, key: server.keys.reader });
    expect(problemOf(refused).code).toBe('ACC-SCOPE');
  });

  it('makes the report as PDF with page numbers', async () => {
    const answer = await get(`chains/${CHAIN_A}/report?format=pdf`);
    expect(answer.headers['content-type']).toBe('application/pdf');
    expect(answer.rawPayload.subarray(0, 5).toString()).toBe('%PDF-');
    const keep = process.env['LOTLINE_KEEP_PDF'];
    if (keep !== undefined) writeFileSync(keep, answer.rawPayload);
  });

  it('E-18: lotline verify-report says whether a report is good, without a server', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lotline-report-'));
    const file = join(folder, 'report.json');
    const text = (await get(`chains/${CHAIN_A}/report`)).body;
    const key = server.service.deps.vkey;
    writeFileSync(file, text);
    const good = await run(['verify-report', file, '--key', key]);
    expect([good.code, good.out]).toEqual([
      0,
      expect.stringMatching(/^Good: \d+ events and acts of CHA999926AAAA11 follow from \d+ entries/),
    ]);
    writeFileSync(file, text.replace('"result":"pass"', '"result":"fail"'));
    const bad = await run(['verify-report', file, '--key', key]);
    expect([bad.code, bad.out]).toEqual([1, expect.stringContaining('Not good')]);
    const none = await run(['verify-report', join(folder, 'none.json')]);
    expect([none.code, none.err]).toEqual([1, expect.stringContaining('MOVE-FILE')]);
    rmSync(folder, { recursive: true });
  });

  it('C-16: a look-back holds all that it finds, and notices are tracked', async () => {
    const headers = purpose;
    const held = await server.call('POST', '/api/v1/identity/lookbacks', {
      headers,
      body: { lot: reagent, reason: 'vector lot contaminated' },
    });
    expect(held.statusCode).toBe(201);
    const { holdId, lookback } = held.json();
    expect(lookback.chains.map(({ coiId }: Json) => coiId)).toEqual([CHAIN_A, CHAIN_B]);
    expect((await get(`containers/${encodeURIComponent(bag(4))}`)).json().holds.map(({ id }: Json) => id)).toContain(holdId);
    const sent = await server.call('POST', '/api/v1/identity/notices', { headers, body: { lot: reagent, to: SITE, state: 'sent' } });
    expect(sent.statusCode).toBe(201);
    const { noticeId } = sent.json();
    const answered = await server.call('POST', '/api/v1/identity/notices', {
      headers,
      body: { noticeId, lot: reagent, to: SITE, state: 'answered' },
    });
    expect(answered.statusCode).toBe(201);
    const { notices } = (await get(`lookback?lot=${encodeURIComponent(reagent)}`)).json();
    expect(notices).toMatchObject([
      { noticeId, state: 'sent' },
      { noticeId, state: 'answered' },
    ]);
    expect(problemOf(await get('lookback')).code).toBe('REQ-FORM');
  });

  it('§16: figures say what they were counted from, and nothing to count is null', async () => {
    const { kpis } = (await get('kpis')).json();
    const by = (name: string) => kpis.find(({ kpi }: Json) => kpi === name);
    expect(by('mismatch-rate')).toMatchObject({ numerator: 0, denominator: 2, value: 0, counted: ['ck_1', 'ck_2'] });
    expect(by('manual-entry-rate')).toMatchObject({ numerator: 2, denominator: 4, value: 0.5 });
    expect(by('read-reviews')).toMatchObject({ denominator: 0, value: null });
    expect(by('slot-utilisation')).toMatchObject({ value: null, numerator: null });
    const at = async (site: string) =>
      (await get(`kpis?site=${encodeURIComponent(site)}`)).json().kpis.find(({ kpi }: Json) => kpi === 'mismatch-rate');
    expect(await at('urn:epc:id:sgln:9520123.00002.0')).toMatchObject({ denominator: 2 });
    expect(await at('414/9520123000028')).toMatchObject({ denominator: 2, filters: { site: '414/9520123000028' } });
    expect(await at('414/9520123999990')).toMatchObject({ denominator: 0, value: null });
    expect(by('custody-gaps')).toMatchObject({ denominator: 0, value: null });
  });

  it('exports a container as FHIR, and names its source only where the purpose is treatment or traceability', async () => {
    const path = `fhir/${encodeURIComponent(bag(6))}?bundle=true`;
    const quality = await get(path);
    expect(quality.headers['content-type']).toContain('application/fhir+json');
    expect(quality.body).not.toContain('pr_a');
    const treatment = await get(path, { 'x-purpose': 'treatment' });
    expect(treatment.body).toContain('pr_a');
    const { resourceType, entry } = treatment.json();
    expect(resourceType).toBe('Bundle');
    expect(entry.map(({ resource }: { resource: Json }) => resource['resourceType'])).toEqual([
      'BiologicallyDerivedProduct',
      'BiologicallyDerivedProductDispense',
      'BiologicallyDerivedProductDispense',
    ]);
  });

  it('Q19: lists checks of one person where two are demanded', async () => {
    await act('check', 'ck_3', { ...check('ck_3', 'thaw', 6, 'pass'), reads: check('ck_3', 'thaw', 6, 'pass').reads.slice(0, 1) }, 280, [
      signature('sg_31', 'Nurse One', 'verified_identity', 280),
    ]);
    const { list } = (await get(`missing-checks?coiId=${CHAIN_A}`)).json();
    expect(list).toContainEqual(
      expect.objectContaining({ problem: 'one-person', step: 'thaw', checks: expect.arrayContaining([expect.stringContaining('ck_')]) }),
    );
  });
});
