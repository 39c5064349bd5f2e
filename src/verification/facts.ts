import { sql } from 'drizzle-orm';
import { markOf, thingRows } from '../capture/thing-rows.ts';
import { recallOf } from '../genealogy/thing.ts';
import { glnOf, parseKey } from '../identifiers/index.ts';
import { DEPTH_MAX } from '../lifecycle/fold.ts';
import { comparePositions } from '../lifecycle/order.ts';
import { States } from '../lifecycle/present.ts';
import { shownStatus } from '../lifecycle/resolve.ts';
import { positionOf, statesFrom } from '../lifecycle/rows.ts';
import { FLAG, NONE, ROLE, type State } from '../lifecycle/state.ts';
import { REACTIVATING } from '../lifecycle/steps.ts';
import type { Db } from '../store/db.ts';
import type { EventRow } from '../store/rows.ts';
import { eachNumber, eachText } from '../store/sql.ts';

/** The event that ended a pack, as long as nothing has made it active again (domain.md §8.3): by the call, or by anybody's event. */
export type Ended = {
  seq: number;
  /** ms of its eventTime. */
  time: number;
  bizStep: string;
  disposition: string | null;
  /** GLN of the site, by the party of the event. */
  site: string | null;
};

/** All that a verdict about one pack rests on (domain.md §8.2), as it is now, its containers and its lot taken into account. Plain values. */
export type PackFacts = {
  key: string;
  /** The product is served here: an event or master data name it. */
  product: boolean;
  /** Commissioned, produced, or built by packing; nothing below says anything where this is false. */
  known: boolean;
  lot: string | null;
  /** As it was stated. */
  expiry: string | null;
  status: string | null;
  disposition: string | null;
  recalled: boolean;
  ended: Ended | null;
  /** Went into something else, such as another package. */
  consumed: boolean;
  /** It, or a container of it while it was inside, was shipped or received. */
  released: boolean;
  /** GLN of who commissioned it. */
  maker: string | null;
  /** Was packed into: a case, a pallet; `opened` once anything has left it. */
  container: boolean;
  opened: boolean;
  /** ms of the latest event it speaks of. */
  latest: number;
  /** Open findings; `own` are about the thing itself, the others about a container or the lot. */
  findings: { code: string; own: boolean; stage: string | null }[];
  /** Its lot number is known of the product, whatever pack bears it. */
  lotKnown: boolean;
  /** The serial number is known in other letters, upper or lower. */
  otherCase: boolean;
  /** Attributes in master data of who asks; null where there are none. */
  partner: Record<string, unknown> | null;
  /** By `markOf`. */
  mark: string;
};

export type FactsArgs = {
  /** Canonical key of a serialised thing. */
  key: string;
  /** GLN of who asks, and the lot that it gave. */
  site?: string | null;
  lot?: string | null;
};

/** Steps that end a pack. */
const ENDING = ['destroying', 'decommissioning', 'dispensing', 'retail_selling'];

type Event = Pick<EventRow, 'seq' | 'time' | 'below' | 'rank' | 'digest' | 'biz_step' | 'disposition' | 'facts'> & { turn: number };

/**
 * Looks one pack up. The same statements run whatever is found, so that an unknown serial number takes as long as a known one (domain.md §8.6); only
 * containers take one more.
 */
