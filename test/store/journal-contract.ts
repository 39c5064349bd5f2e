import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Journal } from '../../src/store/journal.ts';
import type {
  EventRow,
  FindingRow,
  FindingThing,
  IntervalRow,
  KeyRow,
  NewThing,
  QueryRow,
  SubscriptionRow,
  ThingRow,
} from '../../src/store/rows.ts';
import type { Opened } from './engines.ts';

const digestOf = (text: string): Uint8Array => new Uint8Array(createHash('sha256').update(text).digest());
/** As large as our numbers become. */
const MOST = Number.MAX_SAFE_INTEGER;
/** Texts that a driver, an array or a COPY might take for something else. */
const ODD = [
  '',
  ' ',
  'NULL',
  'null',
  '\\N',
  '\\.',
  '{a,b}',
  '"',
  "'",
  'a"b\\c',
  'tab\there',
  'line\nand\rreturn',
  'é',
  'Ünï',
  '\u{10FFFF}',
  '\uFFFD',
  '$1',
  '--',
];

export const thing = (node: number, more: Partial<NewThing> = {}): NewThing => ({
  node, class: 1, lot: null, expiry: null, parent: null, entered_seq: null, status: null, status_seq: null, before: null, before_seq: null, disposition: null,
  disposition_seq: null, holder: null, owner: null, custody_seq: null, place: null, place_seq: null, last_seq: null, claim_seq: null, flags: 0,
  persistent: null, balance: null, name: `n${node}`, ...more,
}); // biome-ignore format: in the order of the row
const bare = ({ name: _name, ...row }: NewThing): ThingRow => row;

export const event = (seq: number, more: Partial<EventRow> = {}): EventRow => ({
  seq, type: 1, action: 0, time: 1_000 + seq, below: '', rank: 0, utc_offset: '+00:00', event_id: null, hash: digestOf(`hash ${seq}`),
  digest: digestOf(`digest ${seq}`), biz_step: null, disposition: null, read_point: null, biz_location: null, parent: null, transformation: null, declares: 0,
  void_seq: null, twin_of: null, facts: '{}', rules: 1, ...more,
}); // biome-ignore format: in the order of the row
const known = ({ seq, event_id, hash, digest, declares, void_seq, twin_of }: EventRow) => ({
  seq,
  event_id,
  hash,
  digest,
  declares,
  void_seq,
  twin_of,
});

export const stay = (child: number, parent: number, more: Partial<IntervalRow> = {}): IntervalRow => ({
  child, from_seq: 1, parent, kind: 0, uom: '', quantity: null, to_time: null, to_seq: null, inferred: 0, known_seq: 1, ...more,
}); // biome-ignore format: in the order of the row

export const finding = (code: string, seq: number, more: Partial<FindingRow> = {}): FindingRow => ({
  code,
  seq,
  severity: 'major',
  opened: 10,
  due: null,
  ...more,
});
export const about = (code: string, seq: number, node: number, other = -1): FindingThing => ({ code, seq, node, other });

const entry = (seq: number) => ({
  seq, kind: 'event', record_time: 1_700_000_000_000_000 + seq, actor: 'k_1', capture: 1, event_hash: digestOf('e'), body_digest: digestOf('b'),
  payload_digest: null, leaf_hash: digestOf(`leaf ${seq}`), encoding: 0, body: Buffer.from([0, 1, 255, seq % 256]),
}); // biome-ignore format: in the order of the row

const byNumber = (a: number, b: number) => a - b;
const of = (classId: number, names: readonly string[]) => new Map([[classId, names]]);

/** Rows in an order of their own, where the journal promises none. */
const byText = <T extends object>(list: readonly T[]): T[] => {
  const textOf = (row: T) => JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
  return [...list].sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
};
export const range = <T>(count: number, of: (n: number) => T): T[] => Array.from({ length: count }, (_, i) => of(i + 1));
/** What a driver gives as bytes of its own kind, as plain ones. */
const plain = <T>(rows: readonly T[]): T[] =>
  rows.map(
    (row) =>
      Object.fromEntries(
        Object.entries(row as object).map(([name, value]) => [
          name,
          value instanceof Uint8Array ? new Uint8Array(value) : (value as unknown),
        ]),
      ) as T,
  );

