import { sql } from 'drizzle-orm';
import type { ReadEvent } from '../epcis/model.ts';
import { parseKey } from '../identifiers/index.ts';
import { dueOf } from '../lifecycle/due.ts';
import { FINDINGS, type FindingCode } from '../lifecycle/findings.ts';
import { keysOf } from '../lifecycle/present.ts';
import { type Facts, NONE, type Node, ROLE } from '../lifecycle/state.ts';
import type { Journal } from '../store/journal.ts';
import type { FindingRow, FindingThing } from '../store/rows.ts';
import { eachNumber, eachText } from '../store/sql.ts';
import type { IdentityAct } from './act-command.ts';
import type { Act, OrderAct } from './acts.ts';
import { NO_FIELDS, toldEvent } from './event.ts';
import { foldChain, holdIdOf } from './fold-chain.ts';
import {
  bindingsOf,
  canonicalKey,
  chainOfOrder,
  holdsOf,
  keysNamed,
  loadWorld,
  nodesOf,
  type StoredAct,
  storedAct,
  storedActs,
  toldEvents,
  worldEvents,
} from './load-world.ts';
import { aboutAct, partsOf } from './parts.ts';
import { bindAnew, noteCarriers } from './stored-bindings.ts';
import type { ChainView, HoldView } from './view.ts';
import { type Found, isWitnessed, type Key, type WorldEvent } from './world.ts';

/** An event that was stored, effective or not, as the fold named it. */
export type StoredEvent = { readonly seq: number; readonly read: ReadEvent; readonly facts: Facts };

/** Thrown where documents that were folded in one run concern identity: then each is folded by itself, in its turn. */
export class ConcernsIdentity extends Error {}

/** An event that was declared erroneous: what it named or joined, and the chains that it concerned. */
type Undone = { readonly nodes: readonly Node[]; readonly chains: readonly string[]; readonly event: Pick<WorldEvent, 'coi' | 'time'> };

/**
 * The chains of identity, kept up with every entry. It belongs to the one writer, and remembers which things are bound: a store without any pays one
 * look into an empty set an event.
 */
export class IdentityProjection {
  private readonly journal: Journal;
  /** Nodes with a binding; may hold more, after something was taken back. */
  private bound = new Set<Node>();
  /** Other keys of containers: class → serials and lots; may hold more, after something was taken back. */
  private aliases = new Map<string, Set<string>>();

  constructor(journal: Journal) {
    this.journal = journal;
  }

  /** Reads again what is remembered. */
  async recall(): Promise<void> {
    const rows = await this.journal.db.all<{ node: Node }>(sql`SELECT DISTINCT node FROM coi_binding`);
    this.bound = new Set(rows.map(({ node }) => node));
    this.aliases = new Map();
    for (const { alias } of await this.journal.db.all<{ alias: Key }>(sql`SELECT alias FROM coi_alias`)) this.remember(alias);
  }

  private remember(alias: Key): void {
    const thing = parseKey(alias);
    const names = this.aliases.get(thing.class) ?? new Set<string>();
    names.add('serial' in thing ? thing.serial : thing.lot);
    this.aliases.set(thing.class, names);
  }

  private namesAlias({ event }: ReadEvent): boolean {
    if (this.aliases.size === 0) return false;
    const lists = [
      event.epcList,
      event.childEPCs,
      event.inputEPCList,
      event.outputEPCList,
      event.parentID === null ? [] : [event.parentID],
    ];
    if (lists.some((things) => things.some((thing) => this.aliases.get(thing.class)?.has(thing.serial) === true))) return true;
    const parts = [event.quantityList, event.childQuantityList, event.inputQuantityList, event.outputQuantityList];
    return parts.some((list) => list.some(({ of }) => this.aliases.get(of.class)?.has(of.lot) === true));
  }

