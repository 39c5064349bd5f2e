/**
 * The standard as pure functions (design.md §2): bytes → events → bytes, in JSON of 2.0 and XML of 2.0 and 1.x; the CBV's values; the event hash. No I/O, no clock.
 */

export { isCbvCompliant } from './cbv/compliance.ts';
export { CBV_LISTS, type VocabularyKind } from './cbv/lists.ts';
export { canonicalVocabulary, vocabularyWebUri } from './cbv/vocabulary.ts';
export { CONVERSION_TARGETS, type Conversion, type ConversionTarget, convertDocument } from './convert.ts';
export {
  checkForeignHashId,
  eventHash,
  fingerprints,
  formatHashId,
  hashInProfile,
  isForeignHashId,
  parseHashId,
  type VerifiedHash,
  verifyHashId,
} from './hash/hash.ts';
export { HASH_PROFILES, type HashProfile, prehash } from './hash/prehash.ts';
export { canonicalJson } from './json/canonical.ts';
export { EPCIS_CONTEXT_URLS, type KnownContexts, readContext, Scope } from './json/context.ts';
export { type ExtensionField, type ExtensionScope, readExtensionFields } from './json/extension-fields.ts';
export { personalText } from './json/personal.ts';
export { type DocumentHeader, isRefused, type ReadDocument, type ReadOptions, type RefusedEvent } from './json/read.ts';
export { type EpcFormat, type QueryDocument, type WriteEventOptions, withMembers, writeEvent, writeQueryDocument } from './json/write.ts';
export { askedKey, attributeName, elementKey } from './masterdata/names.ts';
export { type MasterdataQuery, readMasterdataQuery, readType } from './masterdata/query.ts';
export { parseVocabularyList, type Vocabulary } from './masterdata/vocabulary-list.ts';
export type * from './model.ts';
export { EPCIS_PREFIXES, expandCurie, type Prefixes } from './prefixes.ts';
export { type EitherDocument, type EventAsJson, eventJson, isXml, readDocument, readEitherSyntax } from './syntax.ts';
export { compareExactTime, formatExactTime, parseExactTime } from './time.ts';
export { inBaseUnit } from './units.ts';
export {
  documentToXml,
  masterDataDocumentToXml,
  queryDocumentToXml,
  type XmlDocumentParts,
  type XmlQueryDocumentParts,
} from './xml/document.ts';
export type { XmlNote, XmlVersion } from './xml/element.ts';
export { type EventToXmlOptions, eventToXml, type WrittenXml } from './xml/from-json.ts';
export { captureJobToXml, problemToXml, type XmlCaptureJob, type XmlProblem } from './xml/problem.ts';
export { xmlEventToElement } from './xml/read.ts';
export { type RewriteXmlOptions, rewriteXmlEvent } from './xml/rewrite.ts';
export { type SerializeOptions, serializeXml, standAlone } from './xml/serialize.ts';
export type { XmlAttribute, XmlElement } from './xml/tree.ts';
export type { CbvXmlFormat } from './xml/vocabulary.ts';
