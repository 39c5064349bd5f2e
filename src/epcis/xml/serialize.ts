import { EPCIS_PREFIXES } from '../prefixes.ts';
import { isElement, XML_NAMESPACE, XSI_NAMESPACE } from './element.ts';
import type { XmlAttribute, XmlElement } from './tree.ts';

export type SerializeOptions = {
  /** Begin with `<?xml version="1.0" encoding="UTF-8"?>`. */
  readonly declaration?: boolean;
  /** Spaces for each level where an element holds elements alone; without it nothing is added between elements. */
  readonly indent?: number;
  /** Declarations that hold around the element where its text will stand. */
  readonly scope?: Readonly<Record<string, string>>;
};

// Everything but what XML 1.0 can write: it has no character references for the others either.
const FORBIDDEN = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;
const EVERY_FORBIDDEN = new RegExp(FORBIDDEN, 'gu');

/**
 * The text of an element. Whatever the tree declares, the text is well formed: a prefix is declared where it is first needed, declarations that
 * hold already are left out, and elements without a namespace do not fall into a default one (X-1). The same tree gives the same text.
 * Characters that XML cannot write at all come out as U+FFFD.
 */
export function serializeXml(element: XmlElement, options: SerializeOptions = {}): string {
  const text = write(element, scopeAround(options), options.indent === undefined ? null : ' '.repeat(options.indent), 0);
  return options.declaration === true ? DECLARATION + text : text;
}

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

function scopeAround({ scope }: SerializeOptions): ReadonlyMap<string, string> {
  return new Map(Object.entries({ '': '', xml: XML_NAMESPACE, ...scope }));
}

/**
 * The same piece by piece: `into`, an element below, holds its own children and then those of `fill`, which are asked for as the text is, so that
 * they need not be in memory at once. What stands behind `into` is looked at after them.
 */
export function* serializeXmlPieces(
  element: XmlElement,
  { into, fill }: { readonly into: XmlElement; readonly fill: Iterable<XmlElement> },
  options: SerializeOptions = {},
): Generator<string, void, undefined> {
  if (options.declaration === true) yield DECLARATION;
  const indent = options.indent === undefined ? null : ' '.repeat(options.indent);
  const line = (depth: number) => (indent === null ? '' : `\n${indent.repeat(depth)}`);
  function* pieces(one: XmlElement, outer: ReadonlyMap<string, string>, depth: number): Generator<string, void, undefined> {
    if (!(one === into || holds(one, into))) {
      yield write(one, outer, indent, depth);
      return;
    }
    const { scope, declared } = declare(one, outer);
    yield `${openTag(one, declared)}>`;
    for (const child of one.children) {
      if (!isElement(child)) continue;
      yield line(depth + 1);
      yield* pieces(child, scope, depth + 1);
    }
    if (one === into) for (const child of fill) yield line(depth + 1) + write(child, scope, indent, depth + 1);
    yield `${line(depth)}</${one.name}>`;
  }
  yield* pieces(element, scopeAround(options), 0);
}

function holds(element: XmlElement, inner: XmlElement): boolean {
  return element.children.some((child) => isElement(child) && (child === inner || holds(child, inner)));
}

/** Whether the text has a character that no XML 1.0 document can hold. */
export function hasForbiddenCharacter(text: string): boolean {
  return FORBIDDEN.test(text);
}

function write(element: XmlElement, outer: ReadonlyMap<string, string>, indent: string | null, depth: number): string {
  const { scope, declared } = declare(element, outer);
  let text = openTag(element, declared);
  const laidOut = indent !== null && element.children.some(isElement) && !element.children.some(isInk);
  const children = laidOut ? element.children.filter(isElement) : element.children;
  if (children.length === 0) return `${text}/>`;
  text += '>';
  for (const child of children) {
    if (laidOut) text += `\n${indent.repeat(depth + 1)}`;
    text += isElement(child) ? write(child, scope, indent, depth + 1) : elementText(child);
  }
  return `${text}${laidOut ? `\n${indent.repeat(depth)}` : ''}</${element.name}>`;
}

/** The tag without its end. */
function openTag(element: XmlElement, declared: ReadonlyMap<string, string>): string {
  let text = `<${element.name}`;
  for (const [prefix, uri] of declared) text += ` xmlns${prefix === '' ? '' : `:${prefix}`}="${attributeText(uri)}"`;
  for (const { name, value } of element.attributes) text += ` ${name}="${attributeText(value)}"`;
  return text;
}

/** What has to be declared on the element so that it and its attributes stand in their namespaces. */
function declare(
  element: XmlElement,
  outer: ReadonlyMap<string, string>,
): { scope: ReadonlyMap<string, string>; declared: ReadonlyMap<string, string> } {
  const declared = new Map<string, string>();
  const need = (prefix: string, uri: string) => {
    if ((declared.get(prefix) ?? outer.get(prefix)) !== uri) declared.set(prefix, uri);
  };
  for (const [prefix, uri] of Object.entries(element.declares)) need(prefix, uri);
  need(prefixOf(element.name), element.uri);
  for (const { name, uri } of element.attributes) if (uri !== '') need(prefixOf(name), uri);
  return { scope: declared.size === 0 ? outer : new Map([...outer, ...declared]), declared };
}

function prefixOf(name: string): string {
  const colon = name.indexOf(':');
  return colon < 0 ? '' : name.slice(0, colon);
}

function isInk(node: XmlElement | string): boolean {
  return typeof node === 'string' && /[^ \t\r\n]/.test(node);
}

function elementText(text: string): string {
  if (!/[&<>\r]|[^\t\n -~]/.test(text)) return text;
  return escapeMarkup(text).replaceAll('\r', '&#13;');
}

// A reader turns line ends and tabs of an attribute into blanks unless they are character references.
function attributeText(text: string): string {
  if (!/[&<>"\t\r\n]|[^ -~]/.test(text)) return text;
  return escapeMarkup(text).replaceAll('"', '&quot;').replaceAll('\t', '&#9;').replaceAll('\n', '&#10;').replaceAll('\r', '&#13;');
}

function escapeMarkup(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replace(EVERY_FORBIDDEN, '\ufffd');
}

/**
 * The element as it can stand in another document: with those of the declarations around it (`scope`) that it, what is below it, an `xsi:type` value
 * or a value that begins with a prefix makes use of (V-18).
 */
export function standAlone(element: XmlElement, scope: Readonly<Record<string, string>>): XmlElement {
  const used = new Set<string>();
  const visit = (one: XmlElement) => {
    used.add(prefixOf(one.name));
    for (const attribute of one.attributes) {
      used.add(prefixOf(attribute.name));
      if (isTypeName(attribute)) used.add(prefixOf(attribute.value.trim()));
      else visitValue(attribute.value);
    }
    for (const child of one.children) {
      if (isElement(child)) visit(child);
      else visitValue(child);
    }
  };
  // What the EPCIS context declares is known without being declared.
  const visitValue = (value: string) => {
    const prefix = VALUE_PREFIX.exec(value)?.[1];
    if (prefix !== undefined && EPCIS_PREFIXES.get(prefix) !== scope[prefix]) used.add(prefix);
  };
  visit(element);
  const outer = Object.entries(scope).filter(([prefix, uri]) => used.has(prefix) && (prefix !== '' || uri !== ''));
  return { ...element, declares: { ...Object.fromEntries(outer), ...element.declares } };
}

const VALUE_PREFIX = /^\s*([A-Za-z_][\w.-]*):(?!\/\/)/;

function isTypeName(attribute: XmlAttribute): boolean {
  return attribute.uri === XSI_NAMESPACE && attribute.local === 'type';
}
