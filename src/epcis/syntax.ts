import { parseExactJson } from './hash/exact-number.ts';
import { type KnownContexts, readContext } from './json/context.ts';
import type { JsonObject } from './json/json-object.ts';
import { type ReadDocument, type ReadOptions, readDocument } from './json/read.ts';
import type { Prefixes } from './prefixes.ts';
import { readXmlDocument, xmlEventToJson } from './xml/read.ts';

/** Whether the document is XML: its first character that is no white space (nor a byte order mark) is `<`, as no JSON text begins. */
export function isXml(bytes: Uint8Array): boolean {
  const first = bytes.findIndex((byte) => byte > 0x20 && byte < 0x80);
  return bytes[first] === 0x3c;
}

/** An event as EPCIS 2.0 JSON, in whichever syntax its document is. */
export type EventAsJson = {
  /** As sent, byte for byte, when the document is JSON. */
  readonly text: string;
  readonly json: JsonObject;
  /** What holds for the event, its own `@context` included. */
  readonly prefixes: Prefixes;
};

export type EitherDocument = {
  readonly syntax: 'json' | 'xml';
  readonly document: ReadDocument;
  /** What holds around the events. */
  readonly prefixes: Prefixes;
  /** An event of the document that was not refused. */
  readonly asJson: (event: { readonly start: number; readonly end: number; readonly at: string }) => EventAsJson;
};

/** Reads a document in the syntax that it is written in. */
export function readEitherSyntax(bytes: Uint8Array, options: ReadOptions = {}): EitherDocument {
  const syntax = isXml(bytes) ? 'xml' : 'json';
  const document = syntax === 'xml' ? readXmlDocument(bytes, options) : readDocument(bytes, options);
  const known: { known?: KnownContexts | undefined } = { known: options.contexts };
  const outer = readContext(JSON.parse(document.header.context), '/@context', known);
  const bare = syntax === 'json' && document.kind === 'event';
  return {
    syntax,
    document,
    prefixes: outer.prefixes,
    asJson({ start, end, at }) {
      const body = bytes.subarray(start, end);
      const text =
        syntax === 'xml'
          ? xmlEventToJson(body, document.header.context)
          : Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
      const json = parseExactJson(text) as JsonObject;
      const own = bare ? undefined : json['@context']; // a bare event's context is the document's
      const { prefixes } = own === undefined ? outer : readContext(own, `${at}/@context`, { outer, ...known });
      return { text, json, prefixes };
    },
  };
}
