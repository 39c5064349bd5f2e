import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentToXml, eventToXml, readDocument, serializeXml } from '../../src/epcis/index.ts';
import { parseXml } from '../../src/epcis/xml/parse.ts';
import { everyEvent, objectEvent, sgtin } from '../support/epcis-documents.ts';
import { exampleFiles } from '../support/epcis-examples.ts';
import { type Answer, type Call, problemOf, TestServer } from '../support/server.ts';
import { sharedPath } from '../support/shared.ts';
import { ENGINES } from '../support/test-store.ts';
import { canValidateXml, xsdFaults } from '../support/xsd.ts';

const XML = { 'content-type': 'application/xml' };
const ROOT = '<e:EPCISDocument xmlns:e="urn:epcglobal:epcis:xsd:2" schemaVersion="2.0" creationDate="2026-03-01T09:00:00Z">';
const creationDate = '2026-03-01T09:00:00Z';

const validates = canValidateXml();

/** Documents of 1.2 whose header has a statement in a namespace of its own (§16.3): ours, and the published one where it is there. */
const SHIPPING: [string, Buffer][] = [
  [
    'our own',
    Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>
<e:EPCISDocument xmlns:e="urn:epcglobal:epcis:xsd:1" xmlns:b="http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader" xmlns:gs1ushc="http://epcis.gs1us.org/hc/ns" schemaVersion="1.2" creationDate="2026-03-01T09:00:00Z">
  <EPCISHeader><b:StandardBusinessDocumentHeader><b:HeaderVersion>1.0</b:HeaderVersion><b:Sender><b:Identifier Authority="GS1">urn:epc:id:sgln:9520123.00001.0</b:Identifier></b:Sender>
    <b:Receiver><b:Identifier Authority="GS1">urn:epc:id:sgln:9520123.00002.0</b:Identifier></b:Receiver><b:DocumentIdentification><b:Standard>EPCglobal</b:Standard><b:TypeVersion>1.0</b:TypeVersion>
    <b:InstanceIdentifier>7</b:InstanceIdentifier><b:Type>Events</b:Type><b:CreationDateAndTime>2026-03-01T09:00:00Z</b:CreationDateAndTime></b:DocumentIdentification></b:StandardBusinessDocumentHeader>
    <gs1ushc:dscsaTransactionStatement><gs1ushc:affirmTransactionStatement>true</gs1ushc:affirmTransactionStatement></gs1ushc:dscsaTransactionStatement></EPCISHeader>
  <EPCISBody><EventList><ObjectEvent><eventTime>2026-03-01T08:00:00Z</eventTime><eventTimeZoneOffset>-05:00</eventTimeZoneOffset><epcList><epc>urn:epc:id:sscc:9520123.0000000777</epc></epcList>
    <action>OBSERVE</action><bizStep>urn:epcglobal:cbv:bizstep:shipping</bizStep><gs1ushc:dropShipment>false</gs1ushc:dropShipment></ObjectEvent></EventList></EPCISBody>
</e:EPCISDocument>`),
  ],
  ...exampleFiles(/GS1_US_Pharma_Example.*\.xml$/),
];

/** A document of events in XML. */
function xmlOf(events: readonly Record<string, unknown>[], version: '2.0' | '1.2' = '2.0'): string {
  const elements = events.map((event) => eventToXml(event as never, { version }).element);
  return serializeXml(documentToXml({ version, creationDate, events: elements }).element, { declaration: true });
}
const observe = (serial: string) => ({ ...objectEvent(), epcList: [sgtin(serial)] });
const badAction = (xml: string, nth: number) => {
  let n = 0;
  return xml.replace(/<action>ADD<\/action>/g, (text) => (n++ === nth ? '<action>LOOK</action>' : text));
};

describe.each(ENGINES)('XML on %s', (engine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.on(engine);
  });
  afterAll(() => server.close());

  const capture = async (xml: string, headers: Record<string, string> = {}): Promise<Answer> =>
    await server.call('POST', '/epcis/capture', { body: xml, headers: { ...XML, ...headers } });
  const thing = async (serial: string) => (await server.get(`/api/v1/things/${encodeURIComponent(sgtin(serial))}`)).statusCode;
  const events = async (search: string, call: Call = {}) => await server.get(`/epcis/events?${search}`, call);

  it.each(['application/xml', 'text/xml', 'application/xml; charset=utf-8'])(
    'is captured as %s and asked for as any event (R-9, X-11)',
    async (type) => {
      const serial = `X${type.length}`;
      expect(await server.capture(xmlOf([observe(serial)]), { headers: { 'content-type': type } })).toMatchObject({
        success: true,
        errors: [],
      });
      expect(await thing(serial)).toBe(200);
      const answer = (await events(`MATCH_epc=${sgtin(serial)}`, { headers: { 'gs1-epc-format': 'Never_Translates' } })).json();
      const [event] = answer.epcisBody.queryResults.resultsBody.eventList;
      expect(event).toMatchObject({
        type: 'ObjectEvent',
        bizStep: 'commissioning',
        epcList: [sgtin(serial)],
        recordTime: expect.any(String),
      });
      expect(event.ilmd['cbvmda:lotNumber']).toBe('L1');
    },
  );

  it('of 1.2 is captured, and the same event in JSON is the same again, master data in its ilmd and all (V-15, X-10, X-11)', async () => {
    const event = { ...observe('SAME'), eventID: 'urn:uuid:0b41d1ea-0000-4000-8000-000000000001' };
    expect(await server.capture(xmlOf([event], '1.2'), { headers: XML })).toMatchObject({ success: true });
    const answer = await server.call('POST', '/epcis/events', {
      body: { '@context': ['https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld'], ...event },
    });
    expect([answer.statusCode, answer.headers.location]).toEqual([201, `/epcis/events/${encodeURIComponent(event.eventID)}`]);
    const told = (await events(`EQ_eventID=${event.eventID}`)).json();
    expect(told.epcisBody.queryResults.resultsBody.eventList).toHaveLength(1);
  });

  it('takes one bare event at POST /events (DOC-6)', async () => {
    const element = eventToXml(observe('BARE'), { version: '2.0' }).element;
    const answer = await server.call('POST', '/epcis/events', { body: serializeXml(element), headers: XML });
    expect(answer.statusCode).toBe(201);
    expect(await thing('BARE')).toBe(200);
    const told = await server.get(answer.headers.location as string, { headers: { accept: 'application/xml' } });
    expect(told.body).toContain(sgtin('BARE').split(':').at(-1)?.split('.').at(-1));
  });

  it('takes a bare event that bears the namespace of EPCIS as the event it is, in both releases (X-1)', async () => {
    for (const [type, serial] of [
      ['ObjectEvent', 'NS1'],
      ['QuantityEvent', 'NS2'],
    ] as const) {
      const what =
        type === 'ObjectEvent'
          ? `<epcList><epc>${sgtin(serial)}</epc></epcList><action>OBSERVE</action>`
          : '<epcClass>urn:epc:class:lgtin:9520123.000011.NS2</epcClass><quantity>7</quantity>';
      const body = `<e:${type} xmlns:e="urn:epcglobal:epcis:xsd:1"><eventTime>2026-03-01T08:00:00Z</eventTime><eventTimeZoneOffset>+00:00</eventTimeZoneOffset>${what}</e:${type}>`;
      const { headers } = await server.call('POST', '/epcis/events', { body, headers: XML });
      for (const max of ['1.2', '2.0']) {
        const answer = await server.get(headers.location as string, { headers: { accept: 'application/xml', 'gs1-epcis-max': max } });
        expect(answer.body).toContain('<ObjectEvent>');
        const [event] = [...readDocument(Buffer.from(answer.body)).events()];
        expect(event).toMatchObject({ event: { type: 'ObjectEvent', action: 'OBSERVE' } });
      }
    }
  });

  it('keeps what a prefix in a value stands for, wherever it was declared (V-18, X-11)', async () => {
    const named = 'http://ns.example.com/v/';
    const body = xmlOf([{ ...observe('CURIE'), eventID: 'urn:uuid:0b41d1ea-0000-4000-8000-000000000002' }])
      .replace('<ObjectEvent>', `<ObjectEvent xmlns:own="${named}">`)
      .replace(/xmlns:epcis/, `xmlns:mine="${named}" xmlns:epcis`)
      .replace('urn:epcglobal:cbv:bizstep:commissioning', 'mine:step')
      .replace('urn:epcglobal:cbv:disp:active', 'own:disposition');
    expect((await server.capture(body, { headers: XML })).success).toBe(true);
    for (const format of ['No_Preference', 'Always_URN', 'Always_Web_URI', 'Never_Translates'])
      for (const max of ['1.2', '2.0']) {
        const headers = { accept: 'application/xml', 'gs1-epcis-max': max, 'gs1-cbv-xml-format': format };
        const answer = await events('EQ_eventID=urn:uuid:0b41d1ea-0000-4000-8000-000000000002', { headers });
        const [event] = [...readDocument(Buffer.from(answer.body)).events()];
        expect(event).toMatchObject({ event: { bizStep: `${named}step`, disposition: `${named}disposition` } });
      }
  });

  it('keeps the master data of a document that has nothing else (C-7, MD-1)', async () => {
    const place = 'urn:epc:id:sgln:9520123.00777.0';
    const body = `<?xml version="1.0"?><md:EPCISMasterDataDocument xmlns:md="urn:epcglobal:epcis-masterdata:xsd:1" schemaVersion="1.2" creationDate="${creationDate}">
      <EPCISBody><VocabularyList><Vocabulary type="urn:epcglobal:epcis:vtype:Location"><VocabularyElementList>
      <VocabularyElement id="${place}"><attribute id="urn:epcglobal:cbv:mda#name">The far store</attribute></VocabularyElement>
      </VocabularyElementList></Vocabulary></VocabularyList></EPCISBody></md:EPCISMasterDataDocument>`;
    expect(await server.capture(body, { headers: XML })).toMatchObject({ success: true, errors: [] });
    await server.capture(xmlOf([{ ...observe('FAR'), bizLocation: { id: place } }]), { headers: XML });
    const scope = (await server.get(`/api/v1/things/${encodeURIComponent(sgtin('FAR'))}`)).json();
    expect(JSON.stringify(scope)).toContain('The far store');
  });

  it('says where an event is wrong by its XPath, under rollback and under proceed (C-9, E-1)', async () => {
    const xml = badAction(xmlOf([observe('W1'), observe('W2')]), 1);
    const refused = await capture(xml);
    expect(refused.statusCode).toBe(400);
    expect(problemOf(refused)).toMatchObject({
      code: 'EV-SCHEMA',
      at: '/epcis:EPCISDocument/EPCISBody/EventList/ObjectEvent[2]/action',
      errors: [{ index: 1 }],
    });
    expect(await thing('W1')).toBe(404);
    const job = await server.capture(xml, { headers: { ...XML, 'gs1-capture-error-behaviour': 'proceed' } });
    expect(job).toMatchObject({
      success: false,
      errors: [{ index: 1, at: '/epcis:EPCISDocument/EPCISBody/EventList/ObjectEvent[2]/action' }],
    });
    expect([await thing('W1'), await thing('W2')]).toEqual([200, 404]);
  });

  it.each([
    ['is not well formed', `${ROOT}<a><b></a>`, 'EV-SYNTAX'],
    ['has a DOCTYPE with entities of its own (X-6)', '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', 'EV-SYNTAX'],
    ['has an external DTD (X-6)', '<!DOCTYPE a SYSTEM "http://example.com/a.dtd"><a/>', 'EV-SYNTAX'],
    ['is no EPCIS document', '<a/>', 'EV-SCHEMA'],
    ['is JSON', '{}', 'EV-SYNTAX'],
    ['is nested beyond bounds', `${ROOT}${'<a>'.repeat(5000)}`, 'REQ-LIMIT'],
  ])('that %s is refused', async (_what, body, code) => {
    const answer = await capture(body);
    expect([answer.statusCode >= 400 && answer.statusCode < 500, problemOf(answer).code]).toEqual([true, code]);
  });

  it('is refused when it comes as JSON, and where only JSON is taken (R-9)', async () => {
    const answer = await server.call('POST', '/epcis/capture', { body: xmlOf([observe('J')]) });
    expect([answer.statusCode, problemOf(answer).code]).toEqual([400, 'EV-SYNTAX']);
    const other = await server.call('POST', '/api/v1/keys', { body: '<a/>', headers: XML });
    expect(other.statusCode).toBe(415);
  });

  it.each([
    ['1.2', '1.2', 202],
    ['1.2.0', '1.2', 202],
    ['2.0.0', '2.0', 202],
    ['1.2', '2.0', 400],
    ['2.0', '1.2', 400],
    ['3.0', '2.0', 400],
  ] as const)('of version %s as %s answers %i (R-13, R-14)', async (told, version, status) => {
    const answer = await capture(xmlOf([observe(`V${told}${version}`)], version), { 'gs1-epcis-version': told });
    expect(answer.statusCode).toBe(status);
  });

  describe('as an answer', () => {
    beforeAll(async () => {
      await server.capture(
        xmlOf(everyEvent().map((event, i) => ({ ...event, eventID: `urn:uuid:0b41d1ea-0000-4000-8000-0000000001${i}0` }))),
        {
          headers: XML,
        },
      );
    });
    const ids = 'EQ_eventID=urn:uuid:0b41d1ea-0000-4000-8000-000000000100';

    it.each([
      ['application/xml', {}, 'application/xml; charset=utf-8', 'urn:epcglobal:epcis-query:xsd:2'],
      ['text/xml', {}, 'text/xml; charset=utf-8', 'urn:epcglobal:epcis-query:xsd:2'],
      ['application/json;q=0.5, application/xml', {}, 'application/xml; charset=utf-8', 'urn:epcglobal:epcis-query:xsd:2'],
      ['application/xml', { 'gs1-epcis-max': '1.2' }, 'application/xml; charset=utf-8', 'urn:epcglobal:epcis-query:xsd:1'],
      ['*/*', { 'gs1-epcis-min': '1.1', 'gs1-epcis-max': '1.2' }, 'application/xml; charset=utf-8', 'urn:epcglobal:epcis-query:xsd:1'],
    ])('to Accept %s %o is %s', async (accept, headers, type, namespace) => {
      const answer = await events(ids, { headers: { accept, ...headers } });
      expect(answer.statusCode).toBe(200);
      expect(answer.headers['content-type']).toBe(type);
      expect(parseXml(Buffer.from(answer.body)).uri).toBe(namespace);
      expect(answer.headers['gs1-epcis-version']).toBe(namespace.endsWith('2') ? '2.0.0' : '1.2.0');
    });

    it.each([
      ['application/json', { 'gs1-epcis-max': '1.2' }],
      ['application/xml', { 'gs1-epcis-max': '1.1' }],
      ['application/xml', { 'gs1-epcis-min': '2.1' }],
      ['text/csv', {}],
    ])('to Accept %s %o is 406 (R-10, R-13)', async (accept, headers) => {
      const answer = await events(ids, { headers: { accept, ...headers } });
      expect(answer.statusCode).toBe(406);
    });

    it.each([
      ['Always_URN', 'urn:epcglobal:cbv:bizstep:commissioning'],
      ['Always_Web_URI', 'https://ref.gs1.org/cbv/BizStep-commissioning'],
      ['Never_Translates', 'urn:epcglobal:cbv:bizstep:commissioning'],
      ['No_Preference', 'urn:epcglobal:cbv:bizstep:commissioning'],
    ])('spells standard values as GS1-CBV-XML-Format %s says (V-6)', async (format, spelled) => {
      const answer = await events('EQ_bizStep=commissioning&perPage=1', {
        headers: { accept: 'application/xml', 'gs1-cbv-xml-format': format },
      });
      expect(answer.body).toContain(`<bizStep>${spelled}</bizStep>`);
      expect(answer.headers['gs1-cbv-xml-format']).toBe(format);
    });

    it('refuses a GS1-CBV-XML-Format that there is not', async () => {
      const answer = await events(ids, { headers: { 'gs1-cbv-xml-format': 'urn' } });
      expect(problemOf(answer)).toMatchObject({ code: 'REQ-FORM', at: 'GS1-CBV-XML-Format' });
    });

    it.each(['Always_GS1_Digital_Link', 'Always_EPC_URN'])(
      'gives identifiers as %s, of events captured in either syntax (V-9)',
      async (format) => {
        await server.capture(xmlOf([observe('F1')]), { headers: XML });
        const link = 'https://id.gs1.org/01/09520123000110/21/F1';
        const answer = await events(`MATCH_epc=${sgtin('F1')}`, { headers: { accept: 'application/xml', 'gs1-epc-format': format } });
        expect(answer.body).toContain(`<epc>${format === 'Always_EPC_URN' ? sgtin('F1') : link}</epc>`);
      },
    );

    it('of 1.2 has URNs unless something else is asked for, since 1.2 knows no Digital Links (V-9)', async () => {
      await server.capture(xmlOf([observe('OLD')]), { headers: XML });
      const old = { accept: 'application/xml', 'gs1-epcis-max': '1.2' };
      const answer = await events(`MATCH_epc=${sgtin('OLD')}`, { headers: old });
      expect(answer.headers['gs1-epc-format']).toBe('Always_EPC_URN');
      expect(answer.body).toContain(`<epc>${sgtin('OLD')}</epc>`);
      const asked = await events(`MATCH_epc=${sgtin('OLD')}`, { headers: { ...old, 'gs1-epc-format': 'Always_GS1_Digital_Link' } });
      expect(asked.body).toContain('<epc>https://id.gs1.org/01/09520123000110/21/OLD</epc>');
    });

    it.skipIf(!validates)(
      'is valid against the official schemas, captured in either syntax, in both releases',
      { timeout: 60_000 },
      async () => {
        for (const version of ['2.0', '1.2'] as const) {
          const bodies = new Map<string, string>();
          for (const format of ['Always_URN', 'Always_Web_URI', 'Never_Translates']) {
            const headers = { accept: 'application/xml', 'gs1-epcis-max': version, 'gs1-cbv-xml-format': format };
            bodies.set(format, (await events('perPage=1000', { headers })).body);
          }
          expect(Object.fromEntries(xsdFaults(`query ${version}`, bodies))).toEqual({
            Always_URN: '',
            Always_Web_URI: '',
            Never_Translates: '',
          });
        }
      },
    );

    it('says beside the document what 1.2 holds in another place (X-9)', async () => {
      const answer = await events('eventType=AssociationEvent', { headers: { accept: 'application/xml', 'gs1-epcis-max': '1.2' } });
      expect(answer.statusCode).toBe(200);
      const sensors = await events('eventType=ObjectEvent&perPage=100', { headers: { accept: 'application/xml', 'gs1-epcis-max': '1.2' } });
      expect(sensors.headers['lotline-notes']).toMatch(/event \d+, .*1\.2 has no/);
    });

    it('pages as in JSON (R-22)', async () => {
      const first = await events('eventType=ObjectEvent&perPage=1', { headers: { accept: 'application/xml' } });
      const next = /<([^>]+)>; rel="next"/.exec(first.headers.link as string)?.[1] as string;
      const second = await server.get(next, { headers: { accept: 'application/xml' } });
      expect(second.statusCode).toBe(200);
      expect(second.body).not.toBe(first.body);
    });
  });

  it('tells a capture job as EPCISCaptureJob, with its errors (R-10, R-16)', async () => {
    const answer = await capture(badAction(xmlOf([observe('JOB')]), 0), { 'gs1-capture-error-behaviour': 'proceed' });
    await server.service.deps.capture.settled();
    const job = await server.get(answer.headers.location as string, { headers: { accept: 'application/xml' } });
    expect(job.headers['content-type']).toBe('application/xml; charset=utf-8');
    const root = parseXml(Buffer.from(job.body));
    expect([root.uri, root.local]).toEqual(['urn:epcglobal:epcis:xsd:2', 'EPCISCaptureJob']);
    expect(Object.fromEntries(root.attributes.map(({ local, value }) => [local, value]))).toMatchObject({
      running: 'false',
      success: 'false',
    });
    expect(job.body).toContain('epcisException:ValidationException');
  });

  it('tells problems as EPCISException to who asks for XML (R-10)', async () => {
    const answer = await server.get('/epcis/capture/none', { headers: { accept: 'application/xml' } });
    expect(answer.statusCode).toBe(404);
    expect(answer.headers['content-type']).toBe('application/problem+xml; charset=utf-8');
    expect(parseXml(Buffer.from(answer.body)).local).toBe('EPCISException');
    expect(answer.body).toContain('<type>epcisException:NoSuchResourceException</type>');
  });

  describe('as the document that was captured', () => {
    const document = async (captureID: string, headers: Record<string, string> = {}) =>
      await server.get(`/api/v1/captures/${captureID}/document`, { headers });

    it('comes back byte for byte, and in the other forms on request (X-10)', async () => {
      const sent = `<!-- from a partner -->${xmlOf([observe('D1'), observe('D2')], '1.2')}`.replace(/^(<!--.*?-->)(<\?xml.*?\?>)/, '$2$1');
      const { captureID } = await server.capture(sent, { headers: XML });
      const same = await document(captureID);
      expect([same.statusCode, same.body, same.headers['content-type']]).toEqual([200, sent, 'application/xml; charset=utf-8']);
      const json = await document(captureID, { accept: 'application/ld+json' });
      expect(json.json().epcisBody.eventList.map((event: { epcList: string[] }) => event.epcList)).toEqual([[sgtin('D1')], [sgtin('D2')]]);
      const old = await document(captureID, { accept: 'application/xml', 'gs1-epcis-max': '1.2' });
      expect(old.body).toBe(sent);
      const modern = await document(captureID, { accept: 'application/xml' });
      expect(parseXml(Buffer.from(modern.body)).uri).toBe('urn:epcglobal:epcis:xsd:2');
      expect([same.headers['gs1-epcis-version'], modern.headers['gs1-epcis-version']]).toEqual(['1.2.0', '2.0.0']);
      expect((await document(captureID, { 'gs1-epcis-min': '3.0' })).statusCode).toBe(406);
      expect((await document('none')).statusCode).toBe(404);
    });

    it.each(SHIPPING)(
      'keeps the statements of a DSCSA shipping document, tells where 2.0 has them, and gives them back in 1.2: %s (P-1)',
      async (_name, body) => {
        const { captureID, success } = await server.capture(body, { headers: XML });
        expect(success).toBe(true);
        expect((await document(captureID)).rawPayload.equals(body)).toBe(true);
        const { epcisHeader } = (await document(captureID, { accept: 'application/json' })).json();
        expect(epcisHeader['gs1ushc:dscsaTransactionStatement']['gs1ushc:affirmTransactionStatement']).toBe('true');
        const modern = await document(captureID, { accept: 'application/xml' });
        expect(modern.headers['lotline-notes']).toMatch(/EPCISHeader; they stand after EPCISBody/);
        expect(modern.body.indexOf('dscsaTransactionStatement')).toBeGreaterThan(modern.body.indexOf('</EPCISBody>'));
        if (validates) expect(xsdFaults('2.0', new Map([['modern', modern.body]])).get('modern')).toBe('');
        // Somebody who has it in 2.0 sends it on, and a third asks for 1.2.
        const sentOn = modern.body.replace('</EPCISBody>', ' </EPCISBody>');
        const other = await TestServer.on(engine);
        const again = await other.capture(sentOn, { headers: XML });
        const old = await other.get(`/api/v1/captures/${again.captureID}/document`, {
          headers: { accept: 'application/xml', 'gs1-epcis-max': '1.2' },
        });
        await other.close();
        expect(old.body.indexOf('dscsaTransactionStatement')).toBeLessThan(old.body.indexOf('</EPCISHeader>'));
        if (validates) expect(xsdFaults('1.2', new Map([['old', old.body]])).get('old')).toBe('');
      },
    );
  });

  it('is checked and hashed without being stored', async () => {
    const body = xmlOf([observe('DRY')]);
    const check = await server.call('POST', '/api/v1/check', { body, headers: XML });
    expect(check.json()).toMatchObject({ events: [{ index: 0, verdict: 'ok' }] });
    const hash = await server.call('POST', '/api/v1/hash', { body, headers: XML });
    const [event] = [...readDocument(Buffer.from(body)).events()];
    expect(hash.json().events[0].hash).toBe(
      `ni:///sha-256;${Buffer.from((event as { hash: Uint8Array }).hash).toString('hex')}?ver=CBV2.0`,
    );
    expect(await thing('DRY')).toBe(404);
  });
});

