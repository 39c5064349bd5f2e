import { sql } from 'drizzle-orm';
import { keptText, textKey } from '../epcis/query/index.ts';
import { nodesInside } from '../genealogy/contents.ts';
import { glnOf, parseKey } from '../identifiers/index.ts';
import { findNode, keysOf } from '../lifecycle/present.ts';
import { FLAG, ROLE } from '../lifecycle/state.ts';
import type { Db } from '../store/db.ts';
import type { VerificationRow } from '../store/rows.ts';
import { eachNumber, eachText } from '../store/sql.ts';
import { REASONS } from './operations.ts';

/** What a caller was answered under a corrUUID since then, by whichever process; null for nothing. `since` in ms. */
export async function verificationByCorr(
  db: Db,
  { caller, corr, since }: { caller: string; corr: string; since: number },
): Promise<Pick<VerificationRow, 'question' | 'answer'> | null> {
  const [row] = await db.all<Pick<VerificationRow, 'question' | 'answer'>>(
    sql`SELECT question, answer FROM verification WHERE caller = ${caller} AND corr = ${corr} AND at >= ${since} AND answer IS NOT NULL ORDER BY id LIMIT 1`,
  );
  return row ?? null;
}

/** Whether any party's or place's master data say until when it is licensed. */
export async function licencesKept(db: Db, _args: Record<string, never>): Promise<boolean> {
  const rows = await db.all(sql`SELECT 1 AS one FROM masterdata WHERE attributes LIKE ${`%${LICENCE}%`} LIMIT 1`);
  return rows.length > 0;
}
/** Attribute of an authorised trading partner: the last day of its licence, `YYYY-MM-DD`, or the moment it ends. */
export const LICENCE = 'urn:lotline:mda:licenceValidUntil';

/** GLN of who commissioned a product, by its newest lot; null where no lot of it was commissioned here. */
export async function makerOf(db: Db, { product }: { product: string }): Promise<string | null> {
  const [event] = await db.all<{ facts: string }>(
    sql`SELECT e.facts FROM (SELECT max(l.id) AS id FROM class c CROSS JOIN lot l ON l.class = c.id AND l.lot <> '' WHERE c.key = ${product}) n
        CROSS JOIN event_lot p ON p.lot = n.id AND p.role = ${ROLE.claim} CROSS JOIN event e ON e.seq = p.seq ORDER BY e.seq LIMIT 1`,
  );
  const party = event === undefined ? undefined : (JSON.parse(event.facts) as { p?: number }).p;
  const [term] = await db.all<{ text: string }>(sql`SELECT text FROM term WHERE id = ${party ?? -1}`);
  return term === undefined ? null : glnOf(term.text);
}

/** For what an event ended a pack, as the call that wrote it told (packs-wire.md); null where it was no such call. */
export async function endReason(db: Db, { seq }: { seq: number }): Promise<string | null> {
  const [field] = await db.all<{ key: string }>(
    sql`SELECT f.key FROM term t CROSS JOIN ${eachText(REASONS.map(textKey))} j ON true CROSS JOIN event_field f ON f.field = t.id AND f.key = j.value AND f.seq = ${seq}
        WHERE t.text = ${keptText(REASON_FIELD)}`,
  );
  return field === undefined ? null : (REASONS.find((reason) => textKey(reason) === field.key) ?? null);
}
/** The field of such events, as queries name it. */
const REASON_FIELD = 'urn:lotline:packs:#reason';

/** Whether a serial number is known under another product. Walks the products: asked behind an answer. */
export async function otherProduct(db: Db, { key }: { key: string }): Promise<boolean> {
  const thing = parseKey(key);
  if (!('serial' in thing)) return false;
  const rows = await db.all(
    sql`SELECT 1 AS one FROM class c CROSS JOIN item_name n ON n.class = c.id AND n.serial = ${thing.serial} WHERE c.key LIKE '01/%' AND c.key <> ${thing.class} LIMIT 1`,
  );
  return rows.length > 0;
}

/** What is in a container, as far as one verdict can speak for all of it (domain.md §7.5). */
export type SealedContent = {
  /** Packs: what is inside and was never a container. */
  packs: number;
  /** Why no verdict speaks for all of them; null where one does. */
  because: string | null;
  /** Key, lot and expiry of the first, for all. */
  first: string | null;
  lot: string | null;
};

