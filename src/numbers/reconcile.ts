import { type SQL, sql } from 'drizzle-orm';
import { formatKey, parseThing } from '../identifiers/index.ts';
import type { FindingCode } from '../lifecycle/findings.ts';
import { findNode, keysOf } from '../lifecycle/present.ts';
import type { Node } from '../lifecycle/state.ts';
import type { Db } from '../store/db.ts';
import type { BatchRow } from '../store/rows.ts';
import { eachNumber, eachText } from '../store/sql.ts';
import { type Counts, countsOf, lotOfBatch, numbersOfRun, packsOf } from './counts.ts';
import { COMMISSIONED, LABEL_FATE, PACK_ENDED } from './label-status.ts';
import { termsOf } from './stored-batch.ts';
import { STATE } from './stored-pool.ts';

/** What the line says at the end of a run (packs-wire.md). What it does not say is null. */
export type Counters = {
  goodPrints: number | null;
  finishedPacks: number | null;
  /** Serials, or things in any spelling. */
  loose: readonly string[];
  partial: readonly string[];
  rejected: readonly string[];
  theoretical: number | null;
};

export type CheckCode = Extract<
  FindingCode,
  'REC-UNACCOUNTED' | 'REC-COUNTER' | 'REC-YIELD' | 'AGG-ORPHAN' | 'AGG-COUNT' | 'AGG-MIXED' | 'REJ-ESCAPED'
>;

/** One line of the reconciliation. `ok` is false where it does not agree, and where it could not be checked: what was not told is no agreement. */
export type Check = {
  name: CheckCode;
  of: string;
  expected: number | null;
  actual: number | null;
  difference: number | null;
  ok: boolean;
  /** Canonical keys of what offends, the first THINGS_MAX of them. */
  things?: string[];
};

/** A check, and the nodes of all that offends. */
export type Judged = { check: Check; nodes: readonly Node[] };

const THINGS_MAX = 10_000;

/**
 * Compares what was captured of a batch with itself and with what the line has counted (domain.md §5.2). `escaped`: packs that the camera had rejected by
 * an earlier account, and that nobody has resolved; leaving them out of the next one makes them no better.
 */
export async function reconcile(
  db: Db,
  batch: BatchRow,
  counters: Counters,
  escaped: readonly Node[],
): Promise<{ counts: Counts; judged: Judged[] }> {
  const counts = await countsOf(db, batch);
  const lot = await lotOfBatch(db, batch);
  const { perParent, yieldLimits } = termsOf(batch);
  const [of] = await db.all<{ key: string }>(sql`SELECT key FROM class WHERE id = ${batch.class}`);
  const classKey = (of as { key: string }).key;
  const partial = new Set<Node>();
  for (const parent of counters.partial) {
    const node = await findNode(db, formatKey(parseThing(parent)));
    if (node !== null) partial.add(node);
  }
  const serials = (list: readonly string[]) => list.map((text) => serialIn(text, classKey));
  const judged: Judged[] = [await unaccounted(db, batch, counts, lot)];
  const compare = (name: CheckCode, what: string, expected: number | null, actual: number) =>
    judged.push({
      check: { name, of: what, expected, actual, difference: expected === null ? null : actual - expected, ok: expected === actual },
      nodes: [],
    });
  compare('REC-COUNTER', 'prints', counters.goodPrints, counts.commissioned);
  compare('REC-COUNTER', 'packs', counters.finishedPacks, counts.good);
  judged.push({ check: yieldCheck(counts.good, counters.theoretical, yieldLimits), nodes: [] });
  const offenders = async (name: CheckCode, what: string, query: SQL | null) => {
    const rows = lot === null || query === null ? [] : await db.all<{ node: Node }>(query);
    judged.push(
      await withThings(
        db,
        name,
        what,
        rows.map((row) => row.node),
      ),
    );
  };
  if (lot === null) {
    for (const [name, what] of THING_CHECKS) await offenders(name, what, null);
    return { counts, judged };
  }
  const good = sql`${packsOf(lot)} AND coalesce(i.status, -1) NOT IN (${sql.raw(PACK_ENDED.join(', '))})`;
  const parents = sql`(SELECT DISTINCT i.parent AS id FROM item i WHERE ${good} AND i.parent IS NOT NULL) p`;
  const inside = sql`CROSS JOIN containment c ON c.parent = p.id AND c.to_time IS NULL AND c.kind = 0 AND c.child > 0`;
  await offenders(
    'AGG-ORPHAN',
    'good packs that are inside of nothing and were not declared loose',
    sql`SELECT i.id AS node FROM item i WHERE ${good} AND i.parent IS NULL AND i.serial NOT IN ${eachText(serials(counters.loose))} ORDER BY i.id`,
  );
  await offenders(
    'AGG-COUNT',
    'containers that are not full and were not declared partial',
    perParent === null
      ? null
      : sql`SELECT p.id AS node FROM ${parents} ${inside} WHERE p.id NOT IN ${eachNumber([...partial])}
            GROUP BY p.id HAVING count(*) <> ${perParent} ORDER BY p.id`,
  );
  await offenders(
    'AGG-MIXED',
    'containers that hold another product, lot or expiry as well',
    sql`SELECT p.id AS node FROM ${parents} ${inside} CROSS JOIN item k ON k.id = c.child
        GROUP BY p.id HAVING max(CASE WHEN k.class = ${batch.class} AND k.lot = ${lot} THEN 0 ELSE 1 END) = 1
          OR min(coalesce(k.expiry, 0)) <> max(coalesce(k.expiry, 0)) ORDER BY p.id`,
  );
  await offenders(
    'REJ-ESCAPED',
    'packs that the camera rejected and that are still good',
    sql`SELECT i.id AS node FROM (
          SELECT m.id FROM ${eachText([...new Set(serials(counters.rejected))])} j CROSS JOIN item_name m ON m.class = ${batch.class} AND m.serial = j.value
          UNION SELECT k.value FROM ${eachNumber([...escaped])} k
        ) r CROSS JOIN item i ON i.id = r.id WHERE ${good} ORDER BY i.id`,
  );
  return { counts, judged };
}