export async function packFacts(db: Db, { key, site = null, lot = null }: FactsArgs): Promise<PackFacts> {
  const thing = parseKey(key);
  const rows = await thingRows(db, key);
  const all = [rows.own, ...rows.containers, rows.lot].filter((row) => row !== null);
  const seqs = all.flatMap((row) => [
    row.entered_seq,
    row.status_seq,
    row.before_seq,
    row.disposition_seq,
    row.custody_seq,
    row.place_seq,
    row.last_seq,
    row.claim_seq,
    ...persistentSeqs(row.persistent),
  ]);
  const columns = sql.raw('e.seq, e.time, e.below, e.rank, e.digest, e.biz_step, e.disposition, e.facts');
  const events = await db.all<Event>(
    sql`SELECT ${columns}, 0 AS turn FROM ${eachNumber([...new Set(seqs.filter((seq) => seq !== null))])} j CROSS JOIN event e ON e.seq = j.value
        UNION ALL
        SELECT ${columns}, 1 AS turn FROM event_item p CROSS JOIN event e ON e.seq = p.seq AND e.declares = 0 AND e.void_seq IS NULL AND e.twin_of IS NULL
          CROSS JOIN term t ON t.id = e.biz_step AND t.text IN ${eachText([...ENDING, REACTIVATING])}
          WHERE p.item = ${rows.own?.node ?? 0} AND p.role = ${ROLE.epc}`,
  );
  const findings = await db.all<{ node: number; code: string; stage?: string }>(
    sql`SELECT t.node, f.* FROM ${eachNumber(all.map((row) => row.node))} j CROSS JOIN finding_thing t ON t.node = j.value
        CROSS JOIN finding f ON f.id = t.finding WHERE f.state = 'open' ORDER BY f.id, t.node`,
  );
  const about = await aboutProduct(db, thing, { site, lot });
  const bySeq = new Map(events.map((event) => [event.seq, event]));
  const last = lastTurn(events.filter((event) => event.turn === 1));
  const parties = new Map([rows.own?.claim_seq, last?.seq].map((seq) => [seq, partyTerm(bySeq.get(seq ?? NONE))]));
  const words = await termTexts(db, [
    ...all.flatMap((row) => [row.expiry, row.disposition, row.holder, row.owner, row.place]),
    ...parties.values(),
    last?.biz_step ?? null,
    last?.disposition ?? null,
  ]);
  const text = (id: number | null | undefined) => (id == null ? null : (words.get(id) ?? null));
  const gln = (seq: number | null | undefined) => {
    const party = text(parties.get(seq ?? undefined));
    return party === null ? null : glnOf(party);
  };
  const stated = await statesFrom({ terms: () => [], termTexts: (ids) => ids.map((id) => text(id)) }, all);
  const own = rows.own === null ? undefined : (stated[0] as State);
  const base = { key, ...about, mark: markOf(rows) };
  if (own === undefined || (own.flags & FLAG.known) === 0) return { ...base, ...UNKNOWN, latest: latestOf(events) };
  const states = new Map(stated.map((state) => [state.node, state]));
  const now = new States(states, new Map(events.map((event) => [event.seq, positionOf(event)]))).resolve(own);
  const lotState = rows.lot === null ? undefined : states.get(rows.lot.node);
  const status = shownStatus(now, recallOf(lotState));
  const container = (own.flags & FLAG.parent) !== 0;
  const inside = container ? await contentOf(db, own) : { opened: false, recalled: false, lot: null, expiry: null };
  const bizStep = text(last?.biz_step);
  return {
    ...base,
    known: true,
    lot: rows.lot === null ? inside.lot : rows.lot.name,
    expiry: own.expiry ?? lotState?.expiry ?? inside.expiry,
    status,
    disposition: now.disposition,
    recalled: inside.recalled || shownStatus({ ...now, status: null }, recallOf(lotState)) === 'Recalled',
    ended:
      last === undefined || bizStep === null || bizStep === REACTIVATING
        ? null
        : { seq: last.seq, time: last.time, bizStep, disposition: text(last.disposition), site: gln(last.seq) },
    consumed: (own.flags & FLAG.consumed) !== 0,
    released: now.received || (now.status !== null && now.status !== 'Commissioned'),
    maker: gln(own.claimSeq),
    container,
    opened: inside.opened,
    latest: latestOf(events),
    findings: findings.map(({ node, code, stage }) => ({ code, own: node === own.node, stage: stage ?? null })),
  };
}

const UNKNOWN = {
  known: false,
  lot: null,
  expiry: null,
  status: null,
  disposition: null,
  recalled: false,
  ended: null,
  consumed: false,
  released: false,
  maker: null,
  container: false,
  opened: false,
  findings: [],
} satisfies Partial<PackFacts>;

/** What is known of the product, of the lot that was given, of the same serial in other letters, and of who asks. */
async function aboutProduct(
  db: Db,
  thing: ReturnType<typeof parseKey>,
  { site, lot }: { site: string | null; lot: string | null },
): Promise<Pick<PackFacts, 'product' | 'lotKnown' | 'otherCase' | 'partner'>> {
  const serial = 'serial' in thing ? thing.serial : '';
  const others = otherLetters(serial);
  const elements = [thing.class, ...(site === null ? [] : [`414/${site}`, `417/${site}`])];
  const rows = await db.all<{ what: string; type: string; id: string; seq: number; attributes: string }>(
    sql`SELECT 'class' AS what, '' AS type, c.key AS id, 0 AS seq, '' AS attributes FROM class c WHERE c.key = ${thing.class}
        UNION ALL
        SELECT 'lot' AS what, '' AS type, c.key AS id, 0 AS seq, '' AS attributes FROM class c CROSS JOIN lot l ON l.class = c.id AND l.lot = ${lot ?? ''} WHERE c.key = ${thing.class}
        UNION ALL
        SELECT 'case' AS what, '' AS type, c.key AS id, 0 AS seq, '' AS attributes FROM ${eachText(others)} j CROSS JOIN class c ON c.key = ${thing.class}
          CROSS JOIN item_name n ON n.class = c.id AND n.serial = j.value
        UNION ALL
        SELECT 'masterdata' AS what, m.type, m.id, m.seq, m.attributes FROM ${eachText(elements)} j CROSS JOIN masterdata m ON m.id = j.value
        ORDER BY seq, type, id`,
  );
  const told = rows.filter((row) => row.what === 'masterdata');
  const has = (what: string) => rows.some((row) => row.what === what);
  // What was told of an element last replaces what was told before (MD-7); a party may stand in two vocabularies.
  const newest = new Map(told.filter((row) => row.id !== thing.class).map((row) => [JSON.stringify([row.type, row.id]), row.attributes]));
  const partner = [...newest.values()].map((attributes) => JSON.parse(attributes) as Record<string, unknown>);
  return {
    product: has('class') || told.some((row) => row.id === thing.class),
    lotKnown: lot !== null && has('lot'),
    otherCase: has('case'),
    partner: partner.length === 0 ? null : Object.assign({}, ...partner),
  };
}

