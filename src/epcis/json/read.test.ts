import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  aggregationEvent,
  associationEvent,
  bytesOf,
  CASE,
  documentOf,
  EPCIS_CONTEXT,
  everyEvent,
  LOT,
  objectEvent,
  PALLET,
  queryDocumentOf,
  SITE,
  sensorEvent,
  sgtin,
  transactionEvent,
  transformationEvent,
} from '../../../test/support/epcis-documents.ts';
import { sharedPath } from '../../../test/support/shared.ts';
import type { LotlineError } from '../../errors.ts';
import { FAULTS_MAX } from './faults.ts';
import { isRefused, type ReadOptions, readDocument } from './read.ts';

type Json = Record<string, unknown>;

/** Every fault of a document, those that throw and those that come with an event, as "code pointer". */
function faultsOf(document: unknown, options: ReadOptions = {}): string[] {
  try {
    const faults = [];
    for (const item of readDocument(bytesOf(document), options).events()) if (isRefused(item)) faults.push(...item.errors);
    return faults.map(told);
  } catch (error) {
    return [told(error as LotlineError)];
  }
}

function told(error: LotlineError): string {
  if (error.code === undefined) throw error as Error;
  expect(error.fix).toMatch(/^[A-Z].*\.$/s);
  expect(error.message).not.toBe('');
  return `${error.code} ${error.at}`;
}

const EVENT = '/epcisBody/eventList/0';

/** The event with one member set, at a path such as `readPoint/id`; undefined removes it. */
function withMember(event: Json, path: string, value: unknown): Json {
  const [first, ...rest] = path.split('/') as [string, ...string[]];
  const copy: Json = Array.isArray(event) ? ([...(event as unknown[])] as unknown as Json) : { ...event };
  const inner = rest.length === 0 ? value : withMember(copy[first] as Json, rest.join('/'), value);
  if (inner === undefined) delete copy[first];
  else copy[first] = inner;
  return copy;
}

const PERSISTENT = { set: ['recalled'] };
const quantity = (element: Json): Json => withMember(objectEvent(), 'quantityList', [{ epcClass: LOT, ...element }]);
const report = (member: string, value: unknown) => withMember(sensorEvent(), `sensorElementList/0/sensorReport/0/${member}`, value);