  /**
   * Takes in events that were just stored, and what they declare erroneous. Answers what was found that was not found before. `recordTime` in
   * microseconds; with `alone` false it throws ConcernsIdentity where any of them concerns identity.
   */
  async takeEvents(events: readonly StoredEvent[], voided: readonly number[], recordTime: number, alone = true): Promise<FindingThing[]> {
    const concerned = await this.concerned(events);
    await this.keepReadings(events, concerned);
    const undone = voided.length === 0 ? [] : await this.undone(voided);
    if (concerned.length === 0 && undone.length === 0) return [];
    if (!alone) throw new ConcernsIdentity();
    const named = new Set<string>();
    for (const event of concerned) for (const chain of await this.keep(event)) named.add(chain);
    const nodes = [...new Set(concerned.flatMap(({ facts }) => nodesOfFacts(facts)))];
    const dirty = new Set(undone.flatMap((one) => one.nodes));
    for (const { read, facts } of concerned) {
      for (const node of madeBy(facts)) dirty.add(node);
      if (read.event.transformationID !== null) for (const node of await this.joined(facts.seq)) dirty.add(node);
    }
    for (const node of await this.aliasNodes(concerned)) dirty.add(node);
    const chains = new Set([...named, ...undone.flatMap((one) => one.chains)]);
    for (const chain of await this.chainsOf([...nodes, ...dirty])) chains.add(chain);
    for (const chain of await this.chainsOfRecipients(concerned)) chains.add(chain);
    for (const { coi, time } of [...concerned.map(({ read }) => toldEvent(read)), ...undone.map(({ event }) => event)])
      if (coi.space !== null) for (const chain of await this.chainsAfter(coi.space, time)) chains.add(chain);
    const changed = await bindAnew(this.journal, dirty);
    for (const chain of changed.chains) chains.add(chain);
    const carriers = await noteCarriers(this.journal, [...nodes, ...changed.nodes]);
    for (const node of [...changed.nodes, ...carriers]) this.bound.add(node);
    for (const chain of await this.chainsOf([...nodes, ...changed.nodes])) chains.add(chain);
    return await this.foldChains(chains, events[0]?.seq ?? 0, recordTime);
  }

  /** Takes in an act: its row, what finds it, what it changes by itself; then its chains are folded. */
  async takeAct(command: IdentityAct, actor: string, seq: number, recordTime: number): Promise<FindingThing[]> {
    const { db } = this.journal;
    const { id, act, body, time, signatures } = command;
    const stored: StoredAct = { time, recorded: Math.floor(recordTime / 1000), actor, body: body as StoredAct['body'], signatures };
    await db.run(sql`INSERT INTO coi_act (seq, id, kind, told) VALUES (${seq}, ${id}, ${act}, ${JSON.stringify(stored)})`);
    const named = partsOf(act, body as never);
    const parts = new Set(named.map((part) => JSON.stringify(part)));
    for (const [part, key] of named) if (part === 'thing') parts.add(JSON.stringify([part, await canonicalKey(db, key)]));
    const chains = await this.chainsOfAct(command);
    for (const chain of chains) parts.add(JSON.stringify(['chain', chain]));
    for (const text of parts) {
      const [kind, key] = JSON.parse(text) as [string, string];
      await db.run(sql`INSERT INTO coi_part (kind, key, seq) VALUES (${kind}, ${key}, ${seq})`);
    }
    if (act === 'order') {
      const order = command.body as OrderAct;
      await db.run(
        sql`INSERT INTO coi_chain (chain, order_id, patient, product, site, state, seq, view)
            VALUES (${order.coiId}, ${order.orderId}, ${order.patientRef}, ${order.product}, ${order.treatmentSite}, 'draft', ${seq}, '{}')
            ON CONFLICT (chain) DO UPDATE SET order_id = excluded.order_id, patient = excluded.patient, product = excluded.product, site = excluded.site`,
      );
    }
    if (act === 'allocation' || act === 'deallocation' || act === 'rebinding') {
      const { container } = command.body as { container: Key };
      const nodes = await nodesOf(db, [container, await canonicalKey(db, container)]);
      if (nodes.size > 0) {
        const changed = await bindAnew(this.journal, nodes.values());
        for (const chain of changed.chains) chains.add(chain);
        for (const one of [...changed.nodes, ...(await noteCarriers(this.journal, changed.nodes))]) this.bound.add(one);
      }
    }
    if (act === 'clearance') for (const chain of await this.chainsAfter((body as Act<'clearance'>).space, time)) chains.add(chain);
    if (act === 'resolution') {
      // Quality's word on the mismatch lifts what it had held, and nothing else (INV-11).
      const check = await storedAct(db, (command.body as Act<'resolution'>).checkId);
      const held = check === null ? [] : [...chains].map((chain) => holdIdOf('COI-MISMATCH', check.seq, chain));
      for (const holdId of held) await db.run(sql`UPDATE coi_hold SET lifted = ${seq} WHERE id = ${holdId} AND lifted IS NULL`);
    }
    if (act === 'hold') await this.placeHold(command.body as Act<'hold'>, chains, seq);
    if (act === 'hold-lift') {
      const { holdId } = command.body as Act<'hold-lift'>;
      await db.run(sql`UPDATE coi_hold SET lifted = ${seq} WHERE id = ${holdId} AND lifted IS NULL`);
    }
    return await this.foldChains(chains, seq, recordTime);
  }

