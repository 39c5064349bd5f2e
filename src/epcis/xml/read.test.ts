import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CASE, PALLET, SITE, sgtin } from '../../../test/support/epcis-documents.ts';
import { sharedPath } from '../../../test/support/shared.ts';
import { LotlineError } from '../../errors.ts';
import { readContext } from '../json/context.ts';
import { isRefused, type ReadDocument, readDocument, readEventText } from '../json/read.ts';
import { writeQueryDocument } from '../json/write.ts';
import type { ReadEvent } from '../model.ts';
import { readXmlDocument, xmlEventToJson } from './read.ts';

type Json = Record<string, unknown>;
const bytesOf = (text: string) => new TextEncoder().encode(text);
const DECLARED =
  'xmlns:ex="http://ns.example.com/epcis/" xmlns:cbvmda="urn:epcglobal:cbv:mda" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"';
const documentOf = (events: string, { version = 2, header = '', declared = DECLARED, after = '' } = {}) =>
  bytesOf(
    `<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:${version}" ${declared} schemaVersion="${version === 2 ? '2.0' : '1.2'}" ` +
      `creationDate="2026-03-01T08:15:00Z">${header}<EPCISBody><EventList>${events}</EventList></EPCISBody>${after}</epcis:EPCISDocument>`,
  );
const TIMES = '<eventTime>2026-03-01T08:15:00.000+01:00</eventTime><eventTimeZoneOffset>+01:00</eventTimeZoneOffset>';
const EPCS = `<epcList><epc>${sgtin(1)}</epc></epcList>`;
const objectEvent = (inner: string, action = 'OBSERVE', open = '<ObjectEvent>') =>
  `${open}${TIMES}${EPCS}<action>${action}</action>${inner}</ObjectEvent>`;
const LIST = '/epcis:EPCISDocument/EPCISBody/EventList';
const EVENT = `${LIST}/ObjectEvent[1]`;

const readOne = (bytes: Uint8Array): ReadEvent => {
  const [item] = readXmlDocument(bytes).events();
  if (item === undefined || isRefused(item)) throw new Error(JSON.stringify(item));
  return item;
};
/** The JSON of the first event, by its own bytes and the document's context. */
const jsonText = (bytes: Uint8Array, index = 0): string => {
  const document = readXmlDocument(bytes);
  const item = [...document.events()][index]!;
  return xmlEventToJson(bytes.subarray(item.start, item.end), document.header.context);
};
const jsonOf = (bytes: Uint8Array) => JSON.parse(jsonText(bytes)) as Json;
const faultsOf = (document: ReadDocument): string[] =>
  [...document.events()].flatMap((item) => (isRefused(item) ? item.errors.map(({ code, at }) => `${code} ${at}`) : []));
const refusalOf = (bytes: Uint8Array, options: { bare?: boolean; maxEvents?: number } = {}): LotlineError => {
  try {
    readXmlDocument(bytes, options);
  } catch (error) {
    if (error instanceof LotlineError) return error;
    throw error;
  }
  throw new Error('the document was read');
};

const COMMON = { eventTime: '2026-03-01T08:15:00.000+01:00', eventTimeZoneOffset: '+01:00' };
const OBSERVED = { type: 'ObjectEvent', ...COMMON, epcList: [sgtin(1)], action: 'OBSERVE' };

