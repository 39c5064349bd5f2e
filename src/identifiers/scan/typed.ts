import { readBracketed } from '../gs1/element-string.ts';
import { checkCoi, checkDinCharacter, type Isbt128Structure, readIsbt128 } from '../isbt128/structures.ts';
import { type Content, readForm } from './message-content.ts';

const NOTHING = { elements: [], items: [], pzn: null, isbt128: null, warnings: [] };

/**
 * What a person typed from a label (codes.md §8, §9): human-readable text with AIs in brackets, both of them; a Digital Link; a GTIN; `PZN-12345678`;
 * a donation number or Chain of Identity Identifier with the boxed check character; `SEC:` and 40 characters. Check digits must be there and right.
 */
export function readTyped(text: string): Content {
  const typed = text.trim();
  if (typed.startsWith('(')) return readBrackets(typed);
  const joined = typed.replace(/\s+/g, '');
  if (/^[A-NP-Z1-9][0-9A-Z]{4}\d{8}[0-9A-Z*]$/.test(joined) && /\D/.test(joined)) {
    const din = joined.slice(0, 13);
    checkDinCharacter(din, joined.slice(13));
    return isbt128({ structure: '001', fields: { din }, parts: [] });
  }
  if (/^CH[0-9A-Z]{13}[0-9A-Z*]$/.test(joined)) {
    checkCoi(joined);
    return isbt128(readIsbt128(`&/${joined.slice(0, 15)}`));
  }
  if (/^SEC:?[A-Z]{2}/.test(joined)) return isbt128(readIsbt128(`&,4${joined.replace(/^SEC:?/, '')}`));
  return readForm(/^[\d\s]+$/.test(typed) ? joined : typed);
}

function readBrackets(text: string): Content {
  // Labels set blanks around brackets; within a value there are none.
  const elements = readBracketed(text.replace(/\s*(\(\d{2,4}\))\s*/g, '$1'));
  const message = 'Typed from the print, where brackets mark the AIs: scan the symbol where you can.';
  return { ...NOTHING, kind: 'elements', elements, warnings: [{ code: 'bracketed-text', message }] };
}

const isbt128 = (structure: Isbt128Structure): Content => ({ ...NOTHING, kind: 'isbt128', isbt128: structure });
