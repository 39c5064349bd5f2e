import { sql } from 'drizzle-orm';
import { LotlineError } from '../errors.ts';
import { formatKey } from '../identifiers/index.ts';
import type { Db } from '../store/db.ts';
import type { Journal } from '../store/journal.ts';
import type { PoolRow } from '../store/rows.ts';
import { eachPlacedText, eachText } from '../store/sql.ts';
import { COMMISSIONED, LABEL_FATE } from './label-status.ts';
import { noteLevel } from './low-water.ts';
import { SSCC_LENGTH, STATE, storedPool } from './stored-pool.ts';
import { takenOf } from './taken.ts';

/** Numbers that a run did not use. `purged`: the line has confirmed that none of them is left in it; otherwise they must never appear. */
export type ReturnNumbers = { kind: 'return-numbers'; pool: string; serials: readonly string[]; purged: boolean };

/** Numbers that somebody else hands out, each with what came with it, such as a crypto code. */
export type ImportNumbers = { kind: 'import-numbers'; pool: string; numbers: readonly (readonly [serial: string, tail: string | null])[] };

/** `used`: on a pack, or on a label that events tell to be spoilt or kept; it counts there. */
type Standing = { serial: string; pool: number; grant_seq: number | null; state: number; used: number };

/**
 * Takes numbers back, all of them or none (packs-wire.md): Allocated → Unallocated when purged, else → SNInvalid (domain.md §4.1). Numbers that came back
 * are not granted again: a space is large, and a number that was in a line once may turn up. Told again, it is done already.
 */
export const returnNumbers = {
  entry: 'numbers',
  async apply(journal: Journal, command: ReturnNumbers, seq: number, recordTime: number): Promise<boolean> {
    const { db } = journal;
    const pool = await storedPool(db, command.pool);
    const standing = new Map<string, Standing>();
    for (const row of await standingOf(db, pool.class, command.serials)) standing.set(row.serial, row);
    const never: string[] = [];
    const used: string[] = [];
    const unsafe: string[] = [];
    for (const serial of command.serials) {
      const row = standing.get(serial);
      if (row === undefined || row.pool !== pool.seq || row.grant_seq === null) never.push(serial);
      else if (row.used === 1) used.push(serial);
      else if (command.purged && row.state === STATE.invalid) unsafe.push(serial);
    }
    const key = await classKey(db, pool);
    if (never.length > 0)
      throw notReturnable(key, never, 'was never granted from this pool', 'were never granted from this pool', [...used, ...unsafe]);
    if (used.length > 0) throw notReturnable(key, used, 'is in use', 'are in use', unsafe);
    if (unsafe.length > 0) throw notReturnable(key, unsafe, 'was declared invalid', 'were declared invalid', []);
    const to = command.purged ? STATE.unallocated : STATE.invalid;
    const changing = [...standing.values()].filter((row) => row.state !== to);
    await db.run(
      sql`UPDATE number SET state = ${to} WHERE class = ${pool.class} AND serial IN ${eachText(changing.map((row) => row.serial))}`,
    );
    let purged = 0;
    for (const [grant, rows] of byGrant(changing)) {
      const cameBack = to === STATE.unallocated ? rows.length : -rows.filter((row) => row.state === STATE.unallocated).length;
      const invalid = to === STATE.invalid ? rows.length : 0;
      purged += cameBack;
      await db.run(sql`UPDATE number_grant SET returned = returned + ${cameBack}, invalid = invalid + ${invalid} WHERE seq = ${grant}`);
    }
    await db.run(sql`UPDATE pool SET returned = returned + ${purged} WHERE seq = ${pool.seq}`);
    await noteLevel(journal, pool.class, seq, recordTime);
    return changing.length > 0;
  },
} as const;

/** Takes in numbers from outside. A pool gives out either these or its own. */
export const importNumbers = {
  entry: 'numbers',
  async apply(journal: Journal, command: ImportNumbers, seq: number, recordTime: number): Promise<boolean> {
    const { db } = journal;
    const pool = await storedPool(db, command.pool);
    if (pool.granted > 0 && pool.imported === 0)
      throw new LotlineError('SN-STATE', `pool ${pool.id} has given out numbers of its own`, {
        at: '{id}',
        fix: 'Open another pool for numbers that come from outside.',
      });
    const serials = command.numbers.map(([serial]) => serial);
    const taken = [...(await takenOf(db, pool.class, serials))];
    if (taken.length > 0) throw notReturnable(await classKey(db, pool), taken, 'is there already', 'are there already', []);
    // All are as long as the pool says, so number and tail come apart again.
    const size = sql.raw(String(pool.head === '' ? pool.length : SSCC_LENGTH));
    const told = command.numbers.map(([serial, tail]) => serial + (tail ?? ''));
    await db.run(
      sql`INSERT INTO number (class, serial, pool, grant_seq, position, state, tail)
          SELECT p.class, substr(j.value, 1, ${size}), p.seq, NULL, p.imported + j.place, ${sql.raw(String(STATE.unallocated))}, nullif(substr(j.value, ${size} + 1), '')
          FROM ${eachPlacedText(told)} j CROSS JOIN pool p ON p.seq = ${pool.seq} ORDER BY j.value`,
    );
    await db.run(sql`UPDATE pool SET imported = imported + ${serials.length} WHERE seq = ${pool.seq}`);
    await noteLevel(journal, pool.class, seq, recordTime);
    return true;
  },
} as const;

async function standingOf(db: Db, classId: number, serials: readonly string[]): Promise<Standing[]> {
  return await db.all<Standing>(
    sql`SELECT n.serial, n.pool, n.grant_seq, n.state, CASE WHEN i.id IS NOT NULL AND (${COMMISSIONED} OR ${LABEL_FATE} IS NOT NULL) THEN 1 ELSE 0 END AS used FROM ${eachText(serials)} j
        CROSS JOIN number n ON n.class = ${classId} AND n.serial = j.value
        LEFT JOIN item_name m ON m.class = n.class AND m.serial = n.serial LEFT JOIN item i ON i.id = m.id`,
  );
}

function byGrant(rows: readonly Standing[]): Map<number, Standing[]> {
  const grants = new Map<number, Standing[]>();
  for (const row of rows) {
    const list = grants.get(row.grant_seq as number);
    if (list === undefined) grants.set(row.grant_seq as number, [row]);
    else list.push(row);
  }
  return grants;
}

async function classKey(db: Db, pool: PoolRow): Promise<string> {
  const [row] = await db.all<{ key: string }>(sql`SELECT key FROM class WHERE id = ${pool.class}`);
  return (row as { key: string }).key;
}

/** Names every number that stands in the way, those for other reasons too. */
function notReturnable(key: string, serials: readonly string[], is: string, are: string, besides: readonly string[]): LotlineError {
  const shown = serials.slice(0, 5).join(', ');
  const what = serials.length === 1 ? `${shown} ${is}` : `${serials.length} numbers ${are}: ${shown}${serials.length > 5 ? ', …' : ''}`;
  return new LotlineError('SN-STATE', what, {
    at: '/serials',
    fix: 'Leave these out; nothing was changed.',
    things: [...serials, ...besides].map((serial) => formatKey({ class: key, serial })),
  });
}
