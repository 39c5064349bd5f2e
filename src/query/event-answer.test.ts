import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { EPCIS_CONTEXT, everyEvent, documentOf as richDocumentOf } from '../../test/support/epcis-documents.ts';
import {
  bare,
  caseOf,
  commission,
  declareError,
  documentOf,
  type Json,
  observe,
  pack,
  packOf,
  packs,
  palletOf,
  START,
  ship,
  withID,
} from '../../test/support/events.ts';
import { sharedPath } from '../../test/support/shared.ts';
import { memoryStore, openTestStore, type TestStore } from '../../test/support/test-store.ts';
import { formatHashId, readDocument } from '../epcis/index.ts';
import { type EventQuery, parseUrlQuery } from '../epcis/query/index.ts';
import { LotlineError } from '../errors.ts';
import { SqliteDb } from '../store/sqlite/open.ts';
import { type AnswerStyle, eventDocument, eventIDOf, eventPage, formatRecordTime, PAGE_BYTES_MAX } from './event-answer.ts';
import type { PageStart } from './page-token.ts';
import { StoreReaders } from './readers.ts';

const AS_CAPTURED: AnswerStyle = { format: 'Never_Translates', creationDate: '2026-03-02T12:00:00Z' };
const style = (format: AnswerStyle['format']): AnswerStyle => ({ ...AS_CAPTURED, format });
const queryOf = (search = ''): EventQuery => parseUrlQuery(new URLSearchParams(search)).query;

type Told = Json & { eventID: string; recordTime: string };
const told = (body: Uint8Array): { events: Told[]; document: Json } => {
  const document = JSON.parse(Buffer.from(body).toString('utf8')) as Json & {
    epcisBody: { queryResults: { resultsBody: { eventList: Told[] } } };
  };
  return { events: document.epcisBody.queryResults.resultsBody.eventList, document };
};
const page = async (store: TestStore, o: { query?: EventQuery; perPage?: number; start?: PageStart | null; style?: AnswerStyle } = {}) =>
  await eventPage(new SqliteDb(store.db), {
    query: o.query ?? queryOf(),
    perPage: o.perPage ?? 1000,
    start: o.start ?? null,
    style: o.style ?? AS_CAPTURED,
  });

/** Everything but what the answer adds (Q-5, C-3). */
function withoutAdditions(event: Json, original: Json): Json {
  const rest = withoutRecordTime(event);
  if (!('eventID' in original)) delete rest['eventID'];
  return rest;
}
function withoutRecordTime(event: Json): Json {
  const rest = { ...event };
  delete rest['recordTime'];
  return rest;
}

describe('events that are never translated', () => {
  const own: [string, Json][] = [
    ['every type of event', richDocumentOf(everyEvent())],
    [
      'extensions, large numbers and prefixes of one event alone',
      richDocumentOf([
        {
          '@context': [{ own: 'http://ns.example.org/own/' }],
          ...observe(0, packOf(1)),
          'own:exact': 12345678901234567890n.toString(),
          'ex:nested': { 'ex:deep': ['1', 2, { 'ex:deeper': true }], 'ex:zero': 0 },
        },
      ]),
    ],
    [
      'other spellings',
      documentOf([observe(0, ['https://example.com/01/09520123000110/21/P1', packOf(2)], { step: 'cbv:BizStep-shipping' })]),
    ],
    ['a recordTime of the sender', documentOf([{ ...observe(0, packOf(1)), recordTime: '2020-01-01T00:00:00Z' }])],
    ['letters beyond ASCII', documentOf([{ ...observe(0, packOf(1)), 'cbvmda:note': 'Zürich – 北京 \u0000 "quoted" \\ 🧪' }])],
  ];
  it.each(own)('come back as they were captured: %s (Q-5)', async (_, document) => {
    await comesBack(Buffer.from(JSON.stringify(document)));
  });

  it('keep the very characters of numbers and names', async () => {
    const text = `{ "@context":"${EPCIS_CONTEXT}", "type":"ObjectEvent","action" : "OBSERVE","eventTime":"2026-03-01T08:00:00.100Z","eventTimeZoneOffset":"+00:00","epcList":[],"quantityList":[{"epcClass":"urn:epc:class:lgtin:9520123.000011.L1","quantity":1.50e1,"uom":"KGM"}],"bizStep":"inspec\\u0074ing"}`;
    const store = await memoryStore();
    expect((await store.capture(text, { kind: 'event' })).errors).toEqual([]);
    expect(Buffer.from((await page(store)).body).toString('utf8')).toContain(text.slice(2));
    await store.close();
  });

  const root = sharedPath('gs1', 'examples');
  const examples =
    root === null
      ? []
      : readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
          (name) => /\.json(ld)?$/.test(name) && !/Invalid|Queries/.test(name),
        );
  it.skipIf(examples.length === 0).each(examples.sort())('come back as in the official example %s (C-2, Q-5)', async (name) => {
    await comesBack(readFileSync(join(root as string, name)));
  });
});

