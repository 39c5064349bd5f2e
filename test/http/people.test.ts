import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, type Call, problemOf, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

const SECRET = 'correct horse battery staple';
const MINUTE = 60_000;

describe.each(ENGINES)('on %s', (engine) => {
  let server: TestServer;
  /** ms that the clock of the service is ahead. */
  let ahead = 0;
  let number = 0;
  const said: string[] = [];
  beforeAll(async () => {
    server = await TestServer.on(
      engine,
      {},
      (line) => said.push(line),
      () => Date.now() + ahead,
    );
  });
  beforeEach(() => {
    // Failures from one address are over, locks are not.
    ahead += 2 * 60 * MINUTE;
  });
  afterAll(() => server.close());

  const post = async (path: string, body: unknown, call: Call = {}): Promise<Answer> =>
    await server.call('POST', `/api/v1${path}`, { ...call, body });
  const codeOf = (answer: Answer) => [answer.statusCode, problemOf(answer).code];

  /** Somebody with a secret. */
  async function somebody(more: object = {}): Promise<{ id: string; login: string; setupCode: string }> {
    const login = `person-${++number}`;
    const made = await post('/people', { login, name: `Person ${number}`, roles: ['operator'], ...more });
    expect(made.statusCode).toBe(201);
    const { personId: id, setupCode } = made.json<{ personId: string; setupCode: string }>();
    expect((await post(`/people/${id}/secret`, { setupCode, secret: SECRET }, { key: null })).statusCode).toBe(204);
    return { id, login, setupCode };
  }
  const logIn = async (login: string, secret = SECRET) => await post('/sessions', { login, secret }, { key: null });
  const sessionOf = async (login: string) => (await logIn(login)).json<{ session: string }>().session;
  const sign = async (login: string, more: object = {}, call: Call = {}) =>
    await post('/signing-tokens', { login, secret: SECRET, meaning: 'reviewed', ...more }, call);
  const tokenOf = async (login: string, more: object = {}, call: Call = {}) =>
    (await sign(login, more, call)).json<{ token: string }>().token;
  const size = async () => Number((await server.get('/ledger/checkpoint')).body.split('\n')[1]);
  let lots = 0;
  async function batch(): Promise<string> {
    const made = await post('/batches', { gtin: '09520123000110', lot: `LOT${++lots}`, expiry: '2028-01-31', line: 'line 3', planned: 10 });
    return made.json<{ id: string }>().id;
  }
  const close = async (id: string, signatures: string[]) => await post(`/batches/${id}/close`, { counters: {}, signatures });

  describe('a person', () => {
    it('is registered by an administrator, chooses a secret with a code that is good once, and logs in', async () => {
      const { id, login, setupCode } = await somebody({
        sites: ['urn:epc:id:sgln:9520123.00010.0'],
        qualifications: [{ step: 'bedside', until: '2028-12-31' }],
      });
      expect(codeOf(await post(`/people/${id}/secret`, { setupCode, secret: `${SECRET}!` }, { key: null }))).toEqual([401, 'ACC-DENIED']);
      const answer = await logIn(` ${login.toUpperCase()} `);
      expect(answer.statusCode).toBe(201);
      const { session, expires } = answer.json<{ session: string; expires: string }>();
      expect(session).toMatch(/^ls_[A-Za-z0-9_-]{43}$/);
      expect(Date.parse(expires) - Date.now() - ahead).toBeLessThanOrEqual(8 * 60 * MINUTE);
      expect((await server.get('/api/v1/sessions', { key: session })).json()).toMatchObject({
        id,
        roles: ['operator'],
        sites: ['414/9520123000103'],
      });
      expect((await server.get(`/api/v1/people/${id}`)).json()).toMatchObject({
        login,
        sites: ['414/9520123000103'],
        qualifications: [{ step: 'bedside', until: '2028-12-31' }],
        secret: true,
        ended: null,
      });
    });

    it('may do what the roles let them, is named by the entries, and stops when the session ends', async () => {
      const { id, login } = await somebody({ roles: ['serialAdmin'] });
      const key = await sessionOf(login);
      expect((await server.get('/api/v1/findings', { key })).statusCode).toBe(200);
      expect(codeOf(await server.get('/api/v1/keys', { key }))).toEqual([403, 'ACC-SCOPE']);
      expect((await post('/pools', { gtin: '09520123000110', length: 12 }, { key })).statusCode).toBe(201);
      expect((await server.call('DELETE', '/api/v1/sessions', { key })).statusCode).toBe(204);
      expect(codeOf(await server.get('/api/v1/findings', { key }))).toEqual([401, 'ACC-EXPIRED']);
      expect(codeOf(await server.call('DELETE', '/api/v1/sessions'))).toEqual([404, 'NOT-FOUND']);
      expect(id).toMatch(/^pe_/);
    });

    it('has no session beyond eight hours', async () => {
      const { login } = await somebody();
      const key = await sessionOf(login);
      expect((await server.get('/api/v1/findings', { key })).statusCode).toBe(200);
      ahead += 8 * 60 * MINUTE + 1;
      expect(codeOf(await server.get('/api/v1/findings', { key }))).toEqual([401, 'ACC-EXPIRED']);
    });

    it('who is changed may do the new at once, and who has gone nothing', async () => {
      const { id, login } = await somebody();
      const key = await sessionOf(login);
      expect(codeOf(await server.get('/api/v1/keys', { key }))).toEqual([403, 'ACC-SCOPE']);
      expect((await server.call('PATCH', `/api/v1/people/${id}`, { body: { roles: ['admin'], name: 'New Name' } })).json()).toMatchObject({
        roles: ['admin'],
        name: 'New Name',
      });
      expect((await server.get('/api/v1/keys', { key })).statusCode).toBe(200);
      expect((await server.call('PATCH', `/api/v1/people/${id}`, { body: { ended: true } })).json()).toMatchObject({
        ended: expect.any(String),
      });
      expect(codeOf(await server.get('/api/v1/keys', { key }))).toEqual([401, 'ACC-EXPIRED']);
      expect(codeOf(await logIn(login))).toEqual([401, 'ACC-DENIED']);
      expect(codeOf(await server.call('PATCH', `/api/v1/people/${id}`, { body: { name: 'x' } }))).toEqual([404, 'NOT-FOUND']);
      expect(codeOf(await post('/people', { login, name: 'Another', roles: ['qp'] }))).toEqual([409, 'ACC-TAKEN']);
    });

    it('who has gone is delivered nothing any more', async () => {
      const { id } = await somebody();
      const { mayRead } = server.service.deps.deliveries;
      expect(await mayRead(id)).toBe(true);
      await server.call('PATCH', `/api/v1/people/${id}`, { body: { roles: ['courier'] } });
      expect(await mayRead(id)).toBe(false);
      await server.call('PATCH', `/api/v1/people/${id}`, { body: { roles: ['operator'], ended: true } });
      expect([await mayRead(id), await mayRead('pe_none')]).toEqual([false, false]);
    });

    it('and a key may be of some sites alone, in any spelling that is one', async () => {
      const grant = async (site: string) => await post('/keys', { name: 'a site', roles: ['reader'], sites: [site] });
      const { key } = (await grant('https://id.gs1.org/414/9520123000103')).json<{ key: string }>();
      expect((await server.get('/api/v1/sessions', { key })).json()).toMatchObject({ name: 'a site', sites: ['414/9520123000103'] });
      const refused = problemOf(await grant('https://id.gs1.org/414/9520123000104'));
      expect([refused.code, refused.at]).toEqual(['ID-CHECK', '/sites/0']);
    });

    it('gets a new setup code when the secret is lost: the old secret and session are good no more', async () => {
      const { id, login } = await somebody();
      const key = await sessionOf(login);
      const made = await post(`/people/${id}/setup-code`, {});
      expect(made.statusCode).toBe(201);
      expect(codeOf(await server.get('/api/v1/findings', { key }))).toEqual([401, 'ACC-EXPIRED']);
      expect(codeOf(await logIn(login))).toEqual([401, 'ACC-DENIED']);
      const { setupCode } = made.json<{ setupCode: string }>();
      ahead += 73 * 60 * MINUTE;
      expect(codeOf(await post(`/people/${id}/secret`, { setupCode, secret: 'another long secret' }, { key: null }))).toEqual([
        401,
        'ACC-EXPIRED',
      ]);
    });

    it.each([
      ['short', 'elevenchars'],
      ['of one character', 'aaaaaaaaaaaaaaaa'],
      ['with the login in it', 'my-Person-0-secret'],
    ])('does not choose a secret that is %s', async (_, secret) => {
      const login = `chooser${++number}`;
      const { personId, setupCode } = (await post('/people', { login, name: 'x', roles: ['qp'] })).json<{
        personId: string;
        setupCode: string;
      }>();
      const answer = await post(`/people/${personId}/secret`, { setupCode, secret: secret.replace('Person-0', login) }, { key: null });
      expect(codeOf(answer)).toEqual([400, 'REQ-FORM']);
      expect(answer.body).not.toContain(secret);
    });
  });

  describe('guessing', () => {
    it('comes to the same answer for an unknown login as for a wrong secret, and locks both after five (domain.md §15)', async () => {
      const { id, login } = await somebody();
      const before = await size();
      const told = async (name: string) => {
        const answer = await logIn(name, 'not the secret at all');
        const { title, fix, status, code } = problemOf(answer);
        return JSON.stringify([title, fix.replace(/\d+/, 'n'), status, code, answer.headers['retry-after'] !== undefined]);
      };
      const known = [];
      const unknown = [];
      for (let i = 0; i < 6; i++) {
        known.push(await told(login));
        unknown.push(await told('nobody-at-all'));
      }
      expect(known).toEqual(unknown);
      expect(known[4]).toContain('ACC-DENIED');
      expect(known[5]).toContain('ACC-LOCKED');
      expect(codeOf(await logIn(login))).toEqual([429, 'ACC-LOCKED']);
      expect((await server.get(`/api/v1/people/${id}`)).json()).toMatchObject({ locked: true });
      // Each failure is an entry; what was refused for the lock was no attempt.
      expect(await size()).toBe(before + 10);
      ahead += 15 * MINUTE + 1;
      expect((await logIn(login)).statusCode).toBe(201);
    });

    it('many at once is no way around the lock', async () => {
      const { login } = await somebody();
      const answers = await Promise.all(Array.from({ length: 8 }, () => logIn(login, 'wrong wrong wrong')));
      expect(answers.filter((answer) => problemOf(answer).code === 'ACC-DENIED')).toHaveLength(5);
      expect(answers.filter((answer) => problemOf(answer).code === 'ACC-LOCKED')).toHaveLength(3);
    });

    it('from one address ends after twenty failures a minute', async () => {
      for (let i = 0; i < 20; i++) await logIn(`stranger-${i}`, 'wrong wrong wrong');
      const answer = await logIn('stranger-21', 'wrong wrong wrong');
      expect(codeOf(answer)).toEqual([429, 'ACC-RATE']);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    });
  });

  describe('a signing token', () => {
    it('is one signature of one act: two people close a batch, and the signatures tell who, when, why and for which version', async () => {
      const [a, b, id] = [await somebody(), await somebody(), await batch()];
      const key = await sessionOf(b.login);
      const signatures = [
        await tokenOf(a.login, { offset: '+05:30' }),
        await tokenOf(b.login, { meaning: 'witnessed', reason: 'I saw it' }, { key }),
      ];
      const closed = await close(id, signatures);
      expect(closed.statusCode).toBe(200);
      const told = (await server.get(`/api/v1/batches/${id}`)).json<{ signatures: { id: string; at: string; digest: string }[] }>()
        .signatures;
      expect(told).toMatchObject([
        { person: a.id, meaning: 'reviewed', reason: null, about: `batch/${id}`, shown: 'for version 1', entry: { kind: 'batch' } },
        { person: b.id, meaning: 'witnessed', reason: 'I saw it', version: 1 },
      ]);
      expect(told[0]?.at).toMatch(/\+05:30$/);
      expect((await server.get(`/api/v1/signatures/${told[0]?.id}`)).json()).toEqual(told[0]);
      expect(codeOf(await close(await batch(), signatures))).toEqual([409, 'SIG-USED']);
    });

    it('is used by one of many acts that are sent at once', async () => {
      const [a, b] = [await somebody(), await somebody()];
      const tokens = [await tokenOf(a.login), await tokenOf(b.login, {}, { key: await sessionOf(b.login) })];
      const ids = await Promise.all(Array.from({ length: 6 }, () => batch()));
      const answers = await Promise.all(ids.map((id) => close(id, tokens)));
      expect(answers.map((answer) => answer.statusCode).sort((x, y) => x - y)).toEqual([200, 409, 409, 409, 409, 409]);
    });

    it('is not used up by an act that is refused', async () => {
      const [a, b] = [await somebody(), await somebody()];
      const tokens = [await tokenOf(a.login), await tokenOf(b.login, {}, { key: await sessionOf(b.login) })];
      expect(codeOf(await close('batch_none', tokens))).toEqual([404, 'NOT-FOUND']);
      expect((await close(await batch(), tokens)).statusCode).toBe(200);
    });

    it('is not taken when unknown, too old, of somebody gone, or bound to something else', async () => {
      const [a, b, id] = [await somebody(), await somebody(), await batch()];
      const other = await tokenOf(b.login, {}, { key: await sessionOf(b.login) });
      expect(codeOf(await close(id, [other, 'st_none']))).toEqual([409, 'SIG-MISSING']);
      expect(codeOf(await close(id, [other, await tokenOf(a.login, { record: 'ab'.repeat(32) })]))).toEqual([409, 'SIG-STALE']);
      const old = await tokenOf(a.login);
      ahead += 10 * MINUTE + 1;
      expect(codeOf(await close(id, [other, old]))).toEqual([409, 'SIG-STALE']);
      const late = await tokenOf(a.login);
      await server.call('PATCH', `/api/v1/people/${a.id}`, { body: { ended: true } });
      expect(codeOf(await close(id, [late, late]))).toEqual([409, 'SIG-STALE']);
    });

    it('of one person twice, or two of one key within three seconds, are not two people (INV-10)', async () => {
      const [a, b, id] = [await somebody(), await somebody(), await batch()];
      expect(codeOf(await close(id, [await tokenOf(a.login), await tokenOf(a.login, {}, { key: await sessionOf(a.login) })]))).toEqual([
        409,
        'COI-2P',
      ]);
      expect(codeOf(await close(id, [await tokenOf(a.login), await tokenOf(b.login)]))).toEqual([409, 'COI-2P']);
      expect(codeOf(await close(id, [await tokenOf(a.login)]))).toEqual([409, 'COI-2P']);
      const same = await tokenOf(a.login);
      expect(codeOf(await close(id, [same, same]))).toEqual([409, 'SIG-USED']);
      const one = await tokenOf(a.login);
      ahead += 3_000;
      expect((await close(id, [one, await tokenOf(b.login)])).statusCode).toBe(200);
    });

    it('bound to what is signed is good for that', async () => {
      const { contentDigest } = await import('../../src/access/index.ts');
      const [a, b, id] = [await somebody(), await somebody(), await batch()];
      const record = contentDigest({ counters: {} });
      const tokens = [await tokenOf(a.login, { record }), await tokenOf(b.login, { record }, { key: await sessionOf(b.login) })];
      expect((await close(id, tokens)).statusCode).toBe(200);
    });

    it('says nothing for quality by somebody who administers (domain.md §15)', async () => {
      const { login } = await somebody({ roles: ['admin', 'qp'] });
      expect(codeOf(await sign(login, { meaning: 'released' }))).toEqual([409, 'SIG-SOD']);
      expect((await sign(login, { meaning: 'witnessed' })).statusCode).toBe(201);
    });

    it('needs the secret each time, and a bearer', async () => {
      const { login } = await somebody();
      expect(codeOf(await sign(login, { secret: 'wrong wrong wrong' }))).toEqual([401, 'ACC-DENIED']);
      expect((await sign(login, {}, { key: null })).statusCode).toBe(401);
    });
  });

  it('no secret, code, session or token stands in what the store exports or the program logs', async () => {
    const { login, setupCode } = await somebody();
    const session = await sessionOf(login);
    const token = await tokenOf(login);
    const bundles = await server.get('/ledger/tile/entries/000.p/1');
    for (const hidden of [SECRET, setupCode, session, token]) {
      expect(said.join('\n')).not.toContain(hidden);
      expect(bundles.body).not.toContain(hidden);
      expect((await server.get('/api/v1/people')).body).not.toContain(hidden);
      expect((await server.get('/metrics')).body).not.toContain(hidden);
    }
  });
});