describe('an event of EPCIS 2.0 in XML', () => {
  it('becomes the JSON of the same event, field by field (§2, X-2)', () => {
    const event = `<ObjectEvent>${TIMES}<recordTime>2026-03-02T00:00:00Z</recordTime><eventID> urn:uuid:0f2b7e64-5a21-4a0e-9d52-1c2f0a9b3c4d </eventID>
      <errorDeclaration><declarationTime>2026-03-03T00:00:00Z</declarationTime><reason>urn:epcglobal:cbv:er:incorrect_data</reason>
        <correctiveEventIDs><correctiveEventID>urn:uuid:0f2b7e64-5a21-4a0e-9d52-1c2f0a9b3c4e</correctiveEventID></correctiveEventIDs><ex:who>QA</ex:who></errorDeclaration>
      <certificationInfo>https://example.com/certificate</certificationInfo>
      <epcList><epc>${sgtin(1)}</epc><epc>
        ${sgtin(2)}
      </epc></epcList><action>ADD</action><bizStep>urn:epcglobal:cbv:bizstep:commissioning</bizStep><disposition>https://ref.gs1.org/cbv/Disp-active</disposition>
      <readPoint><id>${SITE}</id><ex:door>4</ex:door></readPoint><bizLocation><id>${SITE}</id></bizLocation>
      <bizTransactionList><bizTransaction type="urn:epcglobal:cbv:btt:po"> urn:epcglobal:cbv:bt:9520123000011:PO-1 </bizTransaction><bizTransaction>urn:x:2</bizTransaction></bizTransactionList>
      <quantityList><quantityElement><epcClass>urn:epc:class:lgtin:9520123.000011.L1</epcClass><quantity>200.0</quantity><uom>KGM</uom></quantityElement></quantityList>
      <sourceList><source type="urn:epcglobal:cbv:sdt:owning_party">urn:epc:id:pgln:9520123.00001</source></sourceList>
      <destinationList><destination type="location">${SITE}</destination></destinationList>
      <sensorElementList><sensorElement><sensorMetadata time="2026-03-01T08:00:00Z" ex:room="7"/>
        <sensorReport type="gs1:Temperature" value="26.0" uom="CEL" booleanValue="1" stringValue=" a " ex:cv="1.50"/><ex:note>n</ex:note></sensorElement></sensorElementList>
      <persistentDisposition><unset>urn:epcglobal:cbv:disp:completeness_inferred</unset><set>completeness_verified</set></persistentDisposition>
      <ilmd><cbvmda:lotNumber>L1</cbvmda:lotNumber><cbvmda:itemExpirationDate>2028-01-31</cbvmda:itemExpirationDate></ilmd><ex:a>1</ex:a></ObjectEvent>`;
    const text = jsonText(documentOf(event));
    expect(JSON.parse(text)).toEqual({
      type: 'ObjectEvent',
      ...COMMON,
      recordTime: '2026-03-02T00:00:00Z',
      eventID: 'urn:uuid:0f2b7e64-5a21-4a0e-9d52-1c2f0a9b3c4d',
      errorDeclaration: {
        declarationTime: '2026-03-03T00:00:00Z',
        reason: 'incorrect_data',
        correctiveEventIDs: ['urn:uuid:0f2b7e64-5a21-4a0e-9d52-1c2f0a9b3c4e'],
        'ex:who': 'QA',
      },
      certificationInfo: 'https://example.com/certificate',
      epcList: [sgtin(1), sgtin(2)],
      action: 'ADD',
      bizStep: 'commissioning',
      disposition: 'https://ref.gs1.org/cbv/Disp-active',
      readPoint: { id: SITE, 'ex:door': '4' },
      bizLocation: { id: SITE },
      bizTransactionList: [{ type: 'po', bizTransaction: 'urn:epcglobal:cbv:bt:9520123000011:PO-1' }, { bizTransaction: 'urn:x:2' }],
      quantityList: [{ epcClass: 'urn:epc:class:lgtin:9520123.000011.L1', quantity: 200, uom: 'KGM' }],
      sourceList: [{ type: 'owning_party', source: 'urn:epc:id:pgln:9520123.00001' }],
      destinationList: [{ type: 'location', destination: SITE }],
      sensorElementList: [
        {
          sensorMetadata: { time: '2026-03-01T08:00:00Z', 'ex:room': '7' },
          sensorReport: [{ type: 'gs1:Temperature', value: 26, uom: 'CEL', booleanValue: true, stringValue: ' a ', 'ex:cv': '1.50' }],
          'ex:note': 'n',
        },
      ],
      persistentDisposition: { unset: ['completeness_inferred'], set: ['completeness_verified'] },
      ilmd: { 'cbvmda:lotNumber': 'L1', 'cbvmda:itemExpirationDate': '2028-01-31' },
      'ex:a': '1',
    });
    expect(text).toContain('"quantity":200.0,');
    expect(text).toContain('"value":26.0,');
    expect(readOne(documentOf(event))).toMatchObject({
      at: EVENT,
      event: { bizStep: 'commissioning', ilmdLot: 'L1', ilmdExpiry: '2028-01-31', persistentSet: ['completeness_verified'] },
      breaches: [],
    });
  });

  it('is the same event as its JSON, by hash and identity (X-11)', () => {
    const xml = documentOf(
      `<AggregationEvent>${TIMES}<parentID>${CASE}</parentID><childEPCs><epc>${sgtin(1)}</epc></childEPCs><action>ADD</action><ex:n xsi:type="xsd:double">1.50</ex:n></AggregationEvent>`,
    );
    const json = bytesOf(
      `{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{"q":"http://ns.example.com/epcis/"}],"type":"EPCISDocument","schemaVersion":"2.0",
      "creationDate":"2026-03-01T08:15:00Z","epcisBody":{"eventList":[{"q:n":1.50,"type":"AggregationEvent","eventTime":"2026-03-01T07:15:00Z","eventTimeZoneOffset":"+01:00",
      "action":"ADD","parentID":"${CASE}","childEPCs":["${sgtin(1)}"]}]}}`,
    );
    const [inXml] = readXmlDocument(xml).events();
    const [inJson] = readDocument(json).events();
    const prints = (item: typeof inXml) =>
      item !== undefined && !isRefused(item) && [Buffer.from(item.hash), Buffer.from(item.identityDigest)];
    expect(prints(inXml)).toEqual(prints(inJson));
  });

  it('needs no order of its elements, and takes lists that are empty (X-7)', () => {
    const event = `<TransactionEvent><action>DELETE</action><epcList/>${TIMES}<bizTransactionList><bizTransaction>urn:x:1</bizTransaction></bizTransactionList></TransactionEvent>`;
    expect(jsonOf(documentOf(event))).toMatchObject({ action: 'DELETE', epcList: [] });
    expect(faultsOf(readXmlDocument(documentOf(event)))).toEqual([]);
  });

  it('leaves out a quantity that is nil (X-7)', () => {
    const quantity =
      '<quantityList><quantityElement><epcClass>urn:x:c</epcClass><quantity xsi:nil="true"/></quantityElement></quantityList>';
    expect(jsonOf(documentOf(objectEvent(quantity)))['quantityList']).toEqual([{ epcClass: 'urn:x:c' }]);
  });

  it.each([
    ['+5', '5'],
    [' 007 ', '7'],
    ['.5', '0.5'],
    ['5.', '5'],
    ['-.50', '-0.50'],
    ['1.50E+2', '1.50E+2'],
    ['-0', '-0'],
    ['12345678901234567890.10', '12345678901234567890.10'],
  ])('writes the number %s as %s', (written, digits) => {
    expect(jsonText(documentOf(objectEvent(`<ex:n xsi:type="xsd:decimal">${written}</ex:n>`)))).toContain(`"ex:n":${digits}}`);
  });

  it('takes every spelling of a vocabulary value that JSON takes, and the URN (V-1)', () => {
    for (const spelling of [
      'urn:epcglobal:cbv:bizstep:shipping',
      'https://ref.gs1.org/cbv/BizStep-shipping',
      'cbv:BizStep-shipping',
      'shipping',
    ]) {
      expect(readOne(documentOf(objectEvent(`<bizStep>${spelling}</bizStep>`))).event.bizStep).toBe('shipping');
    }
    expect(readOne(documentOf(objectEvent('<bizStep>ex:resting</bizStep>'))).event.bizStep).toBe('http://ns.example.com/epcis/resting');
    const own = objectEvent('<bizStep>my_ns:resting</bizStep>', 'OBSERVE', '<ObjectEvent xmlns:my_ns="http://my.example.com/">');
    expect(readOne(documentOf(own)).event.bizStep).toBe('http://my.example.com/resting');
    const outside = documentOf(objectEvent('<bizStep>my_ns:resting</bizStep>'), { declared: 'xmlns:my_ns="http://my.example.com/"' });
    expect(readOne(outside).event.bizStep).toBe('http://my.example.com/resting');
  });

  it('may be of a type of somebody’s own (§2.1)', () => {
    const bytes = documentOf(`<ex:Visit>${TIMES}<ex:guest>1</ex:guest></ex:Visit>`);
    expect(jsonOf(bytes)).toEqual({ type: 'ex:Visit', ...COMMON, 'ex:guest': '1' });
    expect(readOne(bytes)).toMatchObject({ at: `${LIST}/ex:Visit[1]`, event: { type: 'http://ns.example.com/epcis/Visit' } });
  });

  it('keeps a persistentDisposition where only the XSD has it, and says so (DM-5, T-8)', () => {
    const event = `<AggregationEvent>${TIMES}<action>DELETE</action><parentID>${CASE}</parentID><persistentDisposition><set>urn:epcglobal:cbv:disp:recalled</set></persistentDisposition></AggregationEvent>`;
    const read = readOne(documentOf(event));
    expect(read.event.persistentSet).toEqual(['recalled']);
    expect(read.breaches).toEqual([
      {
        code: 'EV-RULE',
        at: `${LIST}/AggregationEvent[1]/persistentDisposition`,
        message: 'persistentDisposition does not belong in an AggregationEvent (DM-5)',
      },
    ]);
    const wrong = event.replace('disp:recalled', 'disp:recaled');
    expect(faultsOf(readXmlDocument(documentOf(wrong)))).toEqual([`EV-SCHEMA ${LIST}/AggregationEvent[1]/persistentDisposition/set`]);
  });

  it('tells of a sensor report without type, and of metadata said twice (T-9, DM-17)', () => {
    const report = (inner: string) =>
      documentOf(objectEvent(`<sensorElementList><sensorElement>${inner}</sensorElement></sensorElementList>`));
    const at = `${EVENT}/sensorElementList/sensorElement`;
    expect(readOne(report('<sensorReport value="1"/>')).breaches).toMatchObject([{ at: `${at}/sensorReport/@type` }]);
    const twice =
      '<sensorMetadata deviceID="urn:x:1"/><sensorReport type="gs1:Speed" value="1"/><sensorReport type="gs1:Speed" deviceID="urn:x:1"/>';
    expect(readOne(report(twice)).breaches).toMatchObject([{ at: `${at}/sensorReport[2]/@deviceID` }]);
  });
});