const THING_CHECKS = [
  ['AGG-ORPHAN', 'good packs that are inside of nothing and were not declared loose'],
  ['AGG-COUNT', 'containers that are not full and were not declared partial'],
  ['AGG-MIXED', 'containers that hold another product, lot or expiry as well'],
  ['REJ-ESCAPED', 'packs that the camera rejected and that are still good'],
] as const;

/** A bare serial is one of the batch's product; a thing may be spelled out as well. */
function serialIn(text: string, classKey: string): string {
  if (!/^(urn:|https?:|\(01\)|01\/)/.test(text)) return text;
  const thing = parseThing(text);
  // Of another product it names no pack of the batch.
  return 'serial' in thing && thing.class === classKey ? thing.serial : text;
}

/**
 * Numbers of the run that came neither back nor onto a pack of the lot, and are on no label that was scrapped or kept. The sum alone does not tell: a
 * number that is lost and a pack that came from elsewhere make zero.
 */
async function unaccounted(db: Db, batch: BatchRow, counts: Counts, lot: number | null): Promise<Judged> {
  const check: Check = {
    name: 'REC-UNACCOUNTED',
    of: 'issued − returned − invalid − commissioned',
    expected: 0,
    actual: counts.unaccounted,
    difference: counts.unaccounted,
    ok: counts.unaccounted === 0,
  };
  const [of] = await db.all<{ key: string }>(sql`SELECT key FROM class WHERE id = ${batch.class}`);
  const rows = await db.all<{ serial: string; node: number | null }>(
    sql`SELECT n.serial, i.id AS node FROM ${numbersOfRun(batch)}
        LEFT JOIN item_name m ON m.class = n.class AND m.serial = n.serial LEFT JOIN item i ON i.id = m.id
        WHERE g.run = ${batch.id} AND n.state = ${STATE.allocated}
          AND (i.id IS NULL OR (NOT (${COMMISSIONED}) AND ${LABEL_FATE} IS NULL) OR (${COMMISSIONED} AND coalesce(i.lot, -1) <> ${lot ?? -2}))
        ORDER BY n.serial`,
  );
  if (rows.length === 0) return { check, nodes: [] };
  check.ok = false;
  check.things = rows.slice(0, THINGS_MAX).map((row) => formatKey({ class: (of as { key: string }).key, serial: row.serial }));
  return { check, nodes: rows.flatMap((row) => row.node ?? []) };
}

function yieldCheck(good: number, theoretical: number | null, limits: readonly [number, number] | null): Check {
  const name = 'REC-YIELD';
  const share = theoretical === null || theoretical === 0 ? null : good / theoretical;
  const ok = limits === null || (share !== null && share >= limits[0] && share <= limits[1]);
  return {
    name,
    of: limits === null ? 'good ÷ theoretical' : `good ÷ theoretical, from ${limits[0]} to ${limits[1]}`,
    expected: theoretical,
    actual: good,
    difference: theoretical === null ? null : good - theoretical,
    ok,
  };
}

async function withThings(db: Db, name: CheckCode, of: string, nodes: readonly Node[]): Promise<Judged> {
  const first = nodes.slice(0, THINGS_MAX);
  const keys = await keysOf(db, first);
  const things = first.map((node) => keys.get(node) as string);
  const n = nodes.length;
  return { check: { name, of, expected: 0, actual: n, difference: n, ok: n === 0, ...(n > 0 && { things }) }, nodes };
}
