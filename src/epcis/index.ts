/**
 * The standard as pure functions (design.md §2): bytes → events → bytes in EPCIS 2.0 JSON, and from XML of 2.0 and 1.x, the CBV's values, the event hash. No I/O, no clock.
 */

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
export { EPCIS_CONTEXT_URLS, type KnownContexts, readContext, Scope } from './json/context.ts';
export { type ExtensionField, type ExtensionScope, readExtensionFields } from './json/extension-fields.ts';
export { type DocumentHeader, isRefused, type ReadDocument, type ReadOptions, type RefusedEvent, readDocument } from './json/read.ts';
export { type EpcFormat, type QueryDocument, type WriteEventOptions, writeEvent, writeQueryDocument } from './json/write.ts';
export type * from './model.ts';
export { EPCIS_PREFIXES, expandCurie, type Prefixes } from './prefixes.ts';
export { type EitherDocument, type EventAsJson, isXml, readEitherSyntax } from './syntax.ts';
export { compareExactTime, formatExactTime, parseExactTime } from './time.ts';
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
export { readXmlDocument, xmlEventToJson } from './xml/read.ts';
export { type SerializeOptions, serializeXml, standAlone } from './xml/serialize.ts';
export type { XmlAttribute, XmlElement } from './xml/tree.ts';
export { changeVersion } from './xml/upgrade.ts';
export type { CbvXmlFormat } from './xml/vocabulary.ts';