  // ── which events ────────────────────────────────────────────────────────────────────────────────────────────

  private async concerned(events: readonly StoredEvent[]): Promise<StoredEvent[]> {
    const maybe = events.filter(
      ({ read, facts }) =>
        read.identity !== null ||
        this.namesAlias(read) ||
        (this.bound.size > 0 && nodesOfFacts(facts).some((node) => this.bound.has(node))),
    );
    const isSure = ({ read }: StoredEvent) => read.identity !== null || this.namesAlias(read);
    const sure = maybe.filter(isSure);
    // A piece of a making names neither what went in before nor what comes out later.
    const pieces =
      this.bound.size === 0 ? [] : events.filter((event) => event.read.event.transformationID !== null && !maybe.includes(event));
    for (const piece of pieces) if (await this.joinsBound(piece)) sure.push(piece);
    const rest = maybe.filter((event) => !isSure(event));
    const inOrder = (list: StoredEvent[]) => list.sort((a, b) => a.seq - b.seq);
    if (rest.length === 0) return inOrder(sure);
    const nodes = [...new Set(rest.flatMap(({ facts }) => nodesOfFacts(facts)).filter((node) => this.bound.has(node)))];
    const rows = await this.journal.db.all<{ node: Node }>(
      sql`SELECT DISTINCT b.node FROM ${eachNumber(nodes)} j CROSS JOIN coi_binding b ON b.node = j.value`,
    );
    const bound = new Set(rows.map(({ node }) => node));
    return inOrder([...sure, ...rest.filter((event) => nodesOfFacts(event.facts).some((node) => bound.has(node)))]);
  }

  private async joinsBound({ seq }: StoredEvent): Promise<boolean> {
    const rows = await this.journal.db.all(
      sql`SELECT 1 AS one FROM event e CROSS JOIN lineage o ON o.transformation = -e.transformation CROSS JOIN coi_binding b ON b.node = o.node WHERE e.seq = ${seq} LIMIT 1`,
    );
    return rows.length > 0;
  }

  /** Events that were declared erroneous: what they had made is bound anew, and the other keys that only they gave to containers are taken back. */
  private async undone(voided: readonly number[]): Promise<Undone[]> {
    const { db } = this.journal;
    const undone: Undone[] = [];
    const events = await toldEvents(db, voided);
    for (const event of await this.takeAliases(events.flatMap(({ coi }) => coi.alias))) {
      const nodes = [...(await nodesOf(db, [...keysNamed([event])])).values()];
      undone.push({ nodes, chains: [...event.coi.chain, ...(await this.chainsOf(nodes))], event });
    }
    for (const event of events) {
      const nodes = new Set((await nodesOf(db, [...keysNamed([event])])).values());
      if (event.coi === NO_FIELDS && ![...nodes].some((node) => this.bound.has(node))) continue;
      if (event.transformationID !== null) for (const node of await this.joined(event.seq)) nodes.add(node);
      undone.push({ nodes: [...nodes], chains: [...event.coi.chain, ...(await this.chainsOf([...nodes]))], event });
    }
    return undone;
  }