describe('a rule of the standard', () => {
  it.each<[string, Json, string]>([
    // 2.1 common fields
    ['§2.1 no type', withMember(objectEvent(), 'type', undefined), 'EV-SCHEMA /type'],
    ['§2.1 an unknown type', withMember(objectEvent(), 'type', 'QuantityEvent'), 'EV-SCHEMA /type'],
    ['§2.1 a standard type in disguise', withMember(objectEvent(), 'type', 'epcis:ObjectEvent'), 'EV-SCHEMA /type'],
    ['§2.1 a type of an undeclared prefix', withMember(objectEvent(), 'type', 'other:Event'), 'EV-CONTEXT /type'],
    ['§2.1 no eventTime', withMember(objectEvent(), 'eventTime', undefined), 'EV-SCHEMA /eventTime'],
    ['§2.1 eventTime without zone', withMember(objectEvent(), 'eventTime', '2026-03-01T08:15:00'), 'EV-TIMEZONE /eventTime'],
    ['V-12 a leap second', withMember(objectEvent(), 'eventTime', '2016-12-31T23:59:60Z'), 'EV-SCHEMA /eventTime'],
    ['§2.1 recordTime without zone', withMember(objectEvent(), 'recordTime', '2026-03-01T08:15:00'), 'EV-TIMEZONE /recordTime'],
    ['§2.1 no offset', withMember(objectEvent(), 'eventTimeZoneOffset', undefined), 'EV-SCHEMA /eventTimeZoneOffset'],
    ['§2.1 Z as offset', withMember(objectEvent(), 'eventTimeZoneOffset', 'Z'), 'EV-SCHEMA /eventTimeZoneOffset'],
    ['§2.1 an offset past 14:00', withMember(objectEvent(), 'eventTimeZoneOffset', '+14:30'), 'EV-SCHEMA /eventTimeZoneOffset'],
    ['§2.1 eventID no URI', withMember(objectEvent(), 'eventID', '7'), 'EV-SCHEMA /eventID'],
    [
      '§2.1 certificationInfo no URI',
      withMember(objectEvent(), 'certificationInfo', ['https://example.com/c', 'c']),
      'EV-SCHEMA /certificationInfo/1',
    ],
    // 2.2 fields per type
    ['§2.2 no action', withMember(objectEvent(), 'action', undefined), 'EV-SCHEMA /action'],
    ['DM-7 another action', withMember(objectEvent(), 'action', 'observe'), 'EV-SCHEMA /action'],
    ['§2.2 action of a transformation', withMember(transformationEvent(), 'action', 'ADD'), 'EV-SCHEMA /action'],
    ['§2.2 childEPCs of an ObjectEvent', withMember(objectEvent(), 'childEPCs', [sgtin(3)]), 'EV-SCHEMA /childEPCs'],
    ['§2.2 ilmd of an aggregation', withMember(aggregationEvent(), 'ilmd', {}), 'EV-SCHEMA /ilmd'],
    ['§2.2 no bizTransactionList', withMember(transactionEvent(), 'bizTransactionList', undefined), 'EV-SCHEMA /bizTransactionList'],
    ['§2.2 an empty bizTransactionList', withMember(transactionEvent(), 'bizTransactionList', []), 'EV-SCHEMA /bizTransactionList'],
    ['§2.2 an association without parent', withMember(associationEvent(), 'parentID', undefined), 'EV-SCHEMA /parentID'],
    ['§2.2 an unknown field', withMember(objectEvent(), 'weight', 5), 'EV-SCHEMA /weight'],
    ['§2.2 a field of the prototype', withMember(objectEvent(), 'constructor', 5), 'EV-SCHEMA /constructor'],
    ['§2.2 a list that is none', withMember(objectEvent(), 'epcList', sgtin(1)), 'EV-SCHEMA /epcList'],
    // 2.2 rules
    ['DM-1 nothing it is about', withMember(withMember(objectEvent(), 'epcList', undefined), 'ilmd', undefined), 'EV-SCHEMA '],
    ['DM-1 an empty epcList', withMember(objectEvent(), 'epcList', []), 'EV-RULE /epcList'],
    ['DM-1 sensors without a place', withMember(sensorEvent(), 'readPoint', undefined), 'EV-SCHEMA '],
    ['DM-1 an empty sensor list', withMember(sensorEvent(), 'sensorElementList', []), 'EV-SCHEMA '],
    ['DM-2 packing nothing', withMember(aggregationEvent(), 'childEPCs', undefined), 'EV-SCHEMA '],
    ['DM-2 packing an empty list', withMember(aggregationEvent(), 'childEPCs', []), 'EV-RULE /childEPCs'],
    ['DM-2 associating nothing', withMember(associationEvent(), 'childEPCs', undefined), 'EV-SCHEMA '],
    ['DM-2 linking nothing', withMember(transactionEvent(), 'epcList', []), 'EV-RULE /epcList'],
    ['DM-3 packing without parent', withMember(aggregationEvent(), 'parentID', undefined), 'EV-RULE /parentID'],
    [
      'DM-3 unpacking without parent',
      withMember(withMember(aggregationEvent(), 'parentID', undefined), 'action', 'DELETE'),
      'EV-RULE /parentID',
    ],
    ['DM-4 no inputs', withMember(transformationEvent(), 'inputQuantityList', undefined), 'EV-SCHEMA '],
    ['DM-4 no outputs', withMember(transformationEvent(), 'outputQuantityList', []), 'EV-SCHEMA '],
    ['DM-5 in an aggregation', withMember(aggregationEvent(), 'persistentDisposition', PERSISTENT), 'EV-SCHEMA /persistentDisposition'],
    ['DM-5 in a transaction', withMember(transactionEvent(), 'persistentDisposition', PERSISTENT), 'EV-SCHEMA /persistentDisposition'],
    ['DM-5 in an association', withMember(associationEvent(), 'persistentDisposition', PERSISTENT), 'EV-SCHEMA /persistentDisposition'],
    ['DM-6 ilmd of what is only seen', withMember(objectEvent(), 'action', 'OBSERVE'), 'EV-SCHEMA /ilmd'],
    ['DM-6 ilmd of what is ended', withMember(objectEvent(), 'action', 'DELETE'), 'EV-SCHEMA /ilmd'],
    ['DM-8 a place as object', withMember(objectEvent(), 'epcList', [sgtin(1), SITE]), 'EV-RULE /epcList/1'],
    ['DM-8 a place as container', withMember(aggregationEvent(), 'parentID', SITE), 'EV-RULE /parentID'],
    ['DM-9 no declarationTime', withMember(objectEvent(), 'errorDeclaration', {}), 'EV-SCHEMA /errorDeclaration/declarationTime'],
    [
      'DM-9 an unknown reason',
      withMember(objectEvent(), 'errorDeclaration', { declarationTime: '2026-03-02T00:00:00Z', reason: 'typo' }),
      'EV-SCHEMA /errorDeclaration/reason',
    ],
    [
      'DM-9 a corrective id that is no URI',
      withMember(objectEvent(), 'errorDeclaration', { declarationTime: '2026-03-02T00:00:00Z', correctiveEventIDs: ['urn:x:1', '2'] }),
      'EV-SCHEMA /errorDeclaration/correctiveEventIDs/1',
    ],
    ['DM-10 no epcClass', withMember(objectEvent(), 'quantityList', [{ quantity: 1 }]), 'EV-SCHEMA /quantityList/0/epcClass'],
    ['DM-10 a quantity as text', quantity({ quantity: '5' }), 'EV-SCHEMA /quantityList/0/quantity'],
    ['DM-10 a quantity of zero', quantity({ quantity: 0, uom: 'KGM' }), 'EV-RULE /quantityList/0/quantity'],
    ['DM-10 a negative quantity', quantity({ quantity: -1 }), 'EV-RULE /quantityList/0/quantity'],
    ['DM-10 a count that is not whole', quantity({ quantity: 1.5 }), 'EV-RULE /quantityList/0/quantity'],
    ['DM-10 a uom without quantity', quantity({ uom: 'KGM' }), 'EV-RULE /quantityList/0/uom'],
    ['DM-10 a uom that is no code', quantity({ quantity: 1, uom: 'kg' }), 'EV-SCHEMA /quantityList/0/uom'],
    ['DM-10 a uom for counts', quantity({ quantity: 1, uom: 'C62' }), 'EV-RULE /quantityList/0/uom'],
    ['DM-10 another member', quantity({ quantity: 1, 'ex:weight': 5 }), 'EV-SCHEMA /quantityList/0/ex:weight'],
    [
      'DM-11 no bizTransaction',
      withMember(objectEvent(), 'bizTransactionList', [{ type: 'po' }]),
      'EV-SCHEMA /bizTransactionList/0/bizTransaction',
    ],
    [
      'DM-11 an unknown type',
      withMember(objectEvent(), 'bizTransactionList', [{ type: 'order', bizTransaction: 'urn:x:1' }]),
      'EV-SCHEMA /bizTransactionList/0/type',
    ],
    ['DM-12 a source without type', withMember(objectEvent(), 'sourceList', [{ source: SITE }]), 'EV-SCHEMA /sourceList/0/type'],
    [
      'DM-12 a destination called source',
      withMember(objectEvent(), 'destinationList', [{ type: 'location', destination: SITE, source: SITE }]),
      'EV-SCHEMA /destinationList/0/source',
    ],
    ['DM-13 a read point without id', withMember(objectEvent(), 'readPoint', {}), 'EV-SCHEMA /readPoint/id'],
    ['DM-13 a read point as text', withMember(objectEvent(), 'readPoint', SITE), 'EV-SCHEMA /readPoint'],
    ['DM-14 neither set nor unset', withMember(objectEvent(), 'persistentDisposition', {}), 'EV-SCHEMA /persistentDisposition'],
    ['DM-14 an empty set', withMember(objectEvent(), 'persistentDisposition', { set: [] }), 'EV-SCHEMA /persistentDisposition/set'],
    [
      'DM-14 the same twice',
      withMember(objectEvent(), 'persistentDisposition', { set: ['recalled', 'recalled'] }),
      'EV-SCHEMA /persistentDisposition/set/1',
    ],
    [
      'DM-14 set and unset, in two spellings',
      withMember(objectEvent(), 'persistentDisposition', { set: ['active', 'recalled'], unset: ['cbv:Disp-recalled'] }),
      'EV-RULE /persistentDisposition/set/1',
    ],
    [
      'DM-14 an unknown disposition',
      withMember(objectEvent(), 'persistentDisposition', { unset: ['lost'] }),
      'EV-SCHEMA /persistentDisposition/unset/0',
    ],
    ['DM-15 a pack twice', withMember(objectEvent(), 'epcList', [sgtin(1), sgtin(2), sgtin(1)]), 'EV-SCHEMA /epcList/2'],
    ['DM-15 a child twice', withMember(aggregationEvent(), 'childEPCs', [sgtin(1), sgtin(1)]), 'EV-SCHEMA /childEPCs/1'],
    // 2.3 sensors
    ['§2.3 no report', withMember(sensorEvent(), 'sensorElementList/0/sensorReport', []), 'EV-SCHEMA /sensorElementList/0/sensorReport'],
    ['§2.3 no measurement type', report('type', undefined), 'EV-SCHEMA /sensorElementList/0/sensorReport/0/type'],
    ['§2.3 an unknown measurement type', report('type', 'Heat'), 'EV-SCHEMA /sensorElementList/0/sensorReport/0/type'],
    ['§2.3 an unknown alarm', report('exception', 'ALARM'), 'EV-SCHEMA /sensorElementList/0/sensorReport/0/exception'],
    ['DM-18 a value as text', report('value', '5.1'), 'EV-SCHEMA /sensorElementList/0/sensorReport/0/value'],
    ['§2.3 a hexBinaryValue that is none', report('hexBinaryValue', 'xyz'), 'EV-SCHEMA /sensorElementList/0/sensorReport/0/hexBinaryValue'],
    ['§2.3 a time without zone', report('time', '2026-03-01T08:10:00'), 'EV-TIMEZONE /sensorElementList/0/sensorReport/0/time'],
    ['§2.3 startTime in a report', report('startTime', '2026-03-01T08:10:00Z'), 'EV-SCHEMA /sensorElementList/0/sensorReport/0/startTime'],
    // 3 values
    ['V-2 a CBV URN', withMember(objectEvent(), 'bizStep', 'urn:epcglobal:cbv:bizstep:shipping'), 'EV-SCHEMA /bizStep'],
    ['V-3 an unknown word', withMember(objectEvent(), 'bizStep', 'transforming'), 'EV-SCHEMA /bizStep'],
    ['V-3 an unknown disposition', withMember(objectEvent(), 'disposition', 'in_transport'), 'EV-SCHEMA /disposition'],
    ['V-4 a typo in GS1’s space', withMember(objectEvent(), 'bizStep', 'https://ref.gs1.org/cbv/BizStep-shiping'), 'EV-SCHEMA /bizStep'],
    ['V-4 an EPC as bizStep', withMember(objectEvent(), 'bizStep', sgtin(1)), 'EV-SCHEMA /bizStep'],
    ['V-8 an identifier that is no URI', withMember(objectEvent(), 'epcList', ['1234']), 'ID-FORM /epcList/0'],
    ['V-8 an identifier that is a number', withMember(objectEvent(), 'epcList', [7]), 'EV-SCHEMA /epcList/0'],
    ['I-1 a wrong check digit', withMember(objectEvent(), 'epcList', ['https://id.gs1.org/01/09520123000111/21/A']), 'ID-CHECK /epcList/0'],
    ['I-6 a pattern as thing', withMember(objectEvent(), 'epcList', ['urn:epc:idpat:sgtin:9520123.000011.*']), 'ID-FORM /epcList/0'],
    ['V-8 a broken read point', withMember(objectEvent(), 'readPoint/id', 'urn:epc:id:sgln:9520123.1.0'), 'ID-LENGTH /readPoint/id'],
    ['V-13 an undeclared prefix', withMember(objectEvent(), 'other:field', 1), 'EV-CONTEXT /other:field'],
    ['V-18 an undeclared prefix further in', withMember(objectEvent(), 'ex:field', [{ 'other:f': 1 }]), 'EV-CONTEXT /ex:field/0/other:f'],
    ['V-13 a name that is no URI', withMember(objectEvent(), 'ex:a^b', 1), 'EV-SCHEMA /ex:a^b'],
    ['V-13 a name without local part', withMember(objectEvent(), 'ex:', 1), 'EV-SCHEMA /ex:'],
    ['V-13 a JSON-LD keyword', withMember(objectEvent(), '@id', 'urn:x:1'), 'EV-SCHEMA /@id'],
    [
      'a lot of 2,049 bytes',
      withMember(objectEvent(), 'ilmd', { 'cbvmda:lotNumber': 'x'.repeat(2_049) }),
      'ID-LENGTH /ilmd/cbvmda:lotNumber',
    ],
    ['a lot with U+0000', withMember(objectEvent(), 'ilmd', { 'cbvmda:lotNumber': 'L\0' }), 'ID-CHARSET /ilmd/cbvmda:lotNumber'],
    [
      'an expiry with U+0000',
      withMember(objectEvent(), 'ilmd', { 'cbvmda:itemExpirationDate': '\0' }),
      'ID-CHARSET /ilmd/cbvmda:itemExpirationDate',
    ],
    ['V-17 a bare name in ilmd', withMember(objectEvent(), 'ilmd', { lotNumber: 'L1' }), 'EV-SCHEMA /ilmd/lotNumber'],
    ['V-17 ilmd as text', withMember(objectEvent(), 'ilmd', 'L1'), 'EV-SCHEMA /ilmd'],
    ['V-13 a bare name in readPoint', withMember(objectEvent(), 'readPoint/name', 'Dock'), 'EV-SCHEMA /readPoint/name'],
    // 4 contexts
    ['J-3 a term redefined', withMember(objectEvent(), '@context', { bizStep: 'http://a.example/step' }), 'EV-CONTEXT /@context/bizStep'],
    ['J-1 an unknown remote context', withMember(objectEvent(), '@context', 'https://a.example/ctx'), 'EV-CONTEXT /@context'],
    // INV-27
    ['PII-FOUND a name in ilmd', withMember(objectEvent(), 'ilmd', { 'ex:patient_name': 'N' }), 'PII-FOUND /ilmd/ex:patient_name'],
    [
      'PII-FOUND a birth date further in',
      withMember(objectEvent(), 'ex:order', { for: [{ dateOfBirth: 'D' }] }),
      'PII-FOUND /ex:order/for/0/dateOfBirth',
    ],
    ['PII-FOUND an ISBT 128 patient id as thing', withMember(objectEvent(), 'epcList', ['&#1234']), 'PII-FOUND /epcList/0'],
    [
      'PII-FOUND the same inside a URI',
      withMember(objectEvent(), 'epcList', ['urn:lotline:isbt128:%3D%2319700101']),
      'PII-FOUND /epcList/0',
    ],
    ['PII-FOUND the same in an extension', withMember(objectEvent(), 'ex:scan', '=#19700101'), 'PII-FOUND /ex:scan'],
    [
      'PII-FOUND the same as transaction',
      withMember(transactionEvent(), 'bizTransactionList/0/bizTransaction', 'urn:x:=#1'),
      'PII-FOUND /bizTransactionList/0/bizTransaction',
    ],
  ])('refuses %s', (_, event, expected) => {
    const [code, at] = expected.split(' ') as [string, string];
    expect(faultsOf(documentOf([event]))).toEqual([`${code} ${EVENT}${at}`]);
  });

  it.each<[string, Json]>([
    ['the events of the fixtures as they are', objectEvent()],
    ['DM-1 a quantity alone', withMember(quantity({ quantity: 5 }), 'epcList', undefined)],
    [
      'DM-1 a sensor event at a business location',
      withMember(withMember(sensorEvent(), 'bizLocation', { id: SITE }), 'readPoint', undefined),
    ],
    ['DM-2 a full unpacking', withMember(withMember(aggregationEvent(), 'action', 'DELETE'), 'childEPCs', undefined)],
    ['DM-3 OBSERVE without parent', withMember(withMember(aggregationEvent(), 'action', 'OBSERVE'), 'parentID', undefined)],
    [
      'DM-4 a part of a transformation',
      withMember(withMember(transformationEvent(), 'inputQuantityList', undefined), 'transformationID', 'urn:epc:id:gdti:9520123.00001.T1'),
    ],
    ['DM-6 ilmd of a transformation', withMember(transformationEvent(), 'ilmd', { 'cbvmda:lotNumber': 'L1' })],
    ['DM-8 an association with a place', withMember(associationEvent(), 'parentID', SITE)],
    ['DM-10 neither quantity nor uom', quantity({})],
    ['DM-14 both', withMember(objectEvent(), 'persistentDisposition', { set: ['recalled'], unset: ['active'] })],
    ['V-2 a web URI', withMember(objectEvent(), 'bizStep', 'https://ref.gs1.org/cbv/BizStep-shipping')],
    ['V-3 a value of one’s own', withMember(objectEvent(), 'bizStep', 'ex:resting')],
    ['V-13 a full URI as name', { ...objectEvent(), 'http://a.example/f': null }],
    ['V-18 a prefix of the event alone', { ...objectEvent(), '@context': { other: 'http://b.example/' }, 'other:f': 1 }],
    [
      '§2.1 a type of one’s own',
      { type: 'ex:Washed', eventTime: '2026-03-01T08:15:00Z', eventTimeZoneOffset: '+00:00', 'ex:f': 1, epcList: [sgtin(1)] },
    ],
    ['PII-FOUND not for a chain of identity identifier', withMember(objectEvent(), 'ex:chain', '&/CHA999925AB12C4')],
  ])('takes %s', (_, event) => {
    expect(faultsOf(documentOf([event]))).toEqual([]);
  });

  it('tells of DM-17 without refusing', () => {
    const event = report('deviceID', 'urn:epc:id:giai:9520123.sensor7');
    const [read] = readDocument(bytesOf(documentOf([event]))).events();
    expect(read).toMatchObject({ breaches: [{ code: 'EV-RULE', at: `${EVENT}/sensorElementList/0/sensorReport/0/deviceID` }] });
  });

  it('tells of a link on another domain whose check digit is wrong, and refuses it for packs', () => {
    const link = (path: string) => withMember(objectEvent(), 'epcList', [`https://example.com/${path}`]);
    const [read] = readDocument(bytesOf(documentOf([link('8003/030013450007718765')]))).events();
    expect(read).toMatchObject({ breaches: [{ code: 'EV-RULE', at: `${EVENT}/epcList/0` }] });
    expect(faultsOf(documentOf([link('01/09520123000111/21/A')]))).toEqual([`ID-CHECK ${EVENT}/epcList/0`]);
  });
});

