import { describe, expect, it } from 'vitest';
import { askedKey, askedKeys, attributeName, elementKey, vocabularyType } from './names.ts';

describe('the names of master data', () => {
  it('take a vocabulary by its short name, and leave any other as it is (MD-1)', () => {
    expect(vocabularyType('ReadPoint')).toBe('urn:epcglobal:epcis:vtype:ReadPoint');
    expect(vocabularyType('urn:x:vocabulary')).toBe('urn:x:vocabulary');
    expect(vocabularyType('readPoint')).toBe('readPoint');
  });

  it.each(['name', 'cbvmda:name', 'urn:epcglobal:cbv:mda:name', 'urn:epcglobal:cbv:mda#name'])(
    'take %s for one attribute (MD-3, V-15)',
    (name) => {
      expect(attributeName(name)).toBe('urn:epcglobal:cbv:mda#name');
    },
  );

  it('leave attributes of other namespaces as they are (MD-3)', () => {
    expect(attributeName('http://ns.example.com/epcis/name')).toBe('http://ns.example.com/epcis/name');
    expect(attributeName('urn:epcglobal:cbv:mdaname')).toBe('urn:epcglobal:cbv:mdaname');
  });
});

describe('the key of an element', () => {
  const location = 'urn:epcglobal:epcis:vtype:Location';
  const product = 'urn:epcglobal:epcis:vtype:EPCClass';
  it.each([
    [
      location,
      [
        'urn:epc:id:sgln:9520123.00001.0',
        'https://id.gs1.org/414/9520123000011',
        'https://example.com/a/414/9520123000011',
        '414/9520123000011',
      ],
    ],
    [product, ['urn:epc:idpat:sgtin:9520123.000011.*', 'https://example.com/01/09520123000110', '01/09520123000110']],
    [product, ['urn:epc:class:lgtin:9520123.000011.L1', 'https://id.gs1.org/01/09520123000110/10/L1']],
  ])('is one for every spelling of a %s (MD-2, I-10)', (type, spellings) => {
    expect(new Set(spellings.map((id) => elementKey(type, id))).size).toBe(1);
    const [first] = spellings;
    for (const id of spellings) expect(askedKeys(id)).toContain(elementKey(type, first as string));
  });

  it('is the text itself where the identifier is broken: it is a claim of the sender (MD-2, MD-7)', () => {
    expect(elementKey(location, 'https://id.gs1.org/414/9520123000012')).toBe('https://id.gs1.org/414/9520123000012');
  });

  it('is refused in a question that no element can meet', () => {
    expect(() => askedKey(location, 'urn:x:\0')).toThrow(expect.objectContaining({ code: 'ID-CHARSET' }));
    expect(() => askedKeys(`urn:x:${'x'.repeat(3_000)}`)).toThrow(expect.objectContaining({ code: 'ID-LENGTH' }));
  });
});
