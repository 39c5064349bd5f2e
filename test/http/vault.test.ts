import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Role } from '../../src/access/index.ts';
import { exportToFile } from '../../src/cli/export.ts';
import { verifyStore } from '../../src/cli/verify-log.ts';
import { BIZ_STEP, IDENTITY_NAMESPACE } from '../../src/identity/vocabulary.ts';
import { parseVerifierKey } from '../../src/ledger/index.ts';
import { unpackBytes } from '../../src/store/payload.ts';
import { connect, PostgresDb } from '../../src/store/postgres/open.ts';
import { openForReading, SqliteDb } from '../../src/store/sqlite/open.ts';
import { EPCIS_CONTEXT, siteOf } from '../support/events.ts';
import { type Answer, type Call, problemOf, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

const SECRET = 'correct horse battery staple';
const HEADERS = { 'x-purpose': 'treatment' };
const BAG = 'urn:epc:id:sgtin:9520123.000011.COI1';

/** Nobody's names, in several scripts; no other text of a test has any of these. */
const IDENTITIES = [
  {
    name: 'Zyngvild Übelhörßen',
    birthDate: '1931-07-29',
    recordNumber: 'KRX-8830417',
    phone: '+49 7777 6213345',
    email: 'zyngvild@uebel.example',
  },
  { name: 'Qwertović, Drágomira', birthDate: '1947-11-03', recordNumber: 'ZZ90817263' },
  { name: 'Φιλοξένιος Ξανθογιώργης', birthDate: '1958-02-17', recordNumber: 'PT/662-19-X7' },
  { name: 'Жмеринский Велимудр', birthDate: '1969-06-24', recordNumber: '55501928374' },
  { name: '欧阳靐龘', birthDate: '1972-08-31', recordNumber: 'HN00918273' },
  { name: 'عبقرينو الزمخشري', birthDate: '1983-05-05', recordNumber: 'الملف٨٨٢٣١', address: 'Xylophongasse 4711, Quakenhausen' },
];
/** What would give one of them away, in the spellings in which it may have come to lie somewhere. */
const TELLTALES = IDENTITIES.flatMap(({ name, birthDate, recordNumber, ...more }) => [
  ...name.split(/[ ,]+/),
  birthDate,
  birthDate.split('-').reverse().join('.'),
  recordNumber,
  ...Object.values(more),
]).flatMap((text) => [text, text.toLowerCase(), text.toUpperCase(), JSON.stringify(text).slice(1, -1), encodeURIComponent(text)]);

function tellsOf(bytes: Uint8Array, where: string): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const utf16 = (word: string) => Buffer.from(word, 'utf16le');
  return TELLTALES.filter((word) => text.includes(word) || text.includes(utf16(word))).map((word) => `${where}: ${word}`);
}
const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());

