import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildApp } from '../../src/api/app.ts';
import type { ApiDeps } from '../../src/api/deps.ts';
import { SETUP_ELEMENTS, writeElementString } from '../../src/identifiers/index.ts';
import { documentOf } from '../support/epcis-documents.ts';
import { commission } from '../support/events.ts';
import { problemOf, TestServer } from '../support/server.ts';
import { sharedPath } from '../support/shared.ts';
import { ENGINES } from '../support/test-store.ts';

const GTIN = '09520123000110';
const codes = (list: readonly { code: string }[]) => list.map(({ code }) => code);

describe.each(ENGINES)('POST /api/v1/scan on %s', (engine) => {
  let server: TestServer;
  /** A serial that looks as if a lot and an expiry had run into it, and is one. */
  const ODD = 'S1727123110L1';
  beforeAll(async () => {
    server = await TestServer.on(engine);
    const epc = (serial: string) => `urn:epc:id:sgtin:9520123.000011.${serial}`;
    const job = await server.capture(documentOf([commission(0, [epc(ODD), epc('AB10XY')], { lot: 'L1', expiry: '2027-12-31' })]));
    expect(job.success).toBe(true);
  });
  afterAll(() => server.close());

  const scan = async (body: object, key?: string) => {
    const answer = await server.call('POST', '/api/v1/scan', { body, ...(key && { key }) });
    expect(answer.statusCode, answer.body).toBe(200);
    return answer.json();
  };

  it('answers elements, key and Digital Link, with the bytes received and the profile (design.md §7)', async () => {
    const raw = `]d201${GTIN}21S1|1727123110L/7\r`;
    expect(await scan({ scan: raw, profile: { gs: '|' } }, server.keys.line)).toEqual({
      ok: true,
      elements: [
        { ai: '01', value: GTIN },
        { ai: '21', value: 'S1' },
        { ai: '17', value: '271231' },
        { ai: '10', value: 'L/7' },
      ],
      key: `01/${GTIN}/21/S1`,
      digitalLink: `https://id.gs1.org/01/${GTIN}/10/L%2F7/21/S1?17=271231`,
      warnings: [{ code: 'separator-replaced', message: expect.stringContaining('GS (ASCII 29)') }],
      problems: [],
      messages: 1,
      raw: Buffer.from(raw).toString('base64'),
      profile: { gs: '|' },
    });
  });

  it('answers ISBT 128 by structure and fields, and the national number of a German pack', async () => {
    const bag = await scan({ scan: ']C0=A99991712345600=<S1295400' });
    expect(bag).toMatchObject({ ok: true, key: 'urn:lotline:isbt128:bag:A999917123456:S1295400', digitalLink: null });
    expect(bag.isbt128).toMatchObject({
      structure: 'pair',
      parts: [{ structure: '001', fields: { din: 'A999917123456' } }, { structure: '003' }],
    });
    expect(await scan({ scan: ']d2010415003752864321n1' })).toMatchObject({ ok: true, national: [{ scheme: 'PZN', value: '03752864' }] });
  });

  it('a scan that does not read is an answer: the rule is named, and what it was probably meant to be (codes.md §10)', async () => {
    const answer = await scan({ scan: ']d2010952012300011121S1' });
    expect(answer).toMatchObject({ ok: false, elements: [], key: null, digitalLink: null, problems: [{ code: 'ID-CHECK', ai: '01' }] });
    expect(answer.problems[0].message).toContain('check digit should be 0');
    expect(answer.lenient).toMatchObject([
      { ai: '01', value: '09520123000111' },
      { ai: '21', value: 'S1' },
    ]);
  });

  it('takes brackets from people only (codes.md §8)', async () => {
    const typed = `(01) ${GTIN} (21) S1`;
    expect(await scan({ scan: typed, entry: 'typed' })).toMatchObject({
      ok: true,
      key: `01/${GTIN}/21/S1`,
      warnings: [{ code: 'bracketed-text' }],
    });
    for (const body of [{ scan: typed }, { scan: typed, entry: 'scanner' }]) expect((await scan(body)).ok).toBe(false);
  });

  it('compares a serial that looks run together with what was commissioned (codes.md §8)', async () => {
    const unknown = await scan({ scan: `]d201${GTIN}21X${ODD}` });
    expect(unknown).toMatchObject({ ok: false, key: null, problems: [{ code: 'separator-suspected-lost', ai: '21' }] });
    const known = await scan({ scan: `]d201${GTIN}21${ODD}` });
    expect(known).toMatchObject({ ok: true, key: `01/${GTIN}/21/${ODD}` });
    expect(codes(known.warnings)).toEqual(['separator-suspected-lost']);
  });

  it('warns where a pack lacks its lot, and its serial could hold one: more so where nothing of that name is known', async () => {
    const pack = (serial: string) => scan({ scan: `]d201${GTIN}1727123121${serial}` });
    expect(codes((await pack('AB10XY')).warnings)).toEqual(['separator-maybe-lost']);
    expect(codes((await pack('AC10XY')).warnings)).toEqual(['separator-maybe-lost', 'serial-unknown-lost-separator']);
  });

  it('repeats nothing that a code tells of a patient (domain.md §3.2)', async () => {
    const answer = await server.call('POST', '/api/v1/scan', { body: { scan: ']C0=#0901231' } });
    expect(answer.json()).toMatchObject({ ok: false, raw: null, problems: [{ code: 'patient-data' }] });
    expect(answer.body).not.toContain('0901231');
  });

  it('gives callers who may verify the verdict on a pack, and keeps what was scanned with it (domain.md §8.2)', async () => {
    const body = { scan: `]d201${GTIN}21AB10XY\u001d1727123110L1` };
    expect(await scan(body)).toMatchObject({ ok: true, verdict: { verified: expect.any(Boolean) } });
    const wrong = await scan({ scan: body.scan.replace('L1', 'L2') }, server.keys.reader);
    expect(wrong.verdict).toMatchObject({ verified: false, verificationFailureReason: 'No_match_GTIN_Serial_Lot' });
    expect(await scan(body, server.keys.line)).not.toHaveProperty('verdict');
    expect(await scan({ scan: ']C100095201230000000189' })).not.toHaveProperty('verdict');
  });

  it('is for the right to scan, and refuses malformed requests', async () => {
    for (const role of ['line', 'reader'] as const) expect((await scan({ scan: '' }, server.keys[role])).ok).toBe(false);
    expect((await server.call('POST', '/api/v1/scan', { body: { scan: '' }, key: null })).statusCode).toBe(401);
    for (const [body, at] of [
      [{}, '/scan'],
      [{ scan: 1 }, '/scan'],
      [{ scan: 'x'.repeat(8_193) }, '/scan'],
      [{ scan: '', entry: 'guessed' }, '/entry'],
      [{ scan: '', profile: { hostLayout: 'xx' } }, '/profile/hostLayout'],
      [{ scan: '', profile: { gs: '' } }, '/profile/gs'],
      [{ scan: '', more: 1 }, '/more'],
    ] as const) {
      const answer = await server.call('POST', '/api/v1/scan', { body });
      expect([answer.statusCode, problemOf(answer).at]).toEqual([400, at]);
    }
  });

  const published = sharedPath('vectors/gs1-codes/scanner-input.json');
  describe.skipIf(published === null)('the published cases of scanner input', () => {
    type Case = { id: string; input: string; ok: boolean; elements?: object[]; profile?: object; warnings?: string[]; error?: string };
    const cases = published === null ? [] : (JSON.parse(readFileSync(published, 'utf8')) as { cases: Case[] }).cases;
    it.each(cases)('$id', async ({ id, input, ok, elements, profile, warnings, error }) => {
      const answer = await scan({ scan: input, ...(profile && { profile }), ...(id.startsWith('hri') && { entry: 'typed' }) });
      expect(answer.ok).toBe(ok);
      if (elements) expect(answer.elements).toEqual(elements);
      if (warnings) expect(codes(answer.warnings)).toEqual(warnings);
      if (error) expect(codes(answer.problems)[0]).toBe(error);
    });
  });

  it('is set up with the known symbol (codes.md §8)', async () => {
    const setup = async (arrived: string) => (await server.call('POST', '/api/v1/scan/setup', { body: { scan: arrived } })).json();
    const symbol = `]d2${writeElementString(SETUP_ELEMENTS)}`;
    expect(await setup(`${symbol}\r`)).toMatchObject({ ok: true, profile: {}, symbologyIdentifier: true, suffix: '\r', advice: [] });
    expect(await setup(symbol.replace('\u001d', '|'))).toMatchObject({ ok: true, profile: { gs: '|' } });
    expect(await setup(symbol.replace('\u001d', ''))).toMatchObject({ ok: false, advice: [{ code: 'separator-lost' }] });
    expect(await setup(']d2HELLO')).toMatchObject({ ok: false, advice: [{ code: 'another-symbol' }] });
  });
});

