import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caseOf, commission, documentOf, MAKER, observe, pack, packOf, palletOf, SHOP, ship, unpack } from '../support/events.ts';
import { problemOf, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

const A = '9520123000059';
const B = '9520123000066';
const C = '9520123000073';
const T = Date.parse('2026-06-01T12:00:00Z');
const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

describe.each(ENGINES)('requests to verify on %s', (engine) => {
  let server: TestServer;
  let clock = T;
  beforeAll(async () => {
    server = await TestServer.on(engine, {}, undefined, () => clock);
    const all = Array.from({ length: 40 }, (_, i) => packOf(i));
    const job = await server.capture(
      documentOf([
        commission(0, all, { lot: 'L1', expiry: '2028-01-31', site: MAKER }),
        commission(0, [caseOf(1), caseOf(2), caseOf(3)], { lot: 'L1', expiry: '2028-01-31', site: MAKER }),
        commission(0, packOf('OTHER'), { lot: 'L2', expiry: '2028-01-31', site: MAKER }),
        pack(5, caseOf(1), all.slice(20, 24)),
        pack(5, caseOf(2), all.slice(24, 28)),
        pack(5, caseOf(3), [...all.slice(28, 30), packOf('OTHER')]),
        pack(6, palletOf(1), [caseOf(1)]),
        ship(10, [...all.slice(0, 20), palletOf(1), caseOf(2), caseOf(3)], { site: MAKER, from: MAKER, to: SHOP }),
        unpack(20, caseOf(2), packOf(24)),
      ]),
    );
    expect(job.success).toBe(true);
  }, 60_000);
  afterAll(() => server.close());

  const caller = async () => (await server.service.deps.keys.grant({ name: 'a caller', roles: ['reader'] }, 'test')).key;
  const ask = async (serial: string, more: Record<string, string> = {}, key?: string) =>
    await server.get(
      `/verify/gtin/09520123000110/lot/L1/ser/${serial}?${new URLSearchParams({ exp: '280131', ...more }).toString()}`,
      key === undefined ? {} : { key },
    );
  const settled = async () => await server.service.deps.verification.settled();
  const list = async (query = '') => (await server.get(`/api/v1/verifications?since=2000-01-01T00:00:00Z${query}`)).json();
  /** Newest first; the clock of these tests goes to and fro. */
  const listAt = async (time: number) =>
    (await list('&perPage=1000')).verifications.filter(({ at }: { at: string }) => at === new Date(time).toISOString());
  const findings = async (code: string) =>
    (await server.get(`/api/v1/findings?code=${code}&state=open`)).json().findings as { things: string[] }[];

  it('gives the same answer to the same corrUUID for 24 h, and counts it once (row 21)', async () => {
    const before = (await list()).counts.total;
    const first = await ask('P0', { corrUUID: uuid(1) });
    clock += 1000;
    const again = await ask('P0', { corrUUID: uuid(1) });
    expect(again.body).toBe(first.body);
    expect(first.json().corrUUID).toBe(uuid(1));
    await settled();
    expect((await list()).counts.total).toBe(before + 1);
    const other = await ask('P1', { corrUUID: uuid(1) });
    expect(other.statusCode).toBe(400);
    expect(problemOf(other)).toMatchObject({ at: '?corrUUID' });
    // Another caller has corrUUIDs of its own.
    expect((await ask('P1', { corrUUID: uuid(1) }, await caller())).statusCode).toBe(200);
    clock += 24 * 3_600_000;
    expect((await ask('P0', { corrUUID: uuid(1) })).json().verificationTimestamp).toBe(new Date(clock).toISOString());
    clock = T;
  });

  it('finds the answer that another process, or an earlier run, has stored', async () => {
    const first = await ask('P2', { corrUUID: uuid(2) });
    await settled();
    const { Verification } = await import('../../src/verification/verification.ts');
    const { readers, capture, verification } = server.service.deps;
    const other = new Verification({ readers, capture }, verification.options);
    const [row] = (await list('&perPage=1')).verifications;
    const again = await other.answer(
      { key: '01/09520123000110/21/P2', lot: 'L1', expiry: '280131', site: null },
      { id: row.caller, source: 'elsewhere' },
      { corr: uuid(2) },
    );
    expect(again).toEqual(first.json());
    await other.close();
  });

  it('keeps every request: what did not match without its serial number, and what could not be checked', async () => {
    await ask('NEVER-SEEN');
    await server.get('/verify/gtin/00012345678905/lot/L1/ser/X1?exp=280131');
    await ask('P3', { reqGLN: A });
    await settled();
    const { counts } = await list();
    const verifications = await listAt(T);
    expect(verifications[0]).toMatchObject({
      thing: '01/09520123000110/21/P3',
      serialHash: null,
      site: A,
      outcome: 'true',
      call: 'verify',
    });
    expect(verifications[1]).toMatchObject({ thing: null, outcome: 'error', reason: 'NOT-FOUND', answer: null });
    expect(verifications[2]).toMatchObject({ thing: null, outcome: 'false', serialHash: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(JSON.stringify(verifications)).not.toContain('NEVER-SEEN');
    expect(counts.total).toBe(counts.verified + counts.notVerified + counts.couldNotCheck);
    expect(counts.p99Ms).toBeGreaterThanOrEqual(counts.p50Ms);
  });

  it('keeps of a scan that failed its hash, settings and warnings, and of one that matched its bytes (§8.1, codes.md §8)', async () => {
    const profile = { required: ['01', '21'] };
    clock = T + 1;
    const scan = async (serial: string) => {
      const text = `]d201095201230001101728013110L1\u001d21${serial}`;
      const answer = await server.call('POST', '/api/v1/scan', { body: { scan: text, profile } });
      expect(answer.json(), answer.body).toMatchObject({ ok: true, verdict: { verified: serial === 'P14' } });
      return Buffer.from(text).toString('base64');
    };
    const raw = await scan('P14');
    const unseen = await scan('UNSEEN-1');
    await scan('UNSEEN-1');
    await scan('UNSEEN-2');
    await settled();
    const verifications = await listAt(T + 1);
    clock = T;
    expect(verifications).toHaveLength(4);
    const [other, again, first, right] = verifications.map((one: { scan: Record<string, unknown> }) => one.scan);
    expect(right).toMatchObject({ raw, profile });
    expect(first).toEqual({ rawHash: expect.stringMatching(/^[0-9a-f]{64}$/), profile, warnings: [] });
    expect(again).toEqual(first);
    expect(other.rawHash).not.toBe(first.rawHash);
    const text = JSON.stringify(verifications);
    expect(text).not.toContain('UNSEEN');
    expect(text).not.toContain(unseen);
  });

  it('keeps for the maker alone that an unknown serial number is that of another product (row 6)', async () => {
    clock = T + 2;
    await server.capture(documentOf([commission(40, packOf('SIX', 12), { lot: 'L1', expiry: '2028-01-31', site: MAKER })]));
    const answer = await ask('PSIX');
    expect(answer.json().data).toEqual({ verified: false, verificationFailureReason: 'No_match_GTIN_Serial' });
    const unknown = await ask('PNONE');
    expect(unknown.json().data).toEqual(answer.json().data);
    await settled();
    const verifications = await listAt(T + 2);
    clock = T;
    expect(verifications.map(({ info }: { info: string | null }) => info)).toEqual([null, 'other product']);
    expect(JSON.stringify(verifications[1].answer)).not.toContain('other product');
  });

  it('pages through them, each once', async () => {
    const seen: string[] = [];
    let url: string | undefined = '/api/v1/verifications?since=2000-01-01T00:00:00Z&perPage=2';
    while (url !== undefined) {
      const answer = await server.get(url);
      seen.push(...answer.json().verifications.map(({ id }: { id: string }) => id));
      url = /<([^>]+)>/.exec(String(answer.headers['link'] ?? ''))?.[1];
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBe((await list()).counts.total);
    expect([...seen].sort().reverse()).toEqual(seen);
  });

  it('answers 429 after 20 failures in a minute, and says that somebody guesses (row 20); others are answered', async () => {
    clock += 2 * 3_600_000;
    const [guesser, honest] = [await caller(), await caller()];
    const statuses: number[] = [];
    for (let i = 0; i < 200; i++) statuses.push((await ask(`GUESS${i * 7}`, {}, guesser)).statusCode);
    expect(statuses.slice(0, 20)).toEqual(Array(20).fill(200));
    expect(statuses.slice(20)).toEqual(Array(180).fill(429));
    const refused = await ask('P4', {}, guesser);
    expect(refused.statusCode).toBe(429);
    expect(problemOf(refused).code).toBe('ACC-RATE');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await ask('P4', {}, honest)).json().data).toEqual({ verified: true });
    await settled();
    expect(await findings('VER-GUESS')).not.toHaveLength(0);
    clock += 61_000;
    expect((await ask('P4', {}, guesser)).json().data).toEqual({ verified: true });
  });

  it('answers no more than 20 failures of one caller that come at once (§8.6)', async () => {
    clock += 3_600_000;
    const key = await caller();
    const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => ask(`AT1ONCE${i * 7919}`, {}, key)));
    expect(answers.filter(({ statusCode }) => statusCode === 200).length).toBe(20);
    expect(answers.filter(({ statusCode }) => statusCode === 429).length).toBe(40);
    clock += 3_600_000;
  });

  it('takes 500 verifications of one caller that are right (§8.6)', async () => {
    const key = await caller();
    for (let i = 0; i < 500; i++) expect((await ask(`P${i % 20}`, {}, key)).statusCode).toBe(200);
  });

  it('suspects a clone of what is verified at three sites within 24 h, and answers false from then on', async () => {
    for (const [i, site] of [A, B, C].entries()) {
      clock += i * 3_600_000;
      expect((await ask('P6', { reqGLN: site })).json().data.verified).toBe(true);
      await settled();
    }
    expect((await findings('VER-CLONE')).flatMap(({ things }) => things)).toEqual(['01/09520123000110/21/P6']);
    expect((await ask('P6')).json().data).toMatchObject({ verified: false, additionalInfo: 'Suspect' });
  });

  it('suspects a clone of what was at two sites sooner than anybody travels between them', async () => {
    const place = (gln: string, latitude: string, longitude: string) => ({
      id: `https://id.gs1.org/414/${gln}`,
      attributes: [
        { id: 'cbvmda:latitude', attribute: latitude },
        { id: 'cbvmda:longitude', attribute: longitude },
      ],
    });
    const vocabularyList = [
      { type: 'urn:epcglobal:epcis:vtype:Location', vocabularyElementList: [place(A, '46.75', '7.63'), place(B, '4.71', '-74.07')] },
    ];
    await server.capture(documentOf([observe(30, packOf(9))], { epcisHeader: { epcisMasterData: { vocabularyList } } }));
    for (const serial of ['P7', 'P8']) await ask(serial, { reqGLN: A });
    clock += 3_600_000;
    await ask('P7', { reqGLN: B });
    clock += 12 * 3_600_000;
    await ask('P8', { reqGLN: B });
    await settled();
    const things = (await findings('VER-CLONE')).flatMap((finding) => finding.things);
    expect(things).toContain('01/09520123000110/21/P7');
    expect(things).not.toContain('01/09520123000110/21/P8');
  });

  it('judges a list, and what is in a sealed container by one verdict for all of it', async () => {
    const bulk = async (body: object) => (await server.call('POST', '/api/v1/verify/bulk', { body })).json();
    const of = ['(01)09520123000110(21)P10(10)L1(17)280131', packOf(11), '(01)09520123000110(21)P12(10)LX'];
    expect((await bulk({ of })).verdicts).toEqual([
      { of: '01/09520123000110/21/P10', verified: true },
      { of: '01/09520123000110/21/P11', verified: true },
      { of: '01/09520123000110/21/P12', verified: false, verificationFailureReason: 'No_match_GTIN_Serial_Lot' },
    ]);
    expect((await bulk({ container: palletOf(1) })).container).toMatchObject({ packs: 4, inferred: true, verdict: { verified: true } });
    expect((await bulk({ container: caseOf(2) })).container).toMatchObject({
      packs: 3,
      inferred: false,
      because: 'it was opened',
      verdict: null,
    });
    expect((await bulk({ container: caseOf(3) })).container).toMatchObject({ inferred: false, verdict: null });
    expect((await server.call('POST', '/api/v1/verify/bulk', { body: { container: palletOf(77) } })).statusCode).toBe(404);
    expect((await server.call('POST', '/api/v1/verify/bulk', { body: {} })).statusCode).toBe(400);
  });

  it('says who answers for a product, and 404 for another (GET /checkConnectivity)', async () => {
    expect((await server.get(`/checkConnectivity?gtin=09520123000110&reqGLN=${A}`)).json()).toEqual({ responderGLN: '9520123000011' });
    expect((await server.get('/checkConnectivity?gtin=00012345678905')).statusCode).toBe(404);
  });

  it('answers only authorised partners once master data name any (domain.md §9)', async () => {
    const partner = (gln: string, until: string) => ({
      id: `https://id.gs1.org/417/${gln}`,
      attributes: [{ id: 'urn:lotline:mda:licenceValidUntil', attribute: until }],
    });
    const vocabularyList = [
      { type: 'urn:epcglobal:epcis:vtype:Party', vocabularyElementList: [partner(A, '2030-12-31'), partner(B, '2026-05-31')] },
    ];
    await server.capture(documentOf([observe(31, packOf(9))], { epcisHeader: { epcisMasterData: { vocabularyList } } }));
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect((await ask('P13', { reqGLN: A })).json().data).toEqual({ verified: true });
    for (const more of [{ reqGLN: B }, { reqGLN: C }, {}] as Record<string, string>[]) {
      const answer = await ask('P13', more);
      expect(answer.statusCode, JSON.stringify(more)).toBe(403);
      expect(problemOf(answer)).toMatchObject({ code: 'ACC-SCOPE', at: '?reqGLN' });
    }
  });
});