  /** Takes back these other keys of containers, and keeps them anew of the events that still give them. Answers those events. */
  private async takeAliases(aliases: readonly Key[]): Promise<WorldEvent[]> {
    const { db } = this.journal;
    for (const alias of aliases) await db.run(sql`DELETE FROM coi_alias WHERE alias = ${alias}`);
    const rows = await db.all<{ seq: number }>(
      sql`SELECT DISTINCT p.seq FROM ${eachText(aliases)} j CROSS JOIN coi_part p ON p.kind = 'alias' AND p.key = j.value`,
    );
    const still = (
      await worldEvents(
        db,
        rows.map(({ seq }) => seq),
      )
    ).sort((a, b) => a.seq - b.seq);
    for (const event of still) await this.keepAliases(event);
    return still;
  }

  /** Answers the chains that it names: by themselves, or by their order where nobody can say whose the material is (INV-06). */
  private async keep({ seq, read }: StoredEvent): Promise<readonly string[]> {
    const { db } = this.journal;
    const told = toldEvent(read);
    await db.run(sql`INSERT INTO coi_event (seq, told) VALUES (${seq}, ${JSON.stringify(told)})`);
    const ofOrder = told.coi.chain.length > 0 || told.coi.order === null ? null : await chainOfOrder(db, told.coi.order);
    const chains = ofOrder === null ? told.coi.chain : [ofOrder];
    const parts: [string, string][] = chains.map((chain) => ['chain', chain]);
    if (told.coi.space !== null) parts.push(['space', told.coi.space]);
    if (told.coi.order !== null) parts.push(['order', told.coi.order]);
    if (told.coi.donor !== null) parts.push(['donor', told.coi.donor]);
    if (told.coi.from !== null) parts.push(['from', told.coi.from]);
    if (told.coi.recipient !== null) parts.push(['patient', told.coi.recipient]);
    if (told.coi.offline !== null) parts.push(['device', told.coi.offline.device]);
    for (const alias of new Set(told.coi.alias)) parts.push(['alias', alias]);
    for (const [kind, key] of parts) await db.run(sql`INSERT INTO coi_part (kind, key, seq) VALUES (${kind}, ${key}, ${seq})`);
    if (told.coi.alias.length > 0) for (const event of await worldEvents(db, [seq])) await this.keepAliases(event);
    return chains;
  }

  private async keepAliases({
    seq,
    type,
    outputs,
    epcs,
    coi,
  }: Pick<WorldEvent, 'seq' | 'type' | 'outputs' | 'epcs' | 'coi'>): Promise<void> {
    const [container] = type === 'TransformationEvent' ? outputs : epcs;
    if (container === undefined || coi.alias.length === 0) return;
    const { db } = this.journal;
    const key = await canonicalKey(db, container);
    for (const alias of coi.alias) {
      if (alias === key) continue;
      this.remember(alias);
      await db.run(sql`INSERT INTO coi_alias (alias, key, seq) VALUES (${alias}, ${key}, ${seq}) ON CONFLICT (alias) DO NOTHING`);
    }
  }

  /** What was made under the same transformation id. */
  private async joined(seq: number): Promise<Node[]> {
    const { db } = this.journal;
    const rows = await db.all<{ node: Node }>(
      sql`SELECT DISTINCT o.node FROM event e CROSS JOIN lineage o ON o.transformation = -e.transformation AND o.side = 1 WHERE e.seq = ${seq}`,
    );
    return rows.map(({ node }) => node);
  }

  private async aliasNodes(events: readonly StoredEvent[]): Promise<Iterable<Node>> {
    const keys = events.flatMap(({ read }) => {
      const told = toldEvent(read);
      return this.namesAlias(read) ? [...told.epcs, ...told.children, ...told.inputs, ...told.outputs, ...told.coi.alias] : told.coi.alias;
    });
    return keys.length === 0 ? [] : (await nodesOf(this.journal.db, keys)).values();
  }

  private async chainsOf(nodes: readonly Node[]): Promise<string[]> {
    const rows = await this.journal.db.all<{ ref: string }>(
      sql`SELECT DISTINCT b.ref FROM ${eachNumber([...new Set(nodes)])} j CROSS JOIN coi_binding b ON b.node = j.value WHERE b.kind IN ('c', 'h') ORDER BY b.ref`,
    );
    return rows.map(({ ref }) => ref);
  }

