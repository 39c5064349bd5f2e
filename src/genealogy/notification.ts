import { sql } from 'drizzle-orm';
import { parseKey, partyKey } from '../identifiers/index.ts';
import { type AsOf, effective } from '../lifecycle/as-of.ts';
import { type FindingAnswer, findings, type NotificationAnswer } from '../lifecycle/list-findings.ts';
import { findNode, keysOf, namesOf, statesOf, wordsOf } from '../lifecycle/present.ts';
import { shownStatus } from '../lifecycle/resolve.ts';
import { factsFrom } from '../lifecycle/rows.ts';
import { FLAG, type Node } from '../lifecycle/state.ts';
import { makesThings, receivesThings } from '../lifecycle/steps.ts';
import type { Db } from '../store/db.ts';
import type { EventRow } from '../store/rows.ts';
import { eachNumber } from '../store/sql.ts';
import { nodesInside } from './contents.ts';
import { eventsAround } from './history.ts';
import { packCounts, packGroups, reachOf } from './packs.ts';
import { recallOf } from './thing.ts';

/** What a form about illegitimate product asks for (domain.md §9). Times are ISO 8601; keys are canonical. */
export type NotificationForm = {
  finding: number;
  code: string;
  /** The first one; news about what was sent; its end. */
  notificationType: 'initial' | 'follow-up' | 'termination';
  classification: 'illegitimate';
  determined: string;
  by: string;
  due: string;
  sent: NotificationAnswer['sent'];
  terminated: NotificationAnswer['terminated'];
  products: { gtin: string | null; name: string | null; quantity: number }[];
  lots: { gtin: string | null; lot: string; expiry: string | null; quantity: number }[];
  units: NotifiedUnit[];
  /** Units by number, and of lots that are named as such their packs, or how many the finding says. */
  quantity: number;
  description: string | null;
  partners: NotifiedPartner[];
};
export type NotifiedUnit = {
  key: string;
  gtin: string | null;
  serial: string | null;
  lot: string | null;
  expiry: string | null;
  status: string | null;
  holder: string | null;
};
export type PartnerRole = 'made' | 'shipped' | 'destination' | 'received' | 'handled' | 'holds';
export type NotifiedPartner = { party: string; name: string | null; roles: PartnerRole[]; first: string | null; last: string | null };

const NOW: AsOf = { at: null, seq: null };
const PACK = /^01\/\d{14}\/21\//;

/** The form data of a finding: 'unknown' where there is no such finding, 'undetermined' where nothing was determined to be illegitimate. */
export async function notificationForm(db: Db, args: { id: number }): Promise<NotificationForm | 'unknown' | 'undetermined'> {
  const [finding] = (await findings(db, { id: args.id, limit: 1 })).list;
  if (finding === undefined) return 'unknown';
  const { notification } = finding;
  if (notification === null) return 'undetermined';
  const nodes = new Map<string, Node>();
  for (const key of finding.things) {
    const node = await findNode(db, key);
    if (node !== null) nodes.set(key, node);
  }
  const { units, lotsOfUnits } = await unitsOf(db, finding, nodes);
  const named = [...nodes.values()].filter((node) => node < 0);
  const packs = await packCounts(db, named, NOW);
  const lots = await lotRows(db, units, [...new Set([...lotsOfUnits, ...named])], packs);
  const quantity = units.length + (finding.count ?? named.reduce((sum, lot) => sum + (packs.get(lot) ?? 0), 0));
  const products = new Map<string | null, number>();
  for (const { gtin } of units) products.set(gtin, (products.get(gtin) ?? 0) + 1);
  const keys = await keysOf(db, named);
  for (const lot of named) {
    const { gtin } = partsOf(keys.get(lot) as string);
    products.set(gtin, (products.get(gtin) ?? 0) + (packs.get(lot) ?? 0));
  }
  const partners = await partnersOf(db, [...new Set(nodes.values())], units);
  const gtins = [...products.keys()].filter((gtin) => gtin !== null);
  const names = await namesOf(db, [...gtins.map((gtin) => `01/${gtin}`), ...partners.map(({ party }) => party)], NOW);
  return {
    finding: finding.id,
    code: finding.code,
    notificationType: notification.terminated !== null ? 'termination' : notification.sent !== null ? 'follow-up' : 'initial',
    classification: 'illegitimate',
    ...notification,
    products: [...products].map(([gtin, count]) => ({ gtin, name: names.get(`01/${gtin}`) ?? null, quantity: count })),
    lots,
    units,
    quantity,
    description: describe(finding),
    partners: partners.map((partner) => ({ ...partner, name: names.get(partner.party) ?? null })),
  };
}

