import { CBV_SPELLINGS, type VocabularyKind } from '../cbv/lists.ts';
import { canonicalVocabulary } from '../cbv/vocabulary.ts';
import { expandCurie, type Prefixes } from '../prefixes.ts';

/** The values of the header GS1-CBV-XML-Format (V-6). */
export type CbvXmlFormat = 'No_Preference' | 'Always_Web_URI' | 'Always_URN' | 'Never_Translates';

/**
 * A vocabulary value as XML spells it (§3.1): a standard value as its URN, where it has one; measurement types and sensor alerts as `gs1:` names and
 * components as web URIs, which have none. `Always_Web_URI` asks for web URIs throughout; `Never_Translates` keeps a value that was sent as a URI.
 * A bare word is no value in XML and gets its URN in any case. Values of one's own become absolute URIs, for a prefix in a value means nothing here.
 */
export function vocabularyInXml(kind: VocabularyKind, text: string, prefixes: Prefixes, format: CbvXmlFormat): string {
  let canonical: string;
  try {
    canonical = canonicalVocabulary(kind, text, prefixes);
  } catch {
    return expandCurie(text, prefixes);
  }
  if (canonical.includes(':')) return canonical;
  const { urn, web } = CBV_SPELLINGS[kind];
  if (format === 'Always_Web_URI') return web + canonical;
  if (format === 'Never_Translates' && text.includes(':')) return expandCurie(text, prefixes);
  if (urn !== null) return urn + canonical;
  return kind === 'component' ? web + canonical : `gs1:${canonical}`;
}