  /** Readings are kept of whatever they are: what a logger has told before it was bound to a shipper, or the shipper was packed, belongs to it then. */
  private async keepReadings(events: readonly StoredEvent[], concerned: readonly StoredEvent[]): Promise<void> {
    const apart = new Set(concerned);
    for (const event of events) {
      if (event.read.sensors === undefined || apart.has(event)) continue;
      const told = toldEvent(event.read);
      if (told.sensor !== undefined && told.sensor.length > 0)
        await this.journal.db.run(sql`INSERT INTO coi_event (seq, told) VALUES (${event.seq}, ${JSON.stringify(told)})`);
    }
  }

  /** The chains of who was given something: cells of another freeze them too (INV-23). */
  private async chainsOfRecipients(events: readonly StoredEvent[]): Promise<string[]> {
    const patients = [...new Set(events.flatMap(({ read }) => toldEvent(read).coi.recipient ?? []))];
    if (patients.length === 0) return [];
    const rows = await this.journal.db.all<{ chain: string }>(
      sql`SELECT c.chain FROM ${eachText(patients)} j CROSS JOIN coi_chain c ON c.patient = j.value ORDER BY c.chain`,
    );
    return rows.map(({ chain }) => chain);
  }

  /** The chains that used a space from this time (ms) to its next clearance: what was there before them was of concern to them (INV-15). */
  private async chainsAfter(space: string, time: number): Promise<string[]> {
    const { db } = this.journal;
    const clearances = await storedActs(db, 'clearance', { part: 'space', key: space });
    const next = Math.min(
      Number.MAX_SAFE_INTEGER,
      ...clearances.filter((act) => act.time > time && isWitnessed(act)).map((act) => act.time),
    );
    const rows = await db.all<{ seq: number }>(
      sql`SELECT e.seq FROM coi_part p CROSS JOIN event e ON e.seq = p.seq WHERE p.kind = 'space' AND p.key = ${space} AND e.time >= ${time} AND e.time <= ${next}`,
    );
    return await this.chainsOfEvents(rows.map(({ seq }) => seq));
  }

  /** The chains that events state, and those whose material they name. */
  private async chainsOfEvents(events: readonly number[]): Promise<string[]> {
    const told = await toldEvents(this.journal.db, events);
    const nodes = await nodesOf(this.journal.db, [...keysNamed(told)]);
    return [...new Set([...told.flatMap(({ coi }) => coi.chain), ...(await this.chainsOf([...nodes.values()]))])].sort();
  }

  // ── acts ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The chains that an act concerns: that it names, that its order has, that its things are of, that the act has which it is about. */
  private async chainsOfAct({ act, body }: Pick<IdentityAct, 'act' | 'body'>): Promise<Set<string>> {
    const { db } = this.journal;
    const chains = new Set<string>();
    const things: Key[] = [];
    for (const [part, key] of partsOf(act, body as never)) {
      if (part === 'chain') chains.add(key);
      if (part === 'thing') things.push(key, await canonicalKey(db, key));
      // What a device told at a wrong time is seen again at the right one.
      if (part === 'device' && act === 'clock-offset') {
        const rows = await db.all<{ chain: string }>(
          sql`SELECT DISTINCT c.key AS chain FROM coi_part p CROSS JOIN coi_part c ON c.seq = p.seq AND c.kind = 'chain' WHERE p.kind = 'device' AND p.key = ${key}`,
        );
        for (const { chain } of rows) chains.add(chain);
      }
      if (part === 'order') {
        const chain = await chainOfOrder(db, key);
        if (chain !== null) chains.add(chain);
      }
    }
    if (things.length > 0) {
      for (const chain of await this.chainsOf([...(await nodesOf(db, things)).values()])) chains.add(chain);
    }
    if (act === 'hold-lift') {
      // A hold that a finding brought is no act: it knows its chains itself.
      const { holdId } = body as Act<'hold-lift'>;
      const held = await db.all<{ chain: string }>(sql`SELECT chain FROM coi_hold WHERE id = ${holdId} AND chain <> ''`);
      for (const { chain } of held) chains.add(chain);
    }
    const about = aboutAct(act, body as never);
    const other = about === null ? null : await storedAct(db, about);
    if (other !== null) for (const chain of await this.chainsOfAct({ act: other.kind, body: other.body })) chains.add(chain);
    return chains;
  }

