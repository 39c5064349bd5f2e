import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { documentOf, EPCIS_CONTEXT, everyEvent, objectEvent } from '../../test/support/epcis-documents.ts';
import { exampleFiles } from '../../test/support/epcis-examples.ts';
import { sharedPath } from '../../test/support/shared.ts';
import { canValidateXml, xsdFaults } from '../../test/support/xsd.ts';
import { CONVERSION_TARGETS, type ConversionTarget, convertDocument } from './convert.ts';
import { isRefused } from './json/read.ts';
import { readEitherSyntax } from './syntax.ts';

const now = '2026-03-05T00:00:00Z';
const converted = (bytes: Uint8Array, to: ConversionTarget, indent?: number) => {
  const conversion = convertDocument(bytes, to, { now, indent });
  const text = [...conversion.pieces].join('');
  return { text, bytes: Buffer.from(text), notes: conversion.notes(), refused: conversion.refused, kind: conversion.document.kind };
};
const bytesOf = (document: unknown) => Buffer.from(JSON.stringify(document));
/** By what two events are one. */
const digests = (bytes: Uint8Array) =>
  [...readEitherSyntax(bytes, { bare: true }).document.events()].map((item) =>
    isRefused(item) ? item.errors.map(({ message }) => message) : Buffer.from(item.identityDigest).toString('hex'),
  );
const headOf = (bytes: Uint8Array) => {
  const { schemaVersion: _version, context: _context, ...head } = readEitherSyntax(bytes, { bare: true }).document.header;
  return head;
};

