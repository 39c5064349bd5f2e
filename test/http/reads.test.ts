import type { FastifyRequest } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noteRead, purposeOf, type Reading } from '../../src/api/purpose.ts';
import { type Call, problemOf, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

const SECRET = 'correct horse battery staple';
type Read = { id: string; by: string; chains: string[]; breakGlass: { reason: string; approved: object | null } | null };

/** A request to a route that reads, as it reaches noteRead. */
const requestOf = (by: string, headers: Record<string, string>): FastifyRequest =>
  ({
    method: 'GET',
    headers,
    routeOptions: { url: '/api/v1/identity/chains/:coiId', config: {} },
    principal: { id: by, name: by, roles: ['qp'], sites: [], bearer: by },
  }) as unknown as FastifyRequest;

describe.each(ENGINES)('who read what of whom, on %s (INV-29)', (engine) => {
  let server: TestServer;
  const ids: Record<string, string> = {};
  const note = async (by: string, headers: Record<string, string>, reading: Reading) =>
    await noteRead({ capture: server.service.deps.capture }, requestOf(by, headers), reading);
  const list = async (query = '', call: Call = {}) => (await server.get(`/api/v1/reads${query}`, call)).json<{ reads: Read[] }>().reads;
  const post = async (path: string, body: unknown) => await server.call('POST', `/api/v1${path}`, { body });

  async function somebody(login: string, roles: string[]): Promise<string> {
    const { personId, setupCode } = (await post('/people', { login, name: login, roles })).json<{ personId: string; setupCode: string }>();
    await post(`/people/${personId}/secret`, { setupCode, secret: SECRET });
    return personId;
  }
  const approved = async (id: string, login: string, meaning = 'approved') => {
    const { token } = (await post('/signing-tokens', { login, secret: SECRET, meaning })).json<{ token: string }>();
    return await post(`/reads/${id}/approval`, { signatures: token === undefined ? [] : [token] });
  };

  beforeAll(async () => {
    server = await TestServer.on(engine);
    ids['reader'] = await somebody('reader', ['qp']);
    ids['privacy'] = await somebody('privacy', ['privacyOfficer']);
    ids['one'] = await note('k_other', { 'x-purpose': 'quality' }, { chains: ['CH1', 'CH1'], patients: ['pr_1'] });
    ids['two'] = await note(
      ids['reader'],
      { 'x-purpose': 'treatment', 'x-break-glass': ' at the bedside ' },
      { chains: ['CH1'], donors: ['dr_1'] },
    );
    ids['three'] = await note(ids['reader'], { 'x-purpose': 'traceability' }, { chains: ['CH2'], what: 'GET /api/v1/identity/lookback' });
  });
  afterAll(() => server.close());

  it('is on record before the answer goes out, newest first, with who, why and what', async () => {
    expect(await list()).toMatchObject([
      { id: ids['three'], by: ids['reader'], name: 'reader', purpose: 'traceability', what: 'GET /api/v1/identity/lookback' },
      { id: ids['two'], chains: ['CH1'], donors: ['dr_1'], breakGlass: { reason: 'at the bedside', approved: null } },
      { id: ids['one'], by: 'k_other', chains: ['CH1'], patients: ['pr_1'], what: 'GET /api/v1/identity/chains/:coiId', breakGlass: null },
    ]);
  });

  it.each([
    ['?chain=ch1', ['two', 'one']],
    ['?patient=pr_1', ['one']],
    ['?donor=dr_1', ['two']],
    ['?person=k_other', ['one']],
    ['?purpose=treatment', ['two']],
    ['?from=2000-01-01T00:00:00Z&to=2001-01-01T00:00:00Z', []],
    ['?from=2001-01-01T00:00:00Z', ['three', 'two', 'one']],
    ['?chain=CH1&purpose=quality', ['one']],
  ])('is found by %s', async (query, names) => {
    expect((await list(query)).map(({ id }) => id)).toEqual(names.map((name) => ids[name]));
  });

  it('comes in pages', async () => {
    const first = await server.get('/api/v1/reads?perPage=2');
    const [, next] = /<([^>]+)>/.exec(first.headers.link as string) ?? [];
    expect((await server.get(next as string)).json<{ reads: Read[] }>().reads.map(({ id }) => id)).toEqual([ids['one']]);
  });

  it('is refused without a purpose, or with one that there is not', () => {
    for (const headers of [{}, { 'x-purpose': 'curiosity' }])
      expect(() => purposeOf(requestOf('k_1', headers as Record<string, string>))).toThrow(
        expect.objectContaining({ code: 'ACC-PURPOSE', at: 'X-Purpose' }),
      );
  });

  it('breaks no glass without a reason', async () => {
    await expect(note('k_1', { 'x-purpose': 'quality', 'x-break-glass': ' ' }, {})).rejects.toMatchObject({
      code: 'REQ-FORM',
      at: 'X-Break-Glass',
    });
  });

  it('stays on the list of broken glass until somebody else than who read has approved it', async () => {
    const id = ids['two'] as string;
    expect((await list('?open=true')).map((one) => one.id)).toEqual([id]);
    expect(problemOf(await approved(id, 'reader')).code).toBe('SIG-SOD');
    expect(problemOf(await approved(id, 'privacy', 'reviewed')).code).toBe('SIG-MISSING');
    expect(problemOf(await post(`/reads/${id}/approval`, { signatures: [] })).code).toBe('SIG-MISSING');
    const answer = await approved(id, 'privacy');
    expect(answer.json()).toMatchObject({ id, breakGlass: { approved: { by: ids['privacy'] } } });
    expect(await list('?open=true')).toEqual([]);
    expect(problemOf(await approved(id, 'privacy')).code).toBe('NOT-FOUND');
    expect(problemOf(await approved(ids['one'] as string, 'privacy')).code).toBe('NOT-FOUND');
  });
});