/** Captures a document in a store of its own, asks for everything, and compares event by event, every one of which is there. */
async function comesBack(bytes: Buffer): Promise<void> {
  const store = await memoryStore();
  const isBare = readDocument(bytes, { bare: true }).kind === 'event';
  const outcome = await store.capture(bytes, { kind: isBare ? 'event' : 'document', behaviour: 'proceed' });
  const document = JSON.parse(bytes.toString('utf8')) as {
    epcisBody?: { eventList?: Json[]; queryResults?: { resultsBody: { eventList: Json[] } } };
  };
  const sent = isBare
    ? [document as Json]
    : (document.epcisBody?.eventList ?? document.epcisBody?.queryResults?.resultsBody.eventList ?? []);
  expect(outcome.errors).toEqual([]);
  expect(outcome.stored).toBe(sent.length);
  const { events } = told((await page(store)).body);
  expect(events.map((event, i) => withoutAdditions(event, sent[i] as Json))).toEqual(sent.map(withoutRecordTime));
  for (const [i, event] of events.entries()) {
    expect(event.recordTime).toBe('2026-03-02T08:00:00Z');
    expect(event.eventID).toBe(sent[i]?.['eventID'] ?? (await eventIDOf(new SqliteDb(store.db), { seq: i })));
  }
  // What is told can be captured again, and is the same.
  const again = await memoryStore();
  const { body } = await page(store);
  expect((await again.capture(body)).errors).toEqual([]);
  expect(again.rows('SELECT lower(hex(digest)) AS digest FROM event ORDER BY seq')).toEqual(
    store.rows('SELECT lower(hex(digest)) AS digest FROM event ORDER BY seq'),
  );
  await store.close();
  await again.close();
}

describe('the form of identifiers in an answer (V-9)', () => {
  const store = memoryStore();
  afterAll(async () => await (await store).close());
  const epcs = async (format: AnswerStyle['format']) => {
    const { events } = told((await page(await store, { style: style(format) })).body);
    return events.flatMap((event) => event['epcList']);
  };

  it('is the one asked for; a link whose company prefix nobody has told stays a link', async () => {
    const foreign = 'https://example.com/01/09524567000118/21/X';
    await (await store).capture([
      observe(0, [packOf(1), palletOf(1)]),
      observe(1, ['https://id.gs1.org/01/09520123000110/21/P2', foreign]),
    ]);
    expect(await epcs('Always_GS1_Digital_Link')).toEqual([
      'https://id.gs1.org/01/09520123000110/21/P1',
      'https://id.gs1.org/00/095201230000000011',
      'https://id.gs1.org/01/09520123000110/21/P2',
      foreign,
    ]);
    expect(await epcs('Always_EPC_URN')).toEqual([packOf(1), palletOf(1), packOf(2), foreign]);
    expect(await epcs('No_Preference')).toEqual([packOf(1), palletOf(1), 'https://id.gs1.org/01/09520123000110/21/P2', foreign]);
    expect(await epcs('Never_Translates')).toEqual(await epcs('No_Preference'));
  });
});

