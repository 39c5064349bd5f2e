import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bare, caseOf, commission, declareError, documentOf, EPCIS_CONTEXT, type Json, pack, packOf, packs, ship, withID,
} from '../support/events.ts'; // biome-ignore format: a list
import { problemOf, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

const key = (n: number) => `01/09520123000110/21/P${n}`;
const PACKS = { packs: 'urn:lotline:packs:' };
type Finding = { code: string; things: string[]; state: string; severity: string };
type Verdict = { verdict: string; findings: { code: string; things: string[] }[] };

/** A declaration that says which dependants it knows of. */
const acknowledging = (wrong: Json, what: string | string[]): Json => {
  const { errorDeclaration, ...rest } = declareError(wrong);
  return { ...rest, errorDeclaration: { ...(errorDeclaration as Json), 'packs:acknowledges': what } };
};
const withPacks = (json: Json): Json => ({ ...json, '@context': [EPCIS_CONTEXT, PACKS] });

describe.each(ENGINES)('corrections (domain.md §7.4), on %s', (engine) => {
  const made = withID(commission(0, packs(1, 3), { lot: 'L1' }), 1);
  const servers: TestServer[] = [];
  const started = async (rules: 'flag' | 'enforce') => {
    const server = await TestServer.on(engine, { rules });
    servers.push(server);
    const { errors } = await server.capture(
      documentOf([made, commission(0, caseOf(1)), pack(1, caseOf(1), packs(1, 2)), ship(2, caseOf(1))]),
    );
    expect(errors).toEqual([]);
    const lines = await server.call('POST', '/api/v1/keys', { body: { name: 'another line', roles: ['line'] } });
    return { server, other: lines.json().key as string };
  };
  let flag: TestServer;
  let strict: TestServer;
  let another: Record<'flag' | 'strict', string>;
  beforeAll(async () => {
    const [a, b] = [await started('flag'), await started('enforce')];
    flag = a.server;
    strict = b.server;
    another = { flag: a.other, strict: b.other };
  });
  afterAll(async () => {
    for (const server of servers) await server.close();
  });
  const open = async (server: TestServer, code: string): Promise<Finding[]> =>
    (await server.get(`/api/v1/findings?code=${code}&state=open`)).json().findings;
  const check = async (server: TestServer, body: Json): Promise<Verdict> =>
    (await server.call('POST', '/api/v1/check', { body: withPacks(body) })).json().events[0];

  it.each(['flag', 'strict'] as const)(
    'blocks the dry run of a declaration that does not name all that builds on it: %s',
    async (which) => {
      const server = which === 'flag' ? flag : strict;
      const plain = await check(server, declareError(made));
      expect(plain.verdict).toBe('block');
      expect(plain.findings.find(({ code }) => code === 'DEP-VOIDED')?.things.sort()).toEqual([key(1), key(2)]);
      const some = await check(server, acknowledging(made, [packOf(1)]));
      expect(some.verdict).toBe('block');
      expect(some.findings.find(({ code }) => code === 'DEP-VOIDED')?.things).toEqual([key(2)]);
      for (const what of ['all', packs(1, 2), [`https://id.gs1.org/${key(1)}`, packOf(2)]])
        expect((await check(server, acknowledging(made, what))).verdict).toBe('ok');
      expect(await open(server, 'DEP-VOIDED')).toEqual([]);
    },
  );

  it('does not ask for what does not build on it: a shipment that is declared erroneous', async () => {
    expect((await check(strict, declareError(ship(2, caseOf(1))))).verdict).toBe('ok');
  });

  it('is refused under enforce with every dependant (DEP-VOIDED), and taken when it acknowledges them', async () => {
    const refused = await strict.call('POST', '/epcis/events', { body: bare(declareError(made)) });
    expect(refused.statusCode).toBe(409);
    const problem = problemOf(refused) as ReturnType<typeof problemOf> & { things: string[]; fix: string };
    expect(problem).toMatchObject({ code: 'DEP-VOIDED' });
    expect([...problem.things].sort()).toEqual([key(1), key(2)]);
    expect(refused.body).toContain('acknowledges');
    expect((await strict.get(`/api/v1/things/${encodeURIComponent(key(1))}`)).json().status).toBe('InTransit');
    const taken = await strict.call('POST', '/epcis/events', { body: withPacks(acknowledging(made, 'all')) });
    expect(taken.statusCode, taken.body).toBe(201);
    const [finding, ...more] = await open(strict, 'DEP-VOIDED');
    expect(more).toEqual([]);
    expect([...(finding as Finding).things].sort()).toEqual([key(1), key(2)]);
  });

  it('is stored and flagged under flag; a new commissioning closes the finding', async () => {
    const taken = await flag.call('POST', '/epcis/events', { body: bare(declareError(made)) });
    expect(taken.statusCode).toBe(201);
    const found = await open(flag, 'DEP-VOIDED');
    expect(found.flatMap(({ things }) => things).sort()).toEqual([key(1), key(2)]);
    expect(found[0]?.severity).toBe('major');
    await flag.capture(documentOf([withID(commission(0, packs(1, 3), { lot: 'L2' }), 2)]));
    expect(await open(flag, 'DEP-VOIDED')).toEqual([]);
    expect((await flag.get(`/api/v1/things/${encodeURIComponent(key(1))}`)).json()).toMatchObject({ lot: 'L2' });
  });

  it('takes no effect as a declaration of a declaration, and says so (EV-VOIDED)', async () => {
    const before = (await flag.get(`/api/v1/things/${encodeURIComponent(key(3))}`)).json();
    expect(await open(flag, 'EV-VOIDED')).toEqual([]);
    await flag.capture(documentOf([declareError(made, { at: 2_000, reason: 'incorrect_data' })]));
    expect((await flag.get(`/api/v1/things/${encodeURIComponent(key(3))}`)).json()).toEqual(before);
    const { findings } = (await flag.get('/api/v1/findings?code=EV-VOIDED')).json();
    expect(findings).toMatchObject([{ code: 'EV-VOIDED', severity: 'info' }]);
  });

  it('is not for others than who captured the event, or an administrator (VOID-DENIED)', async () => {
    const event = (n: number) => withID(commission(10 + n, packOf(20 + n)), 20 + n);
    for (const [server, line] of [
      [flag, another.flag],
      [strict, another.strict],
    ] as const) {
      await server.capture(documentOf([event(1)]));
      const own = await server.call('POST', '/epcis/events', { key: line, body: bare(event(2)) });
      expect(own.statusCode, own.body).toBe(201);
    }
    const denied = await strict.call('POST', '/epcis/events', { key: another.strict, body: bare(declareError(event(1))) });
    expect(denied.statusCode).toBe(409);
    expect(problemOf(denied)).toMatchObject({ code: 'VOID-DENIED' });
    expect((await strict.get(`/api/v1/things/${encodeURIComponent(key(21))}`)).json().status).toBe('Commissioned');
    expect((await flag.call('POST', '/epcis/events', { key: another.flag, body: bare(declareError(event(1))) })).statusCode).toBe(201);
    expect(await open(flag, 'VOID-DENIED')).toMatchObject([{ severity: 'major' }]);
    // Its own, and whatever an administrator declares.
    for (const [server, line] of [
      [flag, another.flag],
      [strict, another.strict],
    ] as const) {
      const before = (await open(server, 'VOID-DENIED')).length;
      expect((await server.call('POST', '/epcis/events', { key: line, body: bare(declareError(event(2))) })).statusCode).toBe(201);
      const again = await server.call('POST', '/epcis/events', { key: line, body: bare(event(3)) });
      expect(again.statusCode).toBe(201);
      expect((await server.call('POST', '/epcis/events', { body: bare(declareError(event(3))) })).statusCode).toBe(201);
      expect(await open(server, 'VOID-DENIED')).toHaveLength(before);
    }
  });
});
