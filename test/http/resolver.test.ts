import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentOf } from '../support/epcis-documents.ts';
import { commission } from '../support/events.ts';
import { type Call, problemOf, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

const GTIN = '09520123000110';
const PRODUCT = `/01/${GTIN}`;
const VOC = 'https://gs1.org/voc/';
const HTML = 'text/html,application/xhtml+xml,*/*;q=0.8';

describe.each(ENGINES)('the resolver on %s (codes.md §4, design.md §7)', (engine) => {
  let server: TestServer;
  const put = async (thing: string, body: object, call: Call = {}) =>
    await server.call('PUT', `/api/v1/links/${encodeURIComponent(thing)}`, { body, ...call });
  const link = (linkType: string, href: string, more: object = {}) => ({ linkType, href, title: href, ...more });
  const open = async (url: string, headers: Record<string, string> = {}) => await server.call('GET', url, { key: null, headers });
  const linkTypes = (answer: { json(): { linkset: Record<string, unknown>[] } }) =>
    Object.keys(answer.json().linkset[0] ?? {}).filter((name) => name.startsWith('http'));

  beforeAll(async () => {
    server = await TestServer.on(engine);
    const epc = (serial: string) => `urn:epc:id:sgtin:9520123.000011.${serial}`;
    const masterdata = await server.call('POST', '/api/v1/masterdata', {
      body: {
        type: 'EPCClass',
        id: 'urn:epc:idpat:sgtin:9520123.000011.*',
        attributes: [
          { id: 'urn:epcglobal:cbv:mda#regulatedProductName', attribute: 'Exempla <b>10</b> mg' },
          { id: 'urn:epcglobal:cbv:mda#dosageFormType', attribute: 'Tablet' },
          { id: 'urn:x:price', attribute: 'secret 12.30' },
        ],
      },
    });
    expect(masterdata.statusCode, masterdata.body).toBe(201);
    for (const event of [
      commission(0, [epc('S1'), epc('A%2FB')], { lot: 'L1', expiry: '2027-12-31' }),
      commission(1, [epc('S2')], { lot: 'L2' }),
      commission(2, ['urn:epc:id:sscc:9520123.0000000018']),
      commission(3, ['urn:epc:id:sgtin:9520123.000012.S1'], { lot: 'L1' }),
    ])
      expect((await server.capture(documentOf([event]))).success).toBe(true);
    const product = {
      links: [
        link('gs1:pip', 'https://example.com/en/product', { hreflang: ['en'], title: 'Product' }),
        link('gs1:pip', 'https://example.com/de/produkt', { hreflang: ['de'], title: 'Produkt "10"' }),
        link('gs1:pip', 'https://example.com/any.pdf', { type: 'application/pdf', title: 'Sheet' }),
        link(`${VOC}epil`, 'https://example.com/leaflet', { title: 'Leaflet' }),
      ],
    };
    expect((await put(`01/${GTIN}`, product)).statusCode).toBe(200);
    expect((await put(`01/${GTIN}/10/L1`, { links: [link('gs1:epil', 'https://example.com/leaflet-L1')] })).statusCode).toBe(200);
    expect((await put(`(01)${GTIN}(21)S1`, { links: [link('gs1:hasRetailers', 'https://example.com/S1')] })).statusCode).toBe(200);
  });
  afterAll(() => server.close());

  describe('of a product', () => {
    it('is a page for people, with names from master data, escaped, and nothing that runs', async () => {
      const answer = await open(PRODUCT, { accept: HTML });
      expect(answer.statusCode, answer.body).toBe(200);
      expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
      expect(answer.headers['access-control-allow-origin']).toBe('*');
      expect(answer.headers['cache-control']).toBe('public, max-age=60');
      expect(answer.body).toContain('Exempla &#60;b&#62;10&#60;/b&#62; mg');
      expect(answer.body).toContain('<dd>Tablet</dd>');
      expect(answer.body).toContain('href="https://example.com/de/produkt"');
      expect(answer.body).toContain('Produkt &#34;10&#34;');
      expect(answer.body).not.toMatch(/<script|<b>|secret/);
    });

    it.each([
      ['by Accept', PRODUCT, { accept: 'application/linkset+json' }],
      ['by linkType=linkset', `${PRODUCT}?linkType=linkset`, { accept: HTML }],
      ['by linkType=all', `${PRODUCT}?linkType=all`, {}],
      ['to who does not say', PRODUCT, {}],
    ])('is a linkset for machines %s (RFC 9264)', async (_, url, headers) => {
      const answer = await open(url, headers);
      expect(answer.statusCode, answer.body).toBe(200);
      expect(answer.headers['content-type']).toMatch(/^application\/linkset\+json/);
      expect(answer.headers.link).toContain(`<${PRODUCT}?linkType=linkset>; rel="linkset"`);
      const [context] = answer.json().linkset;
      expect(context).toMatchObject({
        anchor: `https://id.gs1.org${PRODUCT}`,
        itemDescription: 'Exempla <b>10</b> mg',
        [`${VOC}epil`]: [{ href: 'https://example.com/leaflet', title: 'Leaflet' }],
      });
      expect(context[`${VOC}pip`][1]).toEqual({ href: 'https://example.com/de/produkt', title: 'Produkt "10"', hreflang: ['de'] });
    });

    it.each([
      ['gs1:pip', { 'accept-language': 'de-AT,en;q=0.5' }, 'https://example.com/de/produkt'],
      ['gs1:pip', { 'accept-language': 'fr,en;q=0.5' }, 'https://example.com/en/product'],
      ['gs1:pip', { 'accept-language': 'fr' }, 'https://example.com/any.pdf'],
      ['gs1:pip', {}, 'https://example.com/any.pdf'],
      ['https%3A%2F%2Fgs1.org%2Fvoc%2Fpip', { 'accept-language': 'en' }, 'https://example.com/en/product'],
      ['gs1:epil', {}, 'https://example.com/leaflet'],
    ])('leads by linkType=%s and %o to %s', async (linkType, headers, href) => {
      const answer = await open(`${PRODUCT}?linkType=${linkType}&17=271231&context=any`, headers as Record<string, string>);
      expect([answer.statusCode, answer.headers.location]).toEqual([307, href]);
    });

    it('answers 404 with what there is for a link type that it does not have', async () => {
      const answer = await open(`${PRODUCT}?linkType=gs1:recipeInfo`, { accept: 'application/linkset+json' });
      expect(answer.statusCode).toBe(404);
      expect(linkTypes(answer)).toEqual([`${VOC}pip`, `${VOC}epil`]);
    });

    it('is asked by HEAD too, and by OPTIONS what is possible', async () => {
      const head = await server.call('HEAD', PRODUCT, { key: null, headers: { accept: HTML } });
      expect([head.statusCode, head.body, head.headers['content-type']]).toEqual([200, '', 'text/html; charset=utf-8']);
      const options = await server.call('OPTIONS', PRODUCT, { key: null });
      expect([options.statusCode, options.headers['access-control-allow-methods']]).toEqual([204, 'GET, HEAD, OPTIONS']);
    });
  });

  describe('of a lot or a pack', () => {
    it('inherits from the product, finest first: the leaflet is that of the lot', async () => {
      for (const url of [`${PRODUCT}/10/L1`, `${PRODUCT}/10/L1/21/S1`, `${PRODUCT}/21/S1`, `${PRODUCT}/21/A%2FB`]) {
        expect((await open(`${url}?linkType=gs1:epil`)).headers.location, url).toBe('https://example.com/leaflet-L1');
        expect((await open(`${url}?linkType=gs1:pip`)).statusCode, url).toBe(307);
      }
      expect((await open(`${PRODUCT}/21/S1?linkType=gs1:hasRetailers`)).headers.location).toBe('https://example.com/S1');
      expect((await open(`${PRODUCT}/21/S2?linkType=gs1:epil`)).headers.location).toBe('https://example.com/leaflet');
    });

    it('goes by the lot that the pack is of, not by the one that a link claims', async () => {
      expect((await open(`${PRODUCT}/10/L1/21/S2?linkType=gs1:epil`)).headers.location).toBe('https://example.com/leaflet');
    });

    it('tells the public nothing of state, holder or times', async () => {
      const { key: _thing, ...state } = (await server.get(`/api/v1/things/${encodeURIComponent(`01/${GTIN}/21/S1`)}`)).json();
      expect(state).toMatchObject({ status: 'Commissioned', lot: 'L1', expiry: '2027-12-31' });
      for (const accept of [HTML, 'application/linkset+json']) {
        const { body } = await open(`${PRODUCT}/21/S1`, { accept });
        expect(body).not.toMatch(/Commissioned|2027|271231|414\/|holder/);
        expect(body.replaceAll('leaflet-L1', '')).not.toContain('L1');
      }
    });

    it.each([HTML, 'application/linkset+json'])(
      'unknown of a known product answers 404 with the links of the product to %s (packs-wire.md)',
      async (accept) => {
        for (const url of [`${PRODUCT}/21/NONE`, `${PRODUCT}/10/NONE`, `${PRODUCT}/21/NONE?linkType=gs1:pip`]) {
          const answer = await open(url, { accept });
          expect(answer.statusCode, url).toBe(404);
          expect(answer.body).toContain('https://example.com/de/produkt');
          expect(answer.headers['cache-control']).toBe('no-store');
        }
      },
    );
  });

  it('knows things of other keys, and products without links', async () => {
    expect((await open('/00/095201230000000189')).json()).toEqual({ linkset: [{ anchor: 'https://id.gs1.org/00/095201230000000189' }] });
    expect((await open('/01/09520123000127/21/S1')).statusCode).toBe(200);
    expect((await open('/01/09520123000127', { accept: HTML })).body).toContain('There are no links');
  });

  it.each([
    ['an unknown product', '/01/09520123000134', 404, 'NOT-FOUND'],
    ['an unknown SSCC', '/00/195201230000000018', 404, 'NOT-FOUND'],
    ['a wrong check digit', '/01/09520123000111', 400, 'ID-CHECK'],
    ['a short GTIN', '/01/9520123000110', 400, 'ID-LENGTH'],
    ['qualifiers out of order', `${PRODUCT}/21/S1/10/L1`, 400, 'ID-AI'],
    ['an attribute twice', `${PRODUCT}?17=271231&17=271231`, 400, 'ID-AI'],
    ['an unknown numeric parameter', `${PRODUCT}?9999=1`, 400, 'ID-AI'],
    ['a date that is none', `${PRODUCT}?17=271331`, 400, 'ID-FORM'],
    ['two link types', `${PRODUCT}?linkType=gs1:pip&linkType=gs1:epil`, 400, 'REQ-FORM'],
    ['a link type that is none', `${PRODUCT}?linkType=a%20b`, 400, 'REQ-FORM'],
    ['an empty serial', `${PRODUCT}/21/`, 400, 'ID-FORM'],
    ['a character that no serial has', `${PRODUCT}/21/%00`, 400, 'ID-CHARSET'],
  ])('refuses %s, and names the rule', async (_, url, status, code) => {
    const answer = await open(url);
    expect([answer.statusCode, problemOf(answer).code]).toEqual([status, code]);
    expect(answer.headers['access-control-allow-origin']).toBe('*');
  });

  it('answers 406 to who accepts nothing that there is', async () => {
    expect((await open(PRODUCT, { accept: 'image/png' })).statusCode).toBe(406);
  });

  it('asks the verification question where the link names GTIN, lot and serial, known here or not (domain.md §8.1)', async () => {
    const query = '17=271231&linkType=gs1:verificationService&reqGLN=9520123000011&corrUUID=x';
    for (const serial of ['S1', 'NONE'])
      expect((await open(`${PRODUCT}/10/L1/21/${serial}?${query}`)).headers.location).toBe(
        `/verify/gtin/${GTIN}/lot/L1/ser/${serial}?exp=271231&linkType=gs1:verificationService&reqGLN=9520123000011&corrUUID=x`,
      );
    expect((await open(`${PRODUCT}/10/A%2F1/21/a%3Fb?linkType=verificationService`)).headers.location).toBe(
      `/verify/gtin/${GTIN}/lot/A%2F1/ser/a%3Fb?linkType=verificationService`,
    );
    expect((await open(`${PRODUCT}?linkType=gs1:verificationService`)).statusCode).toBe(404);
  });

  it('describes itself (GS1-conformant resolver)', async () => {
    const answer = await open('/.well-known/gs1resolver');
    expect(answer.json()).toMatchObject({
      resolverRoot: expect.stringMatching(/^http:\/\/[^/]+$/),
      supportedPrimaryKeys: expect.arrayContaining(['00', '01', '253', '414', '417', '8003', '8004', '8006', '8010', '8017', '8018']),
      linkTypeDefaultCanBeLinkset: true,
    });
    for (const ai of answer.json().supportedPrimaryKeys) expect((await open(`/${ai}/x`)).statusCode, ai).toBe(400);
  });

  describe('links', () => {
    const OTHER = '01/09520123000127';
    const url = `/api/v1/links/${encodeURIComponent(OTHER)}`;

    it('are put, told as they were given, replaced and removed', async () => {
      const body = { links: [link('gs1:pip', 'https://example.com/a', { hreflang: ['de-AT'], type: 'text/html' })], default: 'gs1:pip' };
      expect((await put(OTHER, body)).json()).toEqual({ thing: OTHER, ...body });
      expect((await server.get(url)).json()).toEqual({ thing: OTHER, ...body });
      const replaced = { links: [link('https://example.com/types/own', 'https://example.com/b')] };
      expect((await put('urn:epc:idpat:sgtin:9520123.000012.*', replaced)).statusCode).toBe(200);
      expect((await server.get(url)).json()).toEqual({ thing: OTHER, ...replaced });
      expect((await server.call('DELETE', url)).statusCode).toBe(204);
      expect((await server.call('DELETE', url)).statusCode).toBe(404);
      expect((await server.get(url)).statusCode).toBe(404);
    });

    it('with a default lead there who asks for nothing, people and programs, but for those who ask for the list', async () => {
      const links = [
        link('gs1:epil', 'https://example.com/x'),
        link('gs1:pip', 'https://example.com/fr', { hreflang: ['fr'] }),
        link('gs1:pip', 'https://example.com/en', { hreflang: ['en'] }),
      ];
      expect((await put(OTHER, { links, default: 'gs1:pip' })).statusCode).toBe(200);
      for (const headers of [{ accept: HTML }, {}] as Record<string, string>[])
        expect((await open(`/${OTHER}/21/S1`, { ...headers, 'accept-language': 'en' })).headers.location).toBe('https://example.com/en');
      const list = await open(`/${OTHER}`, { accept: 'application/linkset+json' });
      expect(list.json().linkset[0][`${VOC}defaultLink`]).toEqual([
        { href: 'https://example.com/fr', title: 'https://example.com/fr', hreflang: ['fr'] },
      ]);
      expect((await open(`/${OTHER}?linkType=linkset`)).statusCode).toBe(200);
      expect((await server.call('DELETE', url)).statusCode).toBe(204);
    });

    it.each([
      ['javascript:', 'javascript:alert(1)', '/links/0/href'],
      ['data:', 'data:text/html,x', '/links/0/href'],
      ['a path', '/relative', '/links/0/href'],
      ['name and password', 'https://user:secret@example.com/', '/links/0/href'],
      ['a line break', 'https://example.com/\r\nSet-Cookie: a=b', '/links/0/href'],
      ['a backslash', 'https:\\\\example.com', '/links/0/href'],
    ])('lead to http addresses only: %s is refused', async (_, href, at) => {
      const answer = await put(OTHER, { links: [link('gs1:pip', href, { title: 'x' })] });
      expect([answer.statusCode, problemOf(answer).at]).toEqual([400, at]);
    });

    it.each([
      ['a default that no link has', { links: [link('gs1:pip', 'https://example.com/')], default: 'gs1:epil' }, '/default'],
      ['a link type that is none', { links: [link('a b', 'https://example.com/')] }, '/links/0/linkType'],
      ['no links', { links: [] }, '/links'],
      ['more than a hundred', { links: Array.from({ length: 101 }, () => link('gs1:pip', 'https://example.com/')) }, '/links'],
      ['a language that is none', { links: [link('gs1:pip', 'https://example.com/', { hreflang: ['"'] })] }, '/links/0/hreflang/0'],
    ])('%s is refused', async (_, body, at) => {
      const answer = await put(OTHER, body);
      expect(answer.statusCode).toBe(400);
      expect(problemOf(answer).fix).not.toBe('');
      if (!at.includes('hreflang')) expect(problemOf(answer).at).toBe(at);
    });

    it('are for administrators, at things that a Digital Link can name', async () => {
      const body = { links: [link('gs1:pip', 'https://example.com/')] };
      for (const role of ['line', 'reader'] as const) expect((await put(OTHER, body, { key: server.keys[role] })).statusCode).toBe(403);
      const answer = await put('urn:uuid:00000000-0000-4000-8000-000000000001', body);
      expect([answer.statusCode, problemOf(answer).at]).toEqual([400, '{thing}']);
      expect((await put('01/09520123000111', body)).statusCode).toBe(400);
    });
  });
});
