import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { documentOf, everyEvent } from '../../../test/support/epcis-documents.ts';
import { exampleFiles } from '../../../test/support/epcis-examples.ts';
import { formatHashId } from '../hash/hash.ts';
import { EPCIS_CONTEXT_URLS, readContext } from '../json/context.ts';
import { isRefused, type ReadDocument, readDocument } from '../json/read.ts';
import type { ReadEvent } from '../model.ts';
import { documentToXml } from './document.ts';
import type { XmlVersion } from './element.ts';
import { eventToXml } from './from-json.ts';
import { parseXml } from './parse.ts';
import { readXmlDocument, xmlEventToJson } from './read.ts';
import { serializeXml, standAlone } from './serialize.ts';
import { changeVersion } from './upgrade.ts';

const versions = ['2.0', '1.2'] as const;
const creationDate = '2026-03-01T09:00:00Z';
const eventsOf = (document: ReadDocument): ReadEvent[] =>
  [...document.events()].map((event) => {
    if (isRefused(event)) throw event.errors[0];
    return event;
  });
const bodyOf = (bytes: Uint8Array, { start, end }: ReadEvent) => Buffer.from(bytes.subarray(start, end));
/** V-15: a hash tells the two spellings of the master data namespace apart, so JSON is made to have that of XML. */
const withXmlSpelling = (bytes: Uint8Array): Buffer => {
  const json = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>;
  return Buffer.from(JSON.stringify({ ...json, '@context': [json['@context'], { cbvmda: 'urn:epcglobal:cbv:mda' }].flat() }));
};
/** The events of a JSON document, written as a document of XML. */
const toXml = (bytes: Uint8Array, version: XmlVersion): Buffer => {
  const document = readDocument(bytes, { bare: true });
  const outer = readContext(JSON.parse(document.header.context), '');
  const events = eventsOf(document).map((event) => {
    const text = bodyOf(bytes, event).toString();
    const own = (JSON.parse(text) as Record<string, unknown>)['@context'];
    const { prefixes } = own === undefined || document.kind === 'event' ? outer : readContext(own, '', { outer });
    return eventToXml(text, { version, prefixes }).element;
  });
  return Buffer.from(serializeXml(documentToXml({ version, creationDate, events }).element, { declaration: true }));
};
const hashes = (events: readonly ReadEvent[]) => events.map(({ hash }) => formatHashId(hash));
const digests = (events: readonly ReadEvent[]) => events.map(({ identityDigest }) => Buffer.from(identityDigest).toString('hex'));

