import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { documentOf, EXAMPLE_NAMESPACE, everyEvent } from '../../test/support/epcis-documents.ts';
import { exampleFiles } from '../../test/support/epcis-examples.ts';
import { rebuilt } from '../../test/support/rebuilt.ts';
import { sharedPath } from '../../test/support/shared.ts';
import { memoryStore, openTestStore, type TestStore } from '../../test/support/test-store.ts';
import {
  documentToXml,
  EPCIS_PREFIXES,
  eventToXml,
  formatHashId,
  isRefused,
  isXml,
  readDocument,
  serializeXml,
  type XmlVersion,
} from '../epcis/index.ts';
import type { JsonObject } from '../epcis/json/json-object.ts';
import type { ReadEvent } from '../epcis/model.ts';
import { parseUrlQuery } from '../epcis/query/index.ts';
import { parseXml } from '../epcis/xml/parse.ts';
import type { XmlElement } from '../epcis/xml/tree.ts';
import { LotlineError } from '../errors.ts';
import { signerKeyFromSeed, verifierKeyOf } from '../ledger/index.ts';
import { checkStoredLog } from '../ledger/stored-log.ts';
import { SqliteDb } from '../store/sqlite/open.ts';
import { type AnswerStyle, eventPage } from './event-answer.ts';

const JSON_STYLE: AnswerStyle = { format: 'Never_Translates', creationDate: '2026-03-02T12:00:00Z' };
const FORMS: Readonly<Record<string, AnswerStyle>> = {
  JSON: JSON_STYLE,
  'XML 2.0': { ...JSON_STYLE, xml: { version: '2.0', words: 'Never_Translates' } },
  'XML 1.2': { ...JSON_STYLE, xml: { version: '1.2', words: 'Never_Translates' } },
};

/** What another syntax lets pass and a strict reader of this one refuses (V-4, DM-5, T-9): it is told as it came. */
const STRICTER: Readonly<Record<string, RegExp>> = { JSON: /of the CBV|DM-5|DM-15|T-9|plain URI/, 'XML 2.0': /cbv:.*of the CBV/ };

/** The events of a document, or why it is refused. */
function read(bytes: Uint8Array): ReadEvent[] | LotlineError {
  try {
    const events: ReadEvent[] = [];
    for (const event of readDocument(bytes, { bare: true }).events()) {
      if (isRefused(event)) return event.errors[0] as LotlineError;
      events.push(event);
    }
    return events;
  } catch (error) {
    if (error instanceof LotlineError) return error;
    throw error;
  }
}

/** V-15: a hash tells the two spellings of the master data namespace apart, and XML is written with the one of XML: JSON is made to have it. */
function withXmlSpelling(name: string, bytes: Buffer): Buffer {
  if (name.endsWith('.xml')) return bytes;
  const json = JSON.parse(bytes.toString()) as Record<string, unknown>;
  return Buffer.from(JSON.stringify({ ...json, '@context': [json['@context'], { cbvmda: 'urn:epcglobal:cbv:mda' }].flat() }));
}

const standard = everyEvent().filter(({ type }) => !String(type).includes(':'));
const asXml = (version: XmlVersion): Buffer => {
  const events = standard.map(
    (event) => eventToXml(event as JsonObject, { version, prefixes: new Map([['ex', EXAMPLE_NAMESPACE], ...EPCIS_PREFIXES]) }).element,
  );
  return Buffer.from(serializeXml(documentToXml({ version, creationDate: JSON_STYLE.creationDate, events }).element, { indent: 2 }));
};
/** Extensions that alternate, nest and have types, in 1.x partly in wrappers and without a namespace. */
const byHand = (release: 1 | 2): Buffer => {
  const ilmd =
    '<ilmd><m:lotNumber>L1</m:lotNumber><a:x>1</a:x><a:y unit="KGM">2</a:y><a:x><a:deep b:at="1">&lt;3&gt;</a:deep></a:x></ilmd>';
  const inside = release === 1 ? `<extension>${ilmd}<extension><plain>inner</plain></extension></extension>` : ilmd;
  return Buffer.from(`<?xml version="1.0"?><!DOCTYPE project>
    <e:EPCISDocument xmlns:e="urn:epcglobal:epcis:xsd:${release}" xmlns:m="urn:epcglobal:cbv:mda" xmlns:a="http://ns.example.com/a/" xmlns:b="http://ns.example.com/b#"
      schemaVersion="${release === 1 ? '1.2' : '2.0'}" creationDate="2026-03-01T09:00:00Z"><EPCISBody><EventList><ObjectEvent>
      <eventTime>2026-03-01T08:00:00.123456Z</eventTime><eventTimeZoneOffset>+00:00</eventTimeZoneOffset>
      <epcList><epc>urn:epc:id:sgtin:9520123.000011.1</epc></epcList><action>ADD</action><bizStep>urn:epcglobal:cbv:bizstep:commissioning</bizStep>
      <readPoint><id>urn:epc:id:sgln:9520123.00001.0</id></readPoint>${inside}
      <b:last><![CDATA[<4>]]></b:last><a:first xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:s="http://www.w3.org/2001/XMLSchema" i:type="s:integer">5</a:first><b:last>6</b:last>
      </ObjectEvent></EventList></EPCISBody></e:EPCISDocument>`);
};
const own: [string, Buffer][] = [
  ['our own events of every type.json', Buffer.from(JSON.stringify(documentOf(everyEvent())))],
  ['our own events of the standard types.json', Buffer.from(JSON.stringify(documentOf(standard)))],
  ['our own events in 2.0.xml', asXml('2.0')],
  ['our own events in 1.2.xml', asXml('1.2')],
  ['our own extensions in 2.0.xml', byHand(2)],
  ['our own extensions in 1.2.xml', byHand(1)],
];
const files = [...own, ...exampleFiles(/\.(?:json(?:ld)?|xml)$/)];