describe.each(ENGINES)('the vault on %s', (engine) => {
  let server: TestServer;
  const said: string[] = [];
  let number = 0;
  let pause = Date.now();
  beforeAll(async () => {
    server = await TestServer.on(
      engine,
      {},
      (line) => said.push(line),
      () => pause,
    );
  }, 60_000);
  afterAll(() => server.close());

  const api = async (method: Parameters<TestServer['call']>[0], path: string, body?: unknown, call: Call = {}): Promise<Answer> =>
    await server.call(method, `/api/v1${path}`, { ...call, ...(body !== undefined && { body }) });
  const post = (path: string, body: unknown, call: Call = {}) => api('POST', path, body, call);
  const codeOf = (answer: Answer) => [answer.statusCode, problemOf(answer).code];
  const as = async (role: Role): Promise<Call> => ({ key: await server.keyOf(role), headers: HEADERS });
  const register = async (identity: object): Promise<string> => {
    const answer = await post('/identity/patients', { identity, purpose: 'treatment' });
    expect(answer.statusCode, answer.body).toBe(201);
    return answer.json<{ patientRef: string }>().patientRef;
  };
  const readBy = async (ref: string, call: Call) => await api('GET', `/identity/patients/${ref}/identity`, undefined, call);

  const logins = new Map<Role, string>();
  /** A signing token of somebody of this role; each a little later than the one before. */
  async function tokenOf(role: Role, meaning = 'approved'): Promise<string> {
    let login = logins.get(role);
    if (login === undefined) {
      login = `staff-${++number}`;
      const made = (await post('/people', { login, name: `Staff ${number}`, roles: [role] })).json<{
        personId: string;
        setupCode: string;
      }>();
      expect((await post(`/people/${made.personId}/secret`, { setupCode: made.setupCode, secret: SECRET }, { key: null })).statusCode).toBe(
        204,
      );
      logins.set(role, login);
    }
    pause += 4_000;
    const answer = await post('/signing-tokens', { login, secret: SECRET, meaning });
    expect(answer.statusCode, answer.body).toBe(201);
    return answer.json<{ token: string }>().token;
  }
  const both = async () => [await tokenOf('privacyOfficer'), await tokenOf('qaReviewer')];
  const erase = async (patientRef: string, of: 'contact' | 'identity', decision: 'erase' | 'restrict' | 'refuse', signatures: string[]) =>
    await post('/identity/erasures', { patientRef, class: of, decision, reason: 'asked for by the person', signatures });

  const coiEvent = (more: object) => ({
    '@context': [EPCIS_CONTEXT, { coi: IDENTITY_NAMESPACE }],
    type: 'ObjectEvent',
    eventTime: new Date(Date.now() - 60_000).toISOString(),
    eventTimeZoneOffset: '+00:00',
    readPoint: { id: siteOf(41) },
    ...more,
  });
  /** An order of a patient whose cells were collected, and given where `given`. */
  async function therapy(patientRef: string, { given }: { given: boolean }): Promise<string> {
    const n = ++number;
    const coiId = `CHA999926TT${String(n).padStart(4, '0')}`;
    const orderId = `or_vault${n}`;
    const site = '414/9520123000417';
    await server.service.deps.capture.record(
      {
        kind: 'identity-act',
        id: orderId,
        act: 'order',
        body: {
          orderId,
          coiId,
          patientRef,
          product: 'P',
          template: { id: 'autologous-car-t', version: 1 },
          treatmentSite: site,
          collectionSite: site,
          manufacturer: site,
        },
        time: Date.now(),
        signatures: [],
      },
      'test',
    );
    const bag = `${BAG}X${n}`;
    const events = [
      {
        action: 'ADD',
        bizStep: 'commissioning',
        disposition: 'active',
        epcList: [bag],
        'coi:chain': coiId,
        'coi:order': orderId,
        ilmd: { 'cbvmda:itemExpirationDate': '2030-01-31' },
      },
      ...(given
        ? [
            {
              action: 'DELETE',
              bizStep: BIZ_STEP.infusing,
              disposition: 'dispensed',
              epcList: [bag],
              'coi:chain': coiId,
              'coi:recipient': patientRef,
            },
          ]
        : []),
    ];
    for (const event of events) {
      const answer = await server.call('POST', '/epcis/events', { body: coiEvent(event) });
      expect(answer.statusCode, answer.body).toBe(201);
    }
    return coiId;
  }

  it('takes an identity and gives a reference; the identity is read by who may, for a purpose, and every read is on record (INV-29)', async () => {
    const ref = await register({ name: 'Sibylle Vorbild', birthDate: '1960-01-02' });
    expect(ref).toMatch(/^pr_[a-z2-7]{26}$/);
    const read = await readBy(ref, await as('treatmentSite'));
    expect([read.statusCode, read.json()]).toEqual([200, { identity: { name: 'Sibylle Vorbild', birthDate: '1960-01-02' } }]);
    expect(codeOf(await readBy(ref, { headers: HEADERS }))).toEqual([403, 'ACC-SCOPE']);
    expect(codeOf(await readBy(ref, { key: await server.keyOf('treatmentSite') }))).toEqual([403, 'ACC-PURPOSE']);
    expect(codeOf(await readBy(`pr_${'a'.repeat(26)}`, await as('treatmentSite')))).toEqual([404, 'NOT-FOUND']);
    const donor = await post('/identity/donors', { identity: { name: 'Spenda Vorbild' }, purpose: 'treatment' });
    expect(donor.json()).toMatchObject({
      ok: true,
      donorRef: expect.stringMatching(/^dr_[a-z2-7]{26}$/),
      entry: { seq: expect.any(Number) },
    });
    const reads = (await api('GET', `/reads?patient=${ref}`, undefined, { headers: HEADERS })).json<{ reads?: unknown[] } | unknown[]>();
    expect(JSON.stringify(reads)).toContain(ref);
  });

  it.each([{ identity: {} }, { identity: { name: '' } }, { identity: { name: 4 } }, { identity: 'x' }, {}])(
    'takes no %j for an identity',
    async (body) => {
      expect(codeOf(await post('/identity/patients', { purpose: 'treatment', ...body }))).toEqual([400, 'REQ-FORM']);
    },
  );

  it('merges no patients, whoever asks (INV-04, C-12): a link says that two are one person, and the entry names neither', async () => {
    const [a, b] = [await register({ name: 'Doppelte Registrierung' }), await register({ name: 'Doppelte Registrierung' })];
    for (const key of [server.keys.admin, await server.keyOf('privacyOfficer'), server.keys.reader])
      expect(codeOf(await post('/identity/patients/merge', { patientRefs: [a, b] }, { key }))).toEqual([405, 'COI-NOMERGE']);
    const asked = { patientRefs: [a, b], reason: 'same person at two sites' };
    expect(codeOf(await post('/identity/links', asked))).toEqual([409, 'SIG-MISSING']);
    expect(await server.service.deps.vault.linked(a)).toEqual([]);
    const linked = await post('/identity/links', { ...asked, signatures: [await tokenOf('coiCoordinator')] });
    expect(linked.statusCode, linked.body).toBe(201);
    expect([await server.service.deps.vault.linked(a), await server.service.deps.vault.linked(b)]).toEqual([[b], [a]]);
    const { seq } = linked.json<{ entry: { seq: number } }>().entry;
    const entry = (await server.get(`/api/v1/ledger/entries/${seq}`)).body + (await server.get(`/api/v1/entries/${seq}`)).body;
    expect(entry).not.toContain(a);
    expect((await readBy(a, await as('treatmentSite'))).statusCode).toBe(200);
  });

  it.each(['patients', 'donors', 'chains', 'orders'])('has no call that merges %s, and says so to everybody (INV-04)', async (things) => {
    for (const key of [server.keys.admin, await server.keyOf('privacyOfficer'), await server.keyOf('qp')])
      expect(codeOf(await post(`/identity/${things}/merge`, { anything: ['a', 'b'] }, { key }))).toEqual([405, 'COI-NOMERGE']);
  });

  it('an order keeps its patient: no amendment names another one (INV-02, INV-04)', async () => {
    const amended = await post('/identity/orders/or_aaaaaaaaaaaaaaaaaaaaaaaaaa/amendments', {
      patientRef: await register({ name: 'Umgebucht Vertauscht' }),
      reason: 'mixed up',
      signatures: [],
    });
    expect(codeOf(amended)).toEqual([400, 'REQ-FORM']);
  });

  it('puts an identity right: a new version in the vault, and no values in the journal', async () => {
    const ref = await register({ name: 'Falsch Geschrieben' });
    const call = await as('treatmentSite');
    const answer = await api('PUT', `/identity/patients/${ref}/identity`, { identity: { name: 'Richtig Geschrieben' } }, call);
    expect([answer.statusCode, answer.json()]).toMatchObject([200, { ok: true, version: 2 }]);
    expect((await readBy(ref, call)).json()).toEqual({ identity: { name: 'Richtig Geschrieben' } });
  });

  it.runIf(engine === 'postgres')('comes back for what somebody still saw while it was erased', { timeout: 60_000 }, async () => {
    const ref = await register({ name: 'Langsam Gelesen' });
    const row = await server.service.deps.readers.look('vaultRow', { ref });
    const secrets = [row?.wrapped, row?.sealed].filter((text) => typeof text === 'string');
    const reader = await connect({ url: server.place.databaseUrl as string }, { application: 'test', statementTimeoutMs: 60_000 });
    try {
      await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      await reader.query('SELECT 1 FROM pg_class LIMIT 1');
      expect((await erase(ref, 'identity', 'erase', await both())).statusCode).toBe(201);
      expect(codeOf(await readBy(ref, await as('treatmentSite')))).toEqual([410, 'VLT-ERASED']);
      expect(await stillOnDisk(engine, server, secrets)).toBe(true);
      await reader.query('COMMIT');
    } finally {
      await reader.end();
    }
    const told = async () => {
      await register({ name: 'Irgend Jemandem' });
      expect(await stillOnDisk(engine, server, secrets)).toBe(false);
    };
    await vi.waitFor(told, { timeout: 40_000, interval: 500 });
  });

  it('erases only with the signatures of privacy and of quality, of two people', async () => {
    const ref = await register({ name: 'Nurein Unterzeichner' });
    expect(codeOf(await erase(ref, 'identity', 'erase', []))).toEqual([409, 'SIG-MISSING']);
    expect(codeOf(await erase(ref, 'identity', 'erase', [await tokenOf('privacyOfficer')]))).toEqual([409, 'SIG-MISSING']);
    expect(codeOf(await erase(ref, 'identity', 'erase', [await tokenOf('privacyOfficer'), await tokenOf('operator')]))).toEqual([
      409,
      'SIG-MISSING',
    ]);
    expect((await readBy(ref, await as('treatmentSite'))).statusCode).toBe(200);
    expect((await erase(ref, 'identity', 'refuse', await both())).statusCode).toBe(201);
    expect((await readBy(ref, await as('treatmentSite'))).statusCode).toBe(200);
  });

  it('refuses to erase who was given cells before the term is over (INV-30); restricts instead; contact details may go (C-17)', async () => {
    const ref = await register({ name: 'Gabe Empfangen', phone: '+49 8888 1234567' });
    await therapy(ref, { given: true });
    const refused = await erase(ref, 'identity', 'erase', await both());
    expect(codeOf(refused)).toEqual([409, 'RET-TERM']);
    expect(problemOf(refused).title).toContain('2060-01-31');
    const contact = await erase(ref, 'contact', 'erase', await both());
    expect(contact.statusCode, contact.body).toBe(201);
    const call = await as('treatmentSite');
    expect((await readBy(ref, call)).json()).toEqual({ identity: { name: 'Gabe Empfangen' } });
    expect((await erase(ref, 'identity', 'restrict', await both())).statusCode).toBe(201);
    expect(codeOf(await readBy(ref, call))).toEqual([403, 'VLT-RESTRICTED']);
    expect((await readBy(ref, { ...call, headers: { 'x-purpose': 'traceability' } })).statusCode).toBe(200);
  });

  describe('free text', () => {
    beforeAll(async () => {
      await register({ name: 'Wenzeslaus Kržižanovský', birthDate: '1955-10-13', recordNumber: 'KK-776655' });
    });
    const holdOf = (reason: string) => post('/findings', { code: 'EX-PND-1', things: [BAG], note: reason });
    const keyCalled = (name: string) => post('/keys', { name, roles: ['reader'] });

    it.each([
      ['Kržižanovský', 'key of Kržižanovský'],
      ['krzizanovsky', 'key of krzizanovsky'],
      ['KRŽIŽANOVSKÝ', 'KRŽIŽANOVSKÝ'],
      ['13.10.1955', 'of 13.10.1955'],
      ['1955-10-13', '1955-10-13'],
      ['13101955', '13101955'],
      ['KK-776655', 'KK-776655'],
      ['kk 776655', 'number kk776655'],
      ['a@b.example', 'ask a@b.example'],
      ['12.04.1961', 'geb. 12.04.1961'],
    ])('with %s in it is refused, and not repeated (INV-27)', async (value, text) => {
      const answer = await keyCalled(text);
      expect(codeOf(answer)).toEqual([400, 'PII-FOUND']);
      expect(answer.body).not.toContain(value);
      expect(problemOf(answer).at).toBe('/name');
    });

    it('in events is refused at the door, in JSON and XML, in documents and alone, with the namespace of identity and without', async () => {
      const note = {
        'ex:note': 'told by Kržižanovský',
        '@context': [EPCIS_CONTEXT, { coi: IDENTITY_NAMESPACE, ex: 'http://ns.example.com/' }],
      };
      const event = { ...coiEvent({ action: 'OBSERVE', epcList: [BAG] }), ...note };
      expect(codeOf(await server.call('POST', '/epcis/events', { body: event }))).toEqual([400, 'PII-FOUND']);
      const { '@context': context, ...bare } = event;
      const document = {
        '@context': context,
        type: 'EPCISDocument',
        schemaVersion: '2.0',
        creationDate: '2026-03-01T08:00:00Z',
        epcisBody: { eventList: [bare] },
      };
      expect(codeOf(await server.call('POST', '/epcis/capture', { body: document }))).toEqual([400, 'PII-FOUND']);
      const proceeding = { 'gs1-capture-error-behaviour': 'proceed' };
      expect(codeOf(await server.call('POST', '/epcis/capture', { body: document, headers: proceeding }))).toEqual([400, 'PII-FOUND']);
      const xml = '<?xml version="1.0"?><x note="Kr&#382;i&#x17E;anovsk&#253;"/>';
      expect(codeOf(await server.call('POST', '/epcis/capture', { body: xml, headers: { 'content-type': 'application/xml' } }))).toEqual([
        400,
        'PII-FOUND',
      ]);
      const large = { ...document, 'coi:note': 'x'.repeat(1024 * 1024 + 1) };
      expect(codeOf(await server.call('POST', '/epcis/capture', { body: large }))).toEqual([413, 'REQ-LIMIT']);
    });

    it('about cells that has the form of personal data is refused, whoever it is', async () => {
      const context = [EPCIS_CONTEXT, { coi: IDENTITY_NAMESPACE, ex: 'http://ns.example.com/' }];
      const event = {
        ...coiEvent({ action: 'OBSERVE', epcList: [BAG], 'coi:chain': 'CHA999926TT9999', 'ex:note': 'Name: Jemand Anders' }),
        '@context': context,
      };
      const answer = await server.call('POST', '/epcis/events', { body: event });
      expect([...codeOf(answer), problemOf(answer).at]).toEqual([400, 'PII-FOUND', '/ex:note']);
      expect(answer.body).not.toContain('Jemand');
    });

    it('that says nothing of anybody is taken', async () => {
      expect((await keyCalled('line 3, second shift')).statusCode).toBe(201);
      expect([200, 201, 404, 400]).toContain((await holdOf('thawed at 12:30')).statusCode);
    });
  });

  it('leaves no trace of an identity anywhere, whatever is called and however it fails; once erased, nobody can open it again (C-17)', async () => {
    const answers: Answer[] = [];
    const calls = async (answer: Promise<Answer>) => answers.push(await answer);
    const refs: string[] = [];
    for (const identity of IDENTITIES) refs.push(await register(identity));
    const [first = '', second = ''] = refs;
    const chain = await therapy(first, { given: false });
    const { vault, capture } = server.service.deps;
    const { commitment, kept } = await vault.commit(first, 'patientName', IDENTITIES[0]?.name as string);
    for (const change of kept) await capture.record(change, 'test');
    const open = { commitment, value: IDENTITIES[0]?.name as string };
    const opens = async () => await post(`/identity/patients/${first}/commitments`, open, await as('treatmentSite'));
    expect((await opens()).json()).toEqual({ match: true });

    // Everything that somebody may get wrong.
    const context = [EPCIS_CONTEXT, { coi: IDENTITY_NAMESPACE, ex: 'http://ns.example.com/' }];
    for (const { name, birthDate, recordNumber } of IDENTITIES)
      for (const value of [name, name.split(' ')[0] as string, birthDate, recordNumber, `seen ${name}, ${birthDate}`]) {
        await calls(
          server.call('POST', '/epcis/events', {
            body: { ...coiEvent({ action: 'OBSERVE', epcList: [BAG], 'ex:note': value }), '@context': context },
          }),
        );
        await calls(server.call('POST', '/epcis/capture', { body: `{"type": "EPCISDocument", "note": ${JSON.stringify(value)}` }));
        await calls(post('/keys', { name: value, roles: ['reader'] }));
        await calls(post('/keys', { name: value, roles: [value] }));
        await calls(post('/identity/erasures', { patientRef: value, class: 'identity', decision: 'erase', reason: value, signatures: [] }));
        await calls(
          post('/identity/erasures', { patientRef: second, class: 'identity', decision: 'erase', reason: value, signatures: await both() }),
        );
        await calls(post('/identity/links', { patientRefs: [first, second], reason: value, signatures: [] }));
        await calls(post('/identity/patients', { identity: { name: value }, purpose: value }));
        await calls(post(`/identity/patients/${first}/commitments`, { ...open, value }, await as('treatmentSite')));
      }
    for (const answer of answers) {
      const ok = answer.statusCode < 300 ? answer.json<{ match?: boolean }>().match !== undefined : answer.statusCode < 500;
      expect(ok, answer.body).toBe(true);
      expect(tellsOf(Buffer.from(answer.body), answer.body)).toEqual([]);
    }
    await calls(server.call('GET', '/metrics'));
    expect(tellsOf(Buffer.from(answers.at(-1)?.body ?? ''), 'metrics')).toEqual([]);
    expect(said.flatMap((line) => tellsOf(Buffer.from(line), 'log'))).toEqual([]);
    expect(await everythingStored(engine, server)).toEqual([]);
    // The search would see it.
    const planted = join(server.folder, 'planted');
    writeFileSync(planted, `x${IDENTITIES[4]?.name}x`);
    expect(await everythingStored(engine, server)).not.toEqual([]);
    rmSync(planted);

    // Erased.
    const row = await server.service.deps.readers.look('vaultRow', { ref: first });
    const secrets = [row?.wrapped, row?.sealed, row?.contact_wrapped, row?.contact_sealed].filter((text) => typeof text === 'string');
    expect(secrets).toHaveLength(4);
    expect(await stillOnDisk(engine, server, secrets)).toBe(true);
    const erased = await erase(first, 'identity', 'erase', await both());
    expect(erased.statusCode, erased.body).toBe(201);
    const call = await as('treatmentSite');
    expect(codeOf(await readBy(first, call))).toEqual([410, 'VLT-ERASED']);
    expect(codeOf(await opens())).toEqual([410, 'VLT-ERASED']);
    expect(codeOf(await erase(first, 'identity', 'erase', await both()))).toEqual([410, 'VLT-ERASED']);
    expect((await readBy(second, call)).json()).toEqual({ identity: IDENTITIES[1] });
    expect((await api('GET', `/identity/chains/${chain}`, undefined, { headers: HEADERS })).json()).toMatchObject({ coiId: chain });
    // Where somebody else writes in the same server for long, it is gone with one of the next commits.
    await vi.waitFor(
      async () => {
        await readBy(second, call);
        expect(await stillOnDisk(engine, server, secrets)).toBe(false);
      },
      { timeout: 60_000, interval: 500 },
    );
    const list = readFileSync(join(server.folder, 'erasures.ndjson'), 'utf8');
    expect(list).toContain(first);
    expect(await everythingStored(engine, server)).toEqual([]);
    const { seq } = erased.json<{ entry: { seq: number } }>().entry;
    const proof = await server.get(`/ledger/proof/inclusion?seq=${seq}`);
    expect(proof.statusCode < 500).toBe(true);
    if (engine === 'sqlite') {
      const { ok, problems } = await verifyStore(server.folder, { verifiers: [parseVerifierKey(server.service.deps.vkey)] });
      expect({ ok, problems }).toEqual({ ok: true, problems: [] });
    }
  }, 120_000);
});