describe('the published examples that must be refused', () => {
  const folder = sharedPath('gs1', 'examples');
  it.skipIf(folder === null)('are, at a place inside of them, under rollback and under proceed', { timeout: 60_000 }, async () => {
    const invalid = exampleFiles(/\.(?:json|xml)$/, 'Capture/Invalid');
    expect(invalid.size).toBeGreaterThan(10);
    const server = await TestServer.start();
    for (const [name, body] of invalid) {
      const headers = name.endsWith('.xml') ? XML : undefined;
      const refused = await server.call('POST', '/epcis/capture', { body, ...(headers && { headers }) });
      expect({ name, status: refused.statusCode }).toEqual({ name, status: 400 });
      const { at, errors } = problemOf(refused);
      expect({ name, at }).toEqual({ name, at: expect.stringMatching(/^\//) });
      const proceed = await server.call('POST', '/epcis/capture', {
        body,
        headers: { ...headers, 'gs1-capture-error-behaviour': 'proceed' },
      });
      if (proceed.statusCode === 400) continue; // broken as a whole
      await server.service.deps.capture.settled();
      const job = (await server.get(proceed.headers.location as string)).json();
      expect({ name, success: job.success, at: job.errors[0]?.at }).toEqual({ name, success: false, at });
      expect(job.errors.length).toBe(errors?.length ?? 1);
    }
    const { epcisBody } = (await server.get('/epcis/events')).json();
    await server.close();
    // Under proceed the good events of the document that mixes both are kept.
    const kept = epcisBody.queryResults.resultsBody.eventList as Record<string, unknown>[];
    for (const event of kept) expect(event['action']).toMatch(/^(ADD|OBSERVE|DELETE)$/);
  });
});