const kindOf = (bytes: Uint8Array) => (readDocument(bytes, { bare: true }).kind === 'event' ? 'event' : 'document');
const pageOf = async (store: TestStore, style: AnswerStyle) =>
  await eventPage(new SqliteDb(store.db), { query: parseUrlQuery(new URLSearchParams()).query, perPage: 1000, start: null, style });
/** The examples that are there to be captured, and what they hold. */
const taken = files
  .map(([name, sent]) => ({ name, bytes: withXmlSpelling(name, sent) }))
  .flatMap(({ name, bytes }) => {
    const events = read(bytes); // those that are refused have their own tests, where they are read
    return events instanceof LotlineError ? [] : [{ name, bytes, events }];
  });

const captured = taken.filter(({ events }) => events.length > 0);
const ofMasterData = taken.filter(({ bytes, events }) => events.length === 0 && bytes.includes('VocabularyElement'));

describe('a document that is to be captured', () => {
  it('is every one of ours', () => {
    expect(captured.filter(({ name }) => name.startsWith('our own')).map(({ name }) => name)).toEqual(own.map(([name]) => name));
  });

  const path = sharedPath('gs1', 'examples', 'VALIDATION.tsv');
  it.skipIf(path === null)('is every published one that its schema takes, but jobs and questions', () => {
    const rows = readFileSync(path as string, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.split('\t'));
    const valid = rows
      .filter(([name = '', , verdict]) => verdict === 'valid' && /\.(?:json(?:ld)?|xml)$/.test(name))
      .map(([name]) => name as string);
    const known = new Set([...captured, ...ofMasterData].map(({ name }) => name));
    expect(valid.length).toBeGreaterThan(100);
    expect(valid.filter((name) => !known.has(name) && !/CaptureJob|\/Queries\//.test(name))).toEqual([]);
  });
});

it.skipIf(ofMasterData.length === 0)(
  'a published document of master data alone is captured with all its elements (C-7, MD-1)',
  async () => {
    for (const { name, bytes } of ofMasterData) {
      const store = await memoryStore();
      const { success, errors } = await store.capture(bytes);
      const stored = store.rows<{ n: number }>('SELECT count(DISTINCT type || id) AS n FROM masterdata')[0]?.n;
      await store.close();
      expect({ name, success, errors, stored }).toEqual({ name, success: true, errors: [], stored: elementsIn(parseXml(bytes)).size });
    }
  },
);

describe.each(Object.keys(FORMS))('what was captured in any syntax and is told in %s', (form) => {
  const style = FORMS[form] as AnswerStyle;

  it('is the same events: every published example (X-10, X-11, Q-5)', { timeout: 120_000 }, async () => {
    for (const { name, bytes, events: before } of captured) {
      if (before.some(({ breaches }) => breaches.some(({ message }) => STRICTER[form]?.test(message) === true))) continue;
      if (form === 'XML 1.2' && before.some(({ event }) => event.type.includes(':'))) continue; // left out, which is told: see below
      const store = await memoryStore();
      const outcome = await store.capture(bytes, { kind: kindOf(bytes) });
      expect({ name, errors: outcome.errors }).toEqual({ name, errors: [] });
      const { body } = await pageOf(store, style);
      await store.close();
      const after = read(body);
      if (after instanceof LotlineError)
        throw new Error(`${name} in ${form}: ${after.message} at ${after.at}\n${Buffer.from(body).toString().slice(0, 3000)}`);
      const hashes = (events: readonly ReadEvent[]) =>
        [...new Set(events.map(({ hash, event }) => `${formatHashId(hash)} ${event.eventID ?? ''}`))].sort();
      const ids = new Map(after.map(({ hash, event }) => [formatHashId(hash), event.eventID]));
      // An event without an id goes by its hash (C-3).
      const named = before.map((one) => ({
        ...one,
        event: { ...one.event, eventID: one.event.eventID ?? ids.get(formatHashId(one.hash)) ?? null },
      }));
      expect({ name, hashes: hashes(after) }).toEqual({ name, hashes: hashes(named) });
    }
  });
});

describe('what was captured in XML', () => {
  it('comes back element by element in the release it came in, extensions in their order (X-10, V-16)', { timeout: 60_000 }, async () => {
    for (const { name, bytes } of captured.filter(({ bytes }) => isXml(bytes))) {
      const store = await memoryStore();
      await store.capture(bytes, { kind: kindOf(bytes) });
      const version = /urn:epcglobal:epcis(?:-query)?:xsd:1"/.test(bytes.toString()) ? '1.2' : '2.0';
      const { body } = await pageOf(store, { ...JSON_STYLE, xml: { version, words: 'No_Preference' } });
      await store.close();
      const order = name.includes('Jumbled') ? 'any' : 'as written'; // it is put right
      const sent = eventsIn(parseXml(bytes)).map((event) => comparable(event, order));
      const told = eventsIn(parseXml(body)).map((event) => comparable(event, order));
      expect({ name, told: told.sort() }).toEqual({ name, told: [...new Set(sent)].sort() });
    }
  });

  it('is left out in 1.2 when it is an event of another type, and the answer says so (X-9)', async () => {
    const store = await memoryStore();
    await store.capture(
      documentOf([{ type: 'ex:LabEvent', eventTime: '2026-03-01T08:30:00Z', eventTimeZoneOffset: '+00:00', 'ex:result': 'good' }]),
    );
    const { notes } = await pageOf(store, FORMS['XML 1.2'] as AnswerStyle);
    expect(notes).toEqual([expect.stringMatching(/LabEvent.*left out/)]);
    await store.close();
  });

  it('is logged so that verify-log recomputes every event hash, and replays to the same entries (E-1)', { timeout: 120_000 }, async () => {
    const store = await openTestStore();
    for (const { bytes } of captured) await store.capture(bytes, { kind: kindOf(bytes), behaviour: 'proceed' });
    const verifiers = [verifierKeyOf(signerKeyFromSeed('lotline.example/test', new Uint8Array(32).fill(7)))];
    const { problems } = await checkStoredLog(new SqliteDb(store.db), { verifiers });
    expect(problems).toEqual([]);
    expect((await rebuilt(store.db)).equal).toBe(true);
    await store.close();
  });
});

/** Vocabulary elements of a document in XML, each once, that say something. */
function elementsIn(element: XmlElement, type = ''): Set<string> {
  const said = (name: string) => element.attributes.find(({ local }) => local === name)?.value ?? '';
  if (element.local === 'VocabularyElement') return new Set([type + said('id')]);
  const of = element.local === 'Vocabulary' ? said('type') : type;
  return new Set(element.children.flatMap((child) => (typeof child === 'string' ? [] : [...elementsIn(child, of)])));
}

/** The events of a document in XML, wherever its release puts them. */
function eventsIn(element: XmlElement): XmlElement[] {
  if (element.local.endsWith('Event') && element.children.some((child) => typeof child !== 'string' && child.local === 'eventTime'))
    return [element];
  return element.children.flatMap((child) => (typeof child === 'string' ? [] : eventsIn(child)));
}

/** An event without what the answer adds, and without what means nothing: prefixes, white space of the layout. */
function comparable(event: XmlElement, order: 'any' | 'as written'): string {
  const write = (element: XmlElement): string => {
    const holds = element.children.some((child) => typeof child !== 'string');
    const children = element.children.map((child) =>
      typeof child === 'string' ? (holds ? child.trim() : child) : added(child) ? '' : write(child),
    );
    if (order === 'any') children.sort();
    const attributes = element.attributes.map(({ uri, local, value }) => `{${uri}}${local}=${value}`).sort();
    return `<{${element.uri}}${element.local} ${attributes.join(' ')}>${children.join('')}</>`;
  };
  const added = ({ uri, local, children }: XmlElement) =>
    uri === '' &&
    (local === 'recordTime' || (local === 'eventID' && children.some((child) => typeof child === 'string' && child.startsWith('ni:///'))));
  return write(event).replace(/<\{\}(?:baseExtension|epcList|childEPCs) ><\/>/g, ''); // empty ones say nothing
}
