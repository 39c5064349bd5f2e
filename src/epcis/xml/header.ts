import { formatJson, type Json, MemberReader, type Members, type Placed, xpathOf } from './members.ts';
import type { Names } from './names.ts';
import type { SplitXml } from './split.ts';
import type { XmlElement } from './tree.ts';

const SBDH = 'http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader';

/** Everything of a document but its events, as the JSON text of the same document, and where its members came from. */
export type HeadJson = { readonly text: string; readonly reader: MemberReader };

/**
 * Reads what stands around the events (X-3, X-4, DOC-4, DOC-8): `sender`, `receiver` and `instanceIdentifier` from the SBDH, master data in the shape
 * of `epcisHeader.epcisMasterData`, and every other element of the header as a member of `epcisHeader`. Foreign elements of the document itself come
 * there too: it is where 2.0 XML has to put what 1.2 has in the header (P-1).
 */
export function headToJson(split: SplitXml, names: Names, tellPlaces: boolean): HeadJson {
  const reader = new HeadReader(names, tellPlaces);
  return { text: formatJson(reader.document(split)), reader };
}

/** The XPath of a fault in what headToJson wrote. */
export function headXpath(pointer: string, { reader, head }: { reader: MemberReader; head: XmlElement }): string {
  const attribute = /^\/(schemaVersion|creationDate)$/.exec(pointer)?.[1];
  return attribute === undefined ? xpathOf(pointer, reader.places ?? new Map()) : `/${head.name}/@${attribute}`;
}

class HeadReader extends MemberReader {
  document({ head, kind }: SplitXml): Members {
    const at = `/${head.name}`;
    this.place('', at);
    const document: Members = new Map<string, Json>([['type', kind === 'EPCISQueryDocument' ? kind : 'EPCISDocument']]);
    for (const name of ['schemaVersion', 'creationDate']) {
      const value = head.attributes.find((attribute) => attribute.name === name)?.value.trim();
      if (value !== undefined) document.set(name, value);
    }
    const header: Members = new Map();
    let body: Members | undefined;
    for (const child of this.elements(head, at)) {
      const { uri, local } = child.element;
      if (uri === '' && local === 'EPCISHeader') this.header(child, document, header);
      else if (uri === '' && local === 'EPCISBody' && body === undefined) {
        this.place('/epcisBody', child.at);
        body = kind === 'EPCISQueryDocument' ? this.queryBody(child) : this.body(child, kind, header);
      } else if (uri === '') this.fault(`${child.element.name} does not belong in ${head.name}`, child.at, 'Remove it.');
      else this.extension(header, child, '/epcisHeader');
    }
    if (header.size > 0) document.set('epcisHeader', header);
    if (body !== undefined) document.set('epcisBody', body);
    else this.fault(`${head.name} has no EPCISBody`, `${at}/EPCISBody`, 'Add the EPCISBody.');
    return document;
  }

  private header(placed: Placed, document: Members, into: Members): void {
    this.place('/epcisHeader', placed.at);
    for (const child of this.elements(placed.element, placed.at)) {
      const { uri, local, name } = child.element;
      if (uri === SBDH && local === 'StandardBusinessDocumentHeader') this.business(child, document);
      if (uri === '' && local === 'EPCISMasterData') this.masterData(child, into);
      else if (uri === '') this.fault(`${name} does not belong in EPCISHeader`, child.at, 'Remove it.');
      else this.extension(into, child, '/epcisHeader');
    }
  }

  private business({ element, at }: Placed, document: Members): void {
    const found = (name: string, ...path: string[]) => {
      let here: XmlElement | undefined = element;
      for (const step of path)
        here = here?.children.find((child): child is XmlElement => typeof child !== 'string' && child.local === step);
      const text = here === undefined ? '' : this.text({ element: here, at });
      if (text === '') return;
      document.set(name, text);
      this.place(`/${name}`, `${at}/${path.join('/')}`);
    };
    found('sender', 'Sender', 'Identifier');
    found('receiver', 'Receiver', 'Identifier');
    found('instanceIdentifier', 'DocumentIdentification', 'InstanceIdentifier');
  }

  private body(placed: Placed, kind: SplitXml['kind'], header: Members): Members {
    let list = kind === 'EPCISMasterDataDocument';
    for (const child of this.elements(placed.element, placed.at)) {
      const { uri, local, name } = child.element;
      if (uri !== '') continue; // kept with the document
      if (kind === 'EPCISDocument' && local === 'EventList') list = true;
      else if (kind === 'EPCISMasterDataDocument' && local === 'VocabularyList') this.headerVocabularies(child, header);
      else this.fault(`${name} does not belong in the EPCISBody of an ${kind}`, child.at, 'Remove it.');
    }
    return list ? new Map([['eventList', []]]) : new Map();
  }

  private queryBody(placed: Placed): Members {
    const body: Members = new Map();
    for (const child of this.elements(placed.element, placed.at, true)) this.queryResults(child, body);
    if (body.size === 0) {
      this.fault('the query document has no QueryResults', `${placed.at}/QueryResults`, 'Send the results of a query.');
      body.set('queryResults', new Map());
    }
    return body;
  }

