import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bytesOf,
  CASE,
  documentOf,
  EPCIS_CONTEXT,
  everyEvent,
  objectEvent,
  PALLET,
  SITE,
  sgtin,
} from '../../../test/support/epcis-documents.ts';
import { isRefused, readDocument } from './read.ts';
import { type EpcFormat, writeEvent, writeQueryDocument } from './write.ts';

const length = () => 7;
// Names without a prefix and texts without a hash sign: neither undeclared prefixes nor patient data, which reading refuses.
const anyExtension = fc.object({
  key: fc.stringMatching(/^k[a-z]{0,5}$/),
  values: [
    fc.string().filter((text) => !text.includes('#')),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
  ],
  maxDepth: 3,
});
const read = (text: string) => {
  const items = [...readDocument(bytesOf(text)).events()];
  return items.map((item) => {
    if (isRefused(item)) throw item.errors[0];
    return item;
  });
};
const inDocument = (eventText: string) => JSON.stringify(documentOf(['?'])).replace('"?"', () => eventText);

describe('writing an event', () => {
  it('gives back every byte when nothing is asked for (DM-18)', () => {
    const text = '{ "type":"ObjectEvent",\n\t"ex:n": [1.50, 1e3, 12345678901234567890, "\\u00e9\\/" ], "epcList":["urn:x:1"]}';
    expect(writeEvent(text)).toBe(text);
    expect(writeEvent(text, { epcFormat: 'Always_GS1_Digital_Link' })).toBe(text);
  });

  it('sets recordTime, in place of the sender’s or anew, and adds an eventID only where there is none', () => {
    const options = { recordTime: '2026-03-02T00:00:00Z', eventID: 'urn:x:1' };
    expect(writeEvent('{"type":"X"}', options)).toBe('{"recordTime":"2026-03-02T00:00:00Z","eventID":"urn:x:1","type":"X"}');
    expect(writeEvent('{"recordTime":"2020-01-01T00:00:00Z","eventID":"urn:x:2"}', options)).toBe(
      '{"recordTime":"2026-03-02T00:00:00Z","eventID":"urn:x:2"}',
    );
    expect(writeEvent(' { } ', options)).toBe(' {"recordTime":"2026-03-02T00:00:00Z","eventID":"urn:x:1" } ');
    expect(writeEvent('{"record\\u0054ime":"2020-01-01T00:00:00Z"}', { recordTime: 'T' })).toBe('{"record\\u0054ime":"T"}');
    expect(writeEvent('{"ex:a":{"recordTime":"x","eventID":"y"}}', options)).toContain('"ex:a":{"recordTime":"x","eventID":"y"}');
  });

  it('reads the same afterwards, with Never_Translates and with every other format (V-8, V-9)', () => {
    const formats: EpcFormat[] = ['Never_Translates', 'No_Preference', 'Always_GS1_Digital_Link', 'Always_EPC_URN'];
    fc.assert(
      fc.property(
        fc.constantFrom(...everyEvent()),
        fc.constantFrom(...formats),
        fc.constantFrom('', ' ', '\n\t'),
        anyExtension,
        (event, epcFormat, gap, value) => {
          const text = JSON.stringify({ ...event, 'http://x.example/v': value }, null, gap);
          const [before] = read(inDocument(text));
          const [after] = read(
            inDocument(writeEvent(text, { epcFormat, recordTime: '2026-03-02T00:00:00Z', companyPrefixLength: length })),
          );
          expect(after?.event).toEqual(before?.event);
          expect(after?.hash).toEqual(before?.hash);
          expect(after?.identityDigest).toEqual(before?.identityDigest);
        },
      ),
    );
  });

  const event = {
    ...objectEvent(),
    bizStep: 'https://ref.gs1.org/cbv/BizStep-commissioning',
    epcList: [sgtin('A%2FB'), 'https://example.com/00/095201230000000189?x=1', 'urn:uuid:7f2b1c6e-0000-4000-8000-000000000001'],
    quantityList: [{ epcClass: 'urn:epc:idpat:sgtin:9520123.000011.*' }],
    bizTransactionList: [
      { type: 'cbv:BTT-po', bizTransaction: 'urn:epc:id:gdti:9520123.00001.1618' },
      { type: 'ex:own', bizTransaction: 'urn:epcglobal:cbv:bt:9520123000011:PO-1' },
    ],
    sourceList: [{ type: 'location', source: 'https://id.gs1.org/414/9520123000028' }],
    eventID: sgtin('id'),
    'ex:copy': sgtin('A'),
    ilmd: { 'ex:from': SITE },
  };

  it('writes identifiers as Digital Links and CBV values as bare words when asked (V-2, V-9, V-10)', () => {
    const written = JSON.parse(writeEvent(JSON.stringify(event), { epcFormat: 'Always_GS1_Digital_Link' })) as Record<string, unknown>;
    expect(written).toEqual({
      ...event,
      bizStep: 'commissioning',
      epcList: ['https://id.gs1.org/01/09520123000110/21/A%2FB', event.epcList[1], event.epcList[2]],
      quantityList: [{ epcClass: 'https://id.gs1.org/01/09520123000110' }],
      readPoint: { id: 'https://id.gs1.org/414/9520123000011' },
      bizLocation: { id: 'https://id.gs1.org/414/9520123000011' },
      bizTransactionList: [
        { type: 'po', bizTransaction: expect.stringMatching(/^https:\/\/id\.gs1\.org\/253\//) as string },
        event.bizTransactionList[1],
      ],
    });
  });

  it('writes identifiers as URNs where the company prefix is known, and leaves them where not (V-9)', () => {
    const links = writeEvent(JSON.stringify(event), { epcFormat: 'Always_GS1_Digital_Link' });
    const back = JSON.parse(writeEvent(links, { epcFormat: 'Always_EPC_URN', companyPrefixLength: length })) as typeof event;
    expect(back.epcList).toEqual([sgtin('A%2FB'), PALLET, event.epcList[2]]);
    expect(back.quantityList).toEqual(event.quantityList);
    expect(back).toMatchObject({ readPoint: { id: SITE } });
    expect(back.sourceList).toEqual([{ type: 'location', source: 'urn:epc:id:sgln:9520123.00002.0' }]);
    expect(back.bizTransactionList[0]?.bizTransaction).toBe('urn:epc:id:gdti:9520123.00001.1618');
    expect(writeEvent(links, { epcFormat: 'Always_EPC_URN' })).toBe(links);
    expect(writeEvent(links, { epcFormat: 'Always_EPC_URN', companyPrefixLength: () => null })).toBe(links);
  });

  it('never makes a pattern of a link to a class that stands among things (I-6)', () => {
    const text = '{"epcList":["https://id.gs1.org/01/09520123000110"]}';
    expect(writeEvent(text, { epcFormat: 'Always_EPC_URN', companyPrefixLength: length })).toBe(text);
  });

  it('leaves what it cannot read', () => {
    const text = '{"epcList":["urn:epc:id:sgtin:broken",7],"bizStep":"nonsense","parentID":{"id":"urn:x:1"},"readPoint":[]}';
    expect(writeEvent(text, { epcFormat: 'Always_GS1_Digital_Link' })).toBe(text);
  });
});

describe('writing a query document (R-11, DOC-5)', () => {
  const context = (terms: Record<string, string>) => JSON.stringify([EPCIS_CONTEXT, terms]);
  const own = (members: Record<string, unknown>) => JSON.stringify({ ...objectEvent(), ...members });
  const base = { queryName: 'SimpleEventQuery', creationDate: '2026-03-02T00:00:00Z' };
  const parsed = (text: string) => {
    const document = JSON.parse(text) as {
      '@context': unknown;
      epcisBody: { queryResults: Record<string, unknown> & { resultsBody: { eventList: unknown[] } } };
    };
    return {
      context: document['@context'],
      results: document.epcisBody.queryResults,
      events: document.epcisBody.queryResults.resultsBody.eventList,
    };
  };

  it('is read again as it was written', () => {
    const texts = everyEvent().map((event) => JSON.stringify(event));
    const text = writeQueryDocument({ ...base, events: texts.map((one) => ({ text: one, contextText: JSON.stringify(EPCIS_CONTEXT) })) });
    const document = readDocument(bytesOf(text));
    expect(document).toMatchObject({
      kind: 'EPCISQueryDocument',
      eventCount: 6,
      header: { queryName: 'SimpleEventQuery', subscriptionID: null, schemaVersion: '2.0' },
    });
    expect(read(text).map(({ hash }) => hash)).toEqual(read(JSON.stringify(documentOf(everyEvent()))).map(({ hash }) => hash));
    expect(parsed(text).context).toEqual([EPCIS_CONTEXT]);
  });

  it('names the subscription it is for, and only then', () => {
    expect(parsed(writeQueryDocument({ ...base, events: [], subscriptionID: 's"1' })).results).toEqual({
      queryName: 'SimpleEventQuery',
      subscriptionID: 's"1',
      resultsBody: { eventList: [] },
    });
  });

  it('declares the prefixes that its events use, no others', () => {
    const contextText = context({ ex: 'http://a.example/', unused: 'http://b.example/' });
    expect(parsed(writeQueryDocument({ ...base, events: [{ text: own({ 'ex:f': 1 }), contextText }] })).context).toEqual([
      EPCIS_CONTEXT,
      { ex: 'http://a.example/' },
    ]);
  });

  it('lets an event carry its own context where prefixes of two documents collide, so that all keep their meaning', () => {
    const sources = [
      { text: own({ 'ex:f': 1 }), contextText: context({ ex: 'http://a.example/' }) },
      { text: own({ 'ex:f': 2, 'q:g': 3 }), contextText: context({ ex: 'http://b.example/', q: 'http://q.example/' }) },
      { text: own({ '@context': [{ ex: 'http://c.example/' }], 'ex:f': 4, 'q:g': 5 }), contextText: context({ q: 'http://r.example/' }) },
      { text: own({ '@context': { ex: 'http://d.example/' }, 'ex:f': 6 }), contextText: JSON.stringify(EPCIS_CONTEXT) },
      { text: own({}), contextText: context({ ex: 'http://e.example/' }) },
    ];
    const text = writeQueryDocument({ ...base, events: sources });
    const { context: shared, events } = parsed(text);
    expect(shared).toEqual([EPCIS_CONTEXT, { ex: 'http://a.example/', q: 'http://q.example/' }]);
    expect(events.map((event) => (event as Record<string, unknown>)['@context'])).toEqual([
      undefined,
      [EPCIS_CONTEXT, { ex: 'http://b.example/' }],
      [{ q: 'http://r.example/' }, { ex: 'http://c.example/' }],
      { ex: 'http://d.example/' },
      undefined,
    ]);
    const alone = sources.map((source) => read(inDocumentWith(source))[0]?.identityDigest);
    expect(read(text).map(({ identityDigest }) => identityDigest)).toEqual(alone);
  });

  const inDocumentWith = ({ text, contextText }: { text: string; contextText: string }) =>
    JSON.stringify(documentOf(['?'], JSON.parse(contextText))).replace('"?"', () => text);

  it('takes a prefix hidden behind escapes for used', () => {
    const text = `{"\\u0065x:f":1,${own({}).slice(1)}`;
    expect(parsed(writeQueryDocument({ ...base, events: [{ text, contextText: context({ ex: 'http://a.example/' }) }] })).context).toEqual([
      EPCIS_CONTEXT,
      { ex: 'http://a.example/' },
    ]);
  });

  it('keeps a case a case', () => {
    expect(writeEvent(JSON.stringify({ parentID: CASE }), { epcFormat: 'Always_GS1_Digital_Link' })).toBe(
      '{"parentID":"https://id.gs1.org/01/19520123000117/21/C1"}',
    );
  });
});
