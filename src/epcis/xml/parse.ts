import { isUtf8 } from 'node:buffer';
import { SaxesParser, type SaxesTagNS } from 'saxes';
import { LotlineError } from '../../errors.ts';
import { linePlace } from '../json/split.ts';
import { quoted } from '../uri.ts';
import type { XmlAttribute, XmlElement } from './tree.ts';

/** Elements inside one another: as for JSON (J-9). The parser looks prefixes up along the way, so depth without a bound would cost its square. */
const DEPTH_MAX = 64;
/** Attributes of one element. */
export const ATTRIBUTES_MAX = 256;
/** Characters of one name. */
export const NAME_MAX = 1_024;
/** Characters of one text, attribute value or comment: what the parser has to hold before it can say anything. */
export const TEXT_MAX = 1_048_576;
/** Elements of one tree (an event, or everything that is no event): a tree takes many times the memory of the shortest text of it. */
export const ELEMENTS_MAX = 1_000_000;
const CHUNK_BYTES = 65_536;

/** An element without what is inside it. */
type XmlTag = Omit<XmlElement, 'children'>;

/** Offsets are asked for, not told, since few are needed. */
export type XmlHandlers = {
  readonly open: (tag: XmlTag, startOffset: () => number) => void;
  readonly text: (text: string) => void;
  readonly close: (endOffset: () => number) => void;
};

export type WalkOptions = {
  /** Prefixes that hold around the text. */
  readonly namespaces?: Readonly<Record<string, string>>;
  /** Bytes handed to the parser at a time. */
  readonly chunkBytes?: number;
};

const NO_ATTRIBUTES: readonly XmlAttribute[] = [];
const NOTHING_DECLARED: Readonly<Record<string, string>> = Object.freeze({});
const FIX_XML = 'Send one well-formed XML document.';
const FIX_ENCODING = 'Encode the document as UTF-8.';
const LESS_THAN = 0x3c;

/**
 * Walks an XML text once: well-formedness and namespaces are checked, nothing is kept. Refuses with `EV-SYNTAX` what is not well formed, not
 * UTF-8, or has a DOCTYPE with an internal subset or an external identifier; entities are the five predefined ones and character references.
 * Depth, attributes, names and texts beyond their bounds are refused with `REQ-LIMIT`.
 */
export function walkXml(bytes: Uint8Array, handlers: XmlHandlers, options: WalkOptions = {}): void {
  new Walk(bytes, handlers, options).run();
}

/** Reads the whole text as one tree. */
export function parseXml(bytes: Uint8Array, options: WalkOptions = {}): XmlElement {
  const builder = new TreeBuilder();
  walkXml(bytes, { open: (tag) => builder.open(tag), text: (text) => builder.text(text), close: () => builder.close() }, options);
  return builder.root();
}

type Growing = XmlTag & { readonly children: (XmlElement | string)[] };

/** Puts a tree together from what a walk tells. */
export class TreeBuilder {
  private readonly path: Growing[] = [];
  private first: XmlElement | undefined;
  private count = 0;

  open(tag: XmlTag): void {
    if (++this.count > ELEMENTS_MAX) {
      throw new LotlineError('REQ-LIMIT', `more than ${ELEMENTS_MAX} elements in one event or header`, { fix: 'Divide it into several.' });
    }
    const { name, uri, local, attributes, declares } = tag;
    const element: Growing = { name, uri, local, attributes, declares, children: [] };
    this.path.at(-1)?.children.push(element);
    this.first ??= element;
    this.path.push(element);
  }

  text(text: string): void {
    this.path.at(-1)?.children.push(text);
  }

  close(): void {
    this.path.pop();
  }

  root(): XmlElement {
    return this.first as XmlElement;
  }
}

class Walk {
  private readonly bytes: Uint8Array;
  private readonly handlers: XmlHandlers;
  private readonly chunkBytes: number;
  private readonly parser: SaxesParser<{ xmlns: true }>;
  private readonly names: string[] = [];
  private attributeCount = 0;
  // The parser counts UTF-16 units from the beginning: what of both countings belongs to the chunk in hand, and how far it has been counted.
  private chunk = '';
  private chunkAt = 0;
  private chunkIsAscii = true;
  private chunkOffset = 0;
  private countedAt = 0;
  private countedOffset = 0;
  /** Where the parser last said something. */
  private toldAt = 0;
  private readonly startOffset = () => this.bytes.lastIndexOf(LESS_THAN, this.offset() - 1);
  private readonly endOffset = () => this.offset();

  constructor(bytes: Uint8Array, handlers: XmlHandlers, options: WalkOptions) {
    this.bytes = bytes;
    this.handlers = handlers;
    this.chunkBytes = options.chunkBytes ?? CHUNK_BYTES;
    this.parser = new SaxesParser({ xmlns: true, ...(options.namespaces && { additionalNamespaces: { ...options.namespaces } }) });
    this.listen();
  }

