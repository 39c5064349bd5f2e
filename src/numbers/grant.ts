import { type SQL, sql } from 'drizzle-orm';
import { LotlineError } from '../errors.ts';
import { checkDigit } from '../identifiers/index.ts';
import type { Journal } from '../store/journal.ts';
import type { PoolRow } from '../store/rows.ts';
import { eachPlacedText, eachText } from '../store/sql.ts';
import { Draw } from './draw.ts';
import { noteLevel } from './low-water.ts';
import { isInOrder, spaceOf } from './space.ts';
import { measure, STATE, storedPool } from './stored-pool.ts';
import { takenOf } from './taken.ts';

/** Numbers for one run, which is a batch's id or what the requester calls it. */
export type GrantNumbers = {
  kind: 'grant-numbers';
  id: string;
  pool: string;
  quantity: number;
  requester: string;
  run: string;
  /** The Idempotency-Key that it was asked for with. */
  key: string | null;
  /** What the serials are drawn with: 32 random bytes in hex. */
  seed: string;
};

/** Numbers that are drawn, looked up and stored at a time. */
const CHUNK = 50_000;

/**
 * Grants numbers that nobody was ever granted, all or none of them (SN-GUESSABLE). False where a grant with this key is there already: two requests with
 * one key came at once, and the first has it.
 */
export const grantNumbers = {
  entry: 'numbers',
  async apply(journal: Journal, command: GrantNumbers, seq: number, recordTime: number): Promise<boolean> {
    const { db } = journal;
    const repeatKey = keyOf(command);
    if (repeatKey !== null) {
      const there = await db.all(sql`SELECT 1 AS one FROM number_grant WHERE repeat_key = ${repeatKey}`);
      if (there.length > 0) return false;
    }
    const pool = await storedPool(db, command.pool);
    const { remaining } = await measure(db, pool);
    if (BigInt(command.quantity) > remaining) throw tooMany(pool, command.quantity, remaining);
    await db.run(
      sql`INSERT INTO number_grant (seq, id, pool, requester, run, repeat_key, quantity, returned, invalid)
          VALUES (${seq}, ${command.id}, ${pool.seq}, ${command.requester}, ${command.run}, ${repeatKey}, ${command.quantity}, 0, 0)`,
    );
    if (pool.imported > 0) await takeImported(journal, pool, command.quantity, seq);
    else if (isInOrder(pool)) await takeNext(journal, pool, command.quantity, seq);
    else await drawFresh(journal, pool, command, seq);
    await db.run(sql`UPDATE pool SET granted = granted + ${command.quantity} WHERE seq = ${pool.seq}`);
    await noteLevel(journal, pool.class, seq, recordTime);
    return true;
  },
} as const;

/** A key speaks of one pool. */
export const keyOf = ({ pool, key }: Pick<GrantNumbers, 'pool' | 'key'>): string | null => (key === null ? null : `${pool}/${key}`);

async function drawFresh(journal: Journal, pool: PoolRow, { seed, quantity }: GrantNumbers, seq: number): Promise<void> {
  const draw = new Draw(seed, pool.alphabet, pool.length);
  const mine = new Set<string>();
  while (mine.size < quantity) {
    const drawn = new Set<string>();
    // Of a space that is half empty every other one is free, so this ends.
    while (drawn.size < Math.min(CHUNK, quantity - mine.size)) {
      const serial = draw.next();
      if (!mine.has(serial)) drawn.add(serial);
    }
    const taken = await takenOf(journal.db, pool.class, [...drawn]);
    const free = [...drawn].filter((serial) => !taken.has(serial));
    await put(journal, pool, free, seq, mine.size);
    for (const serial of free) mine.add(serial);
  }
}

/** SSCCs in the order of their references, but for those that are in use already. */
async function takeNext(journal: Journal, pool: PoolRow, quantity: number, seq: number): Promise<void> {
  const end = Number(spaceOf(pool));
  let { next } = pool;
  for (let given = 0; given < quantity; ) {
    const count = Math.min(CHUNK, quantity - given, end - next);
    if (count <= 0) throw tooMany(pool, quantity, BigInt(given));
    const ssccs = Array.from({ length: count }, (_, i) => ssccOf(pool, next + i));
    const taken = await takenOf(journal.db, pool.class, ssccs);
    const free = ssccs.filter((sscc) => !taken.has(sscc));
    await put(journal, pool, free, seq, given);
    given += free.length;
    next += count;
  }
  await journal.db.run(sql`UPDATE pool SET next = ${next} WHERE seq = ${pool.seq}`);
}

function ssccOf({ head, length }: PoolRow, reference: number): string {
  const data = head + String(reference).padStart(length, '0');
  return data + checkDigit(data);
}

/** Numbers from outside, in the order in which they came. Those that things bear already were used without having been granted: they are taken out. */
async function takeImported(journal: Journal, pool: PoolRow, quantity: number, seq: number): Promise<void> {
  const { db } = journal;
  for (let given = 0; given < quantity; ) {
    const waiting = await db.all<{ serial: string; item: number | null }>(
      sql`SELECT n.serial, i.id AS item FROM number n LEFT JOIN item_name i ON i.class = n.class AND i.serial = n.serial
          WHERE n.pool = ${pool.seq} AND n.grant_seq IS NULL AND n.state = ${STATE.unallocated} ORDER BY n.position, n.serial LIMIT ${Math.min(CHUNK, quantity - given)}`,
    );
    if (waiting.length === 0) throw tooMany(pool, quantity, BigInt(given));
    const set = async (rows: typeof waiting, change: SQL) =>
      await db.run(sql`UPDATE number SET ${change} WHERE class = ${pool.class} AND serial IN ${eachText(rows.map((row) => row.serial))}`);
    const free = waiting.filter((row) => row.item === null);
    await set(free, sql`grant_seq = ${seq}, state = ${STATE.allocated}`);
    given += free.length;
    const spent = waiting.filter((row) => row.item !== null);
    if (spent.length === 0) continue;
    await set(spent, sql`state = ${STATE.invalid}`);
    await db.run(sql`UPDATE pool SET imported = imported - ${spent.length} WHERE seq = ${pool.seq}`);
  }
}

async function put(journal: Journal, pool: PoolRow, serials: readonly string[], seq: number, from: number): Promise<void> {
  // Sorted for the index that they go into.
  await journal.db.run(
    sql`INSERT INTO number (class, serial, pool, grant_seq, position, state, tail)
        SELECT ${inline(pool.class)}, j.value, ${inline(pool.seq)}, ${inline(seq)}, ${inline(from)} + j.place, ${inline(STATE.allocated)}, NULL
        FROM ${eachPlacedText(serials)} j ORDER BY j.value`,
  );
}

/** PostgreSQL takes a bare parameter among selected columns for a text. */
const inline = (number: number) => sql`CAST(${number} AS BIGINT)`;

function tooMany(pool: PoolRow, quantity: number, remaining: bigint): LotlineError {
  const left = `pool ${pool.id} may grant ${remaining} more, and ${quantity} are asked for`;
  if (isInOrder(pool))
    return new LotlineError('SN-GUESSABLE', left, { at: '/quantity', fix: 'Ask for fewer, or open a pool with another extension digit.' });
  return new LotlineError('SN-GUESSABLE', `${left}: a serial number could be guessed in 1 of 10,000 tries`, {
    at: '/quantity',
    fix: 'Ask for fewer, or open a pool with longer numbers or a larger alphabet.',
  });
}
