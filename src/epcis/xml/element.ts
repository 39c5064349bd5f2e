import type { XmlAttribute, XmlElement } from './tree.ts';

/** The namespaces that EPCIS documents are made of (epcis-2.0.md §1, X-4). */
export const XSI_NAMESPACE = 'http://www.w3.org/2001/XMLSchema-instance';
export const XSD_NAMESPACE = 'http://www.w3.org/2001/XMLSchema';
export const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace';
export const SBDH_NAMESPACE = 'http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader';

/** The namespace that the EPCIS context gives its own terms. */
export const EPCIS_TERMS = 'https://ref.gs1.org/epcis/';

/** The releases of EPCIS that are written as XML. 1.2 is also what is sent to readers of 1.0 and 1.1. */
export type XmlVersion = '2.0' | '1.2';

/** What the target form could not hold as it stood, or holds in another place. `at` is a JSON Pointer or an element's path. */
export type XmlNote = { readonly at: string; readonly what: string };

const NOTES_MAX = 100;

/** Collects notes of one event or document; past the hundredth they only repeat. */
export class XmlNotes {
  readonly list: XmlNote[] = [];

  add(at: string, what: string): void {
    if (this.list.length < NOTES_MAX) this.list.push({ at, what });
  }
}

type Children = readonly (XmlElement | string)[];

/** An EPCIS element: those below the root stand in no namespace. */
export function plainElement(local: string, children: Children = [], attributes: readonly XmlAttribute[] = []): XmlElement {
  return { name: local, uri: '', local, attributes, declares: {}, children };
}

export function textElement(local: string, text: string): XmlElement {
  return plainElement(local, text === '' ? [] : [text]);
}

export function qualifiedElement(
  prefix: string,
  uri: string,
  local: string,
  children: Children = [],
  attributes: readonly XmlAttribute[] = [],
): XmlElement {
  return { name: `${prefix}:${local}`, uri, local, attributes, declares: {}, children };
}

export function plainAttribute(local: string, value: string): XmlAttribute {
  return { name: local, uri: '', local, value };
}

export function isElement(node: XmlElement | string): node is XmlElement {
  return typeof node !== 'string';
}

/** The child elements: what lies between them in an element that holds no text is white space of the layout. */
export function childElements(element: XmlElement): readonly XmlElement[] {
  return element.children.filter(isElement);
}

/** Whether this is an EPCIS element of that name: one without a namespace. */
export function isPlain(element: XmlElement, local: string): boolean {
  return element.uri === '' && element.local === local;
}