/** What was found and said: the note, or else the words of the code, and the messages after it. */
function describe({ note, message, messages }: FindingAnswer): string {
  return [note === null || note === '' ? message : note, ...messages.map(({ text }) => text)].join('\n');
}

/** Every serialised thing that it is about: of a container what is inside, of what nothing here knows its number. */
async function unitsOf(db: Db, finding: FindingAnswer, nodes: ReadonlyMap<string, Node>) {
  const named = [...nodes.values()].filter((node) => node > 0);
  const inside = await nodesInside(db, named, 'all', NOW);
  const filled = new Set(inside.map(({ parent }) => parent));
  const all = [...new Set([...named, ...inside.map(({ child }) => child)])].filter((node) => node > 0 && !filled.has(node));
  const states = await statesOf(db, all, NOW);
  const lotsOfUnits = [...new Set([...states.states.values()].map((state) => state.lot).filter((lot) => lot !== 0))];
  const lots = (await statesOf(db, lotsOfUnits, NOW)).states;
  const keys = await keysOf(db, [...all, ...lotsOfUnits]);
  const units = all.flatMap((node): NotifiedUnit[] => {
    const key = keys.get(node) as string;
    const state = states.states.get(node);
    // An empty container is no product.
    if (state === undefined || ((state.flags & FLAG.parent) !== 0 && !PACK.test(key))) return [];
    const now = states.resolve(state);
    const lot = lots.get(state.lot);
    return [
      {
        ...partsOf(key),
        key,
        lot: state.lot === 0 ? null : partsOf(keys.get(state.lot) as string).lot,
        expiry: state.expiry ?? lot?.expiry ?? null,
        status: shownStatus(now, recallOf(lot)),
        holder: now.holder,
      },
    ];
  });
  const strange = finding.things
    .filter((key) => !nodes.has(key) && 'serial' in parseKey(key))
    .map((key): NotifiedUnit => ({ ...partsOf(key), key, lot: null, expiry: null, status: null, holder: null }));
  return { units: [...units, ...strange].sort((a, b) => (a.key < b.key ? -1 : 1)), lotsOfUnits };
}

function partsOf(key: string): { gtin: string | null; serial: string | null; lot: string } {
  const thing = parseKey(key);
  const gtin = /^01\/(\d{14})$/.exec(thing.class)?.[1] ?? null;
  return { gtin, serial: 'serial' in thing ? thing.serial : null, lot: 'lot' in thing ? thing.lot : '' };
}

async function lotRows(db: Db, units: readonly NotifiedUnit[], lots: readonly Node[], packs: ReadonlyMap<Node, number>) {
  const keys = await keysOf(db, lots);
  const { states } = await statesOf(db, lots, NOW);
  return lots
    .map((node) => ({ node, parts: partsOf(keys.get(node) as string) }))
    .filter(({ parts }) => parts.lot !== '')
    .map(({ node, parts: { gtin, lot } }) => {
      const counted = units.filter((unit) => unit.gtin === gtin && unit.lot === lot);
      const expiry = states.get(node)?.expiry ?? counted[0]?.expiry ?? null;
      return { gtin, lot, expiry, quantity: packs.get(node) ?? counted.length };
    })
    .sort((a, b) => (`${a.gtin}/${a.lot}` < `${b.gtin}/${b.lot}` ? -1 : 1));
}

