import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commission, declareError, eventID, type Json, observe, packOf, receive, withID } from '../../test/support/events.ts';
import { type AnyTestStore, ENGINES, storeOf } from '../../test/support/test-store.ts';

describe.each(ENGINES)('on %s', (engine) => {
  let store: AnyTestStore;
  beforeEach(async () => {
    store = await storeOf(engine);
  });
  afterEach(async () => await store.close());

  const A = packOf(1);
  const plain = observe(1, A, { step: 'storing' });
  const codes = async () => (await store.findings()).map((f) => `${f.code} ${f.seq} ${f.state}`);
  const status = async () => (await store.stateDump()).items['01/09520123000110/21/P1'] as { status?: [string, string] } | undefined;
  const events = async () =>
    await store.rows<{ seq: number; void_seq: number | null; twin_of: number | null }>(
      'SELECT seq, void_seq, twin_of FROM event ORDER BY seq',
    );
  const tell = async (...list: Json[]) => {
    for (const event of list) expect((await store.capture([event])).errors).toEqual([]);
  };

  describe('one event that comes again (design.md §3, sameness; C-4)', () => {
    it('is stored once, whether it has its eventID, another spelling of it, or none on either side', async () => {
      await tell(withID(plain, 1), withID(plain, 1), plain, { ...withID(plain, 1), recordTime: '2026-03-02T00:00:00Z' });
      expect(await events()).toHaveLength(1);
      expect(await codes()).toEqual(['SN-UNKNOWN 0 open', 'EV-DUP 0 open']);
    });

    it('is met again by one without an eventID, and by one with', async () => {
      await tell(plain, withID(plain, 1), withID(plain, 2));
      expect(await events()).toHaveLength(1);
    });

    it('is another event when its content differs, be it below the millisecond or in a value of an extension', async () => {
      await tell(plain, { ...plain, eventTime: '2026-03-01T08:01:00.0000001Z' }, { ...plain, disposition: 'active' });
      expect(await events()).toHaveLength(3);
    });

    it('answers with the stored event', async () => {
      const first = await store.capture([withID(plain, 1)], { kind: 'document' });
      const again = await store.capture([withID(plain, 1)]);
      expect(first.first).toMatchObject({ seq: 0, eventID: eventID(1), duplicate: false });
      expect(again.first).toMatchObject({ seq: 0, eventID: eventID(1), duplicate: true });
    });
  });

  describe('twins: one content under two eventIDs', () => {
    it('are two events, the later flagged and without a second effect', async () => {
      await tell(withID(commission(0, A), 1), withID(commission(0, A), 2));
      expect(await events()).toEqual([
        { seq: 0, void_seq: null, twin_of: null },
        { seq: 1, void_seq: null, twin_of: 0 },
      ]);
      expect(await codes()).toEqual(['EV-TWIN 1 open']);
    });

    it('take the place of the first when it is declared erroneous: stored before or after, in one document or in many', async () => {
      const [one, two, three, gone] = [withID(plain, 1), withID(plain, 2), withID(plain, 3), declareError(withID(plain, 1))];
      for (const order of [
        [[one], [two], [three], [gone]],
        [[one], [gone], [two], [three]],
        [[gone], [one], [two], [three]],
        [[one, two, gone, three]],
        [[one, gone, two, three]],
        [[gone, one, two, three]],
      ]) {
        const each = await storeOf(engine);
        for (const document of order) await each.capture(document);
        const standing = await each.rows('SELECT event_id FROM event WHERE void_seq IS NULL AND twin_of IS NULL AND declares = 0');
        expect(standing).toEqual([{ event_id: eventID(2) }]);
        expect(await each.rows('SELECT event_id FROM event WHERE void_seq IS NOT NULL')).toEqual([{ event_id: eventID(1) }]);
        expect(
          await each.rows('SELECT t.event_id FROM event t JOIN event o ON o.seq = t.twin_of WHERE o.event_id = ?', eventID(2)),
        ).toEqual([{ event_id: eventID(3) }]);
        expect((await each.stateDump()).items).toHaveProperty(['01/09520123000110/21/P1', 'status', 0], 'Stocked');
        await each.close();
      }
    });

    it('lose all effect when each is declared erroneous', async () => {
      await tell(withID(plain, 1), withID(plain, 2), declareError(withID(plain, 2)), declareError(withID(plain, 1)));
      expect(await status()).toBe(undefined);
    });
  });

  describe('an eventID that belongs to other content', () => {
    it('is an error of the event, told with its place', async () => {
      await tell(withID(plain, 1));
      const outcome = await store.capture([withID(observe(2, A), 1)]);
      expect(outcome).toMatchObject({
        success: false,
        stored: 0,
        errors: [{ code: 'EV-ID-TAKEN', at: '/epcisBody/eventList/0/eventID', index: 0 }],
      });
    });

    it('is none where only a declaration has it', async () => {
      await tell(declareError(withID(plain, 1)), withID(observe(2, A), 1));
      expect(await events()).toHaveLength(2);
    });
  });

  describe('an error declaration (DM-9)', () => {
    it('voids every event with its eventID, stored or later, and never has an effect of its own', async () => {
      await tell(withID(plain, 1), declareError(withID(plain, 1)));
      expect((await events())[0]).toMatchObject({ void_seq: 1 });
      expect(await status()).toBe(undefined);
      const other = await storeOf(engine);
      await other.capture([declareError(withID(plain, 1))]);
      await other.capture([withID(plain, 1)]);
      expect(await other.rows('SELECT void_seq FROM event WHERE seq = 1')).toEqual([{ void_seq: 0 }]);
      expect((await other.stateDump()).items).toEqual({});
      await other.close();
    });

    it('voids by the event hash when it has no eventID: all of that content, under whatever eventID', async () => {
      await tell(withID(plain, 1), withID(plain, 2), observe(2, A, { step: 'holding' }), declareError(plain));
      expect((await events()).map((e) => e.void_seq)).toEqual([3, 3, null, null]);
      expect((await status())?.status?.[0]).toBe('Quarantined');
    });

    it('may name an event by the hash that it goes by', async () => {
      const first = await store.capture([plain]);
      await tell(withID(declareError(plain), first.first?.eventID ?? ''));
      expect((await events())[0]).toMatchObject({ void_seq: 1 });
    });

    it('voids an event of another content all the same, and is flagged', async () => {
      await tell(withID(plain, 1), declareError(withID({ ...plain, disposition: 'active' }, 1)));
      expect((await events())[0]).toMatchObject({ void_seq: 1 });
      expect(await codes()).toContain('EV-DIFFERS 1 open');
    });

    it('that finds nothing waits, flagged, until what it declares comes: all that wait for it are answered', async () => {
      await tell(declareError(withID(plain, 1)), declareError(withID(plain, 1), { at: 2_000 }));
      expect(await codes()).toEqual(['EV-UNKNOWN-REF 0 open', 'EV-UNKNOWN-REF 1 open']);
      await tell(withID(plain, 1));
      expect(await codes()).toEqual(['EV-UNKNOWN-REF 0 closed', 'EV-UNKNOWN-REF 1 closed']);
      expect((await events())[2]).toMatchObject({ void_seq: 0 });
    });

    it('is not flagged when what it declares stands after it in one document', async () => {
      await store.capture([declareError(withID(plain, 1)), withID(plain, 1)]);
      expect(await codes()).toEqual([]);
      expect((await events())[1]).toMatchObject({ void_seq: 0 });
    });

    it('comes again as the same one only under the same name: with and without an eventID it voids other events', async () => {
      const byHash = declareError(plain);
      const byID = withID(byHash, 9);
      await tell(plain, byID, byID);
      expect(await events()).toHaveLength(2);
      await tell(byHash, byHash);
      expect(await events()).toMatchObject([{ void_seq: 2 }, {}, {}]);
    });

    it('is not voided itself: a void of a void is another event to post', async () => {
      await tell(withID(plain, 1), declareError(withID(plain, 1)), declareError(withID(plain, 1), { at: 2_000 }));
      expect(await events()).toMatchObject([{ void_seq: 1 }, { void_seq: null }, { void_seq: null }]);
    });

    it('brings back what was true before: holder, place, containment, findings', async () => {
      const wrong = withID(receive(5, A, { to: 3, site: 3 }), 7);
      await tell(commission(0, A, { site: 1 }));
      const before = await store.stateDump();
      await tell(wrong);
      expect(await store.stateDump()).not.toEqual(before);
      await tell(declareError(wrong));
      expect(await store.stateDump()).toEqual(before);
    });
  });
});