describe('an answer', () => {
  it('is a query document with the prefixes that its events use (R-8, R-11)', async () => {
    const store = await memoryStore();
    await store.capture(richDocumentOf([{ ...observe(0, packOf(1)), 'ex:grade': 'A' }]));
    await store.capture(
      richDocumentOf([{ ...observe(1, packOf(2)), 'ex:grade': 'B' }], [EPCIS_CONTEXT, { ex: 'http://ns.example.org/other/' }]),
    );
    const { document, events } = told((await page(store)).body);
    expect(document).toMatchObject({
      '@context': [EPCIS_CONTEXT, { ex: 'http://ns.example.com/epcis/' }],
      type: 'EPCISQueryDocument',
      schemaVersion: '2.0',
      creationDate: AS_CAPTURED.creationDate,
      epcisBody: { queryResults: { queryName: 'SimpleEventQuery' } },
    });
    expect(events[1]?.['@context']).toEqual([EPCIS_CONTEXT, { ex: 'http://ns.example.org/other/' }]);
    await store.close();
  });

  it('holds no event when none meets the query, and none from an empty store (R-4)', async () => {
    const store = await memoryStore();
    for (const search of ['', 'EQ_bizStep=shipping', 'orderBy=eventTime', 'maxEventCount=1']) {
      const { body, count, next } = await page(store, { query: queryOf(search) });
      expect([told(body).events, count, next]).toEqual([[], 0, null]);
    }
    await store.close();
  });

  it('refuses more events than maxEventCount, and takes just as many', async () => {
    const store = await memoryStore();
    await store.capture([observe(0, packOf(1)), observe(1, packOf(2)), observe(2, packOf(3))]);
    await expect(page(store, { query: queryOf('maxEventCount=2') })).rejects.toMatchObject({ code: 'QRY-LARGE' });
    expect((await page(store, { query: queryOf('maxEventCount=3'), perPage: 2 })).count).toBe(2);
    await store.close();
  });

  it('ends a page early when it grows large, and goes on with the next (R-21)', async () => {
    const store = await memoryStore();
    const note = 'x'.repeat(PAGE_BYTES_MAX / 2);
    for (let i = 0; i < 4; i++) await store.capture([{ ...observe(i, packOf(i)), 'cbvmda:note': note }]);
    const first = await page(store);
    expect(first.count).toBe(2);
    const second = await page(store, { start: first.next });
    expect([second.count, second.next]).toEqual([2, null]);
    await store.close();
  });

  it('tells recordTime to the microsecond', () => {
    expect(formatRecordTime(1_772_352_000_000_000)).toBe('2026-03-01T08:00:00Z');
    expect(formatRecordTime(1_772_352_000_120_034)).toBe('2026-03-01T08:00:00.120034Z');
    expect(formatRecordTime(-1)).toBe('1969-12-31T23:59:59.999999Z');
  });
});

describe('one event by its id', () => {
  const idsOf = async (store: TestStore, eventID: string) => {
    const document = await eventDocument(new SqliteDb(store.db), { eventID, style: AS_CAPTURED });
    return document === null ? null : told(document.body).events.map((event) => ['errorDeclaration' in event, event.eventID]);
  };
  const hashOf = (store: TestStore, seq: number) => {
    const [row] = store.rows<{ hash: Uint8Array }>('SELECT hash FROM event WHERE seq = ?', seq);
    return formatHashId(row?.hash as Uint8Array);
  };
  const wrong = ship(1, palletOf(1));

  it('comes with the declarations of its error, by id or by hash', async () => {
    const store = await memoryStore();
    await store.capture([withID(wrong, 'urn:example:e1'), observe(2, packOf(1))]);
    expect(await idsOf(store, 'urn:example:e1')).toEqual([[false, 'urn:example:e1']]);
    await store.capture([declareError(withID(wrong, 'urn:example:e1'))]);
    await store.capture([declareError(wrong, { reason: 'incorrect_data' })]);
    const hash = hashOf(store, 0);
    expect(await idsOf(store, 'urn:example:e1')).toEqual([
      [false, 'urn:example:e1'],
      [true, 'urn:example:e1'],
      [true, hash],
    ]);
    await store.close();
  });

  it('is found by its hash when it has no id, and then only', async () => {
    const store = await memoryStore();
    await store.capture([wrong]);
    await store.capture([declareError(wrong)]);
    await store.capture([withID(observe(2, packOf(1)), 'urn:example:e2')]);
    expect(await idsOf(store, hashOf(store, 0))).toEqual([
      [false, hashOf(store, 0)],
      [true, hashOf(store, 0)],
    ]);
    expect(await idsOf(store, hashOf(store, 2))).toBeNull();
    expect(await idsOf(store, 'urn:example:none')).toBeNull();
    expect(await idsOf(store, `ni:///sha-256;${'0'.repeat(64)}?ver=CBV2.0`)).toBeNull();
    expect(await eventIDOf(new SqliteDb(store.db), { seq: 2 })).toBe('urn:example:e2');
    expect(await eventIDOf(new SqliteDb(store.db), { seq: 99 })).toBeNull();
    await store.close();
  });
});

