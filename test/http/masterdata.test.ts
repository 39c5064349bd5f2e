import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentOf, EPCIS_CONTEXT, objectEvent, SITE, sgtin } from '../support/epcis-documents.ts';
import { type Answer, problemOf, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

type Element = {
  id: string;
  key: string;
  type: string;
  attributes?: { id: string; attribute: unknown }[];
  children?: string[];
  recordTime: string;
  source: { seq: number; captureID: string | null; actor: string };
};

const mda = (name: string) => `urn:epcglobal:cbv:mda#${name}`;
const named = (name: string, ...more: { id: string; attribute: unknown }[]) => [{ id: mda('name'), attribute: name }, ...more];
const hall = (number: number) => `urn:epc:id:sgln:9520123.00001.H${number}`;
const sites = [
  { id: SITE, attributes: named('Works', { id: 'urn:epcglobal:cbv:mda:countryCode', attribute: 'DE' }), children: [hall(1), hall(2)] },
  { id: hall(1), attributes: named('Hall 1', { id: 'http://ns.example.com/epcis/area', attribute: 120.5 }), children: [hall(3)] },
  { id: hall(2), attributes: named('Hall 2') },
  { id: hall(3), attributes: named('Line 3'), children: [SITE] }, // a cycle: the line claims to hold the works
];
const product = {
  id: 'urn:epc:idpat:sgtin:9520123.000011.*',
  attributes: [{ id: mda('regulatedProductName'), attribute: 'Exampline 5 mg' }],
};
const header = {
  epcisHeader: {
    epcisMasterData: {
      vocabularyList: [
        { type: 'urn:epcglobal:epcis:vtype:Location', vocabularyElementList: sites },
        { type: 'urn:epcglobal:epcis:vtype:EPCClass', vocabularyElementList: [product] },
        { type: 'urn:epcglobal:epcis:vtype:Party', vocabularyElementList: [{ id: 'urn:epc:id:pgln:9520123.00001' }] },
      ],
    },
  },
};

describe.each(ENGINES)('on %s', (engine) => {
  let server: TestServer;
  let captureID: string;
  beforeAll(async () => {
    server = await TestServer.on(engine);
    ({ captureID } = await server.capture({ ...documentOf([objectEvent()]), ...header }));
  });
  afterAll(() => server.close());

  const query = async (parameters: Record<string, string> = {}): Promise<Answer> =>
    await server.get(`/api/v1/masterdata?${new URLSearchParams(parameters).toString()}`);
  const elements = async (parameters: Record<string, string> = {}): Promise<Element[]> => {
    const answer = await query(parameters);
    expect(answer.statusCode, answer.body).toBe(200);
    return answer.json().member;
  };
  const ids = async (parameters: Record<string, string>) => (await elements(parameters)).map(({ id }) => id);
  const element = async (id: string, type = 'Location', search = '') =>
    await server.get(`/api/v1/masterdata/${encodeURIComponent(type)}/${encodeURIComponent(id)}${search}`);
  const put = async (body: unknown, key = server.keys.line) => await server.call('POST', '/api/v1/masterdata', { body, key });

  describe('GET /api/v1/masterdata', () => {
    it('answers every element with attributes and children as they were sent, and whose claim it is (MD-7, MD-8)', async () => {
      const answer = await query();
      expect(answer.json().type).toBe('Collection');
      const found = (answer.json() as { member: Element[] }).member;
      expect(found.map(({ type, key }) => `${type.slice(26)} ${key}`)).toEqual([
        'EPCClass 01/09520123000110',
        'Location 414/9520123000011',
        'Location 414/9520123000011/254/H1',
        'Location 414/9520123000011/254/H2',
        'Location 414/9520123000011/254/H3',
        'Party 417/9520123000011',
      ]);
      expect(found[1]).toEqual({
        ...sites[0],
        key: '414/9520123000011',
        type: 'urn:epcglobal:epcis:vtype:Location',
        recordTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        source: { seq: expect.any(Number), captureID, actor: expect.any(String) },
      });
    });

    it.each([
      [{ vocabularyName: 'Location|Party' }, 5],
      [{ vocabularyName: 'urn:epcglobal:epcis:vtype:EPCClass' }, 1],
      [{ EQ_name: SITE }, 1],
      [{ EQ_name: `https://example.com/414/9520123000011|${hall(2)}|urn:x:none` }, 2],
      [{ EQ_name: 'https://id.gs1.org/01/09520123000110' }, 1],
      [{ WD_name: SITE }, 4],
      [{ WD_name: hall(1) }, 4],
      [{ WD_name: hall(2) }, 1],
      [{ WD_name: hall(1), EQ_name: `${hall(3)}|urn:epc:id:pgln:9520123.00001` }, 1],
      [{ HASATTR: 'regulatedProductName|cbvmda:countryCode' }, 2],
      [{ HASATTR: 'http://ns.example.com/epcis/area' }, 1],
      [{ EQATTR_name: 'Hall 1|Hall 2' }, 2],
      [{ 'EQATTR_urn:epcglobal:cbv:mda#countryCode': 'DE|FR' }, 1],
      [{ EQATTR_name: 'Hall 1|Works', 'EQATTR_cbvmda:countryCode': 'DE' }, 1],
      [{ 'EQATTR_http://ns.example.com/epcis/area': '120.5' }, 1],
      [{ HASATTR: 'none' }, 0],
      [{ vocabularyName: 'Location', EQ_name: '' }, 4],
      [{ maxElementCount: '6' }, 6],
    ])('finds by %j what meets all of it (MD-1, MD-2, MD-3, MD-8)', async (parameters, count) => {
      expect(await ids(parameters as unknown as Record<string, string>)).toHaveLength(count);
    });

    it('trims attributes and children away when asked to (MD-8)', async () => {
      expect(await elements({ EQ_name: SITE, includeAttributes: 'false', attributeNames: 'name', includeChildren: 'false' })).toEqual([
        expect.not.objectContaining({ attributes: expect.anything(), children: expect.anything() }),
      ]);
      const [site] = await elements({ EQ_name: SITE, attributeNames: 'countryCode|none' });
      expect(site?.attributes).toEqual([{ id: 'urn:epcglobal:cbv:mda:countryCode', attribute: 'DE' }]);
    });

    it('refuses a result above maxElementCount, on whatever page it would end (MD-8)', async () => {
      const answer = await query({ maxElementCount: '5', perPage: '2' });
      expect(answer.statusCode).toBe(413);
      expect(problemOf(answer)).toMatchObject({ code: 'QRY-LARGE', type: 'epcisException:QueryTooLargeException', at: '?maxElementCount' });
    });

    it.each([
      'EQ_colour=red',
      'EQATTR_=x',
      'EQ_name=urn:x:1&EQ_name=urn:x:2',
      'EQATTR_name=a&EQATTR_name=b',
      'includeAttributes=perhaps',
      'maxElementCount=0',
      'vocabularyName=Nowhere',
      'EQ_name=%00',
      'WD_name=urn%3Ax%3A%00',
      'known=yesterday',
      'perPage=0',
      'nextPageToken=WyIxIl0',
    ])('refuses %s and says which parameter it is (Q-3, Q-4)', async (search) => {
      const answer = await server.get(`/api/v1/masterdata?${search}`);
      expect([400, 404]).toContain(answer.statusCode);
      expect(problemOf(answer).at).toContain(search.startsWith('EQATTR') ? 'EQATTR_' : search.split('=')[0]);
    });

    it('pages through the state of its first page, whatever is told meanwhile (R-22, R-24)', async () => {
      const found: string[] = [];
      let url: string | null = '/api/v1/masterdata?vocabularyName=Location&perPage=3';
      for (let pages = 0; url !== null; pages++) {
        const answer: Answer = await server.get(url);
        found.push(...(answer.json() as { member: Element[] }).member.map(({ id }) => id));
        await put({ type: 'Location', id: `urn:epc:id:sgln:9520123.00001.Z${pages}`, attributes: [] });
        url = /<([^>]+)>; rel="next"/.exec(String(answer.headers.link))?.[1] ?? null;
        if (url !== null) expect(answer.headers['gs1-next-page-token-expires']).toBeDefined();
      }
      expect(found).toEqual(sites.map(({ id }) => id));
    });
  });

  describe('one element', () => {
    it.each([
      ['Location', SITE],
      ['urn:epcglobal:epcis:vtype:Location', 'https://example.com/414/9520123000011'],
      ['Location', '414/9520123000011'],
    ])('is found as %s %s (MD-1, I-10)', async (type, id) => {
      expect((await element(id, type)).json()).toMatchObject({ id: SITE, key: '414/9520123000011', source: { captureID } });
    });

    it('is a 404 where nobody told of it, a 400 where it cannot be', async () => {
      expect((await element('urn:x:none')).statusCode).toBe(404);
      expect((await element(SITE, 'Party')).statusCode).toBe(404);
      expect((await server.get('/api/v1/masterdata/Location/urn%3Ax%3Anone/history')).statusCode).toBe(404);
      expect((await element('urn:x:%00'.replace('%00', '\0'))).statusCode).toBe(400);
      expect(problemOf(await element(SITE, 'Nowhere'))).toMatchObject({ at: '{type}' });
    });

    it('is what was told last, attributes and children together, and before that what was told then (MD-7)', async () => {
      const id = 'urn:epc:id:sgln:9520123.00002.0';
      const told = async (name: string, children: string[]) =>
        expect((await put({ type: 'Location', id, attributes: named(name), children })).statusCode).toBe(201);
      await told('Old name', ['urn:x:1']);
      const { recordTime } = (await element(id)).json();
      await new Promise((resolve) => setTimeout(resolve, 5));
      await put({ type: 'Location', id: 'https://id.gs1.org/414/9520123000028', attributes: [{ id: mda('city'), attribute: 'Mainz' }] });
      expect((await element(id)).json()).toMatchObject({
        id: 'https://id.gs1.org/414/9520123000028',
        attributes: [{ id: mda('city'), attribute: 'Mainz' }],
        children: [],
      });
      expect((await element(id, 'Location', `?known=${recordTime}`)).json()).toMatchObject({
        id,
        attributes: named('Old name'),
        children: ['urn:x:1'],
      });
      expect(await elements({ EQ_name: id, known: recordTime })).toMatchObject([{ attributes: named('Old name') }]);
      expect((await element(id, 'Location', '?known=2000-01-01T00:00:00Z')).statusCode).toBe(404);

      const history = `/api/v1/masterdata/Location/${encodeURIComponent(id)}/history`;
      const versions = ((await server.get(history)).json() as { member: Element[] }).member;
      expect(versions.map(({ attributes }) => attributes?.[0]?.attribute)).toEqual(['Mainz', 'Old name']);
      expect(versions[0]?.source).toMatchObject({ captureID: null, actor: expect.stringMatching(/^k_/) });
      const first = await server.get(`${history}?perPage=1`);
      const next = /<([^>]+)>/.exec(String(first.headers.link))?.[1] as string;
      const second = await server.get(next);
      expect(second.json().member).toEqual(versions.slice(1));
      expect(second.headers.link).toBeUndefined();
    });
  });

  describe('POST /api/v1/masterdata', () => {
    it('puts a list of vocabularies on record, and answers how many elements (DOC-4)', async () => {
      const list = {
        vocabularyList: [
          { type: 'Disposition', vocabularyElementList: [{ id: 'urn:x:d1' }, { id: 'urn:x:d2' }] },
          { type: 'urn:x:own', vocabularyElementList: [{ id: 'urn:x:o' }] },
        ],
      };
      const answer = await put(list);
      expect([answer.statusCode, answer.json()]).toEqual([201, { elements: 3 }]);
      expect(await ids({ vocabularyName: 'Disposition|urn:x:own' })).toEqual(['urn:x:d1', 'urn:x:d2', 'urn:x:o']);
    });

    it('refuses what is malformed with every fault at its place, and stores nothing of it (DOC-4)', async () => {
      const size = (await server.get('/ledger/checkpoint')).body;
      const answer = await put({
        vocabularyList: [
          { type: 'Location', vocabularyElementList: [{ id: 'urn:x:fine' }, { id: 'no uri' }, { id: 'urn:x:1', children: [7] }] },
        ],
      });
      expect(answer.statusCode).toBe(400);
      expect(problemOf(answer).errors?.map(({ at }) => at)).toEqual([
        '/vocabularyList/0/vocabularyElementList/1/id',
        '/vocabularyList/0/vocabularyElementList/2/children/0',
      ]);
      expect((await put({ type: 'EPCClass', id: 'https://id.gs1.org/01/09520123000111' })).json()).toMatchObject({
        code: 'ID-CHECK',
        at: '/id',
      });
      for (const body of ['[]', '"x"', '{', '']) expect((await put(body)).statusCode, body).toBe(400);
      expect((await server.get('/ledger/checkpoint')).body).toBe(size);
    });

    it('is for keys that may capture', async () => {
      expect((await put({ type: 'Location', id: 'urn:x:1' }, server.keys.reader)).statusCode).toBe(403);
    });
  });

  it('gives the names that answers about things tell, the newest that was told (MD-7)', async () => {
    const thing = async (search = '') => (await server.get(`/api/v1/things/${encodeURIComponent(sgtin(1))}${search}`)).json();
    const before = await thing();
    expect(before).toMatchObject({ name: 'Exampline 5 mg', location: '414/9520123000011' });
    expect(before.names).toEqual({ '01/09520123000110': 'Exampline 5 mg', '414/9520123000011': 'Works' });
    const { recordTime } = (await element(SITE)).json();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await put({ type: 'Location', id: SITE, attributes: named('Works of Example') });
    await put({ type: 'EPCClass', id: product.id, attributes: [{ id: mda('descriptionShort'), attribute: 'Exampline' }] });
    expect((await thing()).names).toEqual({ '01/09520123000110': 'Exampline', '414/9520123000011': 'Works of Example' });
    expect((await thing(`?known=${recordTime}`)).names).toEqual(before.names);
    await put({ type: 'Location', id: SITE, attributes: [] });
    expect((await thing()).names).toEqual({ '01/09520123000110': 'Exampline' });
  });

  it('takes the master data of a document whose events are all known already (C-7, MD-7)', async () => {
    const again = { ...documentOf([objectEvent()]), ...header };
    expect((await server.capture(again)).success).toBe(true);
    expect((await element(SITE)).json()).toMatchObject({ attributes: sites[0]?.attributes });
    const nothingElse = { '@context': [EPCIS_CONTEXT], ...documentOf([]), ...header };
    expect((await server.capture(nothingElse)).success).toBe(true);
  });
});