  private async placeHold(body: Act<'hold'>, chains: ReadonlySet<string>, seq: number): Promise<void> {
    const things = [...body.things];
    for (const thing of body.things) {
      const key = await canonicalKey(this.journal.db, thing);
      if (!things.includes(key)) things.push(key);
    }
    const hold = {
      scope: body.chain === null ? ('things' as const) : ('chain' as const),
      things,
      codes: ['HOLD-ACTIVE'],
      reason: body.reason,
    };
    const bindings = await bindingsOf(this.journal.db, things);
    const loose = body.chain === null && things.some((key) => (bindings.get(key)?.chains.length ?? 0) === 0);
    for (const chain of [...chains, ...(loose ? [''] : [])]) await this.insertHold({ id: body.holdId, seq, lifted: null, ...hold }, chain);
  }

  private async insertHold({ id, seq, ...hold }: HoldView, chain: string): Promise<void> {
    const { scope, things, codes, reason } = hold;
    await this.journal.db.run(
      sql`INSERT INTO coi_hold (id, chain, told, seq, lifted) VALUES (${id}, ${chain}, ${JSON.stringify({ scope, things, codes, reason })}, ${seq}, NULL)`,
    );
  }

  // ── chains ──────────────────────────────────────────────────────────────────────────────────────────────────

  private async foldChains(chains: ReadonlySet<string>, seq: number, recordTime: number): Promise<FindingThing[]> {
    const now = Math.floor(recordTime / 1000);
    const { db } = this.journal;
    const views: { chain: string; before: ChainView | null; after: ChainView }[] = [];
    const folded = new Set<string>();
    for (let waiting = [...chains].sort(); waiting.length > 0; waiting = (await this.sharing(views, folded)).sort())
      for (const chain of waiting) {
        folded.add(chain);
        const [row] = await db.all<{ view: string }>(sql`SELECT view FROM coi_chain WHERE chain = ${chain}`);
        const before = row === undefined || row.view === '{}' ? null : (JSON.parse(row.view) as ChainView);
        const after = foldChain(await loadWorld(db, chain, now));
        views.push({ chain, before, after });
        await this.saveView(after, seq);
      }
    return await this.saveFindings(views, seq, recordTime);
  }

  /** Chains that have part in events about which a finding is gone: one of them may still have it. */
  private async sharing(views: readonly { before: ChainView | null; after: ChainView }[], folded: ReadonlySet<string>): Promise<string[]> {
    const gone = new Set<number>();
    for (const { before, after } of views) {
      const still = new Set(after.findings.map(({ code, seq }) => `${code} ${seq}`));
      for (const { code, seq } of before?.findings ?? []) if (!still.has(`${code} ${seq}`)) gone.add(seq);
    }
    if (gone.size === 0) return [];
    const rows = await this.journal.db.all<{ seq: number }>(
      sql`SELECT j.value AS seq FROM ${eachNumber([...gone])} j
          UNION SELECT o.seq FROM ${eachNumber([...gone])} j CROSS JOIN event e ON e.seq = j.value AND e.transformation IS NOT NULL CROSS JOIN event o ON o.transformation = e.transformation`,
    );
    return (await this.chainsOfEvents(rows.map(({ seq }) => seq))).filter((chain) => !folded.has(chain));
  }

  private async saveView(view: ChainView, seq: number): Promise<void> {
    const { db } = this.journal;
    const there = new Set((await holdsOf(db, view.chain)).map(({ id }) => id));
    for (const hold of view.holds) {
      if (!there.has(hold.id)) await this.insertHold(hold, view.chain);
      else if (hold.lifted !== null)
        await db.run(sql`UPDATE coi_hold SET lifted = ${hold.lifted} WHERE id = ${hold.id} AND chain = ${view.chain} AND lifted IS NULL`);
    }
    const { order } = view;
    await db.run(
      sql`INSERT INTO coi_chain (chain, order_id, patient, product, site, state, seq, view)
          VALUES (${view.chain}, ${order?.orderId ?? null}, ${order?.patientRef ?? null}, ${order?.product ?? null}, ${order?.treatmentSite ?? null}, ${order?.state ?? null}, ${seq}, ${JSON.stringify(view)})
          ON CONFLICT (chain) DO UPDATE SET order_id = coalesce(excluded.order_id, coi_chain.order_id), patient = coalesce(excluded.patient, coi_chain.patient),
            product = coalesce(excluded.product, coi_chain.product), site = coalesce(excluded.site, coi_chain.site), state = coalesce(excluded.state, coi_chain.state),
            seq = excluded.seq, view = excluded.view`,
    );
  }

