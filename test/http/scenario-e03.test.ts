import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  caseOf, commission, DISTRIBUTOR, declareError, documentOf, lotOf, MAKER, pack, packs, palletOf, quantityOf, receive, ship, withID,
} from '../support/events.ts'; // biome-ignore format: a list
import { TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

const CASES = 48;
const key = (n: number) => `01/09520123000110/21/P${n}`;
const shipped = (id: number, lot: string) =>
  withID(ship(30, palletOf(1), { from: MAKER, to: DISTRIBUTOR, site: MAKER }, { quantityList: [quantityOf(lotOf(lot), CASES * 80)] }), id);

describe.each(ENGINES)('E-03, the wrong lot in the data of a shipment, on %s', (engine) => {
  let server: TestServer;
  const wrong = shipped(1, 'L-1');
  beforeAll(async () => {
    server = await TestServer.on(engine);
    const cases = Array.from({ length: CASES }, (_, i) => i + 1);
    await server.capture(
      documentOf([
        commission(0, packs(1, CASES * 80), { lot: 'L1', expiry: '2028-01-31', site: MAKER }),
        ...cases.map((n) => pack(10, caseOf(n), packs(n * 80 - 79, n * 80))),
        pack(20, palletOf(1), cases.map(caseOf)),
        wrong,
        receive(60, palletOf(1), { from: MAKER, to: DISTRIBUTOR, site: DISTRIBUTOR }),
      ]),
    );
  });
  afterAll(async () => await server.close());
  const findings = async (query: string) => (await server.get(`/api/v1/findings?${query}`)).json().findings;

  it('is EX-PND-5 for all 3,840, while the packs stay of the lot that they were commissioned with', async () => {
    const [finding, ...more] = await findings('state=open');
    expect(more).toEqual([]);
    expect(finding.code).toBe('EX-PND-5');
    expect(finding.things).toHaveLength(3_840);
    expect((await server.get(`/api/v1/things/${encodeURIComponent(key(1))}`)).json()).toMatchObject({ lot: 'L1', status: 'Received' });
  });

  it('closes by the error declaration and the corrected event; both versions stay in the history', async () => {
    await server.capture(documentOf([declareError(wrong, { reason: 'incorrect_data' }, {}), shipped(2, 'L1')]));
    expect(await findings('state=open&code=EX-PND-5')).toEqual([]);
    expect(await findings('code=EX-PND-5')).toMatchObject([{ state: 'closed' }]);
    const { entries } = (await server.get(`/api/v1/things/${encodeURIComponent('00/095201230000000011')}/history`)).json();
    const shipments = entries.filter((entry: { bizStep: string }) => entry.bizStep === 'shipping');
    expect(shipments.map((entry: { voided: boolean }) => entry.voided).sort()).toContain(true);
    expect((await server.get(`/api/v1/things/${encodeURIComponent(key(3_840))}`)).json()).toMatchObject({ lot: 'L1', status: 'Received' });
  });

  it('comes back when the packs turn out to be of another lot than the corrected data say', async () => {
    await server.capture(documentOf([shipped(3, 'L2')]));
    expect((await findings('state=open&code=EX-PND-5'))[0].things).toHaveLength(3_840);
  });
});
