import { percentDecode } from './gs1/characters.ts';
import { isDigits } from './gs1/check-digit.ts';
import { checkKeyValue, finest, type Gs1Key, isKeyAi, isSequence, type KeyAi, keyFrom } from './gs1/keys.ts';
import { orNull } from './refusal.ts';

/** Words of the first Digital Link release: GS1 dropped them, the event hash still reads them (codes.md §1.7). */
const WORDS: Readonly<Record<string, string>> = {
  gtin: '01',
  itip: '8006',
  cpi: '8010',
  cpv: '22',
  lot: '10',
  ser: '21',
  sscc: '00',
  gln: '414',
  party: '417',
  glnx: '254',
  grai: '8003',
  giai: '8004',
  gsrn: '8018',
  gsrnp: '8017',
  gdti: '253',
  gcn: '255',
  ginc: '401',
  gsin: '402',
};

type LinkPath = {
  readonly ai: KeyAi;
  readonly value: string;
  readonly qualifiers: readonly (readonly [string, string])[];
  readonly domain: string;
};

/** The last key AI of the path with what follows it, in pairs from the end; null when there is none (codes.md §4). */
function findKey(uri: string, words: boolean): LinkPath | null {
  if (!/^(?:https?|HTTPS?):\/\//.test(uri)) return null;
  const segments = uri
    .slice(uri.indexOf('//') + 2)
    .replace(/[?#].*$/s, '')
    .split('/');
  const aiAt = (i: number): string => (words ? (WORDS[segments[i] as string] ?? (segments[i] as string)) : (segments[i] as string));
  for (let i = segments.length - 2; i >= 1; i -= 2) {
    const ai = aiAt(i);
    if (!isKeyAi(ai)) continue;
    const qualifiers: [string, string][] = [];
    for (let q = i + 2; q < segments.length; q += 2) qualifiers.push([aiAt(q), percentDecode(segments[q + 1] as string)]);
    return { ai, value: percentDecode(segments[i + 1] as string), qualifiers, domain: segments[0] as string };
  }
  return null;
}

/**
 * The key of a GS1 Digital Link as events carry it (epcis-2.0.md I-7, I-8): any domain and stem, numeric AIs, valid check digit;
 * query and fragment do not count. Null for a URL that is no Digital Link (I-9): one without a key AI in its path, or, away from
 * id.gs1.org, one where the key AI is followed by what does not even begin like a company prefix. Refuses a broken Digital Link.
 */
export function readEventLink(uri: string): Gs1Key | null {
  const path = findKey(uri, false);
  if (path === null) return null;
  if (path.domain.toLowerCase() !== 'id.gs1.org' && !beginsLikeKey(path)) return null;
  return keyFrom(path.ai, path.value, path.qualifiers);
}

function beginsLikeKey({ value, qualifiers }: LinkPath): boolean {
  return isDigits(value.slice(0, 6)) && value.length >= 6 && qualifiers.every(([ai]) => isDigits(ai) && ai.length <= 4);
}

/**
 * The key of a Digital Link as the programs of the event hash read it (codes.md §1.7): words for AIs, short GTINs padded, check digits
 * not looked at. Null for everything that they leave as it stands.
 */
export function readHashLink(uri: string): Gs1Key | null {
  const path = findKey(uri, true);
  if (path === null || !isSequence(path.ai, path.qualifiers)) return null;
  if (path.qualifiers.some(([ai, value]) => value === '' || ai === '7040' || ai === '8019')) return null;
  const short = path.ai === '01' && [8, 12, 13].includes(path.value.length);
  const value = short ? path.value.padStart(14, '0') : path.value;
  return orNull(() => {
    checkKeyValue(path.ai, value, false);
    return finest(path.ai, value, path.qualifiers);
  });
}
