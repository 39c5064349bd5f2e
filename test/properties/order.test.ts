import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENFORCED } from '../../src/lifecycle/findings.ts';
import { declareError, type Json } from '../support/events.ts';
import { type Arrival, anyArrival, arrive, contentOf, story, themes } from '../support/stories.ts';
import { type AnyTestStore, ENGINES, type StateDump, storeOf } from '../support/test-store.ts';
import { staysOf } from './containment-oracle.ts';

/** LOTLINE_LONG=1 looks harder. */
const LONG = process.env['LOTLINE_LONG'] === '1';
const TIMEOUT = LONG ? 1_800_000 : 300_000;

async function using<T>(store: AnyTestStore, work: (store: AnyTestStore) => T | Promise<T>): Promise<T> {
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** What lies in some tables, row by row. */
async function rowsOf(store: AnyTestStore, tables: readonly string[]): Promise<unknown[]> {
  const rows: unknown[] = [];
  for (const table of tables) rows.push(await store.rows(`SELECT * FROM ${table}`));
  return rows;
}

async function tell(store: AnyTestStore, events: readonly Json[], arrival: Arrival): Promise<void> {
  for (const group of arrive(events, arrival)) {
    for (const outcome of await store.captureGroup(group)) expect(outcome.errors).toEqual([]);
  }
}

/** Without declarations, about whatever. */
const anyStory = fc.oneof(...themes.map((theme) => story({ theme, declarations: 0 })));

const IN_ONE_GO: Arrival = { order: [0], documents: [1_000], groups: [1] };
const byTime = (events: readonly Json[]) => [...events].sort((a, b) => (String(a['eventTime']) < String(b['eventTime']) ? -1 : 1));

describe.each(ENGINES)('on %s', (engine) => {
  /** What SQLite is asked often, PostgreSQL is asked a few times: that both hold the same rows is tried elsewhere (test/store). */
  const runs = (many: number) => ({ numRuns: (LONG ? 60 : 1) * (engine === 'sqlite' ? many : Math.ceil(many / 100)) });

  async function dumpOf(events: readonly Json[], arrival: Arrival): Promise<StateDump> {
    return await using(await storeOf(engine), async (store) => {
      await tell(store, events, arrival);
      return await store.stateDump();
    });
  }

  describe('the state of things is a function of the set of events (design.md §3, order)', () => {
    it.each(themes)(
      'is the same however the events arrive and are grouped into documents and transactions: %s',
      { timeout: TIMEOUT },
      async (theme) => {
        await fc.assert(
          fc.asyncProperty(story({ theme }), anyArrival, async ({ events, declarations }, arrival) => {
            const all = [...events, ...declarations];
            expect(await dumpOf(all, arrival)).toEqual(await dumpOf(byTime(all), IN_ONE_GO));
          }),
          runs(theme === 'everything' ? 150 : 120),
        );
      },
    );

    it('agrees about containment with the rules applied by brute force (domain.md §6.1, rule 7)', { timeout: TIMEOUT }, async () => {
      await fc.assert(
        fc.asyncProperty(story({ max: 18 }), anyArrival, async ({ events, declarations }, arrival) => {
          const all = [...events, ...declarations];
          const stays = (await dumpOf(all, arrival)).stays.filter((stay) => stay.startsWith('packed') && !stay.includes('/10/'));
          const told = staysOf(all).map(
            (s) => `packed ${s.child} in ${s.parent}  from ${s.from} to ${s.to ?? ''} ${s.inferred ? 'inferred' : ''}`,
          );
          expect(stays).toEqual(told.sort());
        }),
        runs(80),
      );
    });
  });

  describe('containment (domain.md §6.1)', () => {
    it('is never cyclic, and no child is in two containers at once, whatever was told', { timeout: TIMEOUT }, async () => {
      await fc.assert(
        fc.asyncProperty(story({ min: 8, max: 20 }), anyArrival, async ({ events, declarations }, arrival) => {
          await using(await storeOf(engine), async (store) => {
            await tell(store, [...events, ...declarations], arrival);
            const open = await store.rows<{ child: number; parent: number }>(
              'SELECT child, parent FROM containment WHERE kind = 0 AND child > 0 AND to_seq IS NULL',
            );
            const parentOf = new Map(open.map((row) => [row.child, row.parent]));
            expect(parentOf.size).toBe(open.length);
            for (const child of parentOf.keys()) {
              const above: number[] = [];
              for (let node = parentOf.get(child); node !== undefined; node = parentOf.get(node)) {
                expect(above).not.toContain(node);
                expect(node).not.toBe(child);
                above.push(node);
              }
            }
            const said = await store.rows<{ id: number; parent: number }>('SELECT id, parent FROM item WHERE parent IS NOT NULL');
            expect(new Map(said.map((row) => [row.id, row.parent]))).toEqual(parentOf);
          });
        }),
        runs(40),
      );
    });
  });

  describe('sameness (design.md §3)', () => {
    it('stores nothing when a document comes again, and says so', { timeout: TIMEOUT }, async () => {
      await fc.assert(
        fc.asyncProperty(story(), anyArrival, fc.nat(), async ({ events, declarations }, arrival, which) => {
          await using(await storeOf(engine), async (store) => {
            const groups = arrive([...events, ...declarations], arrival);
            for (const group of groups) await store.captureGroup(group);
            const everything = async () => ({
              dump: await store.stateDump(),
              tables: await rowsOf(store, [
                'entry',
                'event',
                'event_item',
                'item',
                'lot',
                'containment',
                'containment_past',
                'lineage',
                'term',
                'class',
                'payload',
              ]),
              findings: (await store.findings()).filter((f) => f.code !== 'EV-DUP'),
            });
            const before = await everything();
            const documents = groups.flat();
            const again = documents[which % documents.length] as Json[];
            const outcome = await store.capture(again);
            expect(outcome).toMatchObject({ success: true, stored: 0, events: again.length });
            expect(await everything()).toEqual(before);
            expect((await store.findings()).some((f) => f.code === 'EV-DUP')).toBe(true);
          });
        }),
        runs(40),
      );
    });

    it('leaves nothing of an event that is declared erroneous but its row', { timeout: TIMEOUT }, async () => {
      await fc.assert(
        fc.asyncProperty(anyStory, anyArrival, fc.nat(), fc.boolean(), async ({ events }, arrival, which, byHash) => {
          const wrong = events[which % events.length] as Json;
          const { eventID: _, ...content } = wrong;
          const declaration = declareError(byHash ? content : wrong);
          const voided = (event: Json) =>
            byHash || wrong['eventID'] === undefined ? contentOf(event) === contentOf(wrong) : event['eventID'] === wrong['eventID'];
          const others = events.filter((event) => !voided(event));
          // What a declaration leaves behind is the row of the event and its own, and things that nothing else names: the dump has none of them.
          // DEP-VOIDED tells of it, where it made something: that finding is the one thing that must remain.
          const left = await dumpOf([...events, declaration], arrival);
          const findings = left.findings.filter((one) => !one.startsWith('DEP-VOIDED '));
          expect({ ...left, findings }).toEqual(await dumpOf(others, arrival));
        }),
        runs(60),
      );
    });
  });

  describe('LOTLINE_RULES=enforce (packs-wire.md)', () => {
    it('stores no event that offends against an enforced rule when it comes', { timeout: TIMEOUT }, async () => {
      await fc.assert(
        fc.asyncProperty(story({ max: 12, declarations: 0 }), anyArrival, async ({ events }, arrival) => {
          await using(await storeOf(engine, { rules: 'enforce' }), async (store) => {
            const codesAt = async () =>
              new Map(
                (await store.findings())
                  .filter((f) => ENFORCED.has(f.code) && f.state === 'open')
                  .map((f) => [`${f.code} ${f.seq}`, f.seq]),
              );
            for (const document of arrive(events, arrival).flat()) {
              const size = (await store.rows<{ n: number }>('SELECT count(*) AS n FROM entry'))[0]?.n ?? 0;
              await store.capture(document, { behaviour: 'proceed' });
              // One document at a time: what this one offends with was refused. A later event of the same document may make an earlier one offend.
              if (document.length === 1) for (const seq of (await codesAt()).values()) expect(seq).toBeLessThan(size);
            }
          });
        }),
        runs(40),
      );
    });

    it('leaves no trace of a refused document but the refusal', { timeout: TIMEOUT }, async () => {
      await fc.assert(
        fc.asyncProperty(story({ max: 12, declarations: 1 }), anyArrival, async ({ events, declarations }, arrival) => {
          await using(await storeOf(engine, { rules: 'enforce' }), async (store) => {
            const tables = async () =>
              await rowsOf(store, [
                'event',
                'event_item',
                'event_lot',
                'event_field',
                'item',
                'lot',
                'class',
                'term',
                'containment',
                'containment_past',
                'lineage',
                'finding',
                'finding_thing',
                'payload',
                'prefix',
              ]);
            for (const document of arrive([...events, ...declarations], arrival).flat()) {
              const before = await tables();
              const size = (await store.rows('SELECT seq FROM entry')).length;
              const outcome = await store.capture(document);
              if (outcome.success) continue;
              expect(outcome.stored).toBe(0);
              expect(await tables()).toEqual(before);
              const entries = await store.rows<{ kind: string; body: Buffer }>('SELECT kind, body FROM entry WHERE seq >= ?', size);
              expect(entries.map((entry) => entry.kind)).toEqual(['refusal']);
              for (const error of outcome.errors) {
                expect(ENFORCED.has(error.code)).toBe(true);
                expect(error.things?.length).toBeGreaterThan(0);
              }
            }
          });
        }),
        runs(40),
      );
    });
  });
});
