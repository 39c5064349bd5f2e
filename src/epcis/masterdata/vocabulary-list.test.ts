import { describe, expect, it } from 'vitest';
import { parseVocabularyList } from './vocabulary-list.ts';

const element = (more: object = {}) => ({ id: 'urn:epc:id:sgln:9520123.00001.0', ...more });
const listOf = (...elements: unknown[]) => ({ vocabularyList: [{ type: 'Location', vocabularyElementList: elements }] });
const read = (json: unknown) => parseVocabularyList(Buffer.from(JSON.stringify(json)));
const faults = (json: unknown) => read(json).faults.map(({ code, at }) => `${code} ${at}`);

describe('master data by itself', () => {
  it.each([
    ['', 'empty'],
    ['{', 'cut off'],
    ['{"type":"Location","type":"Party","id":"urn:x:1"}', 'of two types'],
    [`{"id":${'['.repeat(70)}${']'.repeat(70)}}`, 'too deep'],
  ])('%j is refused: it is %s (J-9)', (text) => {
    expect(() => parseVocabularyList(Buffer.from(text))).toThrow(expect.objectContaining({ code: 'EV-SYNTAX' }));
  });

  it('is a list of vocabularies as in the header, short names of vocabularies written out (DOC-4, MD-1)', () => {
    const given = listOf(element({ attributes: [{ id: 'urn:epcglobal:cbv:mda#name', attribute: 'Works' }], children: ['urn:x:1'] }));
    expect(read(given)).toEqual({
      list: [{ ...given.vocabularyList[0], type: 'urn:epcglobal:epcis:vtype:Location' }],
      faults: [],
    });
  });

  it('is one element with its vocabulary (DOC-4)', () => {
    expect(read({ type: 'Party', ...element({ children: [] }) })).toEqual({
      list: [{ type: 'urn:epcglobal:epcis:vtype:Party', vocabularyElementList: [element({ children: [] })] }],
      faults: [],
    });
  });

  it.each([
    [null, 'EV-SCHEMA '],
    [[], 'EV-SCHEMA '],
    [{}, 'EV-SCHEMA /type'],
    [{ type: 'Location' }, 'EV-SCHEMA /id'],
    [{ type: 'nowhere', ...element() }, 'EV-SCHEMA /type'],
    [{ type: 'Location', ...element({ attributes: {} }) }, 'EV-SCHEMA /attributes'],
    [{ type: 'Location', ...element({ children: ['x'] }) }, 'EV-SCHEMA /children/0'],
    [{ type: 'Location', id: 'urn:epc:id:sgln:9520123.1.0' }, 'ID-LENGTH /id'],
    [{ type: 'Location', id: `urn:x:${'x'.repeat(3_000)}` }, 'ID-LENGTH /id'],
    [{ vocabularyList: {} }, 'EV-SCHEMA /vocabularyList'],
    [{ vocabularyList: [] }, 'EV-SCHEMA /vocabularyList'],
    [{ vocabularyList: [{ type: 'Location' }] }, 'EV-SCHEMA /vocabularyList'],
    [{ vocabularyList: [7] }, 'EV-SCHEMA /vocabularyList/0'],
    [listOf(element(), { attributes: [] }), 'EV-SCHEMA /vocabularyList/0/vocabularyElementList/1/id'],
    [listOf(element({ attributes: [{ id: 'name' }] })), 'EV-SCHEMA /vocabularyList/0/vocabularyElementList/0/attributes/0/id'],
    [
      listOf(element({ attributes: [{ id: 'urn:x:a', attribute: true }] })),
      'EV-SCHEMA /vocabularyList/0/vocabularyElementList/0/attributes/0/attribute',
    ],
    [listOf(element(), { id: 'https://id.gs1.org/01/09520123000111' }), 'ID-CHECK /vocabularyList/0/vocabularyElementList/1/id'],
  ])('%j is refused at its place (DOC-4)', (json, fault) => {
    expect(faults(json)).toContain(fault);
  });
});
