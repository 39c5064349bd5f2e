import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatKey, parseEpcClass, parseThing } from '../../src/identifiers/index.ts';
import { caseOf, commission, type Json, lotOf, packOf, palletOf, START } from '../support/events.ts';
import { everyAnswer, questionsOf } from '../support/questions.ts';
import { anyArrival, arrive, story } from '../support/stories.ts';
import { type AnyTestStore, ENGINES, storeOf } from '../support/test-store.ts';

/** LOTLINE_LONG=1 looks harder. */
const LONG = process.env['LOTLINE_LONG'] === '1';
const TIMEOUT = LONG ? 1_800_000 : 120_000;

const things = [...[1, 2, 3, 4, 5, 6, 7].map((n) => packOf(n)), ...[1, 2, 3].map(caseOf), palletOf(1), palletOf(2)].map((epc) =>
  formatKey(parseThing(epc)),
);
const lots = [lotOf('L1'), lotOf('L2'), lotOf('R1', 12), lotOf('R2', 12)].map((urn) => formatKey(parseEpcClass(urn)));
const ALL = [...things, ...lots];

const answersOf = async (store: AnyTestStore, t: { at?: string; known?: string } = {}) => {
  const db = questionsOf(store);
  const answers: Record<string, unknown> = {};
  for (const of of ALL) answers[of] = await everyAnswer(db, of, t);
  return answers;
};

describe.each(ENGINES)('on %s', (engine) => {
  /** Both engines answer the same where they hold the same (test/store), so PostgreSQL is asked once. */
  const runs = (many: number) => ({ numRuns: (LONG ? 20 : 1) * (engine === 'sqlite' ? many : 1) });

  /** Captures a stream a transaction a second; `after` is called with the record time of each. */
  async function tell(groups: readonly Json[][][], after: (store: AnyTestStore, recordTime: string) => Promise<void> = async () => {}) {
    let now = START + 86_400_000;
    const store = await storeOf(engine, { clock: () => now });
    for (const group of groups) {
      now += 1_000;
      for (const outcome of await store.captureGroup(group)) expect(outcome.errors).toEqual([]);
      await after(store, new Date(now).toISOString());
    }
    return store;
  }

  describe('a question with known= (domain.md §0, Q13)', () => {
    it('is answered as it was then, whatever came late, was voided or repeated since', { timeout: TIMEOUT }, async () => {
      await fc.assert(
        fc.asyncProperty(story({ max: 12 }), anyArrival, async ({ events, declarations }, arrival) => {
          const then: { known: string; answers: unknown }[] = [];
          const store = await tell(arrive([...events, ...declarations], arrival), async (now, known) => {
            then.push({ known, answers: await answersOf(now) });
          });
          for (const { known, answers } of then) expect(await answersOf(store, { known })).toEqual(answers);
          await store.close();
        }),
        runs(40),
      );
    });
  });

  describe('a question with at= (domain.md §6.1, rule 8)', () => {
    it('is answered as if nothing later had been told', { timeout: TIMEOUT }, async () => {
      await fc.assert(
        fc.asyncProperty(
          story({ max: 12 }),
          anyArrival,
          fc.integer({ min: 0, max: 10 }),
          async ({ events, declarations }, arrival, minute) => {
            const at = new Date(START + minute * 60_000).toISOString();
            const by = (json: Json) => Date.parse(String(json['eventTime'])) <= Date.parse(at);
            const groups = arrive([...events, ...declarations], arrival);
            const whole = await tell(groups);
            const until = await tell(
              groups.map((group) => group.map((document) => document.filter(by)).filter((document) => document.length > 0)),
            );
            const then = await answersOf(whole, { at });
            for (const [of, expected] of Object.entries(await answersOf(until))) {
              const answer = then[of] as Answers;
              if ((expected as Answers)['thing'] !== null) expect(bare(answer)).toEqual(bare(expected));
              else expect(said(answer)).toEqual(NOTHING); // known by now, so no stranger; but nothing had happened to it
            }
            await Promise.all([whole.close(), until.close()]);
          },
        ),
        runs(40),
      );
    });

    it('beyond everything is answered like the present, though something else is still to come', { timeout: TIMEOUT }, async () => {
      await fc.assert(
        fc.asyncProperty(story({ max: 14 }), anyArrival, async ({ events, declarations }, arrival) => {
          const store = await tell(arrive([...events, ...declarations], arrival));
          await store.capture([commission(60 * 24 * 300, packOf(99, 13))]);
          expect(await answersOf(store, { at: '2026-06-01T00:00:00Z' })).toEqual(await answersOf(store));
          await store.close();
        }),
        runs(40),
      );
    });
  });
});

type Answers = Record<string, unknown>;
const NOTHING = { thing: null, contents: [], history: [], packs: [] };
const said = (answers: Answers) => ({
  thing: answers['thing'],
  contents: answers['contents'] ?? [],
  history: answers['history'] ?? [],
  packs: answers['packs'] ?? [],
});

/** What two stores count differently that hold the same events among others: positions in the journal, and the order of ids. */
function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== 'seq' && name !== 'recordTime')
      .map(([name, member]) => [name, bare(member)]),
  );
}