describe('a document in another form', () => {
  const header = {
    epcisMasterData: { vocabularyList: [{ type: 'urn:epcglobal:epcis:vtype:Location', vocabularyElementList: [{ id: 'urn:x:1' }] }] },
    'ex:note': 'kept',
  };
  const whole = {
    ...documentOf([...everyEvent(), { ...objectEvent(), type: 'ex:Own', 'ex:a': [' x ', 1.5] }]),
    '@context': [EPCIS_CONTEXT, { ex: 'http://ns.example.com/epcis/' }],
    sender: 'urn:x:s',
    receiver: 'urn:x:r',
    instanceIdentifier: '7',
    epcisHeader: header,
  };

  it.each(['xml', 'xml-1.2'] as const)('has its events, their order and its header as %s, and again as JSON (X-9, X-10, X-11)', (to) => {
    const xml = converted(bytesOf(whole), to, 2);
    expect(digests(xml.bytes)).toEqual(digests(bytesOf(whole)));
    const back = converted(xml.bytes, 'json');
    expect(digests(back.bytes)).toEqual(digests(bytesOf(whole)));
    const { 'sbdh:StandardBusinessDocumentHeader': made, ...epcisHeader } = headOf(back.bytes).epcisHeader ?? {};
    expect(made).toBeDefined();
    expect({ ...headOf(back.bytes), epcisHeader }).toEqual(headOf(bytesOf(whole)));
    expect(JSON.parse(back.text)).toMatchObject({ type: 'EPCISDocument', schemaVersion: '2.0' });
  });

  it('says once what the form could not hold as it stood, with its first place and how many there are (X-9, P-1)', () => {
    const event = { ...objectEvent(), certificationInfo: 'urn:c:1' };
    const { notes } = converted(bytesOf({ ...whole, ...documentOf([objectEvent(), event, event]) }), 'xml-1.2');
    expect(notes).toEqual([{ what: expect.stringMatching(/no certificationInfo/), index: 1, at: '/certificationInfo', count: 2 }]);
    expect(converted(bytesOf(whole), 'xml').notes).toMatchObject([{ at: '/epcisHeader', index: null, count: 1 }]);
  });

  it('says what JSON has no place for', () => {
    const document =
      '<e:EPCISDocument xmlns:e="urn:epcglobal:epcis:xsd:2" xmlns:x="urn:x:ns" schemaVersion="2.0" creationDate="2026-03-01T08:15:00Z"><EPCISBody><EventList>' +
      '<ObjectEvent x:kept="1"><eventTime>2026-03-01T08:15:00Z</eventTime><eventTimeZoneOffset>+00:00</eventTimeZoneOffset><epcList x:lost="2"><epc>urn:epc:id:sgtin:9520123.000011.1</epc></epcList>' +
      '<action>OBSERVE</action></ObjectEvent></EventList></EPCISBody></e:EPCISDocument>';
    const { text, notes } = converted(Buffer.from(document), 'json');
    expect(JSON.parse(text)).toMatchObject({ epcisBody: { eventList: [{ 'x:kept': '1' }] } });
    expect(notes).toMatchObject([{ index: 0, at: 'epcList/@x:lost', count: 1 }]);
  });

  it('comes back byte for byte when it is JSON already', () => {
    const text = ` ${JSON.stringify(whole, null, 1)}\n`;
    expect(converted(Buffer.from(text), 'json').text).toBe(text);
  });

  it('tells every refused event, and goes on with the others', () => {
    const { action: _, ...bad } = objectEvent();
    for (const to of CONVERSION_TARGETS) {
      const { refused } = converted(bytesOf(documentOf([bad, objectEvent(), bad])), to);
      expect(refused.map(({ index, errors }) => [index, errors[0]?.at])).toEqual([
        [0, '/epcisBody/eventList/0/action'],
        [2, '/epcisBody/eventList/2/action'],
      ]);
    }
  });

  it.each(['xml', 'xml-1.2'] as const)('may be a bare event, in %s too (DOC-6)', (to) => {
    const bytes = bytesOf({ '@context': [EPCIS_CONTEXT, { ex: 'http://ns.example.com/epcis/' }], ...objectEvent(), 'ex:a': 1 });
    const xml = converted(bytes, to);
    expect(xml.text).toMatch(/^<\?xml [^>]+>\n<ObjectEvent /);
    const back = converted(xml.bytes, 'json');
    expect(back.kind).toBe('event');
    expect(digests(back.bytes)).toEqual(digests(bytes));
  });

  it('may be the results of a query, events or master data, with the time that XML demands (DOC-2, DOC-8, MD-8)', () => {
    const query = (resultsBody: object) =>
      bytesOf({
        '@context': EPCIS_CONTEXT,
        type: 'EPCISQueryDocument',
        schemaVersion: '2.0',
        epcisBody: { queryResults: { queryName: 'q', subscriptionID: 's', resultsBody } },
      });
    const { vocabularyList } = header.epcisMasterData;
    for (const [sent, note] of [
      [query({ eventList: [objectEvent()] }), 1],
      [query({ eventList: [], vocabularyList }), 1],
    ] as const) {
      const xml = converted(sent, 'xml');
      expect(xml.notes).toHaveLength(note);
      expect(xml.text).toContain(`creationDate="${now}"`);
      const back = converted(xml.bytes, 'json');
      expect(digests(back.bytes)).toEqual(digests(sent));
      expect(headOf(back.bytes)).toEqual({ ...headOf(sent), creationDate: now });
    }
  });

  it('may be master data alone, which JSON has in an EPCISDocument without events (§1)', () => {
    const document =
      '<m:EPCISMasterDataDocument xmlns:m="urn:epcglobal:epcis-masterdata:xsd:1" schemaVersion="1.2" creationDate="2026-03-01T08:15:00Z"><EPCISBody>' +
      '<VocabularyList><Vocabulary type="urn:x:v"><VocabularyElementList><VocabularyElement id="urn:x:1"/></VocabularyElementList></Vocabulary></VocabularyList></EPCISBody></m:EPCISMasterDataDocument>';
    const now2 = converted(Buffer.from(document), 'xml');
    expect(now2.text).toContain('<epcismd:EPCISMasterDataDocument xmlns:epcismd="urn:epcglobal:epcis-masterdata:xsd:2"');
    const json = converted(now2.bytes, 'json');
    expect(json.notes).toHaveLength(1);
    expect(JSON.parse(json.text)).toMatchObject({
      type: 'EPCISDocument',
      epcisHeader: { epcisMasterData: { vocabularyList: [{ vocabularyElementList: [{ id: 'urn:x:1' }] }] } },
      epcisBody: { eventList: [] },
    });
  });

  it('is read while its text is asked for, and holds more events than are looked at before', () => {
    const events = Array.from({ length: 400 }, (_, i) => ({ ...objectEvent(), type: i === 399 ? 'ex:Own' : 'ObjectEvent', 'ex:n': i }));
    const bytes = bytesOf({ ...documentOf(events), '@context': whole['@context'] });
    const seen: number[] = [];
    const { pieces, notes } = convertDocument(bytes, 'xml-1.2', { now, watch: (offset) => seen.push(offset) });
    pieces.next();
    expect(seen.length).toBeLessThan(300);
    const text = [...pieces].join('');
    expect(seen).toHaveLength(400);
    expect(seen.at(-1)).toBeLessThanOrEqual(bytes.length);
    expect(text.match(/xmlns:ex=/g)).toHaveLength(1); // on the root
    expect(text).toMatch(/<\/EventList><ex:Own>.*<\/ex:Own><\/EPCISBody><\/epcis:EPCISDocument>\n$/s);
    expect(notes()).toMatchObject([{ what: expect.stringMatching(/another type/) }]);
  });
});

