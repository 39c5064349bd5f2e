import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  caseOf,
  commission,
  DISTRIBUTOR,
  documentOf,
  MAKER,
  observe,
  pack,
  packs,
  palletOf,
  receive,
  SHOP,
  ship,
  unpack,
} from '../support/events.ts';
import { TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

const X = '01/09520123000110/21/P560';
const of = (key: string) => encodeURIComponent(key);

/** Case 7 of pallet 1 is told to hold packs 481 to 560; the last of them, X, is not in it (domain.md §20, E-02). */
describe.each(ENGINES)('E-02, a concealed shortage, on %s', (engine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.on(engine);
    const cases = Array.from({ length: 48 }, (_, i) => i + 1);
    await server.capture(
      documentOf([
        commission(0, packs(1, 3_840), { lot: 'L1', expiry: '2028-01-31', site: MAKER }),
        ...cases.map((n) => pack(10, caseOf(n), packs(n * 80 - 79, n * 80), { site: MAKER })),
        pack(20, palletOf(1), cases.map(caseOf), { site: MAKER }),
        ship(30, palletOf(1), { from: MAKER, to: DISTRIBUTOR, site: MAKER }),
        receive(60, palletOf(1), { from: MAKER, to: DISTRIBUTOR, site: DISTRIBUTOR }),
        unpack(70, palletOf(1), caseOf(7), { site: DISTRIBUTOR }),
      ]),
    );
  });
  afterAll(async () => await server.close());
  const thing = async (query = '') => (await server.get(`/api/v1/things/${of(X)}${query}`)).json();
  const findings = async (query: string) => (await server.get(`/api/v1/findings?${query}`)).json().findings;

  it('infers X with the pallet until somebody counts', async () => {
    expect(await thing()).toMatchObject({
      status: 'Received',
      parent: expect.stringContaining('21/C7') as string,
      holder: '414/9520123000028',
    });
    expect(await findings('state=open')).toEqual([]);
  });

  it('opens EX-DNP-3 for X alone when the wholesaler counts 79 of 80, and X is at large', async () => {
    await server.capture(documentOf([unpack(90, caseOf(7), packs(481, 559), { site: DISTRIBUTOR }, { disposition: 'mismatch_quantity' })]));
    const [finding, ...more] = await findings('state=open');
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ code: 'EX-DNP-3', severity: 'critical', things: [X], stage: 'open' });
    expect(finding.due).not.toBeNull();
    expect(await thing()).toMatchObject({ status: 'AtLarge', parent: null });
    expect((await server.get(`/api/v1/things/${of('01/09520123000110/21/P559')}`)).json()).toMatchObject({
      status: 'Received',
      parent: null,
      observed: true,
    });
    const contents = (await server.get(`/api/v1/things/${of('01/19520123000117/21/C7')}/contents`)).json();
    expect(contents.count).toBe(0);
  });

  it('withdraws the inference, and still tells what it was at the time of the receipt', async () => {
    expect(await thing('?at=2026-03-01T09:05:00Z')).toMatchObject({
      status: 'Received',
      parent: expect.stringContaining('21/C7') as string,
    });
    expect(await thing('?at=2026-03-01T09:35:00Z')).toMatchObject({ status: 'AtLarge', parent: null });
  });

  it('raises VER-ATLARGE when X is verified at a site that nobody knows, and says no (domain.md §20)', async () => {
    const verify = async (site: string) =>
      (await server.get(`/verify/gtin/09520123000110/lot/L1/ser/P560?exp=280131&reqGLN=${site}`)).json().data;
    const suspect = { verified: false, verificationFailureReason: 'Not_for_re-distribution', additionalInfo: 'Suspect' };
    expect(await verify('9520123000059')).toEqual(suspect);
    await server.service.deps.verification.settled();
    const found = await findings('code=VER-ATLARGE');
    expect(found).toMatchObject([{ severity: 'critical', state: 'open', things: [X] }]);
    expect(JSON.stringify(found)).toContain('9520123000059');
    expect(await verify('9520123000059')).toEqual(suspect);
    // Its neighbour, which was counted, raises nothing.
    expect((await server.get('/verify/gtin/09520123000110/lot/L1/ser/P559?exp=280131')).json().data).toEqual({ verified: true });
    await server.service.deps.verification.settled();
    expect(await findings('code=VER-ATLARGE')).toHaveLength(1);
  });

  it('closes by itself when X is found, and does not come back when X is missed no more', async () => {
    await server.capture(documentOf([observe(200, 'urn:epc:id:sgtin:9520123.000011.P560', { site: SHOP })]));
    // That it was verified while it was missing is for a person to look into.
    expect(await thing()).toMatchObject({ status: 'Received', findings: [{ code: 'VER-ATLARGE' }] });
    expect(await findings('code=EX-DNP-3')).toMatchObject([{ state: 'closed', stage: 'resolved' }]);
  });
});