describe('an event of EPCIS 1.x', () => {
  const first = (event: string, options = {}) => jsonOf(documentOf(event, { version: 1, ...options }));

  it('is read through its wrappers (§5.2)', () => {
    const event = `<ObjectEvent>${TIMES}<baseExtension><eventID>urn:uuid:0f2b7e64-5a21-4a0e-9d52-1c2f0a9b3c4d</eventID></baseExtension><epcList/><action>ADD</action>
      <extension><quantityList><quantityElement><epcClass>urn:x:c</epcClass><quantity>2</quantity></quantityElement></quantityList><ilmd><ex:a>b</ex:a></ilmd>
      <extension><persistentDisposition><set>urn:epcglobal:cbv:disp:active</set></persistentDisposition></extension></extension><ex:c>d</ex:c></ObjectEvent>`;
    expect(first(event)).toEqual({
      type: 'ObjectEvent',
      ...COMMON,
      eventID: 'urn:uuid:0f2b7e64-5a21-4a0e-9d52-1c2f0a9b3c4d',
      epcList: [],
      action: 'ADD',
      quantityList: [{ epcClass: 'urn:x:c', quantity: 2 }],
      ilmd: { 'ex:a': 'b' },
      persistentDisposition: { set: ['active'] },
      'ex:c': 'd',
    });
    expect(first(`<extension><TransformationEvent>${TIMES}</TransformationEvent></extension>`)['type']).toBe('TransformationEvent');
    expect(first(`<extension><extension><AssociationEvent>${TIMES}</AssociationEvent></extension></extension>`)['type']).toBe(
      'AssociationEvent',
    );
  });

  it('is one event with its 2.0 form (X-11)', () => {
    const old = `<ObjectEvent>${TIMES}<epcList/><action>OBSERVE</action><extension><quantityList><quantityElement><epcClass>urn:x:c</epcClass></quantityElement></quantityList></extension></ObjectEvent>`;
    const now = `<ObjectEvent>${TIMES}<action>OBSERVE</action><quantityList><quantityElement><epcClass>urn:x:c</epcClass></quantityElement></quantityList></ObjectEvent>`;
    expect(readOne(documentOf(old, { version: 1 })).identityDigest).toEqual(readOne(documentOf(now)).identityDigest);
  });

  it('about a quantity becomes an observation of it (§5.2)', () => {
    const event = `<QuantityEvent>${TIMES}<epcClass>urn:epc:idpat:sgtin:9520123.000011.*</epcClass><quantity>200</quantity><bizStep>urn:epcglobal:cbv:bizstep:storing</bizStep></QuantityEvent>`;
    expect(first(event)).toEqual({
      type: 'ObjectEvent',
      ...COMMON,
      action: 'OBSERVE',
      bizStep: 'storing',
      quantityList: [{ epcClass: 'urn:epc:idpat:sgtin:9520123.000011.*', quantity: 200 }],
    });
    const wrong = documentOf(event.replace('>200<', '>2.5<'), { version: 1 });
    expect(faultsOf(readXmlDocument(wrong))).toEqual([`EV-RULE ${LIST}/QuantityEvent[1]/quantity`]);
  });

  it('keeps values that CBV 2.0 dropped, silently, and unknown ones with a word about it (V-4, V-5)', () => {
    const dropped = objectEvent('<disposition>urn:epcglobal:cbv:disp:non_sellable_expired</disposition>');
    expect(readOne(documentOf(dropped, { version: 1 }))).toMatchObject({
      event: { disposition: 'urn:epcglobal:cbv:disp:non_sellable_expired' },
      breaches: [],
    });
    const unknown = objectEvent(
      '<bizStep>urn:epcglobal:cbv:bizstep:shiping</bizStep><bizTransactionList><bizTransaction type="urn:epcglobal:cbv:btt:x">urn:x:1</bizTransaction></bizTransactionList>',
    );
    expect(readOne(documentOf(unknown, { version: 1 }))).toMatchObject({
      event: { bizStep: 'urn:epcglobal:cbv:bizstep:shiping' },
      breaches: [
        { code: 'EV-RULE', at: `${EVENT}/bizStep` },
        { code: 'EV-RULE', at: `${EVENT}/bizTransactionList/bizTransaction/@type` },
      ],
    });
  });

  it('is refused with those values in 2.0 (V-4)', () => {
    const faults = (value: string) => {
      const [item] = readXmlDocument(documentOf(objectEvent(`<disposition>urn:epcglobal:cbv:disp:${value}</disposition>`))).events();
      return item !== undefined && isRefused(item) ? item.errors.map(({ code, at, fix }) => ({ code, at, fix })) : [];
    };
    expect(faults('non_sellable_expired')).toEqual([
      { code: 'EV-SCHEMA', at: `${EVENT}/disposition`, fix: 'Use expired, which took its place in CBV 2.0.' },
    ]);
    expect(faults('aktive')).toMatchObject([{ code: 'EV-SCHEMA', at: `${EVENT}/disposition` }]);
  });

  it('needs a zone in its times (§5.2)', () => {
    const event = objectEvent('').replace('.000+01:00', '');
    expect(faultsOf(readXmlDocument(documentOf(event, { version: 1 })))).toEqual([`EV-TIMEZONE ${EVENT}/eventTime`]);
  });
});

