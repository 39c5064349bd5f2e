import { describe, expect, it } from 'vitest';
import { everyEvent, objectEvent } from '../../../test/support/epcis-documents.ts';
import { canValidateXml, xsdFaults } from '../../../test/support/xsd.ts';
import { readContext } from '../json/context.ts';
import { EPCIS_PREFIXES, type Prefixes } from '../prefixes.ts';
import { documentToXml, masterDataDocumentToXml, queryDocumentToXml, type XmlDocumentParts } from './document.ts';
import { eventToXml } from './from-json.ts';
import { readXmlDocument } from './read.ts';
import { serializeXml } from './serialize.ts';

const GS1US = 'http://epcis.gs1us.org/hc/ns';
const prefixes: Prefixes = new Map([...EPCIS_PREFIXES, ['gs1ushc', GS1US], ['ex', 'http://ns.example.com/epcis/']]);
const creationDate = '2026-03-01T09:00:00Z';
const versions = ['2.0', '1.2'] as const;
const event = (members: Record<string, unknown> = {}, version: '2.0' | '1.2' = '2.0', own: Prefixes = prefixes) =>
  eventToXml(JSON.stringify({ ...objectEvent(), ...members }), { version, prefixes: own }).element;
const written = (parts: Partial<XmlDocumentParts>) => {
  const { element, notes } = documentToXml({ version: '2.0', creationDate, events: [], prefixes, ...parts });
  return { text: serializeXml(element), notes };
};
const header = {
  epcisMasterData: {
    vocabularyList: [
      {
        type: 'urn:epcglobal:epcis:vtype:EPCClass',
        vocabularyElementList: [
          {
            id: 'urn:epc:idpat:sgtin:030001.0012345.*',
            attributes: [
              { id: 'cbvmda:regulatedProductName', attribute: 'Epcistra' },
              { id: 'urn:epcglobal:cbv:mda#netWeight', attribute: { measurement: { '@:measurementUnitCode': 'KGM', '#:text': '3.5' } } },
              { id: 'ex:own', attribute: 12.5 },
            ],
            children: ['urn:x:1'],
            'ex:more': true,
          },
        ],
      },
      { type: 'urn:epcglobal:epcis:vtype:Party' },
    ],
  },
  'gs1ushc:guidelineVersion': '1.2',
  'gs1ushc:dscsaTransactionStatement': { 'gs1ushc:affirmTransactionStatement': true, 'gs1ushc:legalNotice': 'text' },
};
const parties = { sender: 'urn:epc:id:sgln:030001.111111.0', receiver: 'https://example.com/us', instanceIdentifier: '1100220001' };
const validates = canValidateXml();
const faultsOf = (schema: Parameters<typeof xsdFaults>[0], text: string) =>
  validates ? [...xsdFaults(schema, new Map([['document', text]])).values()] : [''];