  /** What the chains are found with now and were not before opens; what is found no longer closes. An event of two chains has its findings of both. */
  private async saveFindings(
    views: readonly { before: ChainView | null; after: ChainView }[],
    atSeq: number,
    recordTime: number,
  ): Promise<FindingThing[]> {
    const all = (list: readonly Found[]) =>
      list.flatMap(({ code, seq, things }) => (things.length === 0 ? [{ code, seq, key: '' }] : things.map((key) => ({ code, seq, key }))));
    const nameOf = ({ code, seq, key }: { code: string; seq: number; key: string }) => JSON.stringify([code, seq, key]);
    const before = new Map(views.flatMap(({ before: view }) => all(view?.findings ?? [])).map((one) => [nameOf(one), one]));
    const after = new Map(views.flatMap(({ after: view }) => all(view.findings)).map((one) => [nameOf(one), one]));
    const opened = [...after].filter(([name]) => !before.has(name)).map(([, one]) => one);
    const gone = [...before].filter(([name]) => !after.has(name)).map(([, one]) => one);
    if (opened.length === 0 && gone.length === 0) return [];
    const nodes = await nodesOf(
      this.journal.db,
      [...opened, ...gone].map(({ key }) => key).filter((key) => key !== ''),
    );
    const thingOf = ({ code, seq, key }: (typeof opened)[number]): FindingThing => ({ code, seq, node: nodes.get(key) ?? 0, other: NONE });
    const distinct = (list: readonly FindingThing[]) => [
      ...new Map(list.map((one) => [`${one.code} ${one.seq} ${one.node}`, one])).values(),
    ];
    const now = distinct(opened.map(thingOf));
    const still = new Set(distinct([...after.values()].map(thingOf)).map((one) => `${one.code} ${one.seq} ${one.node}`));
    const left = distinct(gone.map(thingOf)).filter((one) => !still.has(`${one.code} ${one.seq} ${one.node}`));
    if (left.length > 0) {
      const there = await this.journal.findingsAt([...new Set(left.map(({ code }) => code))], [...new Set(left.map(({ seq }) => seq))]);
      const names = new Set(left.map((one) => `${one.code} ${one.seq} ${one.node}`));
      await this.journal.removeFindingThings(
        there.filter((one) => names.has(`${one.code} ${one.seq} ${one.node}`)),
        atSeq,
      );
    }
    const rows = new Map<string, FindingRow>();
    for (const { code, seq } of now)
      rows.set(`${code} ${seq}`, {
        code,
        seq,
        severity: FINDINGS[code as FindingCode].severity,
        opened: recordTime,
        due: dueOf(code as FindingCode, recordTime),
      });
    if (rows.size > 0) await this.journal.addFindings([...rows.values()], now);
    return now;
  }

  /** The canonical keys of nodes, for an answer. */
  async keys(nodes: readonly Node[]): Promise<Map<Node, Key>> {
    return await keysOf(this.journal.db, nodes);
  }
}

function nodesOfFacts(facts: Facts): Node[] {
  return [...Object.values(facts.things).flat(), ...facts.lots.map(({ node }) => node)].filter((node) => node !== 0);
}

/** What an event may have given another binding: what it brought into being, or met for the first time. */
function madeBy(facts: Facts): Node[] {
  const of = (role: 0 | 4) => facts.things[role] ?? [];
  const lots = facts.lots.filter(({ role }) => role === ROLE.output || role === ROLE.epc).map(({ node }) => node);
  return [...of(ROLE.epc), ...of(ROLE.output), ...lots];
}