describe('extensions in XML', () => {
  const extended = (inner: string, open?: string, options = {}) => {
    const { type: _, ...rest } = jsonOf(documentOf(objectEvent(inner, 'OBSERVE', open), options));
    for (const name of [...Object.keys(COMMON), 'epcList', 'action']) delete rest[name];
    return rest;
  };

  it('are strings without the white space around them, or what xsi:type says (V-16, X-5)', () => {
    expect(
      extended(
        `<ex:a>
          text </ex:a><ex:b xsi:type="xsd:int">7</ex:b><ex:c xsi:type="xsd:boolean">true</ex:c><ex:d xsi:type="xsd:dateTime">2026-03-01T00:00:00Z</ex:d><ex:e/><ex:f xsi:type="xsd:int">seven</ex:f><ex:g xsi:type="xsd:double">INF</ex:g>`,
      ),
    ).toEqual({ 'ex:a': 'text', 'ex:b': 7, 'ex:c': true, 'ex:d': '2026-03-01T00:00:00Z', 'ex:e': '', 'ex:f': 'seven', 'ex:g': 'INF' });
  });

  it('keep the white space around a text where xml:space says so, and elsewhere take it for layout (X-5)', () => {
    const inner = '<ex:c> b </ex:c><ex:d xml:space="default"> c </ex:d>';
    expect(
      extended(`<ex:a> a </ex:a><ex:b xml:space="preserve"> a </ex:b><ex:o xml:space="preserve">
        ${inner}</ex:o><ex:n xml:space="preserve" xsi:type="xsd:int"> 7 </ex:n>`),
    ).toEqual({ 'ex:a': 'a', 'ex:b': ' a ', 'ex:o': { 'ex:c': ' b ', 'ex:d': 'c' }, 'ex:n': 7 });
  });

  it('are lists where they come again, objects where they hold elements, with inner names of no namespace (V-16)', () => {
    expect(extended('<ex:a>1</ex:a><ex:o><b>2</b><b>3</b><ex:c>4</ex:c></ex:o><ex:a>5</ex:a><ex:a><d>6</d></ex:a>')).toEqual({
      'ex:a': ['1', '5', { d: '6' }],
      'ex:o': { b: ['2', '3'], 'ex:c': '4' },
    });
  });

  it('keep their attributes (MD-6)', () => {
    expect(
      extended(
        '<cbvmda:netWeight measurementUnitCode="KGM" ex:by="scale" xsi:type="xsd:double"> 3.5 </cbvmda:netWeight><ex:b c=""/><ex:d xml:lang="de">ja</ex:d>',
      ),
    ).toEqual({
      '@context': { xml: 'http://www.w3.org/XML/1998/namespace' },
      'cbvmda:netWeight': { '@:measurementUnitCode': 'KGM', '@ex:by': 'scale', '#:text': 3.5 },
      'ex:b': { '@:c': '' },
      'ex:d': { '@xml:lang': 'de', '#:text': 'ja' },
    });
  });

  it('keep exactly their namespace, whatever the prefix (V-14, V-18)', () => {
    const other = 'http://other.example.com/';
    // The document's prefix with another meaning inside the event.
    expect(extended(`<ex:a>1</ex:a><ex:a xmlns:ex="${other}">2</ex:a>`)).toEqual({ '@context': { ns1: other }, 'ex:a': '1', 'ns1:a': '2' });
    // A prefix of the event's own.
    expect(extended('<o:a>1</o:a>', `<ObjectEvent xmlns:o="${other}">`)).toEqual({ '@context': { o: other }, 'o:a': '1' });
    // No prefix at all.
    expect(extended(`<a xmlns="${other}"><b>1</b><c xmlns="">2</c></a>`)).toEqual({
      '@context': { ns1: other },
      'ns1:a': { 'ns1:b': '1', c: '2' },
    });
    expect(extended('<a xmlns="http://ns.example.com/epcis/">1</a>')).toEqual({ 'ex:a': '1' });
    // Two prefixes of one namespace are one field.
    expect(extended('<o:a>1</o:a><ex:a>2</ex:a>', '<ObjectEvent xmlns:o="http://ns.example.com/epcis/">')).toEqual({
      '@context': { o: 'http://ns.example.com/epcis/' },
      'o:a': '1',
      'ex:a': '2',
    });
  });

  it('get another prefix where JSON could not have theirs (J-3)', () => {
    const declared =
      'xmlns:type="http://a.example.com/" xmlns:my_ns="http://b.example.com/" xmlns:cbv="http://c.example.com/" xmlns:é="http://d.example.com/"';
    const bytes = documentOf(objectEvent('<type:a>1</type:a><my_ns:a>2</my_ns:a><cbv:a>3</cbv:a><é:ä>4</é:ä>'), { declared });
    expect(jsonOf(bytes)).toMatchObject({ 'xml.type:a': '1', 'xml.my.5f.ns:a': '2', 'xml.cbv:a': '3', 'xml..e9.:%C3%A4': '4' });
    const { header } = readXmlDocument(bytes);
    expect(readContext(JSON.parse(header.context), '').prefixes.get('xml.my.5f.ns')).toBe('http://b.example.com/');
    expect(faultsOf(readXmlDocument(bytes))).toEqual([]);
  });

  it('are not taken for URIs, nor URIs for them, where a prefix is called like a scheme (V-14)', () => {
    const declared = 'xmlns:tag="http://a.example.com/" xmlns:urn="http://b.example.com/" xmlns:b="tag:example.com,2026:"';
    const bytes = documentOf(objectEvent('<bizStep>urn:x:1</bizStep><tag:a>1</tag:a><b:c>2</b:c>'), { declared });
    expect(jsonOf(bytes)).toMatchObject({ bizStep: 'urn:x:1', 'xml.tag:a': '1', 'b:c': '2' });
    const { prefixes } = readContext(JSON.parse(readXmlDocument(bytes).header.context), '');
    expect(prefixes.get('b')).toBe('tag:example.com,2026:');
    expect(readOne(bytes).event.bizStep).toBe('urn:x:1');
  });

  it('of CBV master data are cbvmda in every spelling, and hashed as written (V-15)', () => {
    const lot = (namespace: string) =>
      documentOf(objectEvent('<ilmd><m:lotNumber>L1</m:lotNumber></ilmd>', 'ADD'), { declared: `xmlns:m="${namespace}"` });
    for (const namespace of ['urn:epcglobal:cbv:mda', 'urn:epcglobal:cbv:mda:', 'urn:epcglobal:cbv:mda#']) {
      expect(jsonOf(lot(namespace))['ilmd']).toEqual({ 'cbvmda:lotNumber': 'L1' });
      expect(readOne(lot(namespace)).event.ilmdLot).toBe('L1');
    }
    const inside = '<ilmd><cbvmda:lotNumber xmlns:cbvmda="urn:epcglobal:cbv:mda">L1</cbvmda:lotNumber></ilmd>';
    expect(extended(inside, undefined, { declared: '' })).toMatchObject({ '@context': { cbvmda: 'urn:epcglobal:cbv:mda' } });
    // The published vectors have both namespaces as the document declares them.
    expect(readOne(lot('urn:epcglobal:cbv:mda')).hash).not.toEqual(readOne(lot('urn:epcglobal:cbv:mda:')).hash);
  });

  it('may be attributes of the objects that take extensions', () => {
    const inner = `<readPoint ex:a="1"><id>${SITE}</id></readPoint><ex:b>2</ex:b>`;
    expect(extended(inner, '<ObjectEvent ex:c="3" d="4">')).toEqual({ 'ex:c': '3', readPoint: { 'ex:a': '1', id: SITE }, 'ex:b': '2' });
  });

  it('cannot take a member of JSON’s own for themselves', () => {
    const bytes = documentOf(objectEvent('<type>AggregationEvent</type><ex:o><__proto__>1</__proto__></ex:o>'));
    expect(faultsOf(readXmlDocument(bytes))).toEqual([`EV-SCHEMA ${EVENT}/type`]);
    expect(jsonText(documentOf(objectEvent('<ex:o><__proto__>1</__proto__></ex:o>')))).toContain('"ex:o":{"__proto__":"1"}');
  });

  it('in a namespace that is no absolute URI are refused, unless nobody uses it', () => {
    const declared = 'xmlns:ex="ext1"';
    expect(faultsOf(readXmlDocument(documentOf(objectEvent(''), { declared })))).toEqual([]);
    expect(faultsOf(readXmlDocument(documentOf(objectEvent('<ex:a/>'), { declared })))).toEqual([`EV-CONTEXT ${EVENT}/ex:a`]);
  });
});

