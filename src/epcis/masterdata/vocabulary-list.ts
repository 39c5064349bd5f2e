import type { LotlineError } from '../../errors.ts';
import { parseEpcClass } from '../../identifiers/index.ts';
import { checkObject } from '../json/check.ts';
import { Scope } from '../json/context.ts';
import { Faults } from '../json/faults.ts';
import { isObject, type JsonObject } from '../json/json-object.ts';
import { splitDocument } from '../json/split.ts';
import { EPCIS_PREFIXES } from '../prefixes.ts';
import { vocabularyType } from './names.ts';

/** A vocabulary and its elements as DOC-4 writes them. */
export type Vocabulary = { readonly type: string; readonly vocabularyElementList?: readonly VocabularyElement[] };
type VocabularyElement = {
  readonly id: string;
  readonly attributes?: readonly { readonly id: string; readonly attribute?: unknown }[];
  readonly children?: readonly string[];
};

/**
 * Reads master data that somebody puts on record by itself: `{vocabularyList: […]}` as in the header of a document (DOC-4), or one element with its
 * vocabulary, `{type, id, attributes, children}`. Vocabularies may go by their short names (MD-1). Throws where the text is no JSON (J-9), and answers
 * other faults when there are any.
 */
export function parseVocabularyList(bytes: Uint8Array): { readonly list: readonly Vocabulary[]; readonly faults: readonly LotlineError[] } {
  const faults = new Faults();
  const json = parseJson(bytes);
  const list = isObject(json) && 'vocabularyList' in json ? readList(json, faults) : readElement(json, faults);
  return { list, faults: faults.list };
}

function parseJson(bytes: Uint8Array): unknown {
  const { start, end } = splitDocument(bytes).root;
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', start, end));
}

function readList(json: JsonObject, faults: Faults): readonly Vocabulary[] {
  const given = json['vocabularyList'];
  const list: unknown = Array.isArray(given) ? given.map(withFullType) : given;
  checkObject('epcisMasterData', { ...json, vocabularyList: list }, '', new Scope(EPCIS_PREFIXES), faults);
  if (faults.list.length > 0) return [];
  checkIdentifiers(list as readonly Vocabulary[], faults);
  return list as readonly Vocabulary[];
}

function readElement(json: unknown, faults: Faults): readonly Vocabulary[] {
  if (!isObject(json)) {
    faults.add('EV-SCHEMA', 'the master data must be an object', '', 'Send {"vocabularyList": […]} or one element.');
    return [];
  }
  const scope = new Scope(EPCIS_PREFIXES);
  const { type, ...element } = json;
  const vocabulary = withFullType({ type });
  checkObject('vocabulary', vocabulary, '', scope, faults);
  checkObject('vocabularyElement', element, '', scope, faults);
  if (faults.list.length > 0) return [];
  checkIdentifier(element['id'] as string, '/id', faults);
  return [{ ...(vocabulary as { type: string }), vocabularyElementList: [element as VocabularyElement] }];
}

function withFullType(vocabulary: unknown): unknown {
  if (!isObject(vocabulary) || typeof vocabulary['type'] !== 'string') return vocabulary;
  return { ...vocabulary, type: vocabularyType(vocabulary['type']) };
}

function checkIdentifiers(list: readonly Vocabulary[], faults: Faults): void {
  let elements = 0;
  for (const [i, vocabulary] of list.entries()) {
    for (const [j, { id }] of (vocabulary.vocabularyElementList ?? []).entries()) {
      elements++;
      checkIdentifier(id, `/vocabularyList/${i}/vocabularyElementList/${j}/id`, faults);
    }
  }
  if (elements === 0) faults.add('EV-SCHEMA', 'the vocabularyList names no element', '/vocabularyList', 'Give at least one element.');
}

/** Whatever an element is, a GS1 identifier that it goes by has to be whole; parseEpcClass takes instances too. */
function checkIdentifier(id: string, at: string, faults: Faults): void {
  faults.try(at, () => parseEpcClass(id));
}
