import { describe, expect, it } from 'vitest';
import { objectEvent, sensorEvent } from '../../../test/support/epcis-documents.ts';
import { EPCIS_PREFIXES } from '../prefixes.ts';
import { readExtensionFields } from './extension-fields.ts';

const prefixes = new Map([...EPCIS_PREFIXES, ['ex', 'http://ns.example.com/epcis/'], ['mda', 'urn:epcglobal:cbv:mda']]);
const fields = (event: Record<string, unknown>) =>
  readExtensionFields(event, prefixes).map(({ scope, inner, name, value }) => [scope, inner, name, value]);
const EX = 'http://ns.example.com/epcis/#';

describe('the extension fields of an event', () => {
  it('are told with their scope, the ones further in as inner, each value by itself', () => {
    const event = { ...objectEvent(), ilmd: {}, 'ex:line': [7, '8'], 'ex:run': { 'ex:shift': true, bare: [{ 'ex:deep': 'd' }] } };
    expect(fields(event)).toEqual([
      ['event', false, `${EX}line`, 7],
      ['event', false, `${EX}line`, '8'],
      ['event', false, `${EX}run`, null],
      ['event', true, `${EX}shift`, true],
      ['event', true, 'bare', null],
      ['event', true, `${EX}deep`, 'd'],
    ]);
  });

  it('come out the same in both spellings of the master data namespace (V-15)', () => {
    const expected = [['ilmd', false, 'urn:epcglobal:cbv:mda#lotNumber', 'L1']];
    expect(fields({ ilmd: { 'cbvmda:lotNumber': 'L1' } })).toEqual(expected);
    expect(fields({ ilmd: { 'mda:lotNumber': 'L1' } })).toEqual(expected);
  });

  it('of XML that have attributes have their text as value, and the attributes further in', () => {
    const event = { 'ex:weight': { '@:unit': 'KGM', '@ex:by': 'scale', '#:text': 3.5 } };
    expect(fields(event)).toEqual([
      ['event', false, `${EX}weight`, 3.5],
      ['event', true, 'unit', 'KGM'],
      ['event', true, `${EX}by`, 'scale'],
    ]);
  });

  it('of JSON keep the keywords of JSON-LD as names of their own (V-16)', () => {
    expect(fields({ 'ex:date': { '@type': 'xsd:date', '#text': 'x' } })).toEqual([
      ['event', false, `${EX}date`, null],
      ['event', true, '@type', 'xsd:date'],
      ['event', true, '#text', 'x'],
    ]);
  });

  it('are found at every extension point (V-13)', () => {
    const [element] = sensorEvent()['sensorElementList'] as Record<string, Record<string, unknown>>[];
    const event = {
      readPoint: { id: 'urn:x:1', 'ex:f': 1 },
      bizLocation: { id: 'urn:x:1', 'ex:f': 2 },
      errorDeclaration: { declarationTime: '2026-03-01T00:00:00Z', 'ex:f': 3 },
      sensorElementList: [{ ...element, 'ex:f': 4, sensorMetadata: { 'ex:f': 5 }, sensorReport: [{ type: 'Temperature', 'ex:f': 6 }] }],
    };
    expect(fields(event)).toEqual([
      ['errorDeclaration', false, `${EX}f`, 3],
      ['readPoint', false, `${EX}f`, 1],
      ['bizLocation', false, `${EX}f`, 2],
      ['sensorElement', false, `${EX}f`, 4],
      ['sensorMetadata', false, `${EX}f`, 5],
      ['sensorReport', false, `${EX}f`, 6],
    ]);
  });
});