it('asks for a verdict on what reads, for callers who may verify, with the raw scan, its profile and its warnings', async () => {
  const server = await TestServer.start();
  const asked: unknown[] = [];
  const verification = {
    verdictOf: async (request: unknown) => {
      asked.push(request);
      return { verified: true };
    },
  };
  const app = await buildApp({ ...server.service.deps, verification } as ApiDeps);
  try {
    const body = { scan: `]d201${GTIN}21S1\u001d`, profile: { required: ['01'] } };
    const post = async (key: string, payload: object = body) =>
      (await app.inject({ method: 'POST', url: '/api/v1/scan', headers: { authorization: `Bearer ${key}` }, payload })).json();
    expect(await post(server.keys.line)).not.toHaveProperty('verdict');
    expect(await post(server.keys.reader, { scan: ']d20109520123000111' })).not.toHaveProperty('verdict');
    expect(asked).toEqual([]);
    expect(await post(server.keys.reader)).toMatchObject({ ok: true, verdict: { verified: true } });
    expect(asked).toMatchObject([
      {
        key: `01/${GTIN}/21/S1`,
        elements: [{ ai: '01' }, { ai: '21', value: 'S1' }],
        caller: { id: expect.stringMatching(/./), source: '127.0.0.1' },
        scan: { raw: Buffer.from(body.scan).toString('base64'), profile: { required: ['01'] }, warnings: [{ code: 'trailing-separator' }] },
      },
    ]);
  } finally {
    await app.close();
    await server.close();
  }
});
