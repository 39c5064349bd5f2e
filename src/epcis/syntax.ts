import { parseExactJson } from './hash/exact-number.ts';
import { type KnownContexts, readContext } from './json/context.ts';
import type { JsonObject } from './json/json-object.ts';
import { type ReadDocument, type ReadOptions, readDocument as readJsonDocument } from './json/read.ts';
import type { Prefixes } from './prefixes.ts';
import { readXmlDocument, xmlEventToJson } from './xml/read.ts';

const LESS_THAN = 0x3c;

/** Whether a text is XML, and not JSON: its first character that is no white space says so, and a byte order mark is none. */
export function isXml(bytes: Uint8Array): boolean {
  let i = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while (bytes[i] === 0x20 || bytes[i] === 0x09 || bytes[i] === 0x0a || bytes[i] === 0x0d) i++;
  return bytes[i] === LESS_THAN;
}

/**
 * Reads an EPCIS document: 2.0 in JSON, or 2.0 and 1.x in XML. Both come to the same model and the same fingerprints; places of faults are JSON
 * Pointers in the one and XPaths in the other.
 */
export function readDocument(bytes: Uint8Array, options: ReadOptions = {}): ReadDocument {
  return isXml(bytes) ? readXmlDocument(bytes, options) : readJsonDocument(bytes, options);
}

/** The EPCIS 2.0 JSON text of an event by its own bytes, however it was sent, and the context of the document that it came in. */
export function eventJson(body: Uint8Array, contextText: string): string {
  return isXml(body) ? xmlEventToJson(body, contextText) : Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
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
  const document = readDocument(bytes, options);
  const known: { known?: KnownContexts | undefined } = { known: options.contexts };
  const outer = readContext(JSON.parse(document.header.context), '/@context', known);
  const bare = syntax === 'json' && document.kind === 'event';
  return {
    syntax,
    document,
    prefixes: outer.prefixes,
    asJson({ start, end, at }) {
      const body = bytes.subarray(start, end);
      const text = eventJson(body, document.header.context);
      const json = parseExactJson(text) as JsonObject;
      const own = bare ? undefined : json['@context']; // a bare event's context is the document's
      const { prefixes } = own === undefined ? outer : readContext(own, `${at}/@context`, { outer, ...known });
      return { text, json, prefixes };
    },
  };
}