/** What every engine's journal does alike (src/store/journal.ts). */
export function describeJournalContract(name: string, open: () => Promise<Opened>): void {
  describe(`the journal on ${name}`, () => {
    let store: Opened;
    let journal: Journal;
    beforeAll(async () => {
      store = await open();
    });
    afterAll(async () => await store.close());
    beforeEach(async () => {
      journal = await store.emptied();
      await journal.begin();
    });
    const count = async (table: string) => (await store.rows(`SELECT count(*) AS n FROM ${table}`))[0]?.['n'];
    const rows = async (sql: string) => plain(await store.rows(sql));
    /** Rows can be looked at from outside when they are committed. */
    const committed = async (sql: string) => {
      await journal.commit();
      const found = await rows(sql);
      await journal.begin();
      return found;
    };

    describe('in transactions', () => {
      it('keeps all that was committed and nothing of what was taken back, and gives ids anew from there', async () => {
        expect(await journal.terms(['kept'])).toEqual([1]);
        await journal.insertThings([thing(journal.nextItem()), thing(journal.nextLot())]);
        await journal.commit();
        await journal.begin();
        expect(await journal.terms(['gone', 'kept'])).toEqual([2, 1]);
        expect(await journal.classes(['01/1'])).toEqual([1]);
        await journal.insertThings([thing(journal.nextItem()), thing(journal.nextLot())]);
        await journal.appendEntries([entry(0)]);
        await journal.addFindings([finding('A', 0)], []);
        expect([journal.nextItem(), journal.nextLot(), journal.nextCapture(), await journal.size()]).toEqual([3, -3, 1, 1]);
        await journal.rollback();
        await journal.begin();
        expect([journal.nextItem(), journal.nextLot(), journal.nextCapture(), await journal.size()]).toEqual([2, -2, 1, 0]);
        expect(await journal.terms(['new', 'kept', 'gone'])).toEqual([2, 1, 3]);
        expect(await journal.classes(['01/2'])).toEqual([1]);
        await journal.addFindings([finding('A', 0)], []);
        await journal.commit();
        expect([await count('item'), await count('lot'), await count('entry')]).toEqual([1, 1, 0]);
        expect(await rows('SELECT id, text FROM term ORDER BY id')).toEqual([
          { id: 1, text: 'kept' },
          { id: 2, text: 'new' },
          { id: 3, text: 'gone' },
        ]);
        expect(await rows('SELECT id FROM finding')).toEqual([{ id: 1 }]);
      });

      it('undoes one document and goes on with the next under the ids that are free again', async () => {
        await journal.terms(['before']);
        await journal.savepoint('document');
        await journal.terms(['undone']);
        await journal.classes(['01/1']);
        const [item, lot, capture] = [journal.nextItem(), journal.nextLot(), journal.nextCapture()];
        await journal.insertThings([thing(item), thing(lot)]);
        await journal.insertEvents([event(0)], [[item, 0, 0]], [{ lot: -lot, seq: 0, role: 0, quantity: 1, uom: null }], []);
        await journal.appendEntries([entry(0)]);
        await journal.putJobs([{ ...JOB, id: 1, capture_id: 'undone' }]);
        await journal.undo('document');
        expect([journal.nextItem(), journal.nextLot(), journal.nextCapture(), await journal.size()]).toEqual([item, lot, capture, 0]);
        expect(await journal.knownClasses(['01/1'])).toEqual([null]);
        expect(await journal.terms(['next', 'before'])).toEqual([2, 1]);
        expect(await journal.events([0])).toEqual([]);
        await journal.putJobs([{ ...JOB, id: 2, capture_id: 'next' }]);
        await journal.commit();
        expect([await count('item'), await count('lot'), await count('event'), await count('entry')]).toEqual([0, 0, 0, 0]);
        expect(await rows('SELECT capture_id FROM capture_job')).toEqual([{ capture_id: 'next' }]);
      });

      it('undoes one event of a document that stays', async () => {
        await journal.savepoint('document');
        await journal.terms(['of the document']);
        await journal.savepoint('event');
        await journal.terms(['of the event']);
        await journal.undo('event');
        await journal.savepoint('event');
        await journal.terms(['of the next event']);
        await journal.release('event');
        await journal.release('document');
        expect(await committed('SELECT id, text FROM term ORDER BY id')).toEqual([
          { id: 1, text: 'of the document' },
          { id: 2, text: 'of the next event' },
        ]);
      });

      it('undoes a document whose events were released', async () => {
        await journal.savepoint('document');
        await journal.savepoint('event');
        await journal.terms(['one']);
        await journal.release('event');
        await journal.undo('document');
        expect(await committed('SELECT * FROM term')).toEqual([]);
      });

      it('takes savepoints between which nothing happens', async () => {
        await journal.savepoint('document');
        await journal.savepoint('event');
        await journal.undo('event');
        await journal.release('document');
        await journal.savepoint('document');
        await journal.undo('document');
        expect(await journal.terms(['one'])).toEqual([1]);
        await journal.savepoint('document');
        await journal.release('document');
        await journal.commit();
        expect(await count('term')).toBe(1);
      });

      it('goes on after a statement that failed, once that is undone', async () => {
        await journal.insertThings([thing(1)]);
        await journal.savepoint('document');
        await journal.insertThings([thing(2)]);
        await expect(async () => await journal.insertThings([thing(1, { name: 'another' })])).rejects.toThrow();
        await journal.undo('document');
        await journal.insertThings([thing(3)]);
        expect(await committed('SELECT id FROM item ORDER BY id')).toEqual([{ id: 1 }, { id: 3 }]);
      });

      it('takes all back after a statement that failed, and begins anew', async () => {
        await journal.savepoint('document');
        await journal.insertThings([thing(1)]);
        await expect(async () => await journal.insertThings([thing(1)])).rejects.toThrow();
        await journal.rollback();
        await journal.begin();
        await journal.insertThings([thing(2)]);
        expect(await committed('SELECT id FROM item')).toEqual([{ id: 2 }]);
      });

      it('refuses a serial that is taken, be it one among thousands', async () => {
        await journal.insertThings([thing(1, { name: 'same' })]);
        await journal.savepoint('document');
        const many = range(3_000, (n) => thing(n + 1, { name: n === 2_000 ? 'same' : `n${n}` }));
        await expect(async () => await journal.insertThings(many)).rejects.toThrow();
        await journal.undo('document');
        expect(await committed('SELECT id FROM item')).toEqual([{ id: 1 }]);
      });

      it('goes on counting where it stopped when it is opened again', async () => {
        await journal.terms(['a', 'b']);
        await journal.classes(['01/1']);
        await journal.insertThings([thing(journal.nextItem()), thing(journal.nextItem()), thing(journal.nextLot())]);
        await journal.putPayloads([{ ...PAYLOAD, capture: journal.nextCapture() }]);
        await journal.appendEntries([entry(0), entry(1)]);
        await journal.addFindings([finding('A', 0), finding('B', 0)], []);
        await journal.putStays([stay(1, 2)]);
        await journal.retireStays([stay(1, 2)], 5);
        await journal.commit();
        journal = await store.opened();
        await journal.begin();
        expect([await journal.size(), await journal.lastRecordTime()]).toEqual([2, entry(1).record_time]);
        expect([journal.nextItem(), journal.nextLot(), journal.nextCapture()]).toEqual([3, -2, 2]);
        expect([await journal.terms(['c', 'a']), await journal.classes(['01/2', '01/1'])]).toEqual([
          [3, 1],
          [2, 1],
        ]);
        await journal.addFindings([finding('C', 0)], []);
        await journal.putStays([stay(1, 2)]);
        await journal.retireStays([stay(1, 2)], 5);
        await journal.commit();
        expect(await rows('SELECT id, code FROM finding ORDER BY id')).toEqual([
          { id: 1, code: 'A' },
          { id: 2, code: 'B' },
          { id: 3, code: 'C' },
        ]);
        expect(await rows('SELECT id FROM containment_past ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }]);
      });
    });

    describe('with words and classes', () => {
      it('gives ids in the order of first mention, one to a text, and gives texts back as they were', async () => {
        expect(await journal.terms(['b', 'a', 'b', 'c'])).toEqual([1, 2, 1, 3]);
        expect(await journal.terms(['d', 'a', 'e'])).toEqual([4, 2, 5]);
        const ids = await journal.terms(ODD);
        expect(new Set(ids).size).toBe(ODD.length);
        await journal.commit();
        journal = await store.opened();
        await journal.begin();
        expect(await journal.termTexts([...ids, 999, 2, 2])).toEqual([...ODD, null, 'a', 'a']);
        expect(await journal.terms(ODD)).toEqual(ids);
      });

      it('keeps words far longer than an index entry apart', async () => {
        const long = (end: string) => 'x'.repeat(100_000) + end;
        expect(await journal.terms([long('1'), long('2'), long('1')])).toEqual([1, 2, 1]);
        await journal.commit();
        journal = await store.opened();
        await journal.begin();
        expect(await journal.terms([long('2')])).toEqual([2]);
        expect(await journal.termTexts([1])).toEqual([long('1')]);
      });

      it('tells classes that it has and makes those it has not', async () => {
        expect(await journal.knownClasses(['01/1'])).toEqual([null]);
        expect(await journal.classes(['01/1', 'uri', '01/1'])).toEqual([1, 2, 1]);
        await journal.commit();
        journal = await store.opened();
        await journal.begin();
        expect(await journal.knownClasses(['uri', 'x', '01/1'])).toEqual([2, null, 1]);
        expect(await journal.classKeys([2, 1, 2])).toEqual(['uri', '01/1', 'uri']);
      });
    });

    describe('with things', () => {
      const whole = (node: number, name: string): NewThing =>
        thing(node, {
          name, class: 7, lot: node > 0 ? -9 : null, expiry: 11, parent: node > 0 ? MOST : null, entered_seq: MOST - 1, status: 3, status_seq: 13, before: 2,
          before_seq: 14, disposition: 15, disposition_seq: 16, holder: 17, owner: 18, custody_seq: 19, place: 20, place_seq: 21, last_seq: 22, claim_seq: 23,
          flags: 5, persistent: '[["recalled",4]]', balance: node > 0 ? null : '{"in":{"KGM":1}}',
        }); // biome-ignore format: in the order of the row

      it('finds items and lots by class and name, and by node, with all that is known of them', async () => {
        const all = [
          whole(1, 'S1'),
          whole(-1, 'L1'),
          thing(2, { class: 7 }),
          thing(-2, { class: 7, name: '' }),
          thing(3, { class: 8, name: 'S1' }),
        ];
        await journal.insertThings(all);
        expect(byText(await journal.itemsByName(of(7, ['S1', 'unknown', 'n2'])))).toEqual(byText([all[0], all[2]] as NewThing[]));
        expect(byText(await journal.lotsByName(of(7, ['L1', '', 'S1'])))).toEqual(byText([all[1], all[3]] as NewThing[]));
        expect(await journal.itemsByName(of(9, ['S1']))).toEqual([]);
        expect(byText(await journal.itemsByName(new Map([[7, ['S1', 'n2']], [8, ['S1', 'n2']], [9, ['S1']]])))).toEqual(byText([all[0], all[2], all[4]] as NewThing[])); // biome-ignore format: one question
        expect(byText(await journal.lotsByName(new Map([[7, ['L1']], [8, ['L1']]])))).toEqual([all[1]]); // biome-ignore format: one question
        expect(byText(await journal.things([1, -1, -2, 99, -99]))).toEqual(
          byText([all[0], all[1], all[3]].map((t) => bare(t as NewThing))),
        );
      });

      it('keeps every name as it was written', async () => {
        await journal.insertThings(ODD.flatMap((name, i) => [thing(i + 1, { name }), thing(-i - 1, { name })]));
        const items = await journal.itemsByName(of(1, ODD));
        expect(items.map((t) => [t.node, t.name]).sort((a, b) => (a[0] as number) - (b[0] as number))).toEqual(
          ODD.map((name, i) => [i + 1, name]),
        );
        const lots = await journal.lotsByName(of(1, ODD));
        expect(lots.map((t) => [t.node, t.name]).sort((a, b) => (b[0] as number) - (a[0] as number))).toEqual(
          ODD.map((name, i) => [-i - 1, name]),
        );
      });

      it('takes names of 2,048 bytes, in whatever letters', async () => {
        const names = [
          'x'.repeat(2_048),
          '\u{10FFFF}'.repeat(512),
          Array.from({ length: 64 }, (_, i) => digestOf(`${i}`))
            .map((d) => Buffer.from(d).toString('base64url').slice(0, 32))
            .join(''),
        ];
        await journal.insertThings(names.flatMap((name, i) => [thing(i + 1, { name }), thing(-i - 1, { name })]));
        await journal.classes(names);
        expect((await journal.itemsByName(of(1, names))).length + (await journal.lotsByName(of(1, names))).length).toBe(6);
      });

      it('sorts by bytes, as codes of countries and capitals must not', async () => {
        const names = ['b', 'B', 'a', 'Z', 'é', '\uFFFD', '\u{10FFFF}', '_', '10', '9', 'aB', 'a-', 'ab'];
        await journal.insertThings(names.map((name, i) => thing(i + 1, { name })));
        const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        expect((await committed('SELECT serial FROM item_name ORDER BY serial')).map((row) => row['serial'])).toEqual(sorted);
      });

      it('changes what is known of things, and nothing else', async () => {
        await journal.insertThings([
          thing(1, { class: 7, name: 'S1' }),
          thing(2, { class: 7 }),
          thing(-1, { class: 7, name: 'L1' }),
          thing(-2, { class: 7 }),
        ]);
        await journal.updateThings([bare(whole(1, '')), bare(whole(-1, ''))]);
        expect(await journal.itemsByName(of(7, ['S1']))).toEqual([whole(1, 'S1')]);
        expect(await journal.lotsByName(of(7, ['L1']))).toEqual([whole(-1, 'L1')]);
        expect(await journal.things([2])).toEqual([bare(thing(2, { class: 7 }))]);
        expect(await journal.things([-2])).toEqual([bare(thing(-2, { class: 7 }))]);
        await journal.updateThings([bare(thing(1, { class: 7 }))]);
        expect(await journal.things([1])).toEqual([bare(thing(1, { class: 7 }))]);
      });

      it('tells the containers above things, each once, up to the top', async () => {
        await journal.insertThings([
          thing(1, { parent: 3 }),
          thing(2, { parent: 3 }),
          thing(3, { parent: 4 }),
          thing(4),
          thing(5),
          thing(6, { parent: 4 }),
        ]);
        expect((await journal.containers([1, 2, 5, 6])).map((t) => t.node).sort(byNumber)).toEqual([3, 4]);
        expect(await journal.containers([4, 5])).toEqual([]);
      });

      it('comes to an end where containers are inside each other', async () => {
        await journal.insertThings([thing(1, { parent: 2 }), thing(2, { parent: 1 })]);
        expect((await journal.containers([1])).map((t) => t.node).sort(byNumber)).toEqual([1, 2]);
      });

      it('tells what is inside now: items packed on one side, lots and associated parts on the other', async () => {
        await journal.insertThings([thing(1), thing(2), thing(3), thing(4)]);
        const loose = [stay(-7, 9, { uom: 'KGM', quantity: 2.5 }), stay(3, 9, { kind: 1 })];
        const ended = { to_time: 5, to_seq: 5 };
        await journal.putStays([
          stay(1, 9),
          stay(2, 9, ended),
          stay(4, 8),
          ...loose,
          stay(-8, 9, ended),
          stay(4, 9, { kind: 1, ...ended }),
        ]);
        expect(await journal.content([9])).toEqual([bare(thing(1))]);
        expect((await journal.content([9, 8])).map((t) => t.node).sort(byNumber)).toEqual([1, 4]);
        expect(byText(await journal.looseContent([9, 8]))).toEqual(byText(loose));
      });
    });

    describe('with events', () => {
      it('gives an event back as it was put down', async () => {
        const full = event(MOST, {
          type: 70_000, action: 2, time: -62_000_000_000_000, below: '123456789', rank: 5, utc_offset: '-05:30', event_id: 'urn:uuid:\u{10FFFF}', biz_step: 1,
          disposition: 2, read_point: 3, biz_location: 4, parent: 5, transformation: 6, declares: 1, void_seq: 7, twin_of: 8, facts: '{"x":"2028-01-31"}',
        }); // biome-ignore format: in the order of the row
        await journal.insertEvents([event(0), full], [], [], []);
        expect(plain(await journal.events([MOST, 5]))).toEqual([full]);
        expect(plain(await journal.events([0]))).toEqual([event(0)]);
      });

      it('knows events by content, name, hash and original, each once and in order', async () => {
        const one = event(1, { event_id: 'urn:one' });
        const two = event(2, { event_id: 'urn:one', hash: one.hash, twin_of: 1 });
        const three = event(3, { digest: one.digest, void_seq: 9 });
        await journal.insertEvents([three, two, one], [], [], []);
        expect(plain(await journal.knownEvents({ digests: [one.digest, digestOf('none')] }))).toEqual([one, three].map(known));
        expect(plain(await journal.knownEvents({ eventIDs: ['urn:one', 'urn:none'] }))).toEqual([one, two].map(known));
        expect(plain(await journal.knownEvents({ hashes: [one.hash, three.hash] }))).toEqual([one, two, three].map(known));
        expect(plain(await journal.knownEvents({ twinsOf: [1] }))).toEqual([two].map(known));
        const all = { digests: [one.digest], eventIDs: ['urn:one'], hashes: [one.hash], twinsOf: [1] };
        expect(plain(await journal.knownEvents(all))).toEqual([one, two, three].map(known));
      });

      it('marks events as voided, and twins as such and as no longer such', async () => {
        await journal.insertEvents([event(1), event(2), event(3)], [], [], []);
        await journal.setVoid([1, 3], 4);
        await journal.setTwin(2, 1);
        expect((await journal.events([1, 2, 3])).map((e) => [e.seq, e.void_seq, e.twin_of])).toEqual([
          [1, 4, null],
          [2, null, 1],
          [3, 4, null],
        ]);
        await journal.setTwin(2, null);
        expect((await journal.events([2]))[0]?.twin_of).toBeNull();
      });

      it('notes a thing once in a role, however often an event names it there', async () => {
        await journal.insertEvents([event(1), event(2)], [[5, 1, 0], [5, 1, 0], [5, 1, 1], [5, 2, 0], [6, 1, 0], [5, 1, 0]], [], []); // biome-ignore format: a list
        const noted = await committed('SELECT item, seq, role FROM event_item ORDER BY item, seq, role');
        expect(noted.map(({ item, seq, role }) => [item, seq, role])).toEqual([
          [5, 1, 0],
          [5, 1, 1],
          [5, 2, 0],
          [6, 1, 0],
        ]);
      });

      it('keeps the fields of an event as they are told, few or many', async () => {
        const odd = ODD.map((key, i) => ({ field: i, key, seq: 1, part: 0 }));
        const many = Array.from({ length: 300 }, (_, i) => ({ field: 7, key: `n${i}`, seq: MOST, part: i }));
        await journal.insertEvents([event(1)], [], [], [], odd);
        await journal.insertEvents([event(MOST)], [], [], [], many);
        const told = await committed('SELECT field, key, seq, part FROM event_field ORDER BY seq, field, part');
        expect(told.map(({ field, key, seq, part }) => ({ field, key, seq, part }))).toEqual([...odd, ...many]);
      });

      it('adds up what an event states of a lot in one unit, and keeps no quantity of several', async () => {
        const part = (lot: number, quantity: number | null, uom: string | null) => ({ lot, seq: 1, role: 0, quantity, uom });
        const parts = [part(1, 0.1, 'KGM'), part(1, 0.2, 'KGM'), part(2, 1, 'KGM'), part(2, 1, 'GRM'), part(3, 1, null), part(3, 2, null)];
        const odd = [
          part(8, -0, null),
          part(4, 1, 'KGM'),
          part(4, null, 'KGM'),
          part(4, 1, 'KGM'),
          part(5, null, null),
          part(6, MOST, 'KGM'),
          part(7, 1, null),
          part(7, 1, 'KGM'),
          part(7, 1, null),
        ];
        const lines = [...parts, ...odd].map(({ lot, ...of }) => ({
          ...of,
          role: undefined,
          transformation: 1,
          side: 1 as const,
          node: -lot,
        }));
        await journal.insertEvents([event(1)], [], [...parts, ...odd], lines);
        const sums = [[1, 0.1 + 0.2, 'KGM'], [2, null, 'KGM'], [3, 3, null], [4, null, 'KGM'], [5, null, null], [6, MOST, 'KGM'], [7, null, null], [8, 0, null]]; // biome-ignore format: a table
        const told = await committed('SELECT lot, quantity, uom FROM event_lot ORDER BY lot');
        expect(told.map(({ lot, quantity, uom }) => [lot, quantity, uom])).toEqual(sums);
        const lineage = await committed('SELECT -node AS lot, quantity, uom FROM lineage ORDER BY 1');
        expect(lineage.map(({ lot, quantity, uom }) => [lot, quantity, uom])).toEqual(sums);
      });

      it('tells the histories of things and lots, of effective events alone', async () => {
        const events = [event(1), event(2, { void_seq: 9 }), event(3, { twin_of: 1 }), event(4, { declares: 1 }), event(5)];
        await journal.insertEvents(
          events,
          events.map((e) => [1, e.seq, 2] as const),
          events.map((e) => ({ lot: 1, seq: e.seq, role: 3, quantity: 1, uom: null })),
          [],
        );
        const told = [1, 5].flatMap((seq) => [{ node: 1, seq, role: 2 }, { node: -1, seq, role: 3 }]); // biome-ignore format: a pair
        expect(byText(await journal.histories([1, -1, 2, -2]))).toEqual(byText(told));
        expect(byText(await journal.histories([1]))).toEqual(byText(told.filter((t) => t.node === 1)));
        expect(byText(await journal.histories([-1]))).toEqual(byText(told.filter((t) => t.node === -1)));
      });

      it('tells of all that state a lot only the first by order that states an expiry, else the first', async () => {
        const events = [
          event(1, { time: 50 }),
          event(2, { time: 40, facts: '{"x":"2028-01-31"}' }),
          event(3, { time: 30, facts: '{"x":"2028-01-31"}', void_seq: 9 }),
          event(4, { time: 40, below: '1', facts: '{"x":"2028-01-31"}' }),
          event(5, { time: 20 }),
          event(6, { time: 10 }),
        ];
        const claim = (lot: number, seq: number) => ({ lot, seq, role: 5, quantity: null, uom: null });
        await journal.insertEvents(
          events,
          [],
          [...[1, 2, 3, 4, 5].map((seq) => claim(1, seq)), ...[1, 5].map((seq) => claim(2, seq)), claim(3, 3)],
          [],
        );
        expect(byText(await journal.histories([-1, -2, -3]))).toEqual(
          byText([
            { node: -1, seq: 2, role: 5 },
            { node: -2, seq: 5, role: 5 },
          ]),
        );
      });

      it('tells what was inside since a time, and whether that is told of it', async () => {
        const [inside, known_, used] = [thing(1), thing(2, { flags: 1 }), thing(3, { flags: 4 })];
        await journal.insertThings([inside, known_, used, thing(4), thing(5)]);
        await journal.putStays([
          stay(1, 9),
          stay(2, 9),
          stay(3, 9),
          stay(4, 9, { to_time: 99, to_seq: 2 }),
          stay(5, 9, { to_time: 100, to_seq: 3 }),
          stay(-6, 9),
          stay(5, 9, { kind: 1 }),
        ]);
        const two = { child: 2, told: 0 };
        const three = { child: 3, told: 1 };
        const five = { child: 5, told: 1 };
        expect(byText(await journal.staysSince([9], 100))).toEqual(byText([two, three, five]));
        expect(byText(await journal.staysSince([9], 101))).toEqual(byText([two, three]));
        expect(byText(await journal.staysSince([9], 100, true))).toEqual(byText([{ child: 1, told: 0 }, two, three, five]));
        expect(await journal.staysSince([8], 0, true)).toEqual([]);
      });

      it('tells for which things an event has arrived late', async () => {
        const late = event(10, { time: 50, below: '5', rank: 2 });
        const before = [
          event(1, { time: 50, below: '6' }),
          event(2, { time: 50, below: '5', rank: 3 }),
          event(3, { time: 50, below: '5', rank: 1 }),
          event(4, { time: 60, void_seq: 9 }),
        ];
        const same = [event(5, { ...late, seq: 5, digest: digestOf('lower'), hash: digestOf('5') }), event(11, { time: 70 })];
        await journal.insertEvents(
          [late, ...before, ...same],
          [1, 2, 3, 4, 5, 11].map((seq) => [seq, seq, 0] as const),
          [],
          [],
        );
        const after = Buffer.compare(digestOf('lower'), late.digest) > 0;
        expect((await journal.lateFor(10, [1, 2, 3, 4, 5, 11, 12, 1])).sort(byNumber)).toEqual(after ? [1, 2, 5] : [1, 2]);
      });

      it('tells which containers had a child inside at an event', async () => {
        await journal.insertEvents(
          [event(1, { time: 10 }), event(2, { time: 20 }), event(3, { time: 30 }), event(4, { time: 20, rank: 1 })],
          [],
          [],
          [],
        );
        const from = (child: number, parent: number, from_seq: number, more: Partial<IntervalRow> = {}) =>
          stay(child, parent, { from_seq, ...more });
        await journal.putStays([
          from(1, 101, 1),
          from(2, 102, 1, { to_seq: 3, to_time: 30 }),
          from(3, 103, 1, { to_seq: 2, to_time: 20 }),
          from(4, 104, 3),
          from(5, 105, 4),
          from(6, 106, 1, { kind: 1 }),
          from(7, 107, 1, { to_seq: 4, to_time: 20 }),
        ]);
        expect((await journal.holding(2, [101, 102, 103, 104, 105, 106, 107, 108])).sort(byNumber)).toEqual([101, 102, 107]);
      });
    });

    describe('with stays', () => {
      it('finds stays of children, and the loose ones in parents', async () => {
        const [packed, associated, lot] = [
          stay(1, 9, { to_time: 4, to_seq: 4 }),
          stay(1, 9, { kind: 1 }),
          stay(-3, 9, { uom: 'KGM', quantity: 0.5 }),
        ];
        await journal.putStays([packed, associated, lot, stay(2, 9)]);
        expect(await journal.stays({ children: [1] })).toEqual([packed]);
        expect(byText(await journal.stays({ looseParents: [9] }))).toEqual(byText([associated, lot]));
        expect(byText(await journal.stays({ children: [1], looseParents: [9] }))).toEqual(byText([packed, associated, lot]));
      });

      it('ends a stay that is there, and keeps since when it is known', async () => {
        await journal.putStays([stay(1, 9, { known_seq: 1 })]);
        await journal.putStays([stay(1, 9, { known_seq: 5, to_time: 20, to_seq: 5, inferred: 1, quantity: 3 })]);
        expect(await journal.stays({ children: [1] })).toEqual([
          stay(1, 9, { known_seq: 1, to_time: 20, to_seq: 5, inferred: 1, quantity: 3 }),
        ]);
      });

      it('takes the last of what is told of one stay at once', async () => {
        await journal.putStays([stay(1, 9, { known_seq: 1 }), stay(1, 9, { known_seq: 5, to_time: 20, to_seq: 5 })]);
        expect(await journal.stays({ children: [1] })).toEqual([stay(1, 9, { known_seq: 1, to_time: 20, to_seq: 5 })]);
      });

      it('keeps stays that are no longer so, unless they were never known', async () => {
        const stays = [
          stay(2, 9, { known_seq: 3 }),
          stay(1, 9, { known_seq: 7 }),
          stay(3, 9, { known_seq: 4, to_seq: 5, to_time: 5, quantity: 1.5, inferred: 1 }),
        ];
        await journal.putStays([...stays, stay(4, 9)]);
        await journal.retireStays(stays, 7);
        expect(await journal.stays({ children: [1, 2, 3, 4] })).toEqual([stay(4, 9)]);
        expect(await committed('SELECT * FROM containment_past ORDER BY id')).toEqual([
          { ...stays[0], id: 1, until_seq: 7 },
          { ...stays[2], id: 2, until_seq: 7 },
        ]);
      });
    });

    describe('with findings', () => {
      const all = async () =>
        await committed('SELECT id, code, seq, severity, state, opened, due, closed_seq, resolution FROM finding ORDER BY id');
      const row = (id: number, code: string, seq: number, more: object = {}) => ({
        id,
        code,
        seq,
        severity: 'major',
        state: 'open',
        opened: 10,
        due: null,
        closed_seq: null,
        resolution: null,
        ...more,
      });

      it('numbers new ones in the order given, and adds things to those that are there', async () => {
        await journal.addFindings([finding('B', 1), finding('A', 1, { due: 20, severity: 'minor' })], [about('B', 1, 5), about('A', 1, 5)]);
        await journal.addFindings(
          [finding('C', 1), finding('B', 1, { opened: 99 }), finding('A', 2), finding('C', 1)],
          [about('B', 1, 6), about('B', 1, 5), about('C', 1, -5), about('A', 2, 0, 7)],
        );
        expect(await all()).toEqual([row(1, 'B', 1), row(2, 'A', 1, { due: 20, severity: 'minor' }), row(3, 'C', 1), row(4, 'A', 2)]);
        expect(byText(await journal.findingThings(['A', 'B'], [5, -5, 0]))).toEqual(
          byText([about('B', 1, 5), about('A', 1, 5), about('A', 2, 0, 7)]),
        );
        expect(byText(await journal.findingsAt(['B', 'C'], [1, 2]))).toEqual(
          byText([about('B', 1, 5), about('B', 1, 6), about('C', 1, -5)]),
        );
      });

      it('closes a finding that is left without things, and opens it when it holds again', async () => {
        await journal.addFindings([finding('A', 1)], [about('A', 1, 5), about('A', 1, 6), about('A', 1, 6, 3)]);
        await journal.removeFindingThings([about('A', 1, 5)], 7);
        expect(await all()).toEqual([row(1, 'A', 1)]);
        await journal.removeFindingThings([about('A', 1, 6), about('A', 1, 6, 3)], 8);
        expect(await all()).toEqual([row(1, 'A', 1, { state: 'closed', closed_seq: 8 })]);
        await journal.addFindings([finding('A', 1)], [about('A', 1, 5)]);
        expect(await all()).toEqual([row(1, 'A', 1)]);
      });

      it('forgets a finding about an event that was never told, and gives its number to the next', async () => {
        await journal.addFindings(
          [finding('A', 1), finding('A', 5), finding('A', 6)],
          [about('A', 1, 5), about('A', 5, 5), about('A', 6, 5)],
        );
        await journal.removeFindingThings([about('A', 1, 5), about('A', 5, 5), about('A', 6, 5)], 5);
        await journal.addFindings([finding('B', 1)], [about('B', 1, 5)]);
        expect(await all()).toEqual([row(1, 'A', 1, { state: 'closed', closed_seq: 5 }), row(2, 'B', 1)]);
        expect(await journal.findingThings(['A', 'B'], [5])).toEqual([about('B', 1, 5)]);
      });

      it("leaves alone what a person's resolution says of a finding", async () => {
        await journal.addFindings([finding('A', 1), finding('B', 1)], [about('A', 1, 5), about('B', 1, 5)]);
        expect(await journal.resolveFinding('A', 1, 'closed', '{"by":"k"}', 3)).toBe(true);
        expect(await journal.resolveFinding('B', 1, 'open', '{"by":"k"}', 3)).toBe(true);
        expect(await journal.resolveFinding('A', 2, 'closed', null, 3)).toBe(false);
        await journal.addFindings([finding('A', 1)], [about('A', 1, 6)]);
        await journal.removeFindingThings([about('A', 1, 5), about('A', 1, 6), about('B', 1, 5)], 1);
        const resolution = '{"by":"k"}';
        expect(await all()).toEqual([
          row(1, 'A', 1, { state: 'closed', closed_seq: 3, resolution }),
          row(2, 'B', 1, { state: 'closed', closed_seq: 1, resolution }),
        ]);
      });
    });

    it('tells lineage around nodes and transformations, of effective events alone, in order', async () => {
      const line = (transformation: number, side: 0 | 1, node: number, seq = transformation) => ({
        transformation,
        side,
        node,
        seq,
        quantity: 1.5,
        uom: 'KGM',
      });
      const lines = [line(2, 1, -5), line(1, 1, -5), line(1, 0, 7), line(1, 0, -4), line(-3, 0, -5, 3), line(4, 0, -5)];
      const events = [event(1), event(2), event(3, { below: '5' }), event(4, { void_seq: 9 })];
      await journal.insertEvents(events, [], [], lines);
      const told = (...those: typeof lines) =>
        those.map((l) => {
          const { time, below, digest } = events[l.seq - 1] as EventRow;
          return { ...l, time, below, digest };
        });
      const [two, one, item, lot, third] = lines as [
        (typeof lines)[0],
        (typeof lines)[0],
        (typeof lines)[0],
        (typeof lines)[0],
        (typeof lines)[0],
      ];
      expect(plain(await journal.lineage({ nodes: [-5] }))).toEqual(told(third, one, two));
      expect(plain(await journal.lineage({ nodes: [-5, 7], side: 0 }))).toEqual(told(third, item));
      expect(plain(await journal.lineage({ transformations: [2, 1, 4] }))).toEqual(told(lot, item, one, two));
      expect(plain(await journal.lineage({ transformations: [1, 2], side: 1 }))).toEqual(told(one, two));
    });

    describe('with the log', () => {
      it('appends entries and knows how many there are and when the last came', async () => {
        expect([await journal.size(), await journal.lastRecordTime()]).toEqual([0, 0]);
        const other = {
          ...entry(1),
          kind: 'masterdata',
          capture: null,
          event_hash: null,
          payload_digest: digestOf('p'),
          encoding: 1,
          body: Buffer.alloc(0),
        };
        await journal.appendEntries([entry(0), other]);
        expect([await journal.size(), await journal.lastRecordTime()]).toEqual([2, other.record_time]);
        expect(await committed('SELECT * FROM entry ORDER BY seq')).toEqual(plain([entry(0), other]));
        expect([await journal.size(), await journal.lastRecordTime()]).toEqual([2, other.record_time]);
      });

      it('keeps tiles as they were last, and checkpoints', async () => {
        expect(await journal.tile(0, 3)).toBeNull();
        await journal.putTiles([{ level: 0, index: 3, hashes: digestOf('a') }, { level: 1, index: 0, hashes: digestOf('b') }]); // biome-ignore format: a pair
        await journal.putTiles([{ level: 0, index: 3, hashes: digestOf('c') }]);
        expect(Buffer.from((await journal.tile(0, 3)) as Uint8Array)).toEqual(Buffer.from(digestOf('c')));
        await journal.commit();
        await journal.begin();
        await journal.putTiles([{ level: 0, index: 3, hashes: digestOf('d') }]);
        await journal.putCheckpoint(4, 10, 'four\n');
        await journal.putCheckpoint(4, 11, 'four again\n');
        await journal.commit();
        journal = await store.opened();
        await journal.begin();
        expect(Buffer.from((await journal.tile(0, 3)) as Uint8Array)).toEqual(Buffer.from(digestOf('d')));
        expect(Buffer.from((await journal.tile(1, 0)) as Uint8Array)).toEqual(Buffer.from(digestOf('b')));
        expect(await rows('SELECT size, signed_at, text FROM checkpoint')).toEqual([{ size: 4, signed_at: 11, text: 'four again\n' }]);
      });

      it('keeps payloads, jobs, master data and keys', async () => {
        const payload = { ...PAYLOAD, gaps: Buffer.from([0, 10, 255]) };
        const key: KeyRow = {
          id: 'k_1',
          name: 'line "3"',
          roles: '["line"]',
          hash: digestOf('k'),
          created: 5,
          ended: null,
          sites: '["414/9520123000103"]',
        };
        const master = { type: 'urn:t', id: '414/1', seq: 3, attributes: '{}', children: '[]', sent: '["urn:x:1"]' };
        await journal.putPayloads([payload, { ...payload, capture: 2, capture_id: 'c2' }]);
        await journal.putJobs([JOB, { ...JOB, id: 2, capture_id: 'c2', success: 0, errors: '["\u{10FFFF}"]' }]);
        await journal.putMasterdata([master, { ...master, seq: 4 }, { ...master, seq: 4, attributes: '{"a":1}', sent: null }]);
        await journal.putKey(key);
        expect((await journal.endedJobs(['c2', 'none', 'c1'])).sort()).toEqual(['c1', 'c2']);
        await journal.commit();
        await journal.begin();
        expect((await journal.endedJobs(['c2', 'none', 'c1'])).sort()).toEqual(['c1', 'c2']);
        expect([await journal.endKey('k_1', 9), await journal.endKey('k_1', 10), await journal.endKey('k_2', 9)]).toEqual([
          true,
          false,
          false,
        ]);
        expect(await committed('SELECT * FROM payload ORDER BY capture')).toEqual(
          plain([payload, { ...payload, capture: 2, capture_id: 'c2' }]),
        );
        expect(await committed('SELECT * FROM capture_job ORDER BY id')).toEqual([
          JOB,
          { ...JOB, id: 2, capture_id: 'c2', success: 0, errors: '["\u{10FFFF}"]' },
        ]);
        expect(await committed('SELECT * FROM masterdata ORDER BY seq')).toEqual([
          master,
          { ...master, seq: 4, attributes: '{"a":1}', sent: null },
        ]);
        expect(await committed('SELECT * FROM api_key')).toEqual([{ ...key, ended: 9 }]);
      });

      it('keeps named queries under names of their own, and subscriptions to those that there are (R-8, S-12)', async () => {
        const query: QueryRow = { name: 'q', query: '{"EQ_bizStep":["packing"]}', actor: 'k_1', created: MOST };
        const first: SubscriptionRow = {
          id: 's1',
          query: 'q',
          actor: 'k_1',
          created: 1,
          terms: '{}',
          next_seq: 0,
          version: 0,
          progress: '{}',
        };
        expect([await journal.putQuery(query), await journal.putQuery({ ...query, query: '{}' })]).toEqual([true, false]);
        for (const name of ODD.slice(1)) expect(await journal.putQuery({ ...query, name })).toBe(true);
        expect([await journal.putSubscription(first), await journal.putSubscription({ ...first, id: 's2', query: 'none' })]).toEqual([
          true,
          false,
        ]);
        await journal.putSubscription({ ...first, id: 's3', query: 'NULL', next_seq: MOST, version: MOST - 1 });
        await journal.putSubscription({ ...first, id: 's4' });
        await journal.commit();
        await journal.begin();
        expect([
          await journal.noteProgress({ id: 's1', version: 0, next_seq: 7, progress: '{"failures":1}' }),
          await journal.noteProgress({ id: 's1', version: 0, next_seq: 9, progress: '{}' }),
          await journal.noteProgress({ id: 'none', version: 0, next_seq: 9, progress: '{}' }),
        ]).toEqual([true, false, false]);
        expect([await journal.removeSubscription('s4'), await journal.removeSubscription('s4')]).toEqual([true, false]);
        const changed = { ...first, next_seq: 7, version: 1, progress: '{"failures":1}' };
        const other = { ...first, id: 's3', query: 'NULL', next_seq: MOST, version: MOST - 1 };
        expect(await committed('SELECT * FROM subscription ORDER BY id')).toEqual([changed, other]);
        expect([await journal.removeQuery('q'), await journal.removeQuery('q')]).toEqual([true, false]);
        expect(await committed('SELECT * FROM subscription ORDER BY id')).toEqual([other]);
        for (const name of ODD.slice(1)) expect(await journal.removeQuery(name)).toBe(true);
        expect(await committed('SELECT * FROM named_query UNION ALL SELECT id, query, actor, created FROM subscription')).toEqual([]);
      });

      it('keeps company prefixes once each', async () => {
        await journal.putPrefixes([['gs1', '9520123'], ['gs1', '952'], ['gs1', '9520123']]); // biome-ignore format: a list
        await journal.commit();
        await journal.begin();
        await journal.putPrefixes([['gs1', '952'], ['other', '952']]); // biome-ignore format: a list
        expect(new Set((await journal.prefixes()).map((p) => p.join(' ')))).toEqual(new Set(['gs1 952', 'gs1 9520123', 'other 952']));
        await journal.commit();
        expect(await count('prefix')).toBe(3);
      });
    });

    it('does nothing with nothing', async () => {
      const answers = [
        await journal.terms([]), await journal.termTexts([]), await journal.classes([]), await journal.knownClasses([]), await journal.classKeys([]),
        await journal.itemsByName(new Map()), await journal.lotsByName(new Map()), await journal.itemsByName(of(1, [])), await journal.lotsByName(of(1, [])), await journal.things([]), await journal.containers([]), await journal.content([]),
        await journal.looseContent([]), await journal.knownEvents({}), await journal.knownEvents({ digests: [] }), await journal.events([]),
        await journal.histories([]), await journal.staysSince([], 0), await journal.lateFor(1, []), await journal.holding(1, []), await journal.stays({}),
        await journal.findingThings([], [1]), await journal.findingThings(['A'], []), await journal.findingsAt(['A'], []), await journal.findingsAt([], [1]),
        await journal.lineage({ nodes: [] }), await journal.lineage({ transformations: [] }), await journal.endedJobs([]), await journal.prefixes(),
      ]; // biome-ignore format: a list
      expect(answers).toEqual(answers.map(() => []));
      await journal.insertThings([]);
      await journal.updateThings([]);
      await journal.insertEvents([], [], [], []);
      await journal.setVoid([], 1);
      await journal.putStays([]);
      await journal.retireStays([], 1);
      await journal.addFindings([], []);
      await journal.removeFindingThings([], 1);
      await journal.appendEntries([]);
      await journal.putPayloads([]);
      await journal.putTiles([]);
      await journal.putJobs([]);
      await journal.putMasterdata([]);
      await journal.putPrefixes([]);
      await journal.commit();
      expect(await journal.size()).toBe(0);
    });

    it('takes and gives 20,000 rows at a time', async () => {
      const many = 20_000;
      const things = range(many, () => {
        const node = journal.nextItem();
        return thing(node, { parent: many + 1, last_seq: 1, name: `${(node * 7_919) % 1_000_003}-é` });
      });
      await journal.insertThings([...things, thing(journal.nextItem(), { name: 'case' })]);
      await journal.insertEvents([event(1), event(2)], things.flatMap((t) => [[t.node, 1, 0], [t.node, 2, 2]] as const), [], things.map((t) => ({ transformation: 1, side: 1, node: t.node, seq: 1, quantity: null, uom: null }))); // biome-ignore format: one call
      await journal.putStays(things.map((t) => stay(t.node, many + 1)));
      await journal.addFindings([finding('A', 1)], things.map((t) => about('A', 1, t.node))); // biome-ignore format: one call
      await journal.appendEntries(range(many, (n) => entry(n - 1)));
      await journal.updateThings(things.map((t) => bare({ ...t, last_seq: 2 })));
      const nodes = things.map((t) => t.node);
      const names = things.map((t) => t.name);
      const found = await journal.itemsByName(of(1, names));
      expect(found.length).toBe(many);
      expect(new Set(found.map((t) => t.last_seq))).toEqual(new Set([2]));
      expect([
        (await journal.things(nodes)).length,
        (await journal.content([many + 1])).length,
        (await journal.containers(nodes)).length,
      ]).toEqual([many, many, 1]);
      expect([(await journal.histories(nodes)).length, (await journal.stays({ children: nodes })).length]).toEqual([2 * many, many]);
      expect([(await journal.lateFor(2, nodes)).length, (await journal.lineage({ nodes })).length]).toEqual([0, many]);
      await journal.putStays(things.map((t) => stay(t.node, many + 1, { to_time: 2_000, to_seq: 2 })));
      expect((await journal.staysSince([many + 1], 2_000)).length).toBe(many);
      await journal.retireStays(things.map((t) => stay(t.node, many + 1)), 5); // biome-ignore format: one call
      await journal.removeFindingThings(things.map((t) => about('A', 1, t.node)), 2); // biome-ignore format: one call
      await journal.commit();
      expect([await count('item'), await count('item_name'), await count('event_item'), await count('containment'), await count('containment_past'), await count('finding_thing'), await count('entry')]).toEqual([
        many + 1, many + 1, 2 * many, 0, many, 0, many,
      ]); // biome-ignore format: a list
      expect(await rows('SELECT state FROM finding')).toEqual([{ state: 'closed' }]);
    }, 60_000);
  });
}

const PAYLOAD = {
  capture: 1,
  capture_id: 'c1',
  digest: digestOf('c1'),
  context: '["a"]',
  parts: '[1,[0]]',
  encoding: 0,
  gaps: Buffer.from('{}'),
};
const JOB = {
  id: 1,
  capture_id: 'c1',
  actor: 'k_1',
  behaviour: 'rollback',
  created: 1,
  finished: 2,
  success: 1,
  events: 3,
  stored: 3,
  errors: '[]',
};