describe('an EPCISDocument in XML', () => {
  it.each([
    ['2.0', 'urn:epcglobal:epcis:xsd:2'],
    ['1.2', 'urn:epcglobal:epcis:xsd:1'],
  ] as const)('of %s qualifies its root alone (DOC-7, X-1)', (version, namespace) => {
    expect(written({ version }).text).toBe(
      `<epcis:EPCISDocument xmlns:epcis="${namespace}" schemaVersion="${version}" creationDate="${creationDate}"><EPCISBody><EventList/></EPCISBody></epcis:EPCISDocument>`,
    );
  });

  it.each(versions)('of %s holds every type of event, in its wrappers (§5.2)', (version) => {
    const { text } = written({ version, events: everyEvent().map((one) => eventToXml(JSON.stringify(one), { version }).element) });
    expect(text.includes('<extension><TransformationEvent>')).toBe(version === '1.2');
    expect(text.includes('<extension><extension><AssociationEvent>')).toBe(version === '1.2');
    expect(faultsOf(version, text)).toEqual(['']);
  });

  it('declares prefixes of its events once, and leaves an event its own where two documents differ (V-18)', () => {
    const other: Prefixes = new Map([...EPCIS_PREFIXES, ['ex', 'http://other.example/']]);
    const { text } = written({ events: [event({ 'ex:a': 1 }), event({ 'ex:a': 2 }, '2.0', other), event({ 'ex:a': 3 })] });
    expect(text.match(/xmlns:ex="[^"]+"/g)).toEqual(['xmlns:ex="http://ns.example.com/epcis/"', 'xmlns:ex="http://other.example/"']);
    expect(text.match(/xmlns:cbvmda=/g)).toHaveLength(1);
    expect(text).toContain('<ObjectEvent xmlns:ex="http://other.example/">');
  });

  it('makes the business document header of sender, receiver and instance (X-4)', () => {
    const { text, notes } = written(parties);
    expect(text).toContain(
      '<EPCISHeader><sbdh:StandardBusinessDocumentHeader xmlns:sbdh="http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader">' +
        '<sbdh:HeaderVersion>1.0</sbdh:HeaderVersion><sbdh:Sender><sbdh:Identifier Authority="GS1">urn:epc:id:sgln:030001.111111.0</sbdh:Identifier></sbdh:Sender>' +
        '<sbdh:Receiver><sbdh:Identifier>https://example.com/us</sbdh:Identifier></sbdh:Receiver><sbdh:DocumentIdentification><sbdh:Standard>EPCglobal</sbdh:Standard>' +
        '<sbdh:TypeVersion>2.0</sbdh:TypeVersion><sbdh:InstanceIdentifier>1100220001</sbdh:InstanceIdentifier><sbdh:Type>Events</sbdh:Type>' +
        `<sbdh:CreationDateAndTime>${creationDate}</sbdh:CreationDateAndTime></sbdh:DocumentIdentification></sbdh:StandardBusinessDocumentHeader></EPCISHeader>`,
    );
    expect(notes).toEqual([]);
    expect(faultsOf('2.0', text)).toEqual(['']);
  });

  it('says what a business document header demands and nobody told', () => {
    const { text, notes } = written({ sender: 'urn:x:1' });
    expect(notes.map(({ at }) => at)).toEqual(['/receiver', '/instanceIdentifier']);
    expect(faultsOf('2.0', text)).toEqual(['']);
  });

  it('writes a business document header that came in XML as it was, in its own place (X-4)', () => {
    const whole =
      '<sbdh:StandardBusinessDocumentHeader xmlns:sbdh="http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"><sbdh:HeaderVersion>1.0</sbdh:HeaderVersion>' +
      '<sbdh:Sender><sbdh:Identifier Authority="GS1">urn:epc:id:sgln:030001.111111.0</sbdh:Identifier><sbdh:ContactInformation><sbdh:Contact>C</sbdh:Contact></sbdh:ContactInformation></sbdh:Sender>' +
      '<sbdh:Receiver><sbdh:Identifier>urn:x:1</sbdh:Identifier></sbdh:Receiver><sbdh:Receiver><sbdh:Identifier>urn:x:2</sbdh:Identifier></sbdh:Receiver>' +
      '<sbdh:DocumentIdentification><sbdh:Standard>EPCglobal</sbdh:Standard><sbdh:TypeVersion>1.0</sbdh:TypeVersion><sbdh:InstanceIdentifier>7</sbdh:InstanceIdentifier>' +
      `<sbdh:Type>Events</sbdh:Type><sbdh:CreationDateAndTime>${creationDate}</sbdh:CreationDateAndTime></sbdh:DocumentIdentification></sbdh:StandardBusinessDocumentHeader>`;
    const sent = `<e:EPCISDocument xmlns:e="urn:epcglobal:epcis:xsd:1" schemaVersion="1.2" creationDate="${creationDate}"><EPCISHeader>${whole}</EPCISHeader><EPCISBody><EventList/></EPCISBody></e:EPCISDocument>`;
    const read = readXmlDocument(Buffer.from(sent)).header;
    expect(read).toMatchObject({ sender: 'urn:epc:id:sgln:030001.111111.0', receiver: 'urn:x:1', instanceIdentifier: '7' });
    const own = readContext(JSON.parse(read.context), '').prefixes;
    for (const version of versions) {
      const { text, notes } = written({ version, sender: read.sender, header: read.epcisHeader, prefixes: own });
      expect(text.replace(' xmlns:sbdh="http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"', '')).toContain(
        `<EPCISHeader>${whole.replace(/ xmlns:sbdh="[^"]+"/, '')}</EPCISHeader>`,
      );
      expect(notes).toEqual([]);
      expect(faultsOf(version, text)).toEqual(['']);
    }
  });

  it.each(versions)('writes header master data of %s inside extension (X-3, MD-3)', (version) => {
    const { text } = written({ version, ...parties, header: JSON.stringify(header) });
    expect(text).toContain(
      '</sbdh:StandardBusinessDocumentHeader><extension><EPCISMasterData><VocabularyList><Vocabulary type="urn:epcglobal:epcis:vtype:EPCClass">' +
        '<VocabularyElementList><VocabularyElement id="urn:epc:idpat:sgtin:030001.0012345.*">' +
        '<attribute id="urn:epcglobal:cbv:mda#regulatedProductName">Epcistra</attribute>' +
        '<attribute id="urn:epcglobal:cbv:mda#netWeight"><measurement measurementUnitCode="KGM">3.5</measurement></attribute>' +
        '<attribute id="http://ns.example.com/epcis/own">12.5</attribute><children><id>urn:x:1</id></children>' +
        '<ex:more xsi:type="xsd:boolean">true</ex:more></VocabularyElement></VocabularyElementList></Vocabulary>' +
        '<Vocabulary type="urn:epcglobal:epcis:vtype:Party"/></VocabularyList></EPCISMasterData></extension>',
    );
    expect(faultsOf(version, text)).toEqual(['']);
  });

  it('has other members of the header in EPCISHeader in 1.2, and after EPCISBody in 2.0, which it says (P-1)', () => {
    const old = written({ version: '1.2', ...parties, header });
    expect(old.text).toMatch(/<\/extension><gs1ushc:guidelineVersion>1\.2<.*<\/gs1ushc:dscsaTransactionStatement><\/EPCISHeader>/);
    expect(old.notes).toEqual([]);
    const now = written({ version: '2.0', ...parties, header, extensions: { 'ex:d': 'x' } });
    expect(now.text).toMatch(
      /<\/EPCISBody><gs1ushc:guidelineVersion>.*<\/gs1ushc:dscsaTransactionStatement><ex:d>x<\/ex:d><\/epcis:EPCISDocument>$/,
    );
    expect(now.notes).toMatchObject([{ at: '/epcisHeader' }]);
    expect(faultsOf('2.0', now.text)).toEqual(['']);
    expect(faultsOf('1.2', old.text)).toEqual(['']);
  });

  it.each(versions)('of %s is read again with the header it had (X-4, P-1)', (version) => {
    const { masterData, ...own } = { masterData: header.epcisMasterData.vocabularyList[0], 'gs1ushc:guidelineVersion': '1.2' };
    const [element] = masterData?.vocabularyElementList ?? [];
    const attributes = [{ id: 'urn:epcglobal:cbv:mda#regulatedProductName', attribute: element?.attributes[0]?.attribute }];
    const epcisMasterData = { vocabularyList: [{ ...masterData, vocabularyElementList: [{ ...element, attributes }] }] };
    const { text } = written({ version, ...parties, header: { ...own, epcisMasterData } });
    const read = readXmlDocument(Buffer.from(text)).header;
    expect(read).toMatchObject({ ...parties, creationDate, schemaVersion: version, epcisHeader: { ...own, epcisMasterData } });
  });

  it('has a business document header in 1.2 whenever there is a header, since 1.2 demands it (X-4)', () => {
    const { text, notes } = written({ version: '1.2', header });
    expect(notes).toHaveLength(3);
    expect(faultsOf('1.2', text)).toEqual(['']);
  });

  it.each([
    ['2.0', '<EventList><ObjectEvent>', '<extension><ex:Own>'],
    ['1.2', '<EventList><ObjectEvent>', '</EventList><ex:Own>'],
  ] as const)('keeps an event of another type where %s takes it', (version, first, second) => {
    const { text, notes } = written({ version, events: [event({}, version), event({ type: 'ex:Own' }, version)] });
    expect(text).toContain(first);
    expect(text).toContain(second);
    expect(notes).toHaveLength(version === '1.2' ? 1 : 0);
    expect(faultsOf(version, text)).toEqual(['']);
  });
});

describe('an EPCISQueryDocument in XML', () => {
  it.each(versions)('of %s has its results qualified, and the subscription only when there is one (DOC-5, DOC-8)', (version) => {
    const parts = { version, creationDate, queryName: 'q', results: { events: [event({}, version)] } };
    const text = serializeXml(queryDocumentToXml(parts).element);
    expect(text).toMatch(
      /^<epcisq:EPCISQueryDocument [^>]+><EPCISBody><epcisq:QueryResults><queryName>q<\/queryName><resultsBody><EventList><ObjectEvent>/,
    );
    const subscribed = serializeXml(queryDocumentToXml({ ...parts, subscriptionID: 's' }).element);
    expect(subscribed).toContain('<queryName>q</queryName><subscriptionID>s</subscriptionID><resultsBody>');
    expect(faultsOf(`query ${version}`, text)).toEqual(['']);
    expect(faultsOf(`query ${version}`, subscribed)).toEqual(['']);
  });

  it('leaves out events of other types in 1.2, whose results take none, and says so', () => {
    const results = { events: [event({ type: 'ex:Own' }, '1.2'), event({}, '1.2')] };
    const { element, notes } = queryDocumentToXml({ version: '1.2', creationDate, queryName: 'q', results });
    expect(serializeXml(element)).not.toContain('ex:Own');
    expect(notes).toMatchObject([{ at: 'ex:Own' }]);
  });

  it('answers a master data query with vocabularies in place of events (MD-8)', () => {
    const { vocabularyList } = header.epcisMasterData;
    const { element } = queryDocumentToXml({
      version: '2.0',
      creationDate,
      prefixes,
      queryName: 'SimpleMasterDataQuery',
      results: { vocabularyList },
    });
    const text = serializeXml(element);
    expect(text).toContain('<resultsBody><VocabularyList><Vocabulary type=');
    expect(faultsOf('query 2.0', text)).toEqual(['']);
    const read = readXmlDocument(Buffer.from(text));
    expect(read).toMatchObject({ kind: 'EPCISQueryDocument', eventCount: 0, header: { queryName: 'SimpleMasterDataQuery' } });
    expect(read.header.epcisHeader).toMatchObject({
      epcisMasterData: { vocabularyList: [{ vocabularyElementList: [{ id: 'urn:epc:idpat:sgtin:030001.0012345.*' }] }, {}] },
    });
  });
});

describe('an EPCISMasterDataDocument in XML', () => {
  it.each(versions)('of %s has the vocabularies as its body, and is read with the header it had (X-3, X-4)', (version) => {
    const { element } = masterDataDocumentToXml({ version, creationDate, prefixes, ...parties, header });
    const text = serializeXml(element);
    expect(text).toMatch(/^<epcismd:EPCISMasterDataDocument [^>]+><EPCISHeader><sbdh:.*<EPCISBody><VocabularyList><Vocabulary type=/);
    expect(faultsOf(`master data ${version}`, text)).toEqual(['']);
    const read = readXmlDocument(Buffer.from(text));
    expect(read).toMatchObject({ kind: 'EPCISMasterDataDocument', eventCount: 0, header: parties });
    expect(read.header.epcisHeader).toMatchObject({
      epcisMasterData: { vocabularyList: [{ type: 'urn:epcglobal:epcis:vtype:EPCClass' }, { type: 'urn:epcglobal:epcis:vtype:Party' }] },
      'gs1ushc:guidelineVersion': '1.2',
    });
  });
});
