import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bare,
  commission,
  DISTRIBUTOR,
  documentOf,
  MAKER,
  observe,
  packOf,
  packs,
  partyOf,
  receive,
  SHOP,
  ship,
} from '../support/events.ts';
import { problemOf, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

const W = '9520123000028';
const [MADE, HOLDS, SOLD] = ['414/9520123000011', `414/${W}`, '414/9520123000035'];
const key = (n: number) => `01/09520123000110/21/P${n}`;
const HOURS_24 = 24 * 3_600_000;

const named = (id: string, attribute: string) => ({ id, attributes: [{ id: 'urn:epcglobal:cbv:mda#name', attribute }] });
const names = {
  epcisMasterData: {
    vocabularyList: [
      {
        type: 'urn:epcglobal:epcis:vtype:EPCClass',
        vocabularyElementList: [named('urn:epc:idpat:sgtin:9520123.000011.*', '=Examplin 5 mg, 30 tablets')],
      },
      {
        type: 'urn:epcglobal:epcis:vtype:Party',
        vocabularyElementList: [named(partyOf(DISTRIBUTOR), 'Wholesaler W'), named(partyOf(SHOP), 'Pharmacy P')],
      },
    ],
  },
};

/** E-04 of domain.md §20: what is returned is verified unit by unit; what does not match goes no further, is investigated, and is notified in time. */
describe.each(ENGINES)('E-04, a saleable return, on %s', (engine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.on(engine, {}, undefined, () => Date.parse('2026-06-01T12:00:00Z'));
    const job = await server.capture(
      documentOf(
        [
          commission(0, packs(1, 40), { lot: 'L1', expiry: '2028-01-31', site: MAKER }),
          ship(10, packs(1, 40), { site: MAKER, from: MAKER, to: DISTRIBUTOR }),
          receive(20, packs(1, 40), { site: DISTRIBUTOR, from: MAKER, to: DISTRIBUTOR }),
          ship(30, packs(1, 10), { site: DISTRIBUTOR, from: DISTRIBUTOR, to: SHOP }),
          receive(40, packs(1, 10), { site: SHOP, from: DISTRIBUTOR, to: SHOP }),
          ship(50, packs(1, 5), { site: SHOP, from: SHOP, to: DISTRIBUTOR }),
          receive(60, packs(1, 5), { site: DISTRIBUTOR, from: SHOP, to: DISTRIBUTOR }, { disposition: 'returned' }),
        ],
        { epcisHeader: names },
      ),
    );
    expect(job.success).toBe(true);
  }, 60_000);
  afterAll(() => server.close());

  const verify = async (n: number, exp = '280131') =>
    (await server.get(`/verify/gtin/09520123000110/lot/L1/ser/P${n}?exp=${exp}&context=dscsaSaleableReturn&reqGLN=${W}`)).json().data;

  it('verifies five returned units: four are true, the relabelled one does not match in its expiry', async () => {
    const answers = [await verify(1), await verify(2), await verify(3), await verify(4), await verify(5, '290131')];
    expect(answers).toEqual([
      ...Array(4).fill({ verified: true }),
      { verified: false, verificationFailureReason: 'No_match_GTIN_Serial_Expiry' },
    ]);
  });

  it('answers false and Suspect for the unit in quarantine, even where all it bears is right', async () => {
    await server.capture(documentOf([observe(70, packOf(5), { step: 'holding', disposition: 'non_sellable_other', site: DISTRIBUTOR })]));
    expect(await verify(5)).toEqual({ verified: false, verificationFailureReason: 'Not_for_re-distribution', additionalInfo: 'Suspect' });
    expect(await verify(4)).toEqual({ verified: true });
  });

  it('puts what verified true back into saleable stock, and what did not into quarantine (§7.5)', async () => {
    const status = async (n: number) => (await server.get(`/api/v1/things/${encodeURIComponent(key(n))}`)).json().status;
    expect([await status(1), await status(4), await status(5)]).toEqual(['Returned', 'Returned', 'Quarantined']);
    const stocked = observe(75, packs(1, 4), { step: 'stocking', disposition: 'sellable_accessible', site: DISTRIBUTOR });
    await server.capture(documentOf([stocked]));
    expect([await status(1), await status(4), await status(5)]).toEqual(['Stocked', 'Stocked', 'Quarantined']);
    expect(await verify(4)).toEqual({ verified: true });
    expect(await shipCheck(4)).toEqual({ verdict: 'ok', codes: [] });
    expect(await shipCheck(5)).toEqual({ verdict: 'block', codes: ['SHIP-HELD'] });
  });

  it('answers the same for sibling numbers while they are under investigation (EX-HLD-2), and true again when that is closed', async () => {
    const siblings = ['01/09520123000110/21/P6', '01/09520123000110/21/P7', '01/09520123000110/21/P8'];
    const note = 'investigation: 3 of similar stock';
    await server.service.deps.capture.record({ kind: 'raise-finding', code: 'EX-HLD-2', things: siblings, note, due: null }, 'tester');
    for (const n of [6, 7, 8]) expect(await verify(n)).toMatchObject({ verified: false, additionalInfo: 'Suspect' });
    expect(await verify(9)).toEqual({ verified: true });
    const [finding] = (await server.get('/api/v1/findings?code=EX-HLD-2')).json().findings;
    expect(finding.things).toEqual(siblings);
    await server.call('PATCH', `/api/v1/findings/${finding.id}`, { body: { state: 'closed', note: 'cleared' } });
    expect(await verify(6)).toEqual({ verified: true });
  });

  const finding = (path = '') => server.get(`/api/v1/findings/${id}${path}`);
  const patch = async (body: unknown) => {
    const answer = await server.call('PATCH', `/api/v1/findings/${id}`, { body });
    expect(answer.statusCode, answer.body).toBe(200);
    return answer.json();
  };
  const shipCheck = async (n: number) => {
    const body = bare(ship(200, packOf(n), { site: DISTRIBUTOR, from: DISTRIBUTOR, to: SHOP }));
    const [{ verdict, findings }] = (await server.call('POST', '/api/v1/ship/check', { body })).json().events;
    return { verdict, codes: findings.map(({ code }: { code: string }) => code) };
  };
  let id = 0;
  let siblings: number[] = [];

  it('opens an investigation, which as a suspicion notifies nobody', async () => {
    const note = 'Expiry on the label is a year later than the maker says.';
    const opened = await server.call('POST', '/api/v1/findings', { body: { code: 'EX-HLD-2', things: [key(5)], note, stage: 'suspect' } });
    expect(opened.json()).toMatchObject({ stage: 'suspect', note, notification: null });
    id = opened.json().id;
    expect(await verify(5)).toMatchObject({ verified: false, additionalInfo: 'Suspect' });
    const early = await finding('/notification');
    expect(problemOf(early)).toMatchObject({ status: 409, code: 'FND-STAGE', at: '{id}' });
  });

  it('names 4 of the 34 packs of the lot that the wholesaler has besides: a tenth, and no fewer than three (§9)', async () => {
    const sample = (await finding('/sample')).json();
    expect(sample).toMatchObject({ finding: id, lots: ['01/09520123000110/10/L1'], holders: [HOLDS], similar: 34, verify: 4, more: false });
    siblings = sample.packs.map((text: string) => Number(text.slice(key(0).length - 1)));
    expect(new Set(siblings).size).toBe(4);
    // Those that were returned, and those that never left; none of the pharmacy's.
    for (const n of siblings) expect(n < 5 || n > 10).toBe(true);
    expect(Math.max(...siblings)).toBeGreaterThan(20);
    expect((await finding('/sample')).json()).toEqual(sample);
    for (const n of siblings) expect(await verify(n)).toEqual({ verified: true });
  });

  it('runs the clock of the notification from the determination T to T + 24 h, and answers Illegitimate from then on', async () => {
    const before = Date.now();
    const { notification, due, stage } = await patch({ stage: 'illegitimate', message: 'The maker never printed this label.' });
    const determined = Date.parse(notification.determined);
    expect(stage).toBe('illegitimate');
    expect(determined).toBeGreaterThanOrEqual(before - 1);
    expect(determined).toBeLessThanOrEqual(Date.now());
    expect(Date.parse(due) - determined).toBe(HOURS_24);
    expect(notification).toMatchObject({ due, sent: null, terminated: null });
    expect(await verify(5)).toEqual({
      verified: false,
      verificationFailureReason: 'Not_for_re-distribution',
      additionalInfo: 'Illegitimate',
    });
  });

  it('exports the form data: product, lot, serial number, quantity, description, and every partner who had it', async () => {
    const { notification } = (await finding()).json();
    const form = (await finding('/notification')).json();
    expect(form).toMatchObject({
      finding: id,
      notificationType: 'initial',
      classification: 'illegitimate',
      determined: notification.determined,
      due: notification.due,
      products: [{ gtin: '09520123000110', name: '=Examplin 5 mg, 30 tablets', quantity: 1 }],
      lots: [{ gtin: '09520123000110', lot: 'L1', expiry: '2028-01-31', quantity: 1 }],
      units: [{ key: key(5), gtin: '09520123000110', serial: 'P5', lot: 'L1', expiry: '2028-01-31', status: 'Quarantined', holder: HOLDS }],
      quantity: 1,
      description: 'Expiry on the label is a year later than the maker says.\nThe maker never printed this label.',
    });
    const partners = form.partners.map(({ party, name, roles }: Record<string, unknown>) => [party, name, roles]);
    expect(partners).toEqual([
      [MADE, null, ['made', 'shipped']],
      [HOLDS, 'Wholesaler W', ['destination', 'handled', 'holds', 'received', 'shipped']],
      [SOLD, 'Pharmacy P', ['destination', 'received', 'shipped']],
    ]);
    const csv = await server.get(`/api/v1/findings/${id}/notification`, { headers: { accept: 'text/csv' } });
    expect(csv.headers['content-type']).toMatch(/^text\/csv/);
    expect((await finding('/notification?format=csv')).body).toBe(csv.body);
    const [header, ...lines] = csv.body.split('\r\n');
    expect(header).toMatch(/^row,finding,notification_type,/);
    const unit = lines.find((line) => line.startsWith('unit,')) as string;
    // A cell that a spreadsheet would take for a formula is none (domain.md §11.4).
    expect(unit).toContain(`,09520123000110,"'=Examplin 5 mg, 30 tablets",L1,2028-01-31,P5,1,Quarantined,${HOLDS},Wholesaler W,`);
    expect(lines.filter((line) => line.startsWith('partner,'))).toHaveLength(3);
  });

  it('holds the siblings: they verify false with Suspect, and no shipment of them passes', async () => {
    expect(await shipCheck(siblings[0] as number)).toEqual({ verdict: 'ok', codes: [] });
    expect((await shipCheck(5)).codes).toEqual(['SHIP-HELD']);
    const held = siblings.map((n) => packOf(n));
    await server.capture(documentOf([observe(80, held, { step: 'holding', disposition: 'non_sellable_other', site: DISTRIBUTOR })]));
    for (const n of siblings) {
      expect(await verify(n)).toEqual({ verified: false, verificationFailureReason: 'Not_for_re-distribution', additionalInfo: 'Suspect' });
      expect(await shipCheck(n)).toEqual({ verdict: 'block', codes: ['SHIP-HELD'] });
    }
  });

  it('records that it was sent, and its termination, and keeps both after it is closed', async () => {
    const sent = await patch({ notified: { at: '2026-06-01T20:00:00Z', note: 'Regulator and two partners' } });
    expect(sent).toMatchObject({ due: null, notification: { sent: { at: '2026-06-01T20:00:00.000Z' }, terminated: null } });
    expect((await finding('/notification')).json().notificationType).toBe('follow-up');
    await patch({ terminated: { note: 'After consultation: product destroyed.' }, stage: 'closed-as-suspect', note: 'Destroyed.' });
    expect((await finding()).json()).toMatchObject({
      state: 'closed',
      stage: 'closed-as-suspect',
      resolution: { note: 'Destroyed.' },
      notification: { sent: { note: 'Regulator and two partners' }, terminated: { note: 'After consultation: product destroyed.' } },
    });
    expect((await finding('/notification')).json()).toMatchObject({ notificationType: 'termination', units: [{ key: key(5) }] });
  });
});
