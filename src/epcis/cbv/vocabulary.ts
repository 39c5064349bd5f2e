import { LotlineError } from '../../errors.ts';
import type { Prefixes } from '../prefixes.ts';
import { expandCurie } from '../prefixes.ts';
import { isAbsoluteUri, quoted } from '../uri.ts';
import { CBV_DEPRECATED, CBV_LISTS, CBV_SPELLINGS, type VocabularyKind } from './lists.ts';

const CBV_URN = 'urn:epcglobal:cbv:';

/**
 * The one form in which a vocabulary value is kept and compared (V-1): the bare word for a standard value in any of its spellings, else the
 * absolute URI. Refuses a bare word that is not in the list (V-3), and URIs in GS1's own spaces that name no value of this vocabulary (V-4).
 *
 *     canonicalVocabulary('bizStep', 'https://ref.gs1.org/cbv/BizStep-shipping', prefixes)   → 'shipping'
 *     canonicalVocabulary('disposition', 'ex:asleep', prefixes)                              → 'http://ns.example.com/asleep'
 */
export function canonicalVocabulary(kind: VocabularyKind, text: string, prefixes: Prefixes): string {
  const list: ReadonlySet<string> = CBV_LISTS[kind];
  if (list.has(text)) return text;
  const { urn, web, name } = CBV_SPELLINGS[kind];
  if (!text.includes(':')) throw unknownWord(kind, name, text);
  const uri = expandCurie(text, prefixes);
  for (const space of urn === null ? [web] : [urn, web]) {
    if (!uri.startsWith(space)) continue;
    const tail = uri.slice(space.length);
    if (list.has(tail)) return tail;
    if (urn !== null && CBV_DEPRECATED[kind]?.has(tail)) return urn + tail;
    throw unknownWord(kind, name, tail);
  }
  if (uri.startsWith(CBV_URN) || uri.startsWith('urn:epc:') || uri.startsWith('https://ref.gs1.org/cbv/')) {
    throw new LotlineError('EV-SCHEMA', `${quoted(text)} is no ${name}, and own values must not stand in GS1's namespaces`, {
      fix: `Use a standard ${name} of CBV 2.0, or an absolute URI in a namespace of your own.`,
    });
  }
  if (!isAbsoluteUri(uri)) throw unknownWord(kind, name, text);
  return uri;
}

/** V-2: JSON writes standard values as bare words, so a CBV URN is refused there although it means the same. */
export function isCbvUrn(text: string): boolean {
  return text.startsWith(CBV_URN);
}

/** Whether the text is the URN of a value that CBV 2.0 does not have: of one that it dropped (V-5), or of one that never was (V-4). */
export function unknownCbvUrn(kind: VocabularyKind, text: string): 'dropped' | 'unknown' | null {
  const { urn } = CBV_SPELLINGS[kind];
  if (urn === null || !text.startsWith(urn)) return null;
  const tail = text.slice(urn.length);
  if ((CBV_LISTS[kind] as ReadonlySet<string>).has(tail)) return null;
  return CBV_DEPRECATED[kind]?.has(tail) ? 'dropped' : 'unknown';
}

/**
 * The URI in a vocabulary of GS1 that no value of CBV 2.0 has, null for any other text: a later release may have it, or somebody has mistyped it.
 *
 *     unknownCbvUri('measurementType', 'gs1:Molar_concentration', prefixes)   → 'https://gs1.org/voc/Molar_concentration'
 */
export function unknownCbvUri(kind: VocabularyKind, text: string, prefixes: Prefixes): string | null {
  const uri = expandCurie(text, prefixes);
  if (!GS1_VOCABULARIES.some((space) => uri.startsWith(space))) return null;
  try {
    canonicalVocabulary(kind, uri, prefixes);
    return null;
  } catch {
    return uri;
  }
}

const GS1_VOCABULARIES = ['https://ref.gs1.org/cbv/', 'https://gs1.org/voc/'];

/** The https://ref.gs1.org/cbv/ or https://gs1.org/voc/ form of a canonical value, which the event hash writes (codes.md §1.5). */
export function vocabularyWebUri(kind: VocabularyKind, canonical: string): string {
  return canonical.includes(':') ? canonical : CBV_SPELLINGS[kind].web + canonical;
}

/** The refusal of a URN of which unknownCbvUrn says something. */
export function refusedUrn(kind: VocabularyKind, text: string): LotlineError {
  const { urn, name } = CBV_SPELLINGS[kind];
  return unknownWord(kind, name, text.slice(urn?.length));
}

function unknownWord(kind: VocabularyKind, name: string, word: string): LotlineError {
  const replacement = CBV_DEPRECATED[kind]?.get(word);
  return new LotlineError('EV-SCHEMA', `${quoted(word)} is not a standard ${name} of CBV 2.0`, {
    fix:
      replacement != null
        ? `Use ${replacement}, which took its place in CBV 2.0.`
        : `Use a standard ${name}, or for a value of your own an absolute URI or a name with a prefix declared in @context.`,
  });
}