/** What the official schemas take before it is converted: the others are read all the same. */
const table = sharedPath('gs1', 'examples', 'VALIDATION.tsv');
const VALID = new Set(
  (table === null ? '' : readFileSync(table, 'utf8'))
    .split('\n')
    .flatMap((line) => (line.split('\t')[2] === 'valid' ? [line.split('\t')[0]] : [])),
);
const files = [...exampleFiles(/\.(?:json|jsonld|xml)$/)].filter(([, bytes]) => {
  try {
    const { syntax, document } = readEitherSyntax(bytes, { bare: true });
    const events = [...document.events()];
    // XML lets values pass, and tells them, that the other forms refuse (V-4, DM-5).
    return events.every((item) => !isRefused(item) && (syntax === 'json' || item.breaches.length === 0));
  } catch {
    return false; // refused by reading, as its own tests say
  }
});
describe.skipIf(files.length === 0).each(CONVERSION_TARGETS)('every published example that is read, converted to %s', (to) => {
  it('has the events that it had (X-9, X-10, X-11)', () => {
    expect(files.length).toBeGreaterThan(110);
    for (const [name, bytes] of files) {
      const { bytes: other, refused } = converted(bytes, to, 1);
      expect({ name, refused }).toEqual({ name, refused: [] });
      const before = digests(bytes);
      const after = digests(other);
      // Query results of 1.2 take no events of other types, which is said; old values that 2.0 refuses stand as they are.
      if (after.length === before.length) expect({ name, after }).toEqual({ name, after: before });
    }
  });

  it.skipIf(to === 'json' || !canValidateXml())('is valid against the official schema (X-2, X-3)', () => {
    const version = to === 'xml' ? '2.0' : '1.2';
    const texts = {
      EPCISDocument: new Map<string, string>(),
      EPCISQueryDocument: new Map<string, string>(),
      EPCISMasterDataDocument: new Map<string, string>(),
    };
    for (const [name, bytes] of files.filter(([name]) => VALID.has(name))) {
      const { text, kind } = converted(bytes, to);
      if (kind !== 'event') texts[kind].set(name, text);
    }
    const faults = [
      ...xsdFaults(version, texts.EPCISDocument),
      ...xsdFaults(`query ${version}`, texts.EPCISQueryDocument),
      ...xsdFaults(`master data ${version}`, texts.EPCISMasterDataDocument),
    ];
    expect(faults.filter(([, complaint]) => complaint !== '')).toEqual([]);
  });
});
