import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rowsFrom } from '../../lifecycle/rows.ts';
import { newState } from '../../lifecycle/state.ts';
import type { NewThing } from '../rows.ts';
import { findDamage } from './integrity.ts';
import { SqliteJournal } from './journal.ts';
import { openForWriting, type SqliteConnection } from './open.ts';

let db: SqliteConnection;
let journal: SqliteJournal;
beforeEach(() => {
  db = openForWriting(':memory:', { cacheMegabytes: 4 });
  journal = new SqliteJournal(db);
});
afterEach(() => journal.close());

/** Serials in no order, so that they fall everywhere among those that are there. */
const serialOf = (n: number) => ((n * 2_654_435_761) % 2 ** 32).toString(36).padStart(7, '0');

async function newItems(classId: number, count: number): Promise<NewThing[]> {
  const states = Array.from({ length: count }, () => newState(journal.nextItem(), classId));
  return (await rowsFrom(journal, states)).map((row) => ({ ...row, name: serialOf(row.node) }));
}

const parts = () =>
  db.prepare('SELECT count(*) AS all_, coalesce(sum(recent), 0) AS recent FROM name').get() as { all_: number; recent: number };

describe('the names of items', () => {
  it('are each found once, whichever part they have come to', async () => {
    journal.begin();
    const made: NewThing[] = [];
    for (let group = 0; group < 25; group++) {
      const things = [...(await newItems(1, 900)), ...(await newItems(2, 300))];
      journal.insertThings(things);
      made.push(...things);
    }
    journal.commit();
    const { all_, recent } = parts();
    expect([all_, recent > 0, recent < all_]).toEqual([made.length, true, true]);
    for (const classId of [1, 2]) {
      const names = made.filter((thing) => thing.class === classId).map((thing) => thing.name);
      const found = journal.itemsByName(new Map([[classId, [...names, 'no such']]]));
      expect(new Map(found.map((row) => [row.name, row.node]))).toEqual(
        new Map(made.filter((thing) => thing.class === classId).map((thing) => [thing.name, thing.node])),
      );
      expect(found.length).toBe(names.length);
    }
    expect(findDamage(db)).toEqual([]);
  });

  it('leave a small part small, in groups of one as in groups of thousands', async () => {
    for (const size of [22_000, 1_500, 1]) {
      for (let group = 0; group < 3; group++) {
        journal.begin();
        journal.insertThings(await newItems(1, size));
        journal.commit();
      }
      expect(parts().recent).toBeLessThan(Math.max(20_000, Math.sqrt(4_000 * parts().all_)) + 1_000);
    }
  });

  it('are as they were when a document is undone while names moved on', async () => {
    journal.begin();
    journal.insertThings(await newItems(1, 20_000));
    const before = parts();
    journal.savepoint('document');
    journal.insertThings(await newItems(1, 8_000));
    expect(parts().recent).toBeLessThan(before.recent + 8_000);
    journal.undo('document');
    expect(parts()).toEqual(before);
    journal.insertThings(await newItems(1, 8_000));
    journal.commit();
    expect(parts().all_).toBe(28_000);
    expect(findDamage(db)).toEqual([]);
  });

  it('are missed where an item is not found by its own', async () => {
    journal.begin();
    journal.insertThings(await newItems(1, 5));
    journal.commit();
    db.prepare('UPDATE name SET id = 4 WHERE id = 3').run();
    expect(findDamage(db)).toEqual([expect.stringContaining('name')]);
  });

  it('are carried over from a store that had them in one index', () => {
    const old = new Database(':memory:');
    const folder = join(import.meta.dirname, 'migrations');
    const [first, second, third] = readdirSync(folder)
      .filter((file) => file.endsWith('.sql'))
      .sort()
      .map((file) => readFileSync(join(folder, file), 'utf8'));
    old.exec(`${first};${second}`);
    const put = old.prepare('INSERT INTO item (id, class, serial, flags) VALUES (?, 1, ?, 0)');
    for (let id = 1; id <= 100; id++) put.run(id, serialOf(id));
    old.exec(third as string);
    expect(old.prepare('SELECT id FROM item_name WHERE class = 1 AND serial = ?').pluck().all(serialOf(77))).toEqual([77]);
    expect(old.prepare('SELECT count(*) FROM name WHERE recent = 0').pluck().get()).toBe(100);
    old.close();
  });
});