/** Whether the bytes of any of these texts lie in the files of the store: in pages and logs of SQLite, in the tables' files of PostgreSQL. */
async function stillOnDisk(engine: string, server: TestServer, texts: readonly string[]): Promise<boolean> {
  const has = (bytes: Uint8Array) => texts.some((text) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(text));
  if (engine === 'sqlite') return filesBelow(server.folder).some((path) => has(readFileSync(path)));
  const client = await connect({ url: server.place.databaseUrl as string }, { application: 'test', statementTimeoutMs: 60_000 });
  try {
    // What the server notes of what it analyses are bytes as well.
    await client.query('ANALYZE');
    await client.query('CHECKPOINT');
    const { rows } = await client.query<{ bytes: Buffer }>(
      `SELECT pg_read_binary_file(pg_relation_filepath(c.oid), 0, greatest(pg_relation_size(c.oid), 1), true) AS bytes FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND c.relkind IN ('r', 'i')
          OR c.oid IN (SELECT reltoastrelid FROM pg_class WHERE relname IN ('vault', 'intake', 'intake_answer', 'pg_statistic'))
          OR c.oid = 'pg_statistic'::regclass`,
    );
    return rows.some(({ bytes }) => bytes !== null && has(bytes));
  } finally {
    await client.end();
  }
}

