import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commission, DISTRIBUTOR, documentOf, MAKER, observe, packOf, packs, receive, SHOP, ship } from '../support/events.ts';
import { TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

const W = '9520123000028';

/** E-04 of domain.md §20 as far as verification takes part: what is returned is verified unit by unit, and what does not match goes no further. */
describe.each(ENGINES)('E-04, a saleable return, on %s', (engine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.on(engine, {}, undefined, () => Date.parse('2026-06-01T12:00:00Z'));
    const job = await server.capture(
      documentOf([
        commission(0, packs(1, 40), { lot: 'L1', expiry: '2028-01-31', site: MAKER }),
        ship(10, packs(1, 40), { site: MAKER, from: MAKER, to: DISTRIBUTOR }),
        receive(20, packs(1, 40), { site: DISTRIBUTOR, from: MAKER, to: DISTRIBUTOR }),
        ship(30, packs(1, 10), { site: DISTRIBUTOR, from: DISTRIBUTOR, to: SHOP }),
        receive(40, packs(1, 10), { site: SHOP, from: DISTRIBUTOR, to: SHOP }),
        ship(50, packs(1, 5), { site: SHOP, from: SHOP, to: DISTRIBUTOR }),
        receive(60, packs(1, 5), { site: DISTRIBUTOR, from: SHOP, to: DISTRIBUTOR }, { disposition: 'returned' }),
      ]),
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
});