type Dealing = { roles: Set<PartnerRole>; first: number | null; last: number | null };

/** Who had it in hand or was to get it, by the events of the things and of their containers while they were inside, and who holds it now. */
async function partnersOf(db: Db, nodes: readonly Node[], units: readonly NotifiedUnit[]): Promise<Omit<NotifiedPartner, 'name'>[]> {
  const partners = new Map<string, Dealing>();
  const add = (party: string | null, role: PartnerRole, at: number | null) => {
    if (party === null) return;
    const dealing = partners.get(party) ?? { roles: new Set(), first: at, last: at };
    dealing.roles.add(role);
    if (at !== null) {
      dealing.first = Math.min(dealing.first ?? at, at);
      dealing.last = Math.max(dealing.last ?? at, at);
    }
    partners.set(party, dealing);
  };
  const reach = await reachOf(
    db,
    nodes.filter((node) => node < 0),
    [],
  );
  const seqs = await eventsAround(db, nodes, NOW);
  const rows = await db.all<EventRow>(
    sql`SELECT e.* FROM ${eachNumber(seqs)} j CROSS JOIN event e ON e.seq = j.value AND ${effective(NOW, sql`e`)} ORDER BY e.time, e.seq`,
  );
  const ends = await endsOfDeals(
    db,
    rows.map((row) => row.seq),
  );
  for (const facts of await factsFrom(wordsOf(db), rows)) {
    const at = facts.position.ms;
    const ships = facts.bizStep === 'shipping';
    const receives = receivesThings(facts);
    const made = Object.keys(facts.things).some((role) => makesThings(facts, Number(role) as never)) || facts.action === 'ADD';
    const role = ships ? 'shipped' : receives ? 'received' : made && facts.type !== 'AggregationEvent' ? 'made' : 'handled';
    for (const party of [facts.party, facts.owner]) add(party, role, at);
    for (const { side, party } of ends.get(facts.seq) ?? []) {
      if (side === 'source' && (ships || receives)) add(party, 'shipped', at);
      if (side === 'destination' && ships) add(party, 'destination', at);
      if (side === 'destination' && receives) add(party, 'received', at);
    }
  }
  for (const { holder } of units) add(holder, 'holds', null);
  for await (const { states, groups } of packGroups(db, reach, NOW))
    for (const { state } of groups) add(states.resolve(state).holder, 'holds', null);
  const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  return [...partners]
    .map(([party, { roles, first, last }]) => ({ party, roles: [...roles].sort(), first: iso(first), last: iso(last) }))
    .sort((a, b) => (a.party < b.party ? -1 : 1));
}

/** From whom and to whom, as the events say. */
async function endsOfDeals(db: Db, seqs: readonly number[]): Promise<Map<number, { side: 'source' | 'destination'; party: string }[]>> {
  const rows = await db.all<{ seq: number; field: string; key: string }>(
    sql`SELECT f.seq, t.text AS field, f.key FROM ${eachNumber(seqs)} j CROSS JOIN event_field f ON f.seq = j.value CROSS JOIN term t ON t.id = f.field
        AND t.text IN ('source_possessing_party', 'source_owning_party', 'destination_possessing_party', 'destination_owning_party') ORDER BY f.seq, t.text, f.key`,
  );
  const ends = new Map<number, { side: 'source' | 'destination'; party: string }[]>();
  for (const { seq, field, key } of rows) {
    const side = field.startsWith('source_') ? 'source' : 'destination';
    const end = { side, party: partyKey(key.slice(1)) } as const; // the key of a text is `s` and the text
    const list = ends.get(seq);
    if (list === undefined) ends.set(seq, [end]);
    else list.push(end);
  }
  return ends;
}
