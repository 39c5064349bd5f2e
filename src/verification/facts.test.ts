import type { SQL } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caseOf, commission, MAKER, pack, packOf, SHOP, ship } from '../../test/support/events.ts';
import { openTestStore, type TestStore } from '../../test/support/test-store.ts';
import { markOf, thingRows } from '../capture/thing-rows.ts';
import type { Db } from '../store/db.ts';
import { SqliteDb } from '../store/sqlite/open.ts';
import { packFacts } from './facts.ts';

describe('the facts of a pack', () => {
  let store: TestStore;
  let asked: string[] = [];
  let db: Db;
  beforeAll(async () => {
    store = await openTestStore();
    await store.capture([
      commission(0, [packOf(1), packOf(2)], { lot: 'L1', expiry: '2028-01-31', site: MAKER }),
      commission(0, caseOf(1), { lot: 'L1', expiry: '2028-01-31', site: MAKER }),
      pack(5, caseOf(1), packOf(1)),
    ]);
    const real = new SqliteDb(store.db);
    db = {
      all: async <Row>(query: SQL) => {
        asked.push(String(query.queryChunks.length));
        return await real.all<Row>(query);
      },
      snapshot: (work) => real.snapshot(work),
    };
  });
  afterAll(() => store.close());

  const key = (serial: string) => `01/09520123000110/21/${serial}`;
  const statements = async (serial: string): Promise<string[]> => {
    asked = [];
    await packFacts(db, { key: key(serial), lot: 'L1', site: '9520123000011' });
    return asked;
  };

  it('take the same statements for an unknown serial number as for a known one, in a case or not (domain.md §8.6, constant work)', async () => {
    const known = await statements('P1');
    expect(known.length).toBeLessThanOrEqual(5);
    expect(await statements('NONE')).toEqual(known);
    expect(await statements('P2')).toEqual(known);
  });

  it('bear a mark that changes with an event about the pack or a container of it, and with no other', async () => {
    const mark = async (serial: string) => markOf(await thingRows(db, key(serial)));
    const [first, second] = [await mark('P1'), await mark('P2')];
    await store.capture([ship(10, caseOf(1), { site: MAKER, from: MAKER, to: SHOP })]);
    expect(await mark('P1')).not.toBe(first);
    expect(await mark('P2')).toBe(second);
  });
});
