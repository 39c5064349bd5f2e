import { contents, history, type PackRow, packsPage, scope, thing, whereFrom, whereUsed } from '../../src/genealogy/index.ts';
import type { AsOfArgs } from '../../src/lifecycle/as-of.ts';
import type { Db } from '../../src/store/db.ts';
import type { AnyTestStore } from './test-store.ts';

/** The questions of genealogy as a reader asks them. */
export const questionsOf = (store: AnyTestStore): Db => store.questions;

/** Every page of the packs of a thing, joined; `limit` draws the size of each. */
export async function allPacks(db: Db, of: string, t: AsOfArgs = {}, limit: () => number = () => 1_000): Promise<PackRow[]> {
  const rows: PackRow[] = [];
  for (let page = await packsPage(db, { of, ...t, after: null, limit: limit() }); page !== null; ) {
    rows.push(...page.rows);
    page = page.next === null ? null : await packsPage(db, { of, ...t, after: page.next, limit: limit() });
  }
  return rows;
}

/** Everything that can be asked about one thing. Times of the question itself are left out, so that answers of two times can be compared. */
export async function everyAnswer(db: Db, of: string, t: AsOfArgs = {}): Promise<Record<string, unknown>> {
  const whole = await thing(db, { of, ...t });
  const counts = await scope(db, { of, ...t });
  const inside = await contents(db, { of, depth: 'all', ...t });
  return {
    // Findings that were taken back leave nothing behind to tell what they named.
    thing: whole && { ...whole, findings: undefined },
    contents: inside?.members ?? null,
    history: (await history(db, { of, lineage: true, ...t }))?.entries ?? null,
    whereFrom: await whereFrom(db, { of, ...t }),
    whereUsed: await whereUsed(db, { of, ...t }),
    scope: counts && { ...counts, asOf: undefined },
    packs: await allPacks(db, of, t),
  };
}