describe.each(versions)('a JSON event written as %s XML and read again', (version) => {
  const files = [...exampleFiles(/\.json(?:ld)?$/)].flatMap(([name, bytes]): [string, Buffer][] => {
    try {
      eventsOf(readDocument(bytes, { bare: true }));
      return [[name, bytes]];
    } catch {
      return []; // refused by reading, as its own tests say
    }
  });

  it.skipIf(files.length === 0)('has the event hash it had: every published example (§15)', () => {
    for (const [name, sent] of files) {
      const bytes = withXmlSpelling(sent);
      const before = eventsOf(readDocument(bytes, { bare: true }));
      const after = eventsOf(readXmlDocument(toXml(bytes, version)));
      expect({ name, hashes: hashes(after) }).toEqual({ name, hashes: hashes(before) });
      expect(after.map(({ event }) => event)).toEqual(before.map(({ event }) => event));
    }
  });

  it.skipIf(files.length === 0)(
    'is one event with what was sent, in whichever syntax it comes first: every published example (V-15, X-11)',
    () => {
      for (const [name, bytes] of files) {
        const before = digests(eventsOf(readDocument(bytes, { bare: true })));
        expect({ name, digests: digests(eventsOf(readXmlDocument(toXml(bytes, version)))) }).toEqual({ name, digests: before });
      }
    },
  );

  it('keeps every member, whatever its extensions and its certificates (X-5, X-10, V-16)', () => {
    const prefix = { ex: 'http://ns.example.com/epcis/', lotline: 'urn:lotline:epcis-1.2' };
    const [first] = everyEvent();
    const members = {
      certificationInfo: ['urn:c:1', 'urn:c:2', 'urn:c:3'],
      'ex:a': [' outer space ', { 'ex:b': 1.5, c: true, '@:unit': 'KGM', '@ex:by': 'x' }, { '@:d': '', '#:text': ' e' }],
      'lotline:extension': { myField: ['1', '2'] },
      errorDeclaration: { declarationTime: creationDate, 'lotline:extension': { later: 'x' } },
    };
    const bytes = Buffer.from(
      JSON.stringify({ ...documentOf([{ ...first, ...members }]), '@context': [[...EPCIS_CONTEXT_URLS][0], prefix] }),
    );
    const xml = toXml(bytes, version);
    const document = readXmlDocument(xml);
    const [event] = eventsOf(document);
    const json = JSON.parse(xmlEventToJson(bodyOf(xml, event!), document.header.context)) as Record<string, unknown>;
    expect(json).toMatchObject({ ...members, type: 'ObjectEvent' });
  });

  // What XML cannot tell: lists of one or none.
  const name = fc
    .stringMatching(/^[a-z][a-zA-Z0-9_-]{0,5}$/)
    .filter((one) => one !== 'comment' && !/^(?:mrn|dob|ssn)$/i.test(one.replace(/[_-]/g, '')));
  const scalar = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 10 }).map((text) => text.replaceAll('#', '')),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
  );
  const odd = fc.constantFrom('@type', '@value', '#text', 'two words', '_x0040_type', '_x005F_', 'ü', '1st');
  const key = fc.oneof(
    name.map((one) => `ex:${one}`),
    name.map((one) => `http://x.example/a#${one}`),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: 'small' }, scalar, fc.array(scalar, { minLength: 2, maxLength: 3 }), tie('object'), tie('withText')),
    object: fc.dictionary(fc.oneof(key, name, odd), tie('value'), { minKeys: 1, maxKeys: 3 }),
    withText: fc.record({ '@:unit': fc.constant('KGM'), '@ex:by': fc.constant('x'), '#:text': fc.constantFrom('3.5', 'x') }),
  }));
  const event = fc
    .tuple(fc.constantFrom(...everyEvent()), fc.dictionary(key, value, { maxKeys: 3 }), fc.dictionary(key, scalar, { maxKeys: 2 }))
    .map(([one, extensions, plain]) => ({
      ...one,
      ...extensions,
      bizLocation: { id: 'urn:epc:id:sgln:9520123.00001.0', ...extensions },
      errorDeclaration: { declarationTime: creationDate, reason: 'incorrect_data', ...plain },
      ...('ilmd' in one && { ilmd: { ...(one['ilmd'] as object), ...extensions } }),
    }));

  it('is the same event, whatever its extensions: hash and sameness (V-14 to V-16, X-11)', () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 3 }), (events) => {
        const bytes = withXmlSpelling(Buffer.from(JSON.stringify(documentOf(events))));
        const before = eventsOf(readDocument(bytes));
        const after = eventsOf(readXmlDocument(toXml(bytes, version)));
        expect(hashes(after)).toEqual(hashes(before));
        expect(digests(after)).toEqual(digests(before));
      }),
      { numRuns: 150 },
    );
  });
});

const xmlFiles = exampleFiles(/\.xml$/);
describe.skipIf(xmlFiles.size === 0)('an XML event moved to the other release', () => {
  it('is the same event there: every published example (X-10, X-11)', () => {
    for (const [name, bytes] of xmlFiles) {
      let document: ReadDocument;
      let events: ReadEvent[];
      try {
        document = readXmlDocument(bytes, { bare: true });
        events = eventsOf(document);
      } catch {
        continue; // refused by reading, as its own tests say
      }
      const { declares } = parseXml(bytes);
      const from = Object.values(declares).some((uri) => uri.endsWith(':xsd:1')) ? '1.2' : '2.0';
      // 1.2 lets values pass that 2.0 refuses (V-4).
      if (from === '1.2' && events.some(({ breaches }) => breaches.length > 0)) continue;
      const to = from === '1.2' ? '2.0' : '1.2';
      const moved = events.map((event) => {
        const element = standAlone(parseXml(bodyOf(bytes, event), { namespaces: declares }), declares);
        return changeVersion(element, to).element;
      });
      const text = serializeXml(documentToXml({ version: to, creationDate, events: moved }).element, { indent: 2 });
      const after = eventsOf(readXmlDocument(Buffer.from(text)));
      expect({ name, digests: digests(after), hashes: hashes(after) }).toEqual({ name, digests: digests(events), hashes: hashes(events) });
    }
  });
});