describe('two eventIDs in one event (J-9)', () => {
  const twice = (first: string, second: string) =>
    JSON.stringify(documentOf([objectEvent()])).replace(
      '"type":"ObjectEvent"',
      `"eventID":"${first}","type":"ObjectEvent","eventID":"${second}"`,
    );
  const hashId = `ni:///sha-256;${'a'.repeat(64)}?ver=CBV2.0`;
  const uuid = 'urn:uuid:fd338495-0e6d-41dd-afee-a862ecd32518';

  it('are told of when the first is an event hash, and the second is the name', () => {
    const [read] = readDocument(bytesOf(twice(hashId, uuid))).events();
    expect(read).toMatchObject({ event: { eventID: uuid }, breaches: [{ code: 'EV-RULE', at: `${EVENT}/eventID` }] });
  });

  it('are refused otherwise', () => {
    expect(faultsOf(twice(uuid, uuid))).toEqual([`EV-SYNTAX ${EVENT}/eventID`]);
    expect(faultsOf(twice(uuid, hashId))).toEqual([`EV-SYNTAX ${EVENT}/eventID`]);
  });
});

describe('a document', () => {
  it('reads what its events say', () => {
    const document = readDocument(bytesOf(documentOf(everyEvent())));
    expect(document).toMatchObject({
      kind: 'EPCISDocument',
      eventCount: 6,
      header: { schemaVersion: '2.0', creationDate: '2026-03-01T09:00:00Z' },
    });
    const events = [...document.events()].map((item) => {
      if (isRefused(item)) throw item.errors[0];
      return item;
    });
    expect(events[0]).toMatchObject({
      index: 0,
      at: EVENT,
      event: {
        type: 'ObjectEvent',
        action: 'ADD',
        eventTime: { ms: Date.UTC(2026, 2, 1, 7, 15), below: '' },
        offset: '+01:00',
        eventID: null,
        bizStep: 'commissioning',
        disposition: 'active',
        readPoint: '414/9520123000011',
        bizLocation: '414/9520123000011',
        parentID: null,
        epcList: [
          { class: '01/09520123000110', serial: '1' },
          { class: '01/09520123000110', serial: '2' },
        ],
        ilmdLot: 'L1',
        ilmdExpiry: '2028-01-31',
        errorDeclaration: null,
      },
      breaches: [],
    });
    expect(events[1]?.event.parentID).toEqual({ class: '01/19520123000117', serial: 'C1' });
    expect(events[2]?.event.bizTransactionList).toEqual([{ type: 'po', id: 'urn:epcglobal:cbv:bt:9520123000011:PO-1' }]);
    expect(events[3]?.event.inputQuantityList).toEqual([{ of: { class: '01/09520123000127', lot: 'RAW' }, quantity: 1.5, uom: 'KGM' }]);
    expect(events[3]?.event.outputQuantityList).toEqual([{ of: { class: '01/09520123000110', lot: 'L1' }, quantity: 100, uom: null }]);
    expect(events[5]?.event).toMatchObject({ type: 'ObjectEvent', epcList: [], readPoint: '414/9520123000011' });
  });

  it('says where each event’s own bytes lie', () => {
    const bytes = bytesOf(JSON.stringify(documentOf(everyEvent()), null, 2).replace('commissioning', 'commissioning'));
    const texts = [...readDocument(bytes).events()].map(
      ({ start, end }) => JSON.parse(Buffer.from(bytes).toString('utf8', start, end)) as unknown,
    );
    expect(texts).toEqual(everyEvent());
  });

  it('is the same to read in both spellings of master data, and whatever the prefix (V-14, V-15)', () => {
    const event = withMember(objectEvent(), 'ilmd', { 'm:itemExpirationDate': '2028-01-31T00:00:00Z', 'm:lotNumber': 7 });
    for (const namespace of ['urn:epcglobal:cbv:mda', 'urn:epcglobal:cbv:mda:']) {
      const [read] = readDocument(bytesOf(documentOf([event], [EPCIS_CONTEXT, { m: namespace }]))).events();
      expect(read).toMatchObject({ event: { ilmdLot: '7', ilmdExpiry: '2028-01-31' } });
    }
  });

  it('counts a thing once that is named in two spellings', () => {
    const event = withMember(objectEvent(), 'epcList', [sgtin('A'), PALLET, 'https://id.gs1.org/01/09520123000110/21/A']);
    const [read] = readDocument(bytesOf(documentOf([event]))).events();
    expect(read).toMatchObject({ event: { epcList: [{ serial: 'A' }, { class: '00' }] } });
  });

  it('may come from a query, with its events further in (C-6)', () => {
    const document = readDocument(bytesOf(queryDocumentOf([objectEvent(), withMember(objectEvent(), 'action', 'X')])));
    expect(document).toMatchObject({
      kind: 'EPCISQueryDocument',
      eventCount: 2,
      header: { queryName: 'SimpleEventQuery', schemaVersion: null },
    });
    const [good, bad] = document.events();
    expect(good).toMatchObject({ at: '/epcisBody/queryResults/resultsBody/eventList/0', event: { action: 'ADD' } });
    expect(bad).toMatchObject({ errors: [{ at: '/epcisBody/queryResults/resultsBody/eventList/1/action' }] });
  });

  it('may be a bare event where that is asked for, with a context of its own (DOC-6)', () => {
    const bare = { '@context': EPCIS_CONTEXT, ...objectEvent() };
    expect(faultsOf(bare)).toEqual(['EV-SCHEMA /type']);
    expect(faultsOf(objectEvent(), { bare: true })).toEqual(['EV-CONTEXT /@context']);
    const document = readDocument(bytesOf(bare), { bare: true });
    expect(document).toMatchObject({ kind: 'event', eventCount: 1 });
    expect([...document.events()]).toMatchObject([{ at: '', index: 0, start: 0, event: { type: 'ObjectEvent' } }]);
    expect(faultsOf(withMember(bare, 'action', 'X'), { bare: true })).toEqual(['EV-SCHEMA /action']);
  });

  it('without events is read', () => {
    expect(readDocument(bytesOf(documentOf([]))).eventCount).toBe(0);
  });

  it.each<[string, unknown, string]>([
    ['that is no JSON', '{"type":', 'EV-SYNTAX /type'],
    ['that is no object', '[]', 'EV-SCHEMA '],
    ['DOC-1 without a type', withMember(documentOf([]), 'type', undefined), 'EV-SCHEMA /type'],
    ['DOC-1 without schemaVersion', withMember(documentOf([]), 'schemaVersion', undefined), 'EV-SCHEMA /schemaVersion'],
    ['DOC-3 with a version that is none', withMember(documentOf([]), 'schemaVersion', 'two'), 'EV-SCHEMA /schemaVersion'],
    [
      'DOC-3 with a creationDate without zone',
      withMember(documentOf([]), 'creationDate', '2026-03-01T08:15:00'),
      'EV-TIMEZONE /creationDate',
    ],
    ['DOC-1 without eventList', withMember(documentOf([]), 'epcisBody', {}), 'EV-SCHEMA /epcisBody/eventList'],
    [
      'DOC-1 with one event for a list',
      withMember(documentOf([]), 'epcisBody', { eventList: objectEvent() }),
      'EV-SCHEMA /epcisBody/eventList',
    ],
    ['DOC-1 with a bare member', withMember(documentOf([]), 'note', 'x'), 'EV-SCHEMA /note'],
    [
      'DOC-2 without queryName',
      withMember(queryDocumentOf([]), 'epcisBody/queryResults/queryName', undefined),
      'EV-SCHEMA /epcisBody/queryResults/queryName',
    ],
    [
      'DOC-4 with master data that is no list',
      withMember(documentOf([]), 'epcisHeader', { epcisMasterData: { vocabularyList: 7 } }),
      'EV-SCHEMA /epcisHeader/epcisMasterData/vocabularyList',
    ],
    [
      'with master data of a name longer than any store looks up',
      withMember(documentOf([]), 'epcisHeader', {
        epcisMasterData: { vocabularyList: [{ type: 'urn:x:t', vocabularyElementList: [{ id: `urn:x:${'y'.repeat(2_043)}` }] }] },
      }),
      'ID-LENGTH /epcisHeader/epcisMasterData/vocabularyList/0/vocabularyElementList/0/id',
    ],
    [
      'with a vocabulary of a type longer than any store looks up',
      withMember(documentOf([]), 'epcisHeader', { epcisMasterData: { vocabularyList: [{ type: `urn:x:${'y'.repeat(507)}` }] } }),
      'ID-LENGTH /epcisHeader/epcisMasterData/vocabularyList/0/type',
    ],
    ['J-2 without context', withMember(documentOf([]), '@context', undefined), 'EV-CONTEXT /@context'],
    ['J-2 without the EPCIS context', documentOf([], { ex: 'http://a.example/' }), 'EV-CONTEXT /@context'],
    ['V-18 with an undeclared prefix', withMember(documentOf([]), 'other:f', 1), 'EV-CONTEXT /other:f'],
    ['J-9 with a member twice', '{"type":"EPCISDocument","type":"EPCISDocument"}', 'EV-SYNTAX /type'],
  ])('%s is refused as a whole', (_, document, expected) => {
    expect(faultsOf(document)).toEqual([expected]);
  });

  it('of more events than allowed is refused before any is read', () => {
    expect(faultsOf(documentOf(everyEvent()), { maxEvents: 6 })).toEqual([]);
    expect(faultsOf(documentOf(everyEvent()), { maxEvents: 5 })).toEqual(['REQ-LIMIT /epcisBody/eventList']);
  });

  it('gives the good events among bad ones, each bad one with its eventID (C-9)', () => {
    const bad = { ...withMember(objectEvent(), 'action', 'X'), eventID: 'urn:uuid:7f2b1c6e-0000-4000-8000-000000000001' };
    const items = [...readDocument(bytesOf(documentOf([objectEvent(), bad, 7, aggregationEvent()]))).events()];
    expect(items.map((item) => (isRefused(item) ? item.eventID : item.event.type))).toEqual([
      'ObjectEvent',
      bad.eventID,
      null,
      'AggregationEvent',
    ]);
    expect(items[2]).toMatchObject({ errors: [{ code: 'EV-SCHEMA', at: '/epcisBody/eventList/2' }] });
  });

  it('tells every fault of an event, and at most a hundred', () => {
    const event = { ...objectEvent(), eventTime: 'x', bizStep: 'y', weight: 1, epcList: ['1', sgtin(1), '2'] };
    expect(faultsOf(documentOf([event])).sort()).toEqual(
      ['EV-SCHEMA /bizStep', 'EV-SCHEMA /eventTime', 'EV-SCHEMA /weight', 'ID-FORM /epcList/0', 'ID-FORM /epcList/2'].map((fault) =>
        fault.replace('/', `${EVENT}/`),
      ),
    );
    for (const list of [Array.from({ length: 50_000 }, () => 7), Array.from({ length: 50_000 }, () => CASE)]) {
      expect(faultsOf(documentOf([withMember(objectEvent(), 'epcList', list)]))).toHaveLength(FAULTS_MAX);
    }
    const quantities = Array.from({ length: 50_000 }, () => ({}));
    expect(faultsOf(documentOf([withMember(objectEvent(), 'quantityList', quantities)]))).toHaveLength(FAULTS_MAX);
  });

  it('never repeats the value that identifies a patient (INV-27)', () => {
    const document = documentOf([{ ...objectEvent(), epcList: ['&#SECRET'], 'ex:mrn': 'SECRET', 'ex:scan': '=#SECRET' }]);
    const [item] = readDocument(bytesOf(document)).events();
    expect(item).toMatchObject({ errors: [{ code: 'PII-FOUND' }, { code: 'PII-FOUND' }, { code: 'PII-FOUND' }] });
    expect(JSON.stringify(item !== undefined && isRefused(item) && item.errors.map((error) => error.toProblem()))).not.toContain('SECRET');
  });
});

