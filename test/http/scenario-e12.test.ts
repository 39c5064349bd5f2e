import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caseOf, commission, DISTRIBUTOR, documentOf, MAKER, pack, palletOf, receive, ship, unpack } from '../support/events.ts';
import { TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

const cases = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => caseOf(from + i));
const SSCC = '00/095201230000000011';
const of = (key: string) => encodeURIComponent(key);

describe.each(ENGINES)('E-12, one SSCC printed twice, on %s', (engine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.on(engine);
    await server.capture(
      documentOf([
        commission(0, cases(1, 96), { lot: 'L1', site: MAKER }),
        commission(0, palletOf(1), { site: MAKER }),
        pack(10, palletOf(1), cases(1, 48), { site: MAKER }),
      ]),
    );
  });
  afterAll(async () => await server.close());
  const findings = async (query: string) => (await server.get(`/api/v1/findings?${query}`)).json().findings;

  it('flags the second aggregation under the number, naming the SSCC and both events', async () => {
    expect(await findings('state=open')).toEqual([]);
    await server.capture(documentOf([pack(40, palletOf(1), cases(49, 96), { site: MAKER })]));
    const [finding, ...more] = await findings('state=open');
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ code: 'AGG-REUSED', severity: 'major', things: [SSCC] });
    expect(finding.events).toHaveLength(2);
  });

  it('is told with the history after the buyer has received one number for two pallets, and is resolved with a new SSCC', async () => {
    await server.capture(
      documentOf([
        ship(60, palletOf(1), { from: MAKER, to: DISTRIBUTOR, site: MAKER }),
        receive(90, palletOf(1), { from: MAKER, to: DISTRIBUTOR, site: DISTRIBUTOR }),
        unpack(100, palletOf(1), cases(49, 96), { site: DISTRIBUTOR }),
        commission(100, palletOf(2), { site: DISTRIBUTOR }),
        pack(101, palletOf(2), cases(49, 96), { site: DISTRIBUTOR }),
      ]),
    );
    expect((await server.get(`/api/v1/things/${of(SSCC)}/contents`)).json().count).toBe(48);
    expect((await server.get(`/api/v1/things/${of('00/095201230000000028')}/contents`)).json().count).toBe(48);
    const open = await findings('state=open');
    expect(open.map((f: { code: string }) => f.code)).toEqual(['AGG-REUSED']);
    const { entries } = (await server.get(`/api/v1/things/${of(SSCC)}/history`)).json();
    expect(entries.filter((entry: { bizStep: string }) => entry.bizStep === 'packing')).toHaveLength(2);
    await server.call('PATCH', `/api/v1/findings/${open[0].id}`, {
      body: { state: 'closed', note: 'Pallet B is 00/095201230000000028 now.' },
    });
    expect(await findings('state=open')).toEqual([]);
  });

  it('does not flag a pallet that is filled a case at a time', async () => {
    const filled = cases(201, 212);
    await server.capture(
      documentOf([commission(110, filled, { lot: 'L2' }), ...filled.map((one, i) => pack(120 + i * 3, palletOf(3), one))]),
    );
    expect((await findings('state=open')).map((f: { code: string }) => f.code)).toEqual([]);
  });
});