/** Null when nothing here names the container. */
export async function sealedContent(db: Db, { of }: { of: string }): Promise<SealedContent | null> {
  const node = await findNode(db, of);
  if (node === null || node < 0) return null;
  const inside = await nodesInside(db, node, 'all', { at: null, seq: null });
  const items = [...new Set(inside.map(({ child }) => child).filter((child) => child > 0))];
  const packs = await db.all<{ id: number; kind: string }>(
    sql`SELECT i.id, i.class || ' ' || coalesce(i.lot, 0) || ' ' || coalesce(i.expiry, 0) || ' ' || coalesce(i.status, -1) || ' ' || coalesce(i.disposition, 0) || ' ' || coalesce(i.persistent, '') AS kind
        FROM ${eachNumber(items)} j CROSS JOIN item i ON i.id = j.value WHERE (i.flags & ${FLAG.parent}) = 0 ORDER BY i.id`,
  );
  const [first] = packs;
  if (first === undefined) return { packs: 0, because: 'what is in it is not known', first: null, lot: null };
  const containers = [node, ...items];
  const [left] = await db.all(
    sql`SELECT 1 AS one FROM ${eachNumber(containers)} j CROSS JOIN containment s ON s.parent = j.value AND s.kind = 0 AND s.to_seq IS NOT NULL LIMIT 1`,
  );
  const [found] = await db.all<{ code: string }>(
    sql`SELECT f.code FROM ${eachNumber(containers)} j CROSS JOIN finding_thing t ON t.node = j.value CROSS JOIN finding f ON f.id = t.finding
        WHERE f.state = 'open' AND f.severity <> 'info' ORDER BY f.id LIMIT 1`,
  );
  const because =
    left !== undefined
      ? 'it was opened'
      : found !== undefined
        ? `there is an open finding about it or its content: ${found.code}`
        : packs.some((pack) => pack.kind !== first.kind)
          ? 'its packs are not all of one product, lot, expiry and condition'
          : inside.some(({ child }) => child < 0)
            ? 'a part of its content is known by quantity only'
            : null;
  const [key] = (await keysOf(db, [first.id])).values();
  const [lot] = await db.all<{ lot: string }>(sql`SELECT l.lot FROM item i CROSS JOIN lot l ON l.id = i.lot WHERE i.id = ${first.id}`);
  return { packs: packs.length, because, first: key ?? null, lot: lot?.lot ?? null };
}

/** One line of GET /api/v1/verifications. */
export type VerificationAnswer = Omit<VerificationRow, 'at' | 'serial_hash' | 'scan' | 'answer' | 'took'> & {
  at: string;
  serialHash: string | null;
  scan: unknown;
  answer: unknown;
  tookMs: number;
};
export type Verifications = {
  list: VerificationAnswer[];
  more: boolean;
  counts: { total: number; verified: number; notVerified: number; couldNotCheck: number; p50Ms: number | null; p99Ms: number | null };
};
export type VerificationsArgs = { since: number; outcome?: string; thing?: string; before?: string; limit: number };

/** Requests since then, newest first, those with an id below `before`; and over all of them the figures of domain.md §16. */
export async function verifications(db: Db, { since, outcome, thing, before, limit }: VerificationsArgs): Promise<Verifications> {
  const from = String(since).padStart(13, '0');
  const range = sql`id >= ${from} ${outcome === undefined ? sql`` : sql`AND outcome = ${outcome}`} ${thing === undefined ? sql`` : sql`AND thing = ${thing}`}`;
  const rows = await db.all<VerificationRow>(
    sql`SELECT * FROM verification WHERE ${range} AND id < ${before ?? 'z'} ORDER BY id DESC LIMIT ${limit + 1}`,
  );
  const counted = await db.all<{ outcome: string; n: number }>(
    sql`SELECT outcome, count(*) AS n FROM verification WHERE ${range} GROUP BY outcome ORDER BY outcome`,
  );
  const count = (name: string) => counted.find((row) => row.outcome === name)?.n ?? 0;
  const total = counted.reduce((sum, { n }) => sum + n, 0);
  const quantile = async (share: number) => {
    const [row] = await db.all<{ took: number }>(
      sql`SELECT took FROM verification WHERE ${range} ORDER BY took LIMIT 1 OFFSET ${Math.max(0, Math.ceil(total * share) - 1)}`,
    );
    return row === undefined ? null : row.took / 1000;
  };
  return {
    list: rows.slice(0, limit).map(({ at, serial_hash, scan, answer, took, ...same }) => ({
      ...same,
      at: new Date(at).toISOString(),
      serialHash: serial_hash,
      scan: scan === null ? null : (JSON.parse(scan) as unknown),
      answer: answer === null ? null : (JSON.parse(answer) as unknown),
      tookMs: took / 1000,
    })),
    more: rows.length > limit,
    counts: {
      total,
      verified: count('true'),
      notVerified: count('false'),
      couldNotCheck: count('error'),
      p50Ms: await quantile(0.5),
      p99Ms: await quantile(0.99),
    },
  };
}
