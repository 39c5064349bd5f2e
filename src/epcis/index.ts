/**
 * The standard as pure functions (design.md §2): bytes → events → bytes in EPCIS 2.0 JSON, the CBV's values, the event hash. No I/O, no clock.
 */

export { CBV_LISTS, type VocabularyKind } from './cbv/lists.ts';
export { canonicalVocabulary, vocabularyWebUri } from './cbv/vocabulary.ts';
export { eventHash, fingerprints, formatHashId, parseHashId } from './hash/hash.ts';
export { prehash } from './hash/prehash.ts';
export { EPCIS_CONTEXT_URLS, type KnownContexts, readContext, Scope } from './json/context.ts';
export { type ExtensionField, type ExtensionScope, readExtensionFields } from './json/extension-fields.ts';
export { type DocumentHeader, isRefused, type ReadDocument, type ReadOptions, type RefusedEvent, readDocument } from './json/read.ts';
export { type EpcFormat, type QueryDocument, type WriteEventOptions, writeEvent, writeQueryDocument } from './json/write.ts';
export type * from './model.ts';
export { EPCIS_PREFIXES, expandCurie, type Prefixes } from './prefixes.ts';
export { compareExactTime, formatExactTime, parseExactTime } from './time.ts';
