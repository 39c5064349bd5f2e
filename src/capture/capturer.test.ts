import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  bare,
  caseOf,
  commission,
  declareError,
  destroy,
  documentOf,
  eventID,
  type Json,
  observe,
  pack,
  packOf,
  packs,
  palletOf,
  receive,
  START,
  ship,
  siteOf,
  unpackAll,
  withID,
} from '../../test/support/events.ts';
import { type AnyTestStore, ENGINES, memoryStore, openTestStore, storeOf } from '../../test/support/test-store.ts';
import { joinPayload, unpackBytes } from '../store/payload.ts';

/** LOTLINE_LONG=1 looks harder. */
const LONG = process.env['LOTLINE_LONG'] === '1';

describe.each(ENGINES)('on %s', (engine) => {
  let store: AnyTestStore;
  beforeEach(async () => {
    store = await storeOf(engine);
  });
  afterEach(async () => await store.close());

  const count = async (table: string) => (await store.rows<{ n: number }>(`SELECT count(*) AS n FROM ${table}`))[0]?.n;
  const codes = async () => (await store.findings()).map((f) => f.code);
  const bad = (json: Json): Json => ({ ...json, action: 'PERHAPS' });

  describe('a document that is sound', () => {
    it('is stored whole, with a job that says so', async () => {
      const outcome = await store.capture([commission(0, packs(1, 3)), pack(1, caseOf(1), packs(1, 3))]);
      expect(outcome).toMatchObject({ captureID: 'capture-1', success: true, events: 2, stored: 2, errors: [] });
      expect(await store.rows('SELECT * FROM capture_job')).toEqual([
        {
          id: 1,
          capture_id: 'capture-1',
          actor: 'tester',
          behaviour: 'rollback',
          created: START,
          finished: START + 86_400_000,
          success: 1,
          events: 2,
          stored: 2,
          errors: '[]',
        },
      ]);
    });

    it('is folded once, though it may come up again after a restart', async () => {
      await store.capture([commission(0, packOf(1))], { captureID: 'once' });
      await store.captureGroup([[commission(1, packOf(2))]], { captureID: 'once' });
      expect(await count('event')).toBe(1);
    });

    it('leaves one entry an event, numbered without holes, with record times that never decrease', async () => {
      let now = START;
      const clocked = await storeOf(engine, { clock: () => now });
      for (const at of [5, 3, 9]) {
        now = START + at * 1000;
        await clocked.capture([commission(at, packOf(at))]);
      }
      const entries = await clocked.rows<{ seq: number; record_time: number }>('SELECT seq, record_time FROM entry ORDER BY seq');
      expect(entries).toEqual([5, 5, 9].map((at, seq) => ({ seq, record_time: (START + at * 1000) * 1000 })));
      await clocked.close();
    });

    it('signs one checkpoint a transaction, of all entries', async () => {
      await store.captureGroup([[commission(0, packOf(1))], [commission(1, packOf(2)), commission(2, packOf(3))]]);
      await store.capture([commission(3, packOf(4))]);
      expect(await store.rows('SELECT size FROM checkpoint ORDER BY size')).toEqual([{ size: 3 }, { size: 4 }]);
    });
  });

  describe('a document with faults', () => {
    const mixed = [commission(0, packOf(1)), bad(commission(1, packOf(2))), commission(2, packOf(3)), bad(commission(3, packOf(4)))];

    it('is stored not at all under rollback, and every fault is told with its place', async () => {
      const outcome = await store.capture(mixed);
      expect(outcome).toMatchObject({ success: false, events: 4, stored: 0, first: null });
      expect(outcome.errors.map((e) => e.at)).toEqual(['/epcisBody/eventList/1/action', '/epcisBody/eventList/3/action']);
      for (const table of ['entry', 'event', 'item', 'term', 'class', 'payload', 'prefix'])
        expect([table, await count(table)]).toEqual([table, 0]);
      expect(await store.rows('SELECT success, stored FROM capture_job')).toEqual([{ success: 0, stored: 0 }]);
    });

    it('is stored but for the faulty events under proceed', async () => {
      const outcome = await store.capture(mixed, { behaviour: 'proceed' });
      expect(outcome).toMatchObject({ success: false, events: 4, stored: 2 });
      expect(outcome.errors.map((e) => (e as unknown as { index: number }).index)).toEqual([1, 3]);
      expect(await count('event')).toBe(2);
    });

    it('is refused as a whole when it is no document, too long, or nothing', async () => {
      const small = await storeOf(engine, { maxEvents: 2 });
      for (const [body, code] of [
        ['{', 'EV-SYNTAX'],
        ['{}', 'EV-SCHEMA'],
        [documentOf([1, 2, 3].map((n) => commission(n, packOf(n)))), 'REQ-LIMIT'],
      ] as const) {
        for (const behaviour of ['rollback', 'proceed'] as const) {
          const outcome = await small.capture(body, { behaviour });
          expect(outcome).toMatchObject({ success: false, stored: 0, errors: [{ code }] });
        }
      }
      expect(await small.rows('SELECT * FROM entry')).toEqual([]);
      await small.close();
    });

    it('tells the first thousand faults and counts the rest', async () => {
      const outcome = await store.capture(Array.from({ length: 1_200 }, (_, n) => bad(commission(n, packOf(n)))));
      expect(outcome.errors).toHaveLength(1_001);
      expect(outcome.errors.at(-1)?.title).toBe('200 more errors are not listed');
    });

    it('takes nothing with it: the next document of the transaction is stored with the ids it would have had', async () => {
      await store.captureGroup([mixed, [commission(5, packOf(9))]]);
      const alone = await storeOf(engine);
      await alone.capture([commission(5, packOf(9))], { captureID: 'capture-2' });
      for (const table of ['entry', 'item', 'class', 'term', 'payload', 'prefix', 'tile'])
        expect(await store.rows(`SELECT * FROM ${table}`)).toEqual(await alone.rows(`SELECT * FROM ${table}`));
      await alone.close();
    });
  });

  describe('what is kept of a document (design.md §4)', () => {
    const joined = async (captureID: string, from = store): Promise<Buffer> => {
      const [payload] = await from.rows<{ capture_id: string; parts: string; encoding: number; gaps: Uint8Array }>(
        'SELECT * FROM payload WHERE capture_id = ?',
        captureID,
      );
      if (payload === undefined) throw new Error('no payload');
      const entries = await from.rows<{ seq: number; encoding: number; body: Uint8Array }>('SELECT seq, encoding, body FROM entry');
      const bytes = joinPayload(payload, (seq) => {
        const row = entries.find((entry) => entry.seq === seq);
        return row && unpackBytes(row.encoding, row.body);
      });
      return Buffer.from(bytes ?? []);
    };
    const text = (events: readonly Json[]) =>
      `\n{ "@context" : "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", "type":"EPCISDocument","schemaVersion":"2.0",\n "creationDate":"2026-03-01T09:00:00.000Z", "epcisBody":{"eventList":[ ${events.map((e) => JSON.stringify(e, null, 1)).join(' ,\n\t')} ] } }\n\n`;

    it('joins to the document byte for byte, with duplicates and refused events between the stored ones', async () => {
      const twice = withID(commission(0, packOf(1)), 1);
      const body = text([
        twice,
        bad(observe(1, packOf(1))),
        twice,
        commission(2, packs(2, 60), { lot: 'ÄÖ 1' }),
        bad(destroy(3, packOf(2))),
      ]);
      const outcome = await store.capture(body, { behaviour: 'proceed', captureID: 'mixed' });
      expect(outcome).toMatchObject({ events: 5, stored: 2 });
      expect((await joined('mixed')).toString()).toBe(body);
      expect(await store.rows('SELECT digest FROM payload')).toEqual([{ digest: createHash('sha256').update(body).digest() }]);
    });

    it('joins under enforced rules, too, and each document has a number of its own', async () => {
      const strict = await storeOf(engine, { rules: 'enforce' });
      const bodies = [
        text([observe(0, packOf(1)), commission(1, packOf(1)), observe(2, packOf(9)), observe(3, packOf(1))]),
        text([commission(4, packOf(2)), observe(5, packOf(8)), observe(6, packOf(2))]),
        text([commission(7, packOf(3))]),
      ];
      const outcomes = await strict.captureGroup(bodies.slice(0, 2), { behaviour: 'proceed' });
      expect(outcomes.map((o) => o.stored)).toEqual([2, 2]);
      await strict.capture(bodies[2] as string);
      for (const [i, body] of bodies.entries()) expect((await joined(`capture-${i + 1}`, strict)).toString()).toBe(body);
      expect(await strict.rows('SELECT capture FROM payload ORDER BY capture')).toEqual([{ capture: 1 }, { capture: 2 }, { capture: 3 }]);
      await strict.close();
    });

    it('is nothing when nothing of it is new', async () => {
      await store.capture([withID(commission(0, packOf(1)), 1)]);
      await store.capture([withID(commission(0, packOf(1)), 1)]);
      expect(await count('payload')).toBe(1);
    });

    it('is the event itself when it came bare', async () => {
      const body = JSON.stringify(bare(commission(0, packOf(1))), null, 2);
      const outcome = await store.capture(body, { kind: 'event', captureID: 'bare' });
      expect(outcome.first).toMatchObject({ seq: 0, duplicate: false });
      expect((await joined('bare')).toString()).toBe(body);
      expect(await count('capture_job')).toBe(0);
    });

    it('has the digest of the whole on the first entry of a capture alone', async () => {
      await store.capture([commission(0, packOf(1)), commission(1, packOf(2))]);
      expect(await store.rows('SELECT payload_digest IS NOT NULL AS whole FROM entry')).toEqual([{ whole: 1 }, { whole: 0 }]);
    });

    it('has the master data of its header, as an entry of its own (C-7, J-6)', async () => {
      const header = {
        epcisHeader: {
          epcisMasterData: {
            vocabularyList: [
              {
                type: 'urn:epcglobal:epcis:vtype:Location',
                vocabularyElementList: [{ id: siteOf(1), attributes: [{ id: 'urn:epcglobal:cbv:mda#name', attribute: 'Works 1' }] }],
              },
            ],
          },
        },
      };
      await store.capture(documentOf([commission(0, packOf(1))], header));
      expect(await store.rows('SELECT kind FROM entry')).toEqual([{ kind: 'event' }, { kind: 'masterdata' }]);
      expect(await store.rows('SELECT id, seq, attributes FROM masterdata')).toEqual([
        { id: '414/9520123000011', seq: 1, attributes: '{"urn:epcglobal:cbv:mda#name":"Works 1"}' },
      ]);
    });
  });

  describe('company prefixes (codes.md §5)', () => {
    const prefixes = async () =>
      (await store.rows<{ scheme: string; company: string }>('SELECT scheme, company FROM prefix ORDER BY scheme, company')).map(
        (p) => `${p.scheme} ${p.company}`,
      );

    it('are learned from the URNs of what is stored', async () => {
      await store.capture([commission(0, packOf(1), { site: 1 })]);
      expect(await prefixes()).toEqual(['sgln 9520123', 'sgtin 9520123']);
    });

    it('are not learned from what is refused, and still are when it comes again', async () => {
      await store.capture([commission(0, packOf(1)), bad(commission(1, packOf(2)))]);
      expect(await prefixes()).toEqual([]);
      await store.capture([commission(0, packOf(1))]);
      expect(await prefixes()).toEqual(['sgtin 9520123']);
      const strict = await storeOf(engine, { rules: 'enforce' });
      await strict.capture([observe(0, palletOf(1)), commission(1, packOf(1))], { behaviour: 'proceed' });
      expect(await strict.rows('SELECT scheme FROM prefix')).toEqual([{ scheme: 'sgtin' }]);
      await strict.close();
    });
  });

  describe('LOTLINE_RULES=enforce (packs-wire.md)', () => {
    let strict: AnyTestStore;
    beforeEach(async () => {
      strict = await storeOf(engine, { rules: 'enforce' });
    });
    afterEach(async () => await strict.close());
    const entries = async () =>
      (await strict.rows<{ kind: string; encoding: number; body: Uint8Array }>('SELECT kind, encoding, body FROM entry ORDER BY seq')).map(
        (e) => ({ kind: e.kind, body: JSON.parse(Buffer.from(unpackBytes(e.encoding, e.body)).toString()) as Json }),
      );

    it.each([
      ['SN-DUP', [commission(0, packOf(1))], commission(1, packOf(1))],
      ['SN-CONFLICT', [commission(0, packOf(1), { lot: 'L1' })], commission(1, packOf(1), { lot: 'L2' })],
      ['SN-AFTER-END', [commission(0, packOf(1)), destroy(1, packOf(1))], observe(2, packOf(1))],
      ['SN-UNKNOWN', [], ship(0, packOf(1))],
      ['AGG-CYCLE', [commission(0, packOf(1)), pack(1, packOf(1), caseOf(1))], pack(2, caseOf(1), packOf(1))],
      ['AGG-DOUBLE', [commission(0, packOf(1)), pack(1, caseOf(1), packOf(1))], pack(2, caseOf(2), packOf(1))],
      ['AGG-UNKNOWN-CHILD', [], pack(0, caseOf(1), packOf(1))],
    ] as const)('refuses %s, which is stored and flagged otherwise', async (code, before, event) => {
      const known = before.length > 0 ? [commission(-1, caseOf(1)), ...before] : [];
      expect((await strict.capture(known)).errors).toEqual([]);
      expect(await strict.capture([event])).toMatchObject({
        success: false,
        stored: 0,
        errors: [{ code, things: [expect.any(String)], index: 0 }],
      });
      await store.capture(known);
      expect(await store.capture([event])).toMatchObject({ success: true, stored: 1 });
      expect(await codes()).toContain(code);
    });

    it('names every thing that offends, and keeps the refusal with the digest of the document', async () => {
      const body = JSON.stringify(documentOf([pack(0, caseOf(1), packs(1, 3))]));
      const outcome = await strict.capture(body, { captureID: 'no' });
      const things = [1, 2, 3].map((n) => `01/09520123000110/21/P${n}`);
      expect(outcome.errors[0]?.things).toEqual(things);
      expect(await entries()).toEqual([
        {
          kind: 'refusal',
          body: expect.objectContaining({
            captureID: 'no',
            behaviour: 'rollback',
            documentDigest: createHash('sha256').update(body).digest('hex'),
            errors: [expect.objectContaining({ code: 'AGG-UNKNOWN-CHILD', index: 0, things })],
          }),
        },
      ]);
      expect(await strict.rows('SELECT * FROM item')).toEqual([]);
    });

    it('judges the later events of a document as if the earlier ones had been stored, and the refused ones not', async () => {
      const outcome = await strict.capture(
        [
          commission(0, packOf(1)),
          pack(1, caseOf(1), packOf(1)),
          pack(2, caseOf(2), packOf(1)),
          unpackAll(3, caseOf(1)),
          pack(4, caseOf(2), packOf(1)),
        ],
        { behaviour: 'proceed' },
      );
      expect(outcome.errors).toMatchObject([{ code: 'AGG-DOUBLE', index: 2 }]);
      expect(outcome.stored).toBe(4);
      expect(await strict.findings()).toEqual([]);
    });

    it('stores a document under rollback that has other findings than enforced ones', async () => {
      const outcome = await strict.capture([commission(0, packOf(1)), pack(1, caseOf(1), packOf(1)), destroy(2, caseOf(1))]);
      expect(outcome.success).toBe(true);
      expect((await strict.findings()).map((f) => f.code)).toEqual(['AGG-HASCHILDREN']);
    });

    it('comes to the same as under flag for what it stores: what a document finds and takes back is never told', async () => {
      const half = (side: 'inputQuantityList' | 'outputQuantityList', id: number): Json => ({
        ...withID(commission(0, packOf(1)), id),
        type: 'TransformationEvent',
        action: undefined,
        epcList: undefined,
        ilmd: undefined,
        transformationID: 'urn:epc:id:gdti:9520123.00001.T1',
        [side]: [{ epcClass: 'urn:epc:class:lgtin:9520123.000011.L1', quantity: 1, uom: 'KGM' }],
      });
      const used = half('inputQuantityList', 1);
      for (const each of [strict, store]) {
        await each.capture([used]);
        expect(await each.capture([half('outputQuantityList', 2), declareError(used)])).toMatchObject({ stored: 2, errors: [] });
      }
      expect(await strict.rows('SELECT * FROM finding')).toEqual(await store.rows('SELECT * FROM finding'));
    });
  });

  describe('a dry run (packs-wire.md, POST /check)', () => {
    const document = [
      commission(0, packOf(1)),
      observe(1, packOf(1)),
      pack(2, caseOf(1), [packOf(1), packOf(2)]),
      bad(observe(3, packOf(1))),
    ];

    it('tells event by event what would come of it, by the mode in force, and stores nothing', async () => {
      const verdicts = await store.check(documentOf(document));
      expect(verdicts.map((v) => [v.index, v.verdict, v.findings.map((f) => [f.code, f.things])])).toEqual([
        [0, 'ok', []],
        [1, 'ok', []],
        [2, 'flag', [['AGG-UNKNOWN-CHILD', ['01/09520123000110/21/P2']]]],
        [3, 'block', [['EV-SCHEMA', []]]],
      ]);
      const strict = await storeOf(engine, { rules: 'enforce' });
      expect((await strict.check(documentOf(document))).map((v) => v.verdict)).toEqual(['ok', 'ok', 'block', 'block']);
      for (const each of [store, strict])
        for (const table of ['entry', 'item', 'term', 'payload']) expect(await each.rows(`SELECT * FROM ${table}`)).toEqual([]);
      await strict.close();
    });

    it('leaves the log as it was for the capture after it', async () => {
      await store.capture([commission(0, packOf(1))]);
      await store.check(documentOf(document));
      expect(await store.capture([commission(1, packOf(2))])).toMatchObject({ success: true });
      expect(await store.rows('SELECT seq FROM entry')).toEqual([{ seq: 0 }, { seq: 1 }]);
      expect(await count('item')).toBe(2);
    });
  });

  describe('findings of arrival', () => {
    it('tell of an event that came after a later one about the same thing, and of which thing', async () => {
      await store.capture([commission(0, packs(1, 2)), observe(5, packOf(1))]);
      await store.capture([observe(3, packs(1, 2))]);
      expect(await store.findings()).toEqual([{ code: 'EV-LATE', seq: 2, state: 'open', things: ['01/09520123000110/21/P1'] }]);
    });

    it('tell of a clock that is more than five minutes ahead', async () => {
      const early = await storeOf(engine, { clock: () => START });
      await early.capture([commission(5, packOf(1)), commission(5.01, packOf(2))]);
      expect(await early.findings()).toMatchObject([{ code: 'EV-FUTURE', seq: 1 }]);
      await early.close();
    });

    it('tell of a breach that the official schemas let pass', async () => {
      const sensed = observe(
        0,
        packOf(1),
        {},
        {
          sensorElementList: [
            {
              sensorMetadata: { time: '2026-03-01T08:00:00Z' },
              sensorReport: [{ type: 'Temperature', value: 5, uom: 'CEL', time: '2026-03-01T08:00:00Z' }],
            },
          ],
        },
      );
      await store.capture([commission(-1, packOf(1)), sensed]);
      expect(await codes()).toEqual(['EV-RULE']);
    });

    it('give an unknown child fifteen minutes until its finding is due, and close with its commissioning (C-5)', async () => {
      await store.capture([pack(1, caseOf(1), packOf(1))]);
      const recorded = (START + 86_400_000) * 1000;
      expect(await store.rows('SELECT code, due FROM finding')).toEqual([
        { code: 'AGG-UNKNOWN-CHILD', due: recorded + 15 * 60 * 1_000_000 },
      ]);
      await store.capture([commission(0, packOf(1))]);
      expect(await store.rows("SELECT state FROM finding WHERE code = 'AGG-UNKNOWN-CHILD'")).toEqual([{ state: 'closed' }]);
    });

    it('leave no closed finding of what was put right within its own document', async () => {
      await store.capture([pack(1, caseOf(1), packOf(1)), commission(0, packOf(1))]);
      expect(await codes()).toEqual(['EV-LATE']);
    });
  });

  describe('events out of order', () => {
    const story = [
      commission(0, packs(1, 40), { lot: 'L1', site: 1 }),
      pack(1, caseOf(1), packs(1, 20)),
      pack(1, caseOf(2), packs(21, 40)),
      pack(2, palletOf(1), [caseOf(1), caseOf(2)]),
      ship(3, palletOf(1), { from: 1, to: 2, site: 1 }),
      receive(4, palletOf(1), { from: 1, to: 2, site: 2 }),
      unpackAll(5, palletOf(1), { site: 2 }),
      unpackAll(6, caseOf(1), { site: 2 }),
    ];
    const alone = async (events: readonly Json[]) => {
      const other = await storeOf(engine);
      await other.capture(events);
      const dump = await other.stateDump();
      await other.close();
      return dump;
    };

    it('come out as in order: a receipt of the pallet that arrives after it was unpacked reaches every pack', async () => {
      const late = story[5] as Json;
      await store.capture(story.filter((event) => event !== late));
      await store.capture([late]);
      expect(await store.stateDump()).toEqual(await alone(story));
      expect(
        await store.rows("SELECT count(*) AS n FROM item i JOIN term t ON t.id = i.holder WHERE t.text = '414/9520123000028'"),
      ).toEqual([{ n: 23 }]);
    });

    it('come out as in order when a whole day arrives backwards, an event a document', async () => {
      for (const event of [...story].reverse()) await store.capture([event]);
      expect(await store.stateDump()).toEqual(await alone(story));
    });

    it('are put back when one is declared erroneous, and what was known before stays on record', async () => {
      const wrong = withID(unpackAll(2.5, palletOf(1)), 1);
      await store.capture(story);
      await store.capture([wrong]);
      await store.capture([declareError(wrong)]);
      expect(await store.stateDump()).toEqual(await alone(story));
      // The two cases left at 5, for a while it was known that they had left at 2.5, and now it is 5 again.
      const past = await store.rows('SELECT to_time, known_seq, until_seq FROM containment_past ORDER BY child, known_seq');
      const at = (minutes: number) => START + minutes * 60_000;
      const twice = [
        { to_time: at(5), known_seq: 0, until_seq: 8 },
        { to_time: at(2.5), known_seq: 8, until_seq: 9 },
      ];
      expect(past).toEqual([...twice, ...twice]);
    });

    it('need not be folded again for another claim of a lot', async () => {
      await store.capture([commission(10, packOf(1), { lot: 'L1', expiry: '2029-01-31' })]);
      await store.capture([commission(5, packOf(2), { lot: 'L1', expiry: '2028-01-31' })]);
      expect(await store.findings()).toEqual([]);
      expect((await store.stateDump()).lots['01/09520123000110/10/L1']).toMatchObject({ expiry: '2028-01-31' });
    });
  });

  describe('size', () => {
    it.runIf(engine === 'sqlite' || LONG)(
      'is no matter: 100,000 serials in one event, then one event about all of them, then its error declaration',
      {
        timeout: 120_000,
      },
      async () => {
        const all = packs(1, 100_000);
        const made = await store.capture([commission(0, all, { lot: 'L1', expiry: '2028-01-31', site: 1 })]);
        expect(made).toMatchObject({ success: true, stored: 1 });
        const wrong = withID(observe(1, all, { step: 'holding' }), eventID(1));
        await store.capture([wrong]);
        expect(await store.rows('SELECT status, count(*) AS n FROM item GROUP BY status')).toEqual([{ status: 10, n: 100_000 }]);
        await store.capture([declareError(wrong)]);
        expect(await store.rows('SELECT status, lot, count(*) AS n FROM item GROUP BY status, lot')).toEqual([
          { status: 0, lot: 1, n: 100_000 },
        ]);
        expect(await codes()).toEqual([]);
      },
    );
  });
});

describe('an embedded store', () => {
  it('goes on with the log after the store is opened again', async () => {
    const first = await openTestStore();
    await first.capture([commission(0, packOf(1))]);
    await first.capturer.close();
    const again = await openTestStore({ folder: first.folder });
    await again.capture([commission(1, packOf(2))]);
    const never = await memoryStore();
    await never.capture([commission(0, packOf(1))]);
    await never.capture([commission(1, packOf(2))]);
    expect(again.rows('SELECT size FROM checkpoint ORDER BY size')).toEqual([{ size: 1 }, { size: 2 }]);
    expect(again.rows('SELECT leaf_hash FROM entry')).toEqual(never.rows('SELECT leaf_hash FROM entry'));
    expect(again.rows('SELECT text FROM checkpoint WHERE size = 2')).toEqual(never.rows('SELECT text FROM checkpoint WHERE size = 2'));
    await again.close();
    await never.close();
    rmSync(first.folder, { recursive: true });
  });
});
