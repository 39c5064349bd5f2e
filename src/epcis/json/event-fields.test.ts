import { describe, expect, it } from 'vitest';
import { bytesOf, documentOf, objectEvent, sensorEvent, sgtin } from '../../../test/support/epcis-documents.ts';
import { keysOf, numberKey } from '../query/field-key.ts';
import { readXmlDocument } from '../xml/read.ts';
import { isRefused, type ReadDocument, readDocument } from './read.ts';

const EX = 'http://ns.example.com/epcis/#';
const fieldsOf = (document: ReadDocument) => {
  const [read] = document.events();
  if (read === undefined || isRefused(read)) throw new Error(JSON.stringify(read));
  return read.fields.map(({ field, key, part }) => [field, key, part]);
};
const inJson = (event: Record<string, unknown>) => fieldsOf(readDocument(bytesOf(documentOf([event]))));
const inXml = (members: string) =>
  fieldsOf(
    readXmlDocument(
      bytesOf(
        `<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:2" xmlns:q="http://ns.example.com/epcis/" xmlns:m="urn:epcglobal:cbv:mda"
          xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema" schemaVersion="2.0"
          creationDate="2026-03-01T08:15:00Z"><EPCISBody><EventList><ObjectEvent><eventTime>2026-03-01T08:15:00+01:00</eventTime>
          <eventTimeZoneOffset>+01:00</eventTimeZoneOffset><epcList><epc>${sgtin(1)}</epc></epcList><action>ADD</action>${members}</ObjectEvent>
          </EventList></EPCISBody></epcis:EPCISDocument>`,
      ),
    ),
  );

describe('the fields of an event', () => {
  it('are those that parameters call by a name, with the values to compare (§9.2)', () => {
    const event = {
      ...objectEvent(),
      bizTransactionList: [{ type: 'po', bizTransaction: 'urn:x:1' }, { bizTransaction: 'urn:x:2' }],
      sourceList: [{ type: 'owning_party', source: 'urn:epc:id:pgln:9520123.00001' }],
      'ex:shift': 3,
    };
    expect(inJson(event)).toEqual([
      ['bizTransaction_po', 'surn:x:1', 0],
      ['source_owning_party', 's417/9520123000011', 0],
      [`${EX}shift`, numberKey(3), 0],
      ['ILMD_urn:epcglobal:cbv:mda#lotNumber', 'sL1', 0],
      ['ILMD_urn:epcglobal:cbv:mda#itemExpirationDate', 's2028-01-31', 0],
    ]);
  });

  it('of a sensor go by the report that says them, what stands in the metadata by each (Q-9, Q-13)', () => {
    const event = sensorEvent();
    const [element] = event['sensorElementList'] as { sensorReport: unknown[] }[];
    const second = { type: 'gs1:RelativeHumidity', value: 40, uom: 'P1', time: '2026-03-01T07:11:00Z' };
    event['sensorElementList'] = [{ ...element, sensorReport: [...(element?.sensorReport ?? []), second] }];
    const [metadataTime] = keysOf('2026-03-01T07:10:00Z');
    expect(inJson(event)).toEqual([
      ['sensorElementList', '', 0],
      ['time', metadataTime, 1],
      ['deviceID', 's8004/9520123sensor7', 1],
      ['type', 'sTemperature', 1],
      ['value_KEL', numberKey(278.25), 1],
      ['time', metadataTime, 2],
      ['deviceID', 's8004/9520123sensor7', 2],
      ['time', keysOf('2026-03-01T07:11:00Z')[0], 2],
      ['type', 'sRelativeHumidity', 2],
      ['value_P1', numberKey(40), 2],
    ]);
  });

  it('are the same told in XML, where a number without a type is text that reads as one (V-14 to V-16)', () => {
    const members = '<ilmd><m:lotNumber>L1</m:lotNumber></ilmd><q:shift xsi:type="xsd:integer">3</q:shift><q:line>7</q:line>';
    const event = { ilmd: { 'cbvmda:lotNumber': 'L1' }, 'ex:shift': 3, 'ex:line': '7' };
    const { ilmd: _ilmd, ...made } = objectEvent();
    const sorted = (fields: unknown[]) => fields.map((field) => JSON.stringify(field)).sort();
    expect(sorted(inXml(members))).toEqual(sorted(inJson({ ...made, ...event })));
  });

  it('are none of an event that says nothing more than what, when, where and why', () => {
    const { ilmd: _ilmd, ...event } = objectEvent();
    expect(inJson(event)).toEqual([]);
  });
});