describe('faults of an event in XML', () => {
  it.each([
    ['an unknown element', objectEvent('<madeUp>1</madeUp>'), `EV-SCHEMA ${EVENT}/madeUp`],
    ['an element twice', objectEvent('<action>ADD</action>'), `EV-SCHEMA ${EVENT}/action[2]`],
    ['a missing element', objectEvent('').replace(/<eventTime>.*?<\/eventTime>/, ''), `EV-SCHEMA ${EVENT}/eventTime`],
    ['an element of another event', objectEvent(`<parentID>${CASE}</parentID>`), `EV-SCHEMA ${EVENT}/parentID`],
    ['an element in a value', objectEvent('<bizStep><b/></bizStep>'), `EV-SCHEMA ${EVENT}/bizStep`],
    ['text between elements', objectEvent('<readPoint>x<id>urn:x:1</id></readPoint>'), `EV-SCHEMA ${EVENT}/readPoint`],
    ['text in a list', objectEvent('<sourceList>x</sourceList>'), `EV-SCHEMA ${EVENT}/sourceList`],
    ['something else in a list', objectEvent('<sourceList><a/></sourceList>'), `EV-SCHEMA ${EVENT}/sourceList/a`],
    ['something else in a list of EPCs', objectEvent('').replace('</epc>', '</epc><epk/>'), `EV-SCHEMA ${EVENT}/epcList/epk`],
    ['a bad identifier', objectEvent('').replace('</epc>', '</epc><epc>urn:epc:id:sgtin:1.2</epc>'), `ID-FORM ${EVENT}/epcList/epc[2]`],
    [
      'a source without type',
      objectEvent('<sourceList><source>urn:x:1</source></sourceList>'),
      `EV-SCHEMA ${EVENT}/sourceList/source/@type`,
    ],
    ['a bare name in ilmd', objectEvent('<ilmd><lot>1</lot></ilmd>', 'ADD'), `EV-SCHEMA ${EVENT}/ilmd/lot`],
    [
      'a quantity that is no number',
      objectEvent('<quantityList><quantityElement><epcClass>urn:x:c</epcClass><quantity>many</quantity></quantityElement></quantityList>'),
      `EV-SCHEMA ${EVENT}/quantityList/quantityElement/quantity`,
    ],
    [
      'an extension where none may be',
      objectEvent('<quantityList><quantityElement><epcClass>urn:x:c</epcClass><ex:a/></quantityElement></quantityList>'),
      `EV-SCHEMA ${EVENT}/quantityList/quantityElement/ex:a`,
    ],
    [
      'an element with the namespace of EPCIS (X-1)',
      objectEvent('<epcis:bizStep>shipping</epcis:bizStep>'),
      `EV-SCHEMA ${EVENT}/epcis:bizStep`,
    ],
    ['a patient’s name (INV-27)', objectEvent('<ex:o><ex:p patientName="A"/></ex:o>'), `PII-FOUND ${EVENT}/ex:o/ex:p/@patientName`],
    ['a fault in the first of several', objectEvent('<ex:o><b mrn="1"/></ex:o><ex:o/>'), `PII-FOUND ${EVENT}/ex:o[1]/b/@mrn`],
    ['a fault in the last of several', objectEvent('<ex:o/><ex:o><b/><b mrn="1"/></ex:o>'), `PII-FOUND ${EVENT}/ex:o[2]/b[2]/@mrn`],
    [
      'a fault behind wrappers',
      objectEvent('<extension><extension><action/></extension></extension>'),
      `EV-SCHEMA ${EVENT}/extension/extension/action`,
    ],
  ])('%s is told at its XPath', (_, event, fault) => {
    expect(faultsOf(readXmlDocument(documentOf(event)))).toEqual([fault]);
  });

  it('come all at once, and those of other events beside them (C-9)', () => {
    const bytes = documentOf(objectEvent('') + objectEvent('<bizStep>no</bizStep><disposition>no</disposition>') + objectEvent('<a/>'));
    expect(faultsOf(readXmlDocument(bytes))).toEqual([
      `EV-SCHEMA ${LIST}/ObjectEvent[2]/bizStep`,
      `EV-SCHEMA ${LIST}/ObjectEvent[2]/disposition`,
      `EV-SCHEMA ${LIST}/ObjectEvent[3]/a`,
    ]);
  });

  it('leave other events alone, even where it is the event’s own element', () => {
    const qualified = objectEvent('').replace(/ObjectEvent>/g, 'epcis:ObjectEvent>');
    const bytes = documentOf(`<SubjectEvent>${TIMES}</SubjectEvent>${qualified}${objectEvent('')}`);
    expect(faultsOf(readXmlDocument(bytes))).toEqual([`EV-SCHEMA ${LIST}/SubjectEvent[1]`, `EV-SCHEMA ${LIST}/epcis:ObjectEvent[1]`]);
    const namespaces = Array.from({ length: 300 }, (_, i) => `<a xmlns="http://example.com/${i}/"/>`).join('');
    expect(faultsOf(readXmlDocument(documentOf(objectEvent(namespaces))))).toEqual([`REQ-LIMIT ${EVENT}`]);
  });

  it('are a hundred at most', () => {
    expect(faultsOf(readXmlDocument(documentOf(objectEvent(`<sourceList>${'<a/>'.repeat(500)}</sourceList>`))))).toHaveLength(100);
  });

  it('come with the eventID, so that a partner can find the event', () => {
    const id = 'urn:uuid:0f2b7e64-5a21-4a0e-9d52-1c2f0a9b3c4d';
    const [item] = readXmlDocument(documentOf(objectEvent(`<eventID>${id}</eventID><a/>`))).events();
    expect(item).toMatchObject({ index: 0, at: EVENT, eventID: id });
  });
});

