import { describe, expect, it } from 'vitest';
import { documentOf, everyEvent } from '../../test/support/epcis-documents.ts';
import { exampleFiles } from '../../test/support/epcis-examples.ts';
import { rebuilt } from '../../test/support/rebuilt.ts';
import { memoryStore, openTestStore, type TestStore } from '../../test/support/test-store.ts';
import { formatHashId, isRefused, isXml, readDocument } from '../epcis/index.ts';
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

const own = [Buffer.from(JSON.stringify(documentOf(everyEvent())))];
const files = [...own.map((bytes): [string, Buffer] => ['our own events of every type', bytes]), ...exampleFiles(/\.(?:json(?:ld)?|xml)$/)];

const kindOf = (bytes: Uint8Array) => (readDocument(bytes, { bare: true }).kind === 'event' ? 'event' : 'document');
const pageOf = async (store: TestStore, style: AnswerStyle) =>
  await eventPage(new SqliteDb(store.db), { query: parseUrlQuery(new URLSearchParams()).query, perPage: 1000, start: null, style });
/** The examples that are there to be captured, and what they hold. */
const captured = files
  .map(([name, sent]) => ({ name, bytes: withXmlSpelling(name, sent) }))
  .flatMap(({ name, bytes }) => {
    const events = read(bytes); // those that are refused have their own tests, where they are read
    return events instanceof LotlineError || events.length === 0 ? [] : [{ name, bytes, events }];
  });

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
