import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EPCIS_PREFIXES, eventHash, formatHashId } from '../../src/epcis/index.ts';
import { formatKey, parseThing } from '../../src/identifiers/index.ts';
import { e01 } from '../../src/worlds/index.ts';
import { documentOf, EPCIS_CONTEXT, objectEvent, SITE, sgtin } from '../support/epcis-documents.ts';
import { TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

describe.each(ENGINES)('on %s', (engine) => {
  let server: TestServer;
  /** A raw lot of E-01: the first lot that its first document names. */
  let rawLot = '';
  beforeAll(async () => {
    server = await TestServer.on(engine);
    for (const document of e01()) expect((await server.capture(document.text)).success, document.name).toBe(true);
    const text = [...e01()].map((document) => document.text).join('');
    rawLot = formatKey(parseThing(/urn:epc:class:lgtin:[^"]+/.exec(text)?.[0] as string));
  });
  afterAll(() => server.close());

  describe('the scope of a raw lot of E-01', () => {
    it('counts 4,020 packs by status and holder (design.md §7)', async () => {
      const answer = await server.get(`/api/v1/genealogy/scope?of=${encodeURIComponent(rawLot)}`);
      expect(answer.statusCode, answer.body).toBe(200);
      const { packs } = answer.json();
      expect(packs.total).toBe(4020);
      expect(packs.byStatus).toEqual(
        expect.arrayContaining([
          { status: 'Received', count: 4000 },
          { status: 'Sampled', count: 12 },
          { status: 'Destroyed', count: 8 },
        ]),
      );
    });

    it('streams every pack once, as NDJSON and as CSV', async () => {
      const url = `/api/v1/genealogy/scope/packs?of=${encodeURIComponent(rawLot)}`;
      const ndjson = await server.get(url);
      expect(ndjson.headers['content-type']).toBe('application/x-ndjson');
      const rows = ndjson.body
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { key: string; status: string });
      expect(new Set(rows.map((row) => row.key)).size).toBe(4020);
      expect(rows.filter((row) => row.status === 'Destroyed')).toHaveLength(8);
      const csv = await server.get(url, { headers: { accept: 'text/csv' } });
      expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
      const lines = csv.body.split('\r\n');
      expect(lines[0]).toBe('key,epc,lot,expiry,status,disposition,holder,location,observed,parent');
      expect(lines).toHaveLength(4020 + 2);
      expect(lines[1]?.split(',')[0]).toBe(rows[0]?.key);
    });

    it('as of a time before everything knows of nothing', async () => {
      const answer = await server.get(`/api/v1/genealogy/scope?of=${encodeURIComponent(rawLot)}&known=2000-01-01T00:00:00Z`);
      expect([200, 404]).toContain(answer.statusCode);
      if (answer.statusCode === 200) expect(answer.json().packs.total).toBe(0);
    });

    it('is answered for every spelling of the lot', async () => {
      const [, gtin, lot] = /^01\/(\d{14})\/10\/(.+)$/.exec(rawLot) as unknown as [string, string, string];
      const answers = await Promise.all(
        [rawLot, `https://example.com/some/path/01/${gtin}/10/${lot}`, `(01)${gtin}(10)${lot}`].map(async (of) => {
          const { asOf: _, ...rest } = (await server.get(`/api/v1/genealogy/scope?of=${encodeURIComponent(of)}`)).json();
          return rest;
        }),
      );
      expect(answers[1]).toEqual(answers[0]);
      expect(answers[2]).toEqual(answers[0]);
    });

    it('leads back from a pack to the raw lot, and forward from the raw lot', async () => {
      const [line] = (await server.get(`/api/v1/genealogy/scope/packs?of=${encodeURIComponent(rawLot)}`)).body.split('\n', 1);
      const { key } = JSON.parse(line as string) as { key: string };
      const back = (await server.get(`/api/v1/genealogy/where-from?of=${encodeURIComponent(key)}`)).json();
      expect(back.direction).toBe('from');
      expect(back.nodes.map((node: { key: string }) => node.key)).toContain(rawLot);
      const forward = (await server.get(`/api/v1/genealogy/where-used?of=${encodeURIComponent(rawLot)}`)).json();
      expect(forward.direction).toBe('used');
      expect(forward.nodes.length).toBeGreaterThan(1);
      const thing = (await server.get(`/api/v1/things/${encodeURIComponent(key)}`)).json();
      expect(thing).toMatchObject({ key, kind: 'sgtin' });
      const history = (await server.get(`/api/v1/things/${encodeURIComponent(key)}/history?lineage=true`)).json();
      expect(history.entries[0]).toMatchObject({
        seq: expect.any(Number),
        eventID: expect.any(String),
        why: expect.any(String),
        voided: false,
      });
      expect(history.entries.some((entry: { why: string }) => entry.why === 'lineage')).toBe(true);
      const own = (await server.get(`/api/v1/things/${encodeURIComponent(key)}/history`)).json();
      expect(own.entries.some((entry: { why: string }) => entry.why === 'lineage')).toBe(false);
    });
  });

  describe('GET /api/v1/things/{thing}/contents', () => {
    it('answers one level, or all', async () => {
      const caseOf = 'urn:epc:id:sgtin:9520123.100011.C77';
      const pallet = 'urn:epc:id:sscc:9520123.0000000077';
      const at = { eventTime: '2026-04-01T08:00:00Z', eventTimeZoneOffset: '+00:00' };
      await server.capture(
        documentOf([
          { ...objectEvent(), ...at, epcList: [sgtin('K1'), sgtin('K2')] },
          { type: 'AggregationEvent', ...at, action: 'ADD', parentID: caseOf, childEPCs: [sgtin('K1'), sgtin('K2')] },
          { type: 'AggregationEvent', ...at, eventTime: '2026-04-01T09:00:00Z', action: 'ADD', parentID: pallet, childEPCs: [caseOf] },
        ]),
      );
      const path = `/api/v1/things/${encodeURIComponent(pallet)}/contents`;
      expect((await server.get(path)).json().count).toBe(1);
      expect((await server.get(`${path}?depth=all`)).json().count).toBe(3);
      expect((await server.get(`${path}?depth=2`)).json().count).toBe(3);
      expect((await server.get(`${path}?depth=all&at=2026-04-01T08:30:00Z`)).json().count).toBe(0);
    });
  });

  describe('findings', () => {
    const twice = { ...objectEvent(), epcList: [sgtin('DUP1'), sgtin('DUP2')] };
    beforeAll(async () => {
      await server.capture(documentOf([twice]));
      await server.capture(documentOf([{ ...twice, eventTime: '2026-03-02T08:15:00.000+01:00' }]));
    });

    it('name every thing and event, and are found by code, state and thing', async () => {
      const url = `/api/v1/findings?code=SN-DUP&state=open&thing=${encodeURIComponent(sgtin('DUP2'))}`;
      const { findings } = (await server.get(url)).json();
      expect(findings).toHaveLength(1);
      expect(findings[0]).toMatchObject({
        id: expect.any(Number),
        code: 'SN-DUP',
        severity: 'major',
        state: 'open',
        things: ['01/09520123000110/21/DUP1', '01/09520123000110/21/DUP2'],
        due: null,
        opened: expect.stringMatching(/Z$/),
        resolution: null,
      });
      expect(findings[0].events.length).toBeGreaterThanOrEqual(1);
      expect((await server.get(`${url.replace('SN-DUP', 'SN-CONFLICT')}`)).json().findings).toEqual([]);
      expect((await server.get('/api/v1/findings?thing=01%2F09520123000110%2F21%2FNOBODY')).json().findings).toEqual([]);
    });

    it('are resolved by a person, with a note that stays', async () => {
      const list = async (state: string) =>
        (await server.get(`/api/v1/findings?code=SN-DUP&state=${state}&thing=${encodeURIComponent(sgtin('DUP1'))}`)).json().findings as {
          id: number;
        }[];
      const [finding] = await list('open');
      const answer = await server.call('PATCH', `/api/v1/findings/${finding?.id}`, {
        body: { state: 'closed', note: 'Both destroyed.' },
        key: server.keys.reader,
      });
      expect(answer.statusCode).toBe(200);
      expect(answer.json()).toMatchObject({
        id: finding?.id,
        state: 'closed',
        resolution: { note: 'Both destroyed.', by: expect.stringMatching(/^k_/) },
      });
      expect(await list('open')).toEqual([]);
      expect(await list('closed')).toHaveLength(1);
      const reopened = await server.call('PATCH', `/api/v1/findings/${finding?.id}`, { body: { state: 'open' } });
      expect(reopened.json().state).toBe('open');
    });

    it('are paged by links, newest first, none twice', async () => {
      for (let i = 0; i < 4; i++) await server.capture(documentOf([{ ...twice, eventTime: `2026-03-0${3 + i}T08:15:00.000+01:00` }]));
      const ids: number[] = [];
      let next: string | undefined = '/api/v1/findings?code=SN-DUP&perPage=2';
      while (next !== undefined) {
        const page = await server.get(next);
        ids.push(...(page.json().findings as { id: number }[]).map((finding) => finding.id));
        next = /^<(.+)>; rel="next"$/.exec(String(page.headers.link))?.[1];
      }
      expect(ids).toEqual([...new Set(ids)].sort((a, b) => b - a));
      expect(ids.length).toBeGreaterThanOrEqual(5);
    });

    it('refuse a token of one list in another (R-24)', async () => {
      const { link } = (await server.get('/api/v1/findings?code=SN-DUP&perPage=1')).headers;
      const other = String(link).slice(1, String(link).indexOf('>')).replace('SN-DUP', 'EV-DUP');
      expect((await server.get(other)).statusCode).toBe(400);
    });
  });

  describe('POST /api/v1/check', () => {
    it('tells what each event would come to, and stores nothing', async () => {
      const before = (await server.get('/ledger/checkpoint')).body;
      const document = documentOf([
        { ...objectEvent(), epcList: [sgtin('CHK')] },
        { ...objectEvent(), action: 'NEVER' },
      ]);
      const { events } = (await server.call('POST', '/api/v1/check', { body: document })).json();
      expect(events).toMatchObject([
        { index: 0, verdict: 'ok', findings: [] },
        { index: 1, verdict: 'block' },
      ]);
      expect(events[1].findings[0]).toMatchObject({
        code: 'EV-SCHEMA',
        severity: expect.any(String),
        things: [],
        message: expect.any(String),
      });
      const bare = await server.call('POST', '/api/v1/check', {
        body: { '@context': [EPCIS_CONTEXT], ...objectEvent(), epcList: [sgtin('CHK2')] },
      });
      expect(bare.json().events).toHaveLength(1);
      expect((await server.get('/ledger/checkpoint')).body).toBe(before);
      expect((await server.get(`/api/v1/things/${encodeURIComponent(sgtin('CHK'))}`)).statusCode).toBe(404);
    });
  });

  describe('POST /api/v1/hash', () => {
    it('answers the hash of each event with the text that it is the hash of', async () => {
      const event = { ...objectEvent(), 'ex:a': 1.5 };
      const answer = await server.call('POST', '/api/v1/hash', { body: documentOf([event, objectEvent()]) });
      const { events } = answer.json() as { events: { hash: string; profile: string; prehash: string }[] };
      expect(events).toHaveLength(2);
      for (const { hash, profile, prehash } of events) {
        expect(profile).toBe('P');
        expect(hash).toBe(formatHashId(createHash('sha256').update(prehash, 'utf8').digest()));
      }
      expect(events[1]?.hash).toBe(formatHashId(eventHash(objectEvent(), EPCIS_PREFIXES)));
    });

    it('answers for a bare event too, also when it has numbers that no double holds', async () => {
      const text = JSON.stringify({
        '@context': [EPCIS_CONTEXT, { ex: 'http://ns.example.com/epcis/' }],
        ...objectEvent(),
        'ex:n': '@',
      }).replace('"@"', '12345678901234567890.10');
      const { events } = (await server.call('POST', '/api/v1/hash', { body: text })).json();
      expect(events[0].prehash).toContain('{http://ns.example.com/epcis/}n=1234567890123456');
      expect(events[0].hash).toBe(formatHashId(createHash('sha256').update(events[0].prehash, 'utf8').digest()));
    });
  });

  describe('POST /api/v1/hash of events that are named by a hash', () => {
    type Hashed = { hash: string; profile: string; verified?: { id: string; matched: string | null; tried: string[] } };
    const event = { ...objectEvent(), sourceList: [{ type: 'location', source: SITE }], ilmd: { 'cbvmda:lotNumber': 'L1' } };
    const ask = async (events: Record<string, unknown>[], query = '') =>
      (await server.call('POST', `/api/v1/hash${query}`, { body: documentOf(events) })).json() as { events: Hashed[] };

    it('says in which profile the name was made, and of a changed event that none gives it (codes.md §1.3)', async () => {
      const { events: plain } = await ask([event], '?profile=T');
      const eventID = plain[0]?.hash;
      expect(plain[0]).toMatchObject({ profile: 'T' });
      const { events } = await ask([
        { ...event, eventID },
        { ...event, eventID, disposition: 'inactive' },
        { ...event, eventID: 'urn:x:1' },
      ]);
      expect(events.map(({ verified }) => verified)).toEqual([
        { id: eventID, matched: 'T', tried: ['P', 'T'] },
        { id: eventID, matched: null, tried: ['P', 'T', 'O2.0', 'O2.1'] },
        undefined,
      ]);
    });

    it('holds the events to the ID that is asked for', async () => {
      const { events: own } = await ask([event], '?profile=O2.1');
      const { events } = await ask([event, objectEvent()], `?verify=${encodeURIComponent(own[0]?.hash ?? '')}`);
      expect(events.map(({ verified }) => verified?.matched)).toEqual(['O2.1', null]);
    });

    it.each([
      ['?verify=urn:x:1', '?verify'],
      ['?profile=X', '?profile'],
      ['?profiles=P', '?profiles'],
    ])('refuses %s', async (query, at) => {
      const answer = await server.call('POST', `/api/v1/hash${query}`, { body: documentOf([event]) });
      expect([answer.statusCode, answer.json()]).toMatchObject([400, { code: 'REQ-FORM', at }]);
    });
  });

  describe('GET /api/v1/identifiers', () => {
    it('answers every form, and null for a URN whose company prefix length nobody told', async () => {
      const of = encodeURIComponent('https://shop.example/01/09520123000110/21/A%2FB');
      const forms = { key: '01/09520123000110/21/A%2FB', kind: 'sgtin', digitalLink: 'https://id.gs1.org/01/09520123000110/21/A%2FB' };
      expect((await server.get(`/api/v1/identifiers?of=${of}`)).json()).toMatchObject({ ...forms, epcUrn: null });
      expect((await server.get(`/api/v1/identifiers?of=${of}&companyPrefixLength=7`)).json()).toMatchObject({
        ...forms,
        epcUrn: 'urn:epc:id:sgtin:9520123.000011.A%2FB',
      });
    });
  });

  describe('a path value with %2F (R-5)', () => {
    it('reaches the route as one value', async () => {
      const serial = 'S%2FL';
      await server.capture(documentOf([{ ...objectEvent(), epcList: [sgtin(serial)] }]));
      const key = '01/09520123000110/21/S%2FL';
      for (const spelling of [sgtin(serial), key, `https://id.gs1.org/${key}`])
        expect((await server.get(`/api/v1/things/${encodeURIComponent(spelling)}`)).json(), spelling).toMatchObject({ key });
    });
  });
});