/** Where anything of IDENTITIES stands in clear: in the files of the data folder, in rows as they are stored and unpacked, in an export. */
async function everythingStored(engine: string, server: TestServer): Promise<string[]> {
  await server.service.deps.capture.settled();
  const found = filesBelow(server.folder).flatMap((path) => tellsOf(readFileSync(path), path));
  const out = mkdtempSync(join(tmpdir(), 'lotline-export-'));
  const verifier = parseVerifierKey(server.service.deps.vkey);
  const file = join(out, 'export.ndjson');
  try {
    if (engine === 'sqlite') {
      const connection = openForReading(join(server.folder, 'journal.db'));
      const bodies = connection.prepare('SELECT seq, encoding, body FROM entry').all() as { seq: number; encoding: number; body: Buffer }[];
      for (const { seq, encoding, body } of bodies) found.push(...tellsOf(unpackBytes(encoding, body), `entry ${seq}`));
      await exportToFile(new SqliteDb(connection), verifier, file);
      connection.close();
    } else {
      const client = await connect({ url: server.place.databaseUrl as string }, { application: 'test', statementTimeoutMs: 60_000 });
      try {
        const schemas = await client.query<{ at: string }>(
          `SELECT format('%I.%I', table_schema, table_name) AS at FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema')`,
        );
        for (const { at } of schemas.rows) {
          const { rows } = await client.query<{ t: string }>(`SELECT t::text AS t FROM ${at} t`);
          for (const { t } of rows) found.push(...tellsOf(Buffer.from(t), at));
        }
        const entry = schemas.rows.find(({ at }) => at.endsWith('.entry'))?.at;
        const { rows } = await client.query<{ encoding: number; body: Buffer }>(`SELECT encoding, body FROM ${entry}`);
        for (const { encoding, body } of rows) found.push(...tellsOf(unpackBytes(encoding, body), 'entry'));
        await exportToFile(new PostgresDb(client), verifier, file);
      } finally {
        await client.end();
      }
    }
    expect(existsSync(file)).toBe(true);
    found.push(...tellsOf(readFileSync(file), 'export'));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
  return found;
}