  private queryResults({ element, at }: Placed, body: Members): void {
    if (element.local !== 'QueryResults') {
      this.fault(`${element.name} is no result of a query`, at, 'Send QueryResults.');
      return;
    }
    const results: Members = new Map();
    body.set('queryResults', results);
    this.place('/epcisBody/queryResults', at);
    for (const child of this.elements(element, at)) {
      const { uri, local, name } = child.element;
      if (uri !== '') continue;
      if (local === 'queryName' || local === 'subscriptionID') {
        results.set(local, this.text(child));
        this.place(`/epcisBody/queryResults/${local}`, child.at);
      } else if (local === 'resultsBody') {
        this.place('/epcisBody/queryResults/resultsBody', child.at);
        results.set('resultsBody', this.resultsBody(child));
      } else this.fault(`${name} does not belong in QueryResults`, child.at, 'Remove it.');
    }
  }

  /** EventList or VocabularyList (DOC-8); JSON has an empty list of events beside the latter. */
  private resultsBody({ element, at }: Placed): Members {
    const body: Members = new Map([['eventList', []]]);
    for (const child of this.elements(element, at)) {
      const { uri, local, name } = child.element;
      if (uri === '' && local === 'VocabularyList') this.vocabularies(child, body, '/epcisBody/queryResults/resultsBody');
      else if (uri === '' && local !== 'EventList') this.fault(`${name} does not belong in resultsBody`, child.at, 'Remove it.');
    }
    return body;
  }

  private masterData({ element, at }: Placed, header: Members): void {
    for (const child of this.elements(element, at)) {
      if (child.element.uri === '' && child.element.local === 'VocabularyList') this.headerVocabularies(child, header);
      else if (child.element.uri === '') this.fault(`${child.element.name} does not belong in EPCISMasterData`, child.at, 'Remove it.');
    }
  }

  private headerVocabularies(placed: Placed, header: Members): void {
    const masterData: Members = header.get('epcisMasterData') instanceof Map ? (header.get('epcisMasterData') as Members) : new Map();
    header.set('epcisMasterData', masterData);
    this.vocabularies(placed, masterData, '/epcisHeader/epcisMasterData');
  }

  private vocabularies({ element, at }: Placed, into: Members, around: string): void {
    if (into.has('vocabularyList')) {
      this.fault('the document has two lists of vocabularies', at, 'Put all vocabularies into one VocabularyList.');
      return;
    }
    const pointer = `${around}/vocabularyList`;
    const list: Json[] = [];
    into.set('vocabularyList', list);
    this.place(pointer, at);
    for (const child of this.elements(element, at)) {
      if (!this.expect(child, 'Vocabulary')) continue;
      const here = `${pointer}/${list.length}`;
      const vocabulary = this.identified(child, here, 'type');
      list.push(vocabulary);
      const elements: Json[] = [];
      vocabulary.set('vocabularyElementList', elements);
      for (const inner of this.elements(child.element, child.at)) {
        if (inner.element.uri !== '') this.extension(vocabulary, inner, here);
        else if (this.expect(inner, 'VocabularyElementList')) this.vocabularyElements(inner, elements, `${here}/vocabularyElementList`);
      }
    }
  }

  private vocabularyElements({ element, at }: Placed, list: Json[], pointer: string): void {
    for (const child of this.elements(element, at)) {
      if (!this.expect(child, 'VocabularyElement')) continue;
      const here = `${pointer}/${list.length}`;
      const members = this.identified(child, here, 'id');
      list.push(members);
      const attributes: Json[] = [];
      for (const inner of this.elements(child.element, child.at)) {
        if (inner.element.uri !== '') this.extension(members, inner, here);
        else if (inner.element.local === 'children') members.set('children', this.children(inner, `${here}/children`));
        else if (this.expect(inner, 'attribute')) attributes.push(this.attribute(inner, `${here}/attributes/${attributes.length}`));
      }
      if (attributes.length > 0) members.set('attributes', attributes);
    }
  }

  private attribute(placed: Placed, pointer: string): Members {
    const attribute = this.identified(placed, pointer, 'id');
    const { element, at } = placed;
    const plain = element.children.every((child) => typeof child === 'string');
    const value = plain ? this.text(placed) : this.value({ ...element, attributes: [] }, at, `${pointer}/attribute`);
    attribute.set('attribute', value);
    return attribute;
  }

  private children({ element, at }: Placed, pointer: string): Json {
    const ids: Json[] = [];
    for (const child of this.elements(element, at)) {
      if (!this.expect(child, 'id')) continue;
      this.place(`${pointer}/${ids.length}`, child.at);
      ids.push(this.text(child));
    }
    return ids;
  }

  /** An object that says what it is about in one attribute. */
  private identified({ element, at }: Placed, pointer: string, name: 'id' | 'type'): Members {
    this.place(pointer, at);
    this.place(`${pointer}/${name}`, `${at}/@${name}`);
    const value = element.attributes.find((attribute) => attribute.name === name)?.value.trim();
    return value === undefined ? new Map() : new Map<string, Json>([[name, value]]);
  }

  private expect({ element, at }: Placed, local: string): boolean {
    if (element.uri === '' && element.local === local) return true;
    this.fault(`${element.name} stands where ${local} is expected`, at, `Write ${local} elements only.`);
    return false;
  }
}
