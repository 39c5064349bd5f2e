import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PackOperations } from '../../src/verification/pack-operations.ts';
import { bare, caseOf, commission, decommission, documentOf, MAKER, observe, pack, packOf, SHOP, ship } from '../support/events.ts';
import { problemOf, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

const A = '9520123000059';
const B = '9520123000066';
const HOUR = 3_600_000;
const T = Date.parse('2026-06-01T12:00:00Z');
const SERIALS = Array.from({ length: 30 }, (_, i) => `E${i}`);

/** E-17 of domain.md §20, with the conditions and boundaries of §8.4. */
describe.each(ENGINES)('E-17 on %s', (engine) => {
  let server: TestServer;
  let clock = T;
  beforeAll(async () => {
    server = await TestServer.on(engine, {}, undefined, () => clock);
    const packs = SERIALS.map((serial) => packOf(serial));
    const job = await server.capture(
      documentOf([
        commission(0, packs, { lot: 'L1', expiry: '2026-12-31', site: MAKER }),
        commission(0, caseOf('K'), { lot: 'L1', expiry: '2026-12-31', site: MAKER }),
        pack(5, caseOf('K'), packs.slice(20, 23)),
        ship(10, [...packs.slice(0, 20), caseOf('K'), ...packs.slice(23)], { site: MAKER, from: MAKER, to: SHOP }),
      ]),
    );
    expect(job.success).toBe(true);
  }, 60_000);
  afterAll(() => server.close());

  const say = async (serial: string, what: string, body: object, at = clock) => {
    clock = at;
    const answer = await server.call('POST', `/api/v1/packs/${encodeURIComponent(packOf(serial))}/${what}`, { body });
    expect(answer.statusCode, answer.body).toBe(200);
    return answer.json() as Record<string, unknown>;
  };
  const findings = async (code: string, serial: string): Promise<{ severity: string }[]> => {
    await server.service.deps.verification.settled();
    return (await server.get(`/api/v1/findings?code=${code}&state=open&thing=${encodeURIComponent(packOf(serial))}`)).json().findings;
  };

  it('undoes at t + 239 h by the same pharmacy', async () => {
    expect(await say('E1', 'decommission', { reason: 'supply', site: A }, T)).toMatchObject({
      ok: true,
      state: 'inactive',
      reason: 'supply',
    });
    expect(await say('E1', 'reactivate', { site: A }, T + 239 * HOUR)).toMatchObject({ ok: true });
  });

  it('gives back the status from before, and may be done again', async () => {
    const thing = async () => (await server.get(`/api/v1/things/${encodeURIComponent(packOf('E19'))}`)).json();
    clock = T;
    const before = await thing();
    expect(before).toMatchObject({ status: 'InTransit' });
    for (const [i, reason] of (['supply', 'free_sample'] as const).entries()) {
      await say('E19', 'decommission', { reason, site: A }, T + 2 * i * HOUR);
      expect((await thing()).status).not.toBe(before.status);
      expect(await say('E19', 'verify', { site: A })).toMatchObject({ ok: false, state: 'inactive', reason });
      expect(await say('E19', 'reactivate', { site: A }, T + (2 * i + 1) * HOUR)).toEqual({
        ok: true,
        state: 'active',
        status: 'InTransit',
      });
      expect(await thing()).toMatchObject({ status: 'InTransit', disposition: 'active', findings: [] });
      expect(await say('E19', 'verify', { site: A })).toEqual({ ok: true, state: 'active', status: 'InTransit' });
    }
  });

  it('refuses at t + 241 h, and alerts', async () => {
    await say('E2', 'decommission', { reason: 'supply', site: A }, T);
    expect(await say('E2', 'reactivate', { site: A }, T + 241 * HOUR)).toMatchObject({
      ok: false,
      state: 'inactive',
      code: 'VER-UNDO-LATE',
      alias: 'NMVS_NC_PCK_20',
    });
    expect(await findings('VER-UNDO-LATE', 'E2')).toHaveLength(1);
    await say('E2', 'reactivate', { site: A }, T + 242 * HOUR);
    expect(await findings('VER-UNDO-LATE', 'E2'), 'one open alert is enough').toHaveLength(1);
  });

  it('allows 240 h exactly and refuses a millisecond more (§8.4)', async () => {
    for (const serial of ['E3', 'E4']) await say(serial, 'decommission', { reason: 'free_sample', site: A }, T);
    expect(await say('E3', 'reactivate', { site: A }, T + 240 * HOUR)).toMatchObject({ ok: true });
    expect(await say('E4', 'reactivate', { site: A }, T + 240 * HOUR + 1)).toMatchObject({ ok: false, code: 'VER-UNDO-LATE' });
  });

  it('refuses the undo by another pharmacy, and alerts', async () => {
    await say('E5', 'decommission', { reason: 'supply', site: A }, T);
    expect(await say('E5', 'reactivate', { site: B }, T + HOUR)).toMatchObject({
      ok: false,
      code: 'VER-UNDO-OTHER',
      alias: 'NMVS_NC_PCK_21',
    });
    expect(await findings('VER-UNDO-OTHER', 'E5')).toHaveLength(1);
  });

  it('refuses the undo of what was recalled since, of what is stolen or destroyed, of what expired, and of what is active', async () => {
    await say('E6', 'decommission', { reason: 'supply', site: A }, T);
    await server.capture(documentOf([observe(20, packOf('E6'), { step: 'inspecting' }, { persistentDisposition: { set: ['recalled'] } })]));
    expect(await say('E6', 'reactivate', { site: A }, T + HOUR)).toMatchObject({
      ok: false,
      code: 'VER-UNDO-STATE',
      alias: 'NMVS_NC_PCK_06',
    });
    for (const [serial, reason] of [
      ['E7', 'stolen'],
      ['E8', 'destroyed'],
      ['E9', 'withdrawn'],
      ['E10', 'returned'],
    ] as const) {
      expect(await say(serial, 'decommission', { reason, site: A }, T)).toMatchObject({ ok: true, reason });
      expect(await say(serial, 'reactivate', { site: A }, T + HOUR), reason).toMatchObject({ ok: false, code: 'VER-UNDO-STATE' });
    }
    await say('E11', 'decommission', { reason: 'export', site: A }, Date.parse('2026-12-30T12:00:00Z'));
    expect(await say('E11', 'reactivate', { site: A }, Date.parse('2027-01-01T00:00:00Z'))).toMatchObject({
      ok: false,
      code: 'VER-UNDO-STATE',
    });
    expect(await say('E12', 'reactivate', { site: A }, T)).toMatchObject({ ok: false, state: 'active', code: 'VER-UNDO-STATE' });
  });

  it('tells a second scan at one location (L4) from a second pack at another (alert)', async () => {
    await say('E13', 'decommission', { reason: 'supply', site: A }, T);
    expect(await say('E13', 'decommission', { reason: 'supply', site: A }, T + 1000)).toMatchObject({
      ok: false,
      code: 'VER-ALREADY',
      alias: 'NMVS_NC_PCK_19',
      info: 'already decommissioned at this location',
    });
    expect(await findings('VER-ALREADY', 'E13')).toHaveLength(0);
    expect(await say('E13', 'decommission', { reason: 'destroyed', site: B }, T + 2000)).toMatchObject({
      ok: false,
      alias: 'NMVS_NC_PCK_22',
    });
    expect(await findings('VER-ALREADY', 'E13')).toHaveLength(1);
  });

  it('counts a decommissioning event of others like the call, its party being the site (packs-wire.md)', async () => {
    const site = { readPoint: { id: `https://id.gs1.org/414/${A}` }, bizLocation: { id: `https://id.gs1.org/414/${A}` } };
    const at = new Date(T).toISOString();
    await server.capture(documentOf(['E14', 'E15'].map((serial) => decommission(0, packOf(serial), { ...site, eventTime: at }))));
    expect(await say('E14', 'verify', {}, T + HOUR)).toMatchObject({ ok: false, state: 'inactive', code: 'VER-ALREADY' });
    expect(await say('E14', 'reactivate', { site: B }, T + HOUR)).toMatchObject({ ok: false, code: 'VER-UNDO-OTHER' });
    expect(await say('E14', 'reactivate', { site: A }, T + 240 * HOUR)).toMatchObject({ ok: true });
    expect(await say('E15', 'reactivate', { site: A }, T + 241 * HOUR)).toMatchObject({ ok: false, code: 'VER-UNDO-LATE' });
  });

  it('decommissions a pack exactly once when twelve ask at once', async () => {
    clock = T;
    const path = `/api/v1/packs/${encodeURIComponent(packOf('E16'))}/decommission`;
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) => server.call('POST', path, { body: { reason: 'supply', site: i % 2 === 0 ? A : B } })),
    );
    expect(answers.map((answer) => answer.statusCode)).toEqual(answers.map(() => 200));
    const all = answers.map((answer) => answer.json() as { ok: boolean; code?: string });
    expect(all.filter(({ ok }) => ok)).toHaveLength(1);
    expect(all.filter(({ code }) => code === 'VER-ALREADY')).toHaveLength(11);
    const { entries } = (await server.get(`/api/v1/things/${encodeURIComponent(packOf('E16'))}/history`)).json();
    expect(entries.filter((entry: { bizStep: string }) => entry.bizStep === 'dispensing')).toHaveLength(1);
  });

  it('stores nothing of an event that was decided on before its pack changed (EV-STALE)', async () => {
    const { capture, readers, verification } = server.service.deps;
    const history = async () => (await server.get(`/api/v1/things/${encodeURIComponent(packOf('E18'))}/history`)).json().entries;
    const key = '01/09520123000110/21/PE18';
    const decided = await readers.look('packFacts', { key });
    await server.capture(documentOf([observe(30, packOf('E18'), { step: 'inspecting', site: SHOP })]));
    const before = await history();
    const body = Buffer.from(JSON.stringify(bare(decommission(40, packOf('E18')))));
    const outcome = await capture.captureEvent({ body, actor: 'test', expect: { thing: key, mark: decided.mark } });
    expect(outcome).toMatchObject({ success: false, stored: 0, errors: [{ code: 'EV-STALE', status: 409 }] });
    // Who always looks too late tries again some times, and then says so.
    let looks = 0;
    const late = async (name: string, args: never) => {
      if (name !== 'packFacts') return await readers.look(name as never, args);
      looks++;
      return { ...(await readers.look('packFacts', args)), mark: decided.mark };
    };
    const packs = new PackOperations({ verification, capture, readers: { ...readers, look: late } as typeof readers });
    const pack = { key, inHand: { lot: null, expiry: null }, site: A };
    const asked = { reason: 'supply' as const, cascade: false };
    const error = await packs.decommission(pack, asked, { id: 'test', source: 'test' }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'EV-STALE' });
    expect(looks).toBe(8);
    expect(await history()).toEqual(before);
    // As it is now, it goes.
    expect(await say('E18', 'decommission', { reason: 'supply', site: A }, T)).toMatchObject({ ok: true });
  });

  it('compares what the pack bears, and tells nothing of one that does not match', async () => {
    const pack = (serial: string, lot: string, expiry: string) =>
      encodeURIComponent(`(01)09520123000110(21)P${serial}(10)${lot}(17)${expiry}`);
    const ask = async (path: string) => (await server.call('POST', `/api/v1/packs/${path}/verify`, { body: { site: A } })).json();
    clock = T;
    expect(await ask(pack('E17', 'L1', '261231'))).toEqual({ ok: true, state: 'active', status: 'InTransit' });
    expect(await ask(pack('E17', 'L2', '261231'))).toMatchObject({
      ok: false,
      state: 'unknown',
      status: null,
      code: 'VER-DIFFERS',
      alias: 'NMVS_FE_LOT_03',
      hub: 'A2',
    });
    expect(await ask(pack('E17', 'L1', '261230'))).toMatchObject({ ok: false, code: 'VER-DIFFERS', alias: 'NMVS_FE_LOT_12' });
    expect(await findings('VER-DIFFERS', 'E17')).not.toHaveLength(0);
    expect(await ask(pack('NONE', 'L1', '261231'))).toMatchObject({ ok: false, code: 'VER-UNKNOWN', alias: 'NMVS_NC_PC_02', hub: 'A3' });
    expect(await ask(encodeURIComponent('01/00012345678905/21/A'))).toMatchObject({
      ok: false,
      code: 'VER-PRODUCT',
      alias: 'NMVS_NC_PC_01',
    });
  });

  it('supplies no pack whose data raised an alert, until that is explained (domain.md §8.3)', async () => {
    clock = T;
    const path = `/api/v1/packs/${encodeURIComponent('01/09520123000110/21/PE17')}/decommission`;
    const supply = async () => (await server.call('POST', path, { body: { reason: 'supply', site: A } })).json();
    expect(await supply()).toMatchObject({ ok: false, state: 'active', code: 'VER-HELD' });
    for (const { id } of (await server.get(`/api/v1/findings?code=VER-DIFFERS&state=open`)).json().findings)
      await server.call('PATCH', `/api/v1/findings/${id}`, { body: { state: 'closed', note: 'Typed wrongly.' } });
    expect(await supply()).toMatchObject({ ok: true, state: 'inactive' });
  });

  it('decommissions a case with its content only when told to (AGG-HASCHILDREN)', async () => {
    clock = T;
    const path = `/api/v1/packs/${encodeURIComponent(caseOf('K'))}/decommission`;
    const refused = (await server.call('POST', path, { body: { reason: 'destroyed', site: A } })).json();
    expect(refused).toMatchObject({ ok: false, state: 'active', code: 'AGG-HASCHILDREN', info: expect.stringContaining('3 things') });
    const done = (await server.call('POST', path, { body: { reason: 'destroyed', site: A, cascade: true } })).json();
    expect(done).toMatchObject({ ok: true, state: 'inactive', status: 'Destroyed' });
    for (const serial of ['E20', 'E21', 'E22'])
      expect((await server.get(`/api/v1/things/${encodeURIComponent(packOf(serial))}`)).json()).toMatchObject({
        status: 'Destroyed',
        parent: null,
      });
  });

  it.each([
    ['a site that is no GLN', { reason: 'supply', site: '123' }, '/site'],
    ['a GLN with a wrong check digit', { reason: 'supply', site: '9520123000058' }, '/site'],
    ['an unknown reason', { reason: 'lost', site: A }, '/reason'],
    ['no site', { reason: 'supply' }, '/site'],
    ['an expiry that is no date', { reason: 'supply', site: A, expiry: '261350' }, '/expiry'],
  ])('answers 400 to %s', async (_, body, at) => {
    const answer = await server.call('POST', `/api/v1/packs/${encodeURIComponent(packOf('E18'))}/decommission`, { body });
    expect(answer.statusCode).toBe(400);
    expect(problemOf(answer)).toMatchObject({ at });
  });
});