describe('pages', () => {
  const searches = [
    '',
    'orderBy=recordTime',
    'orderBy=recordTime&orderDirection=ASC',
    'orderBy=eventTime',
    'orderBy=eventTime&orderDirection=ASC',
    'EQ_bizStep=shipping|packing',
    'orderBy=eventTime&EQ_bizStep=shipping|inspecting',
    'MATCH_anyEPC=urn:epc:idpat:sgtin:9520123.*.*&orderBy=eventTime&orderDirection=ASC',
    'orderBy=eventTime&eventCountLimit=7',
    'orderBy=recordTime&eventCountLimit=4',
  ];
  // Few distinct minutes, so that many events share one eventTime.
  const anEvent = (i: number): fc.Arbitrary<Json> =>
    fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 2 })).map(([minute, kind]) => {
      const more = { eventID: `urn:example:${i}` };
      if (kind === 0) return observe(minute, packOf(i), {}, more);
      return kind === 1 ? ship(minute, palletOf(i), {}, more) : pack(minute, caseOf(i), packOf(i), {}, more);
    });
  const events = (from: number, max: number) =>
    fc.integer({ min: 0, max }).chain((n) => fc.tuple(...Array.from({ length: n }, (_, i) => anEvent(from + i))));

  it('joined are the whole, each event once, whatever is captured in between (R-23, R-24)', async () => {
    await fc.assert(
      fc.asyncProperty(
        events(0, 14),
        events(100, 6),
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom(...searches),
        async (before, between, perPage, search) => {
          let time = START;
          const store = await memoryStore({ clock: () => time++ });
          for (const event of before) await store.capture([event]);
          const query = queryOf(search);
          const whole = told((await page(store, { query })).body).events.map((event) => event.eventID);
          const joined: string[] = [];
          const later = [...between];
          let start: PageStart | null = null;
          do {
            const answer = await page(store, { query, perPage, start });
            const ids = told(answer.body).events.map((event) => event.eventID);
            expect(ids.length).toBe(answer.count);
            if (answer.next !== null) expect(ids.length).toBe(perPage);
            joined.push(...ids);
            start = answer.next;
            const event = later.pop();
            if (event !== undefined) await store.capture([event]);
          } while (start !== null);
          expect(joined).toEqual(whole);
          await store.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('stay in the order of their key', async () => {
    const store = await memoryStore();
    for (const [i, minute] of [5, 3, 9, 3, 1].entries()) await store.capture([observe(minute, packOf(i))]);
    const minutes = async (search: string) => {
      const { body } = await page(store, { query: queryOf(search) });
      return told(body).events.map((event) => (Date.parse(event['eventTime'] as string) - START) / 60_000);
    };
    expect(await minutes('orderBy=eventTime&orderDirection=ASC')).toEqual([1, 3, 3, 5, 9]);
    expect(await minutes('orderBy=eventTime')).toEqual([9, 5, 3, 3, 1]);
    await store.close();
  });
});

describe('an event of 100,000 serials', () => {
  it('comes back whole from the reader thread, in every form', { timeout: 120_000 }, async () => {
    const store = await openTestStore();
    const serials = packs(1, 100_000);
    const sent = commission(0, serials, { lot: 'L1' });
    expect((await store.capture(bare(sent), { kind: 'event' })).stored).toBe(1);
    const readers = new StoreReaders({ file: join(store.folder, 'journal.db') });
    for (const [format, epcs] of [
      ['Never_Translates', serials],
      ['Always_EPC_URN', serials],
      ['Always_GS1_Digital_Link', serials.map((_, i) => `https://id.gs1.org/01/09520123000110/21/P${i + 1}`)],
    ] as const) {
      const { body, count } = await readers.ask('eventPage', {
        query: queryOf(`MATCH_epc=${packOf(77_777)}`),
        perPage: 30,
        start: null,
        style: style(format),
      });
      expect(count).toBe(1);
      expect(told(body).events[0]?.['epcList']).toEqual(epcs);
    }
    await expect(
      readers.ask('eventPage', { query: queryOf('maxEventCount=1'), perPage: 1, start: null, style: AS_CAPTURED }),
    ).resolves.toMatchObject({ count: 1 });
    await readers.close();
    await store.close();
  });

  it('lets the reader tell what is refused', async () => {
    const store = await openTestStore();
    await store.capture([observe(0, packOf(1)), observe(1, packOf(2))]);
    const readers = new StoreReaders({ file: join(store.folder, 'journal.db') });
    const refused = readers.ask('eventPage', { query: queryOf('maxEventCount=1'), perPage: 1, start: null, style: AS_CAPTURED });
    await expect(refused).rejects.toBeInstanceOf(LotlineError);
    await expect(refused).rejects.toMatchObject({ code: 'QRY-LARGE' });
    await readers.close();
    await store.close();
  });
});