const table = sharedPath('gs1', 'examples', 'VALIDATION.tsv');
describe.skipIf(table === null)('the official examples', () => {
  const examples = (table === null ? '' : readFileSync(table, 'utf8'))
    .split('\n')
    .map((line) => line.split('\t'))
    .filter(([path, schema]) => path !== undefined && /json/.test(path) && schema?.startsWith('EPCIS-JSON-Schema'))
    .map(([path, , verdict]) => [path as string, verdict as string] as const);
  const read = (path: string) => {
    const file = sharedPath('gs1', 'examples', path) as string;
    return faultsOf(readFileSync(file, 'utf8'), { bare: true });
  };
  it.each(examples.filter(([, verdict]) => verdict === 'valid'))('read without error: %s', (path) => {
    expect(read(path)).toEqual([]);
  });

  const second = '/epcisBody/eventList/1';
  const query = '/epcisBody/queryResults/resultsBody/eventList/0';
  const invalid: Record<string, string[]> = {
    'Combination_of_events_with_missing_mandatory_fields.json': [
      `EV-SCHEMA ${EVENT}/action`,
      `EV-SCHEMA ${second}/eventTimeZoneOffset`,
      `EV-SCHEMA ${second}/action`,
    ],
    'Combination_of_non_standard_bizStep_and_disposition.json': [`EV-SCHEMA ${EVENT}/bizStep`, `EV-SCHEMA ${second}/disposition`],
    'EPCISDocument_without_context.json': ['EV-CONTEXT /@context'],
    'ObjectEvent_with_ilmd_field_without_namespace.json': [`EV-SCHEMA ${EVENT}/ilmd/materialType`],
    'ObjectEvent_with_invalid_eventTime_format.json': [`EV-SCHEMA ${EVENT}/eventTime`],
    'ObjectEvent_with_non_standard_bizStep.json': [`EV-SCHEMA ${EVENT}/bizStep`],
    'ObjectEvent_with_non_standard_disposition.json': [`EV-SCHEMA ${EVENT}/disposition`],
    'ObjectEvent_with_unknown_field_in_quantityList.json': [`EV-SCHEMA ${EVENT}/quantityList/0/weight`],
    'ObjectEvent_without_identifier_list.json': [`EV-SCHEMA ${EVENT}`],
    'QueryDocument_with_invalid_action.json': [`EV-SCHEMA ${query}/action`],
  };
  it.each(examples.filter(([, verdict]) => verdict === 'invalid'))('are refused at the right place: %s', (path) => {
    expect(read(path)).toEqual(invalid[path.slice(path.lastIndexOf('/') + 1)]);
  });
});