describe('what stands around the events', () => {
  const SBDH = `<sbdh:StandardBusinessDocumentHeader xmlns:sbdh="http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"><sbdh:HeaderVersion>1.0</sbdh:HeaderVersion>
    <sbdh:Sender><sbdh:Identifier Authority="GS1"> ${SITE} </sbdh:Identifier></sbdh:Sender><sbdh:Receiver><sbdh:Identifier>urn:x:r</sbdh:Identifier></sbdh:Receiver>
    <sbdh:DocumentIdentification><sbdh:InstanceIdentifier>42</sbdh:InstanceIdentifier></sbdh:DocumentIdentification></sbdh:StandardBusinessDocumentHeader>`;
  const MASTER_DATA = `<EPCISMasterData><VocabularyList><Vocabulary type="urn:epcglobal:epcis:vtype:Location"><VocabularyElementList><VocabularyElement id="${SITE}">
    <attribute id="urn:epcglobal:cbv:mda#name"> Site </attribute><attribute id="urn:x:w"><measurement measurementUnitCode="KGM">3.5</measurement></attribute>
    <children><id>urn:x:child</id></children></VocabularyElement></VocabularyElementList></Vocabulary></VocabularyList></EPCISMasterData>`;

  it('is the header in the shape of JSON (X-3, X-4, DOC-4, P-1)', () => {
    const header = `<EPCISHeader>${SBDH}<extension>${MASTER_DATA}</extension><us:guidelineVersion xmlns:us="http://epcis.gs1us.org/hc/ns">R1.3</us:guidelineVersion></EPCISHeader>`;
    const document = readXmlDocument(documentOf('', { version: 1, header, after: '<ex:later><ex:a>1</ex:a></ex:later>' }));
    expect(document).toMatchObject({ kind: 'EPCISDocument', eventCount: 0 });
    expect(document.header).toMatchObject({
      schemaVersion: '1.2',
      creationDate: '2026-03-01T08:15:00Z',
      sender: SITE,
      receiver: 'urn:x:r',
      instanceIdentifier: '42',
      queryName: null,
      subscriptionID: null,
      epcisHeader: {
        epcisMasterData: {
          vocabularyList: [
            {
              type: 'urn:epcglobal:epcis:vtype:Location',
              vocabularyElementList: [
                {
                  id: SITE,
                  attributes: [
                    { id: 'urn:epcglobal:cbv:mda#name', attribute: 'Site' },
                    { id: 'urn:x:w', attribute: { measurement: { '@:measurementUnitCode': 'KGM', '#:text': '3.5' } } },
                  ],
                  children: ['urn:x:child'],
                },
              ],
            },
          ],
        },
        'us:guidelineVersion': 'R1.3',
        'ex:later': { 'ex:a': '1' },
        'sbdh:StandardBusinessDocumentHeader': { 'sbdh:HeaderVersion': '1.0' },
      },
    });
    const { prefixes } = readContext(JSON.parse(document.header.context), '');
    expect(prefixes.get('us')).toBe('http://epcis.gs1us.org/hc/ns');
    expect(prefixes.get('ex')).toBe('http://ns.example.com/epcis/');
  });

  it('is nothing but master data in a document of master data (§1)', () => {
    const body = MASTER_DATA.replace(/<\/?EPCISMasterData>/g, '');
    const bytes = bytesOf(
      `<m:EPCISMasterDataDocument xmlns:m="urn:epcglobal:epcis-masterdata:xsd:1" schemaVersion="1.2" creationDate="2026-03-01T08:15:00Z"><EPCISBody>${body}</EPCISBody></m:EPCISMasterDataDocument>`,
    );
    const document = readXmlDocument(bytes);
    expect(document).toMatchObject({ kind: 'EPCISMasterDataDocument', eventCount: 0 });
    expect(document.header.epcisHeader).toHaveProperty(
      ['epcisMasterData', 'vocabularyList', '0', 'vocabularyElementList', '0', 'id'],
      SITE,
    );
  });

  it.each(['QueryResults', 'q:QueryResults'])('is the query that the events answer, in %s (DOC-8)', (results) => {
    const bytes = bytesOf(
      `<q:EPCISQueryDocument xmlns:q="urn:epcglobal:epcis-query:xsd:2" schemaVersion="2.0" creationDate="2026-03-01T08:15:00Z"><EPCISBody><${results}><queryName>SimpleEventQuery</queryName>` +
        `<subscriptionID>s1</subscriptionID><resultsBody><EventList>${objectEvent('<a/>')}</EventList></resultsBody></${results}></EPCISBody></q:EPCISQueryDocument>`,
    );
    const document = readXmlDocument(bytes);
    expect(document).toMatchObject({
      kind: 'EPCISQueryDocument',
      eventCount: 1,
      header: { queryName: 'SimpleEventQuery', subscriptionID: 's1' },
    });
    expect(faultsOf(document)).toEqual([`EV-SCHEMA /q:EPCISQueryDocument/EPCISBody/${results}/resultsBody/EventList/ObjectEvent[1]/a`]);
  });

  it('may be nothing, where a bare event is allowed (DOC-6)', () => {
    for (const name of ['ObjectEvent', 'epcis:ObjectEvent']) {
      const bytes = bytesOf(
        `<${name} xmlns:epcis="urn:epcglobal:epcis:xsd:2" xmlns:ex="http://ns.example.com/epcis/" schemaVersion="2.0">${TIMES}${EPCS}<action>OBSERVE</action><ex:a>1</ex:a></${name}>\n`,
      );
      const document = readXmlDocument(bytes, { bare: true });
      expect(document).toMatchObject({ kind: 'event', eventCount: 1 });
      expect([...document.events()]).toMatchObject([{ at: `/${name}`, start: 0, end: bytes.length - 1, event: { type: 'ObjectEvent' } }]);
      expect(jsonOfBare(bytes)).toEqual({ ...OBSERVED, 'ex:a': '1' });
      expect(refusalOf(bytes)).toMatchObject({ code: 'EV-SCHEMA', at: `/${name}` });
    }
  });
  const jsonOfBare = (bytes: Uint8Array) => {
    const document = readXmlDocument(bytes, { bare: true });
    const [item] = document.events();
    return JSON.parse(xmlEventToJson(bytes.subarray(item!.start, item!.end), document.header.context)) as Json;
  };

  const whole = (text: string) => new TextDecoder().decode(documentOf(objectEvent(''))).replace('<EPCISBody>', `${text}<EPCISBody>`);
  it.each<[string, string | Uint8Array, string, string]>([
    ['no creationDate', whole('').replace(/creationDate="[^"]*"/, ''), 'EV-SCHEMA', '/epcis:EPCISDocument/@creationDate'],
    ['a bad schemaVersion', whole('').replace('"2.0"', '"two"'), 'EV-SCHEMA', '/epcis:EPCISDocument/@schemaVersion'],
    ['no body', whole('').replace(/<EPCISBody>.*<\/EPCISBody>/, ''), 'EV-SCHEMA', '/epcis:EPCISDocument/EPCISBody'],
    ['no event list', whole('').replace(/<EventList>.*<\/EventList>/, ''), 'EV-SCHEMA', '/epcis:EPCISDocument/EPCISBody/eventList'],
    ['two event lists', whole('').replace('</EventList>', '</EventList><EventList/>'), 'EV-SCHEMA', LIST],
    ['text between events', whole('').replace('<EventList>', '<EventList>x'), 'EV-SCHEMA', LIST],
    [
      'a default namespace (X-1)',
      whole('').replaceAll('epcis:EPCISDocument', 'EPCISDocument').replace('xmlns:epcis', 'xmlns'),
      'EV-SCHEMA',
      '/EPCISDocument/EPCISBody',
    ],
    ['another namespace', whole('').replace('epcis:xsd:2', 'epcis:xsd:3'), 'EV-SCHEMA', '/epcis:EPCISDocument'],
    ['another document', '<html/>', 'EV-SCHEMA', '/html'],
    [
      'a query',
      '<q:EPCISQueryDocument xmlns:q="urn:epcglobal:epcis-query:xsd:1" schemaVersion="1.2"><EPCISBody><q:Poll/></EPCISBody></q:EPCISQueryDocument>',
      'EV-SCHEMA',
      '/q:EPCISQueryDocument/EPCISBody/q:Poll',
    ],
    [
      'a prefix with two meanings around the events',
      whole('').replace('<EventList>', '<EventList><extension xmlns:ex="urn:x:2"/>'),
      'EV-CONTEXT',
      `${LIST}/extension[1]`,
    ],
    [
      'a vocabulary element without id',
      documentOf('', {
        header: `<EPCISHeader><extension>${MASTER_DATA.replace(`VocabularyElement id="${SITE}"`, 'VocabularyElement')}</extension></EPCISHeader>`,
      }),
      'EV-SCHEMA',
      '/epcis:EPCISDocument/EPCISHeader/extension/EPCISMasterData/VocabularyList/Vocabulary/VocabularyElementList/VocabularyElement/@id',
    ],
  ])('refuses a document with %s', (_, xml, code, at) => {
    expect(refusalOf(typeof xml === 'string' ? bytesOf(xml) : xml)).toMatchObject({ code, at });
  });

  it('holds at most so many events as are asked for (REQ-LIMIT)', () => {
    const bytes = documentOf(objectEvent('').repeat(3));
    expect(readXmlDocument(bytes, { maxEvents: 3 }).eventCount).toBe(3);
    expect(refusalOf(bytes, { maxEvents: 2 })).toMatchObject({ code: 'REQ-LIMIT', at: LIST });
  });
});

describe('an event kept as XML', () => {
  it('is written into a query document of JSON by itself, with the context of where it came from', () => {
    const declared = `xmlns:my_ns="http://a.example.com/" ${DECLARED}`;
    const bytes = documentOf(
      objectEvent('<my_ns:a b="1">2</my_ns:a>') + objectEvent('<x:a xmlns:x="urn:x:1">3</x:a><ex:b xsi:type="xsd:int">4</ex:b>'),
      { declared },
    );
    const document = readXmlDocument(bytes);
    const contextText = document.header.context;
    const events = [...document.events()];
    const text = writeQueryDocument({
      events: events.map(({ start, end }) => ({ text: xmlEventToJson(bytes.subarray(start, end), contextText), contextText })),
      queryName: 'SimpleEventQuery',
      creationDate: '2026-03-01T08:15:00Z',
    });
    const again = [...readDocument(bytesOf(text)).events()];
    const prints = (items: typeof events) =>
      items.map((item) => (isRefused(item) ? item.errors : Buffer.from(item.identityDigest).toString('hex')));
    expect(prints(again)).toEqual(prints(events));
  });
});

describe('a text that somebody has damaged', () => {
  const sound = new TextDecoder().decode(
    documentOf(
      objectEvent('<ilmd><cbvmda:lotNumber a="1">L</cbvmda:lotNumber></ilmd><ex:a xsi:type="xsd:int">1</ex:a>', 'ADD') +
        `<AggregationEvent>${TIMES}<parentID>${CASE}</parentID><childEPCs><epc>${sgtin(1)}</epc></childEPCs><action>ADD</action></AggregationEvent>`,
      { header: '<EPCISHeader><ex:h>1</ex:h></EPCISHeader>' },
    ),
  );
  const pieces = [
    '<',
    '>',
    '/',
    '"',
    '&',
    ' ',
    '=',
    ':',
    'xmlns',
    'xmlns="',
    '<a>',
    '</a>',
    '<!--',
    ']]>',
    '&#0;',
    '\0',
    '\u{1d11e}',
    'epcis:',
    '<extension>',
    '<?x?>',
  ];

  it('is read or refused, never anything else, and accepted events can be read again by themselves', () => {
    const damage = fc.tuple(fc.nat(sound.length - 1), fc.nat(12), fc.constantFrom('', ...pieces));
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 3 }), (damages) => {
        let text = sound;
        for (const [at, length, piece] of damages) text = text.slice(0, at) + piece + text.slice(at + length);
        const bytes = bytesOf(text);
        try {
          const document = readXmlDocument(bytes);
          for (const item of document.events()) {
            if (isRefused(item)) continue;
            const json = xmlEventToJson(bytes.subarray(item.start, item.end), document.header.context);
            const scope = readContext(JSON.parse(document.header.context), '', { syntax: 'xml 2.0' });
            const again = readEventText(json, '', scope, { ownContext: true, inexact: true });
            expect(again).toMatchObject({ identityDigest: item.identityDigest });
          }
        } catch (error) {
          if (!(error instanceof LotlineError)) throw error;
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

const table = sharedPath('gs1', 'examples', 'VALIDATION.tsv');
describe.skipIf(table === null)('the official examples in XML', () => {
  const rows = (table === null ? '' : readFileSync(table, 'utf8'))
    .split('\n')
    .map((line) => line.split('\t'))
    .filter(([path]) => path?.endsWith('.xml'))
    .map(([path, , verdict]) => [path as string, verdict as string] as const);
  const fileName = (path: string) => path.replace(/^openepcis\/|XML\/|Capture\/|Documents\//g, '');
  const read = (path: string): string[] => {
    try {
      return [...new Set(faultsOf(readXmlDocument(readFileSync(sharedPath('gs1', 'examples', path) as string), { bare: true })))];
    } catch (error) {
      if (error instanceof LotlineError) return [`${error.code} ${error.at}`];
      throw error;
    }
  };
  const query = '/epcisq:EPCISQueryDocument/EPCISBody/epcisq:QueryResults/resultsBody/EventList/ObjectEvent[1]';
  const unqualifiedQuery = '/epcisq:EPCISQueryDocument/EPCISBody/QueryResults/resultsBody/EventList';
  const sensor = 'sensorElementList/sensorElement';
  /** What the XSD takes, and is refused all the same: no document of events. */
  const refused: Record<string, string[]> = {
    'gs1-xml/CaptureJob/Example-CaptureJobRunning.xml': ['EV-SCHEMA /epcis:EPCISCaptureJob'],
    'gs1-xml/CaptureJob/Example-CaptureJobSuccess.xml': ['EV-SCHEMA /epcis:EPCISCaptureJob'],
    'gs1-xml/CaptureJob/Example-CaptureJobWithErrors.xml': ['EV-SCHEMA /epcis:EPCISCaptureJob'],
    '2.0/Query/Queries/SimpleEventQuery.xml': ['EV-SCHEMA /epcisq:EPCISQueryDocument/EPCISBody/epcisq:Poll'],
  };
  it.each(rows.filter(([, verdict]) => verdict === 'valid').map(([path]) => path))('read as they should: %s', (path) => {
    expect(read(path)).toEqual(refused[fileName(path)] ?? []);
  });

  /** What no XSD checks and JSON refuses: told, and kept (design.md §3). */
  const told: Record<string, string[]> = {
    // Values that CBV 2.0 does not have, in its own namespace.
    'gs1-xml/WithExtension/TransactionEvent.xml': [`${LIST}/TransactionEvent[1]/${sensor}/sensorReport/@type`],
    'gs1-xml/WithSensorData/SensorDataExamples.xml': [
      `${LIST}/AggregationEvent[1]/${sensor}[1]/sensorReport[2]/@type`,
      `${LIST}/AggregationEvent[1]/${sensor}[1]/sensorReport[3]/@type`,
      `${LIST}/TransactionEvent[1]/${sensor}/sensorReport/@type`,
      `${LIST}/ObjectEvent[10]/bizStep`,
      `${LIST}/ObjectEvent[11]/bizStep`,
    ],
    // One EPC twice (DM-15); GRAIs that are none (§14).
    '2.0/epcisDocWithAllGS1Keys.xml': [`${EVENT}/epcList`],
    '2.0/Query/QueryResultsDocument.xml': [`${query}/epcList/epc`],
    '2.0/Query/queryDocument.xml': [`${query}/epcList/epc`],
  };
  it.each(rows.map(([path]) => path).filter((path) => Object.hasOwn(told, fileName(path))))(
    'are told what is odd in them: %s (DM-15, V-4, I-9)',
    (path) => {
      const events = [...readXmlDocument(readFileSync(sharedPath('gs1', 'examples', path) as string)).events()];
      const breaches = events.flatMap((event) => (isRefused(event) ? [] : event.breaches));
      expect(breaches.filter(({ message }) => /of the CBV|DM-15|plain URI/.test(message)).map(({ at }) => at)).toEqual(
        told[fileName(path)],
      );
    },
  );

  /** What no XSD takes: refused where it is wrong, or read where nothing that matters is. */
  const invalid: Record<string, string[]> = {
    '1.2/Document_with_namespace.xml': [`EV-SCHEMA ${LIST}/epcis:ObjectEvent[1]`],
    '1.2/ObjectEvent_all_possible_fields.xml': [`EV-SCHEMA ${EVENT}/certificationInfo`, `EV-SCHEMA ${EVENT}/extension/ilmd`],
    '2.0/Invalid/ObjectEvent_with_invalid_eventTime_format.xml': [`EV-SCHEMA ${EVENT}/eventTime`],
    '2.0/Invalid/ObjectEvent_with_near_miss_action.xml': [`EV-SCHEMA ${EVENT}/action`],
    '2.0/Invalid/ObjectEvent_with_unknown_element.xml': [`EV-SCHEMA ${EVENT}/madeUpField`],
    '2.0/Invalid/ObjectEvent_without_eventTime.xml': [`EV-SCHEMA ${EVENT}/eventTime`],
    // Times without seconds.
    '2.0/Query/ObjectEventWithAllPossibleFields.xml': [`EV-SCHEMA ${unqualifiedQuery}/ObjectEvent[1]/errorDeclaration/declarationTime`],
    '2.0/Query/TransformationEvent_with_error_declaration.xml': [
      `EV-SCHEMA ${unqualifiedQuery}/TransformationEvent[1]/errorDeclaration/declarationTime`,
    ],
    '2.0/Query/Queries/Invalid/Query_without_queryName.xml': ['EV-SCHEMA /epcisq:EPCISQueryDocument/EPCISBody/epcisq:Poll'],
    '2.0/Query/Invalid/QueryDocument_with_invalid_action.xml': [`EV-SCHEMA ${unqualifiedQuery}/ObjectEvent[1]/action`],
  };
  const qualified = '1.2/Single_event_with_namespace.xml';
  it.each(rows.filter(([path, verdict]) => verdict === 'invalid' && fileName(path) !== qualified).map(([path]) => path))(
    'are refused at the right place: %s',
    (path) => {
      expect(read(path)).toEqual(invalid[fileName(path)] ?? []);
    },
  );

  it('are refused where the elements of an event have the namespace of EPCIS (X-1)', () => {
    const faults = read(rows.find(([path]) => fileName(path) === qualified)![0]);
    expect(faults[0]).toBe('EV-SCHEMA /epcis:ObjectEvent/epcis:eventTime');
  });

  it('are not messages of another protocol', () => {
    const others = rows.filter(([path, verdict]) => verdict.startsWith('no schema') && path.includes('Queries/'));
    expect(others.map(([path]) => read(path))).toEqual(others.map(() => ['EV-SCHEMA /soapenv:Envelope']));
  });

  it('of DSCSA keep the statement of the seller and the master data (§16.3)', () => {
    const file = sharedPath('gs1', 'examples', 'openepcis/1.2/XML/Capture/Documents/GS1_US_Pharma_Example_2_2_1_1.xml') as string;
    const document = readXmlDocument(readFileSync(file));
    expect(document.header).toMatchObject({
      schemaVersion: '1.2',
      sender: 'urn:epc:id:sgln:030001.111111.0',
      receiver: 'urn:epc:id:sgln:039999.999999.0',
      instanceIdentifier: '1100220001',
      epcisHeader: { 'gs1ushc:dscsaTransactionStatement': { 'gs1ushc:affirmTransactionStatement': 'true' } },
    });
    const events = [...document.events()];
    expect(events.some(isRefused)).toBe(false);
    expect(events[0]).toMatchObject({ event: { ilmdLot: 'A123', ilmdExpiry: '2025-03-27', bizStep: 'commissioning' } });
  });
});

describe('what only 1.x has', () => {
  const OWN = `<ex:Own>${TIMES}<bizStep>urn:epcglobal:cbv:bizstep:receiving</bizStep><ex:a>1</ex:a></ex:Own>`;
  const beside = (after: string, version = 1) =>
    bytesOf(new TextDecoder().decode(documentOf(objectEvent(''), { version })).replace('</EventList>', `</EventList>${after}`));
  const wrapped = '<extension><sourceList/><extension><myField>1</myField><my><deep>2</deep></my></extension></extension><ex:b>3</ex:b>';

  it('are elements without a namespace in a wrapper, which JSON has in a member that stands for the wrapper (§5.2)', () => {
    const bytes = documentOf(objectEvent(wrapped), { version: 1 });
    expect(jsonOf(bytes)).toEqual({
      '@context': { lotline: 'urn:lotline:epcis-1.2' },
      ...OBSERVED,
      sourceList: [],
      'lotline:extension': { myField: '1', my: { deep: '2' } },
      'ex:b': '3',
    });
    expect(faultsOf(readXmlDocument(documentOf(objectEvent(wrapped))))).toEqual([
      `EV-SCHEMA ${EVENT}/extension/extension/myField`,
      `EV-SCHEMA ${EVENT}/extension/extension/my`,
    ]);
  });

  it('are wrappers that the event hash sees through (codes.md §1.1)', () => {
    const { hash } = readOne(documentOf(objectEvent(wrapped), { version: 1 }));
    const text =
      'eventType=ObjectEventeventTime=2026-03-01T07:15:00.000ZeventTimeZoneOffset=+01:00epcListepc=https://id.gs1.org/01/09520123000110/21/1action=OBSERVE' +
      'myField=1mydeep=2{http://ns.example.com/epcis/}b=3';
    expect(Buffer.from(hash)).toEqual(createHash('sha256').update(text).digest());
  });

  it.each([
    ['in EPCISBody', OWN, 'ex:Own[1]'],
    ['in the wrapper there', `<extension>${OWN}</extension>`, 'extension/ex:Own[1]'],
  ])('are events of a type of somebody’s own beside the event list, %s (§5.2)', (_, after, at) => {
    const document = readXmlDocument(beside(`${after}<ex:other><ex:a/></ex:other>`));
    const [first, second] = [...document.events()];
    expect(document.eventCount).toBe(2);
    expect(first).toMatchObject({ event: { type: 'ObjectEvent' } });
    expect(second).toMatchObject({
      event: { type: 'http://ns.example.com/epcis/Own', bizStep: 'receiving' },
      at: `/epcis:EPCISDocument/EPCISBody/${at}`,
    });
    expect(jsonOf(beside(after))).toMatchObject({ type: 'ObjectEvent' });
    expect(JSON.parse(jsonText(beside(after), 1))).toEqual({ type: 'ex:Own', ...COMMON, bizStep: 'receiving', 'ex:a': '1' });
  });

  it('are not events of 2.0, which has them in its list', () => {
    expect(readXmlDocument(beside(OWN, 2)).eventCount).toBe(1);
  });

  it('count as the others do against the most that a document may have', () => {
    expect(refusalOf(beside(OWN + OWN), { maxEvents: 2 })).toMatchObject({ code: 'REQ-LIMIT' });
    expect(readXmlDocument(beside(OWN), { maxEvents: 2 }).eventCount).toBe(2);
  });
});

describe('parts of a story told in XML', () => {
  it('have the things that JSON would have', () => {
    const event = `<AggregationEvent>${TIMES}<parentID>${PALLET}</parentID><childEPCs><epc>${CASE}</epc></childEPCs><action>ADD</action></AggregationEvent>`;
    const { event: read } = readOne(documentOf(event));
    expect(read).toMatchObject({ type: 'AggregationEvent', action: 'ADD', parentID: { class: '00' } });
    expect(read.childEPCs).toHaveLength(1);
  });
});
