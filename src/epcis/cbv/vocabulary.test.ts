import { describe, expect, it } from 'vitest';
import { EPCIS_PREFIXES } from '../prefixes.ts';
import { CBV_LISTS, CBV_SPELLINGS, type VocabularyKind } from './lists.ts';
import { canonicalVocabulary, vocabularyWebUri } from './vocabulary.ts';

const prefixes = new Map([...EPCIS_PREFIXES, ['ex', 'http://ns.example.com/epcis/']]);
const kinds = Object.keys(CBV_LISTS) as VocabularyKind[];

describe('the values of CBV 2.0', () => {
  it('are complete (§13)', () => {
    expect(kinds.map((kind) => CBV_LISTS[kind].size)).toEqual([41, 33, 13, 3, 2, 14, 72, 2]);
  });

  it.each(kinds)('mean the same in every spelling: %s (V-1)', (kind) => {
    const { urn, web } = CBV_SPELLINGS[kind];
    for (const word of CBV_LISTS[kind]) {
      const curie = web.replace('https://ref.gs1.org/cbv/', 'cbv:').replace('https://gs1.org/voc/', 'gs1:') + word;
      const spellings = [word, web + word, curie, ...(urn === null ? [] : [urn + word])];
      for (const spelling of spellings) expect(canonicalVocabulary(kind, spelling, prefixes)).toBe(word);
      expect(vocabularyWebUri(kind, word)).toBe(web + word);
    }
  });

  it('gives the absolute URI for values of one’s own (V-3)', () => {
    expect(canonicalVocabulary('disposition', 'ex:asleep', prefixes)).toBe('http://ns.example.com/epcis/asleep');
    expect(canonicalVocabulary('bizStep', 'https://example.com/steps/rest', prefixes)).toBe('https://example.com/steps/rest');
    expect(vocabularyWebUri('bizStep', 'https://example.com/steps/rest')).toBe('https://example.com/steps/rest');
  });

  it.each<[VocabularyKind, string, string]>([
    ['bizStep', 'transforming', 'V-3, V-5'],
    ['bizStep', 'Shipping', 'V-3'],
    ['bizStep', '', 'V-3'],
    ['disposition', 'shipping', 'J-4, V-3'],
    ['sourceDestType', 'po', 'J-4, V-3'],
    ['bizStep', 'urn:epcglobal:cbv:bizstep:shiping', 'V-4'],
    ['bizStep', 'https://ref.gs1.org/cbv/BizStep-shiping', 'V-4'],
    ['bizStep', 'https://ref.gs1.org/cbv/Disp-active', 'V-4'],
    ['bizStep', 'cbv:Disp-active', 'V-4'],
    ['disposition', 'urn:epcglobal:cbv:bizstep:shipping', 'V-4'],
    ['disposition', 'urn:epc:id:sscc:9520123.0000000018', 'V-4'],
    ['measurementType', 'https://gs1.org/voc/Heat', 'V-4'],
    ['bizStep', 'a b:c', 'V-3'],
  ])('refuses %s %j (%s)', (kind, text) => {
    expect(() => canonicalVocabulary(kind, text, prefixes)).toThrow(expect.objectContaining({ code: 'EV-SCHEMA' }));
  });

  it('names what took the place of a value that 2.0 dropped, and keeps its URN for 1.x documents (V-5)', () => {
    expect(() => canonicalVocabulary('disposition', 'non_sellable_expired', prefixes)).toThrow(
      expect.objectContaining({ fix: 'Use expired, which took its place in CBV 2.0.' }),
    );
    const urn = 'urn:epcglobal:cbv:disp:non_sellable_expired';
    expect(canonicalVocabulary('disposition', urn, prefixes)).toBe(urn);
  });
});