  run(): void {
    const { bytes, parser } = this;
    if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
      throw new LotlineError('EV-SYNTAX', 'the document is encoded as UTF-16', { fix: FIX_ENCODING });
    }
    if (!isUtf8(bytes)) throw new LotlineError('EV-SYNTAX', 'the document is not valid UTF-8', { fix: FIX_ENCODING });
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const hasBom = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    for (let from = hasBom ? 3 : 0; from < bytes.length; ) {
      let to = Math.min(from + this.chunkBytes, bytes.length);
      while (to < bytes.length && (bytes[to]! & 0xc0) === 0x80) to++; // never inside a character
      this.chunkAt += this.chunk.length;
      this.chunk = text.toString('utf8', from, to);
      this.chunkIsAscii = this.chunk.length === to - from;
      this.chunkOffset = this.countedOffset = from;
      this.countedAt = this.chunkAt;
      parser.write(this.chunk);
      if (parser.position - this.toldAt > TEXT_MAX + this.chunk.length) throw this.tooLong('text');
      from = to;
    }
    parser.close();
  }

  private listen(): void {
    const { parser, handlers, names } = this;
    const told = () => {
      this.toldAt = parser.position;
    };
    parser.on('error', (error) => {
      const what = error.message.replace(/^(?:\d+:\d+: )/, '').replace(/\.$/, '');
      const unbound = /^unbound namespace prefix: (.*)$/s.exec(what);
      if (unbound === null) throw this.fail(what, FIX_XML);
      throw new LotlineError('EV-CONTEXT', `the prefix ${quoted(JSON.parse(unbound[1]!))} is not declared`, {
        at: this.place(),
        fix: `Declare it with xmlns:… on the element or around it.`,
      });
    });
    parser.on('xmldecl', ({ version, encoding }) => {
      if (version !== '1.0') throw this.fail(`XML ${String(version)} is not supported`, 'Declare XML version 1.0.');
      if (encoding !== undefined && !/^(?:utf-8|us-ascii)$/i.test(encoding))
        throw this.fail(`the document declares the encoding ${encoding}`, FIX_ENCODING);
    });
    parser.on('doctype', (doctype) => {
      told();
      if (/[["']/.test(doctype))
        throw this.fail('a DOCTYPE with declarations or an external identifier is not taken', 'Remove the DOCTYPE.');
    });
    parser.on('processinginstruction', told);
    parser.on('comment', told);
    parser.on('attribute', ({ name, value }) => {
      told();
      if (name.length > NAME_MAX) throw this.tooLong('name');
      if (value.length > TEXT_MAX) throw this.tooLong('attribute');
      if (++this.attributeCount > ATTRIBUTES_MAX) {
        throw this.limit(`an element has more than ${ATTRIBUTES_MAX} attributes`, 'Use elements, or fewer attributes.');
      }
    });
    parser.on('opentagstart', ({ name }) => {
      told();
      this.attributeCount = 0;
      if (name.length > NAME_MAX) throw this.tooLong('name');
      if (names.length >= DEPTH_MAX)
        throw this.limit(`the document is nested deeper than ${DEPTH_MAX} levels`, 'Flatten the extension data.');
    });
    parser.on('opentag', (tag) => {
      told();
      names.push(tag.name);
      handlers.open(tagOf(tag), this.startOffset);
    });
    parser.on('closetag', () => {
      told();
      handlers.close(this.endOffset);
      names.pop();
    });
    const text = (content: string) => {
      told();
      if (content.length > TEXT_MAX) throw this.tooLong('text');
      if (names.length > 0) handlers.text(content);
    };
    parser.on('text', text);
    parser.on('cdata', text);
  }

  /** The byte offset at which the parser stands. */
  private offset(): number {
    const at = this.parser.position;
    if (this.chunkIsAscii) return this.chunkOffset + at - this.chunkAt;
    this.countedOffset += Buffer.byteLength(this.chunk.slice(this.countedAt - this.chunkAt, at - this.chunkAt));
    this.countedAt = at;
    return this.countedOffset;
  }

  private tooLong(what: string): LotlineError {
    const most = what === 'name' ? NAME_MAX : TEXT_MAX;
    return this.limit(`a ${what === 'attribute' ? 'value' : what} is longer than ${most.toLocaleString('en')} characters`, 'Shorten it.');
  }

  private limit(what: string, fix: string): LotlineError {
    return new LotlineError('REQ-LIMIT', what, { at: this.place(), fix });
  }

  private fail(what: string, fix: string): LotlineError {
    const offset = Math.min(this.offset(), this.bytes.length);
    return new LotlineError('EV-SYNTAX', `${what} (${linePlace(this.bytes, Math.max(offset - 1, 0))})`, { at: this.place(), fix });
  }

  private place(): string {
    return this.names.map((name) => `/${name}`).join('');
  }
}

function tagOf(tag: SaxesTagNS): XmlTag {
  let attributes = NO_ATTRIBUTES as XmlAttribute[];
  for (const key in tag.attributes) {
    const { name, prefix, uri, local, value } = tag.attributes[key]!;
    if (prefix === 'xmlns' || name === 'xmlns') continue;
    if (attributes === NO_ATTRIBUTES) attributes = [];
    attributes.push({ name, uri, local, value });
  }
  let declares = NOTHING_DECLARED;
  for (const _ in tag.ns) declares = tag.ns;
  return { name: tag.name, uri: tag.uri, local: tag.local, attributes, declares };
}