/** A serial number in capitals, in small letters, and with each letter turned: what a scanner with its caps lock on makes of it. */
function otherLetters(serial: string): string[] {
  const turned = serial.replace(/[A-Za-z]/g, (c) => (c < 'a' ? c.toLowerCase() : c.toUpperCase()));
  return [...new Set([serial.toUpperCase(), serial.toLowerCase(), turned])].filter((other) => other !== serial);
}

/** Of a container: whether anything has left it, whether anything in it is recalled, and the lot and expiry of its content where that is all of one. */
async function contentOf(db: Db, own: State): Promise<{ opened: boolean; recalled: boolean; lot: string | null; expiry: string | null }> {
  const [left] = await db.all(sql`SELECT 1 AS one FROM containment WHERE parent = ${own.node} AND kind = 0 AND to_seq IS NOT NULL LIMIT 1`);
  // Recalled is the lot of the packs; the case has another GTIN, and no part in that lot.
  const [recall] = await db.all(
    sql`WITH RECURSIVE inside(depth, id) AS (
          SELECT 1, s.child FROM containment s WHERE s.parent = ${own.node} AND s.kind = 0 AND s.to_seq IS NULL
          UNION
          SELECT a.depth + 1, s.child FROM inside a CROSS JOIN containment s ON s.parent = a.id AND s.kind = 0 AND s.to_seq IS NULL WHERE a.depth < ${DEPTH_MAX}
        )
        SELECT 1 AS one FROM inside a CROSS JOIN item i ON i.id = a.id LEFT JOIN lot l ON l.id = i.lot
        WHERE i.persistent LIKE '%"recalled"%' OR l.persistent LIKE '%"recalled"%'
          OR i.disposition IN (SELECT id FROM term WHERE text = 'recalled') OR l.disposition IN (SELECT id FROM term WHERE text = 'recalled') LIMIT 1`,
  );
  const known = { opened: left !== undefined, recalled: recall !== undefined };
  if (own.lot !== 0) return { ...known, lot: null, expiry: null };
  const lots = await db.all<{ lot: string | null; expiry: string | null }>(
    sql`SELECT DISTINCT l.lot, t.text AS expiry FROM containment s CROSS JOIN item i ON i.id = s.child LEFT JOIN lot l ON l.id = i.lot LEFT JOIN term t ON t.id = coalesce(i.expiry, l.expiry)
        WHERE s.parent = ${own.node} AND s.kind = 0 AND s.to_seq IS NULL LIMIT 2`,
  );
  const [one, other] = lots;
  return {
    ...known,
    lot: other === undefined ? (one?.lot ?? null) : null,
    expiry: other === undefined ? (one?.expiry ?? null) : null,
  };
}

/** The latest in order. */
function lastTurn(events: readonly Event[]): Event | undefined {
  let last: Event | undefined;
  for (const event of events) if (last === undefined || comparePositions(positionOf(event), positionOf(last)) > 0) last = event;
  return last;
}

const latestOf = (events: readonly Event[]): number => events.reduce((latest, { time }) => Math.max(latest, time), 0);

/** The term of an event's party: `p` of its stored facts (lifecycle/rows.ts). */
function partyTerm(event: Event | undefined): number | null {
  return event === undefined ? null : ((JSON.parse(event.facts) as { p?: number }).p ?? null);
}

async function termTexts(db: Db, ids: readonly (number | null)[]): Promise<Map<number, string>> {
  const list = [...new Set(ids.filter((id) => id !== null))];
  const rows = await db.all<{ id: number; text: string }>(
    sql`SELECT t.id, t.text FROM ${eachNumber(list)} j CROSS JOIN term t ON t.id = j.value`,
  );
  return new Map(rows.map((row) => [row.id, row.text]));
}

const persistentSeqs = (persistent: string | null): number[] =>
  persistent === null ? [] : (JSON.parse(persistent) as [string, number][]).map(([, seq]) => seq);
