import { sql } from 'drizzle-orm';
import { type AsOf, effective, isNow } from '../lifecycle/as-of.ts';
import { statesOf } from '../lifecycle/present.ts';
import { FLAG, NONE, type Node, ROLE } from '../lifecycle/state.ts';
import type { Db } from '../store/db.ts';
import { eachNumber } from '../store/sql.ts';
import { claimed, lotsOf, type Member, usedMembers } from './members.ts';

/** One line of a transformation that holds: a node on one side of it, stated by one event. */
export type Line = {
  readonly transformation: number;
  readonly side: 0 | 1;
  readonly node: Node;
  readonly seq: number;
  readonly quantity: number | null;
  readonly uom: string | null;
};

/** Of a serialised output also: its lot, the commissioning that says so, and whether it went into something itself. */
type FullLine = Line & { lot: Node | null; claim: number | null; consumed: boolean };

/** A lot recalled through more steps than this is a data fault, not a genealogy (domain.md §10.5). */
export const DEPTH_MAX = 64;
/** Nodes of one graph; beyond, it says where it stopped. */
export const NODES_MAX = 50_000;
/** More serialised outputs of one lot than this are shown as the lot; only those that went on are nodes. */
export const MEMBERS_SHOWN = 1_000;
/** Transformations whose lines are read at a time: bounds memory where each of them has a thousand. */
const SLICE = 200;

export type Walk = {
  /** Every node reached and in how many steps; the start is at 0. */
  depth: Map<Node, number>;
  /** Lots among them that were reached only through some of their members: the lot as such counts, its other members do not. */
  partly: Set<Node>;
  /** Both sides of every transformation passed through; of a graph only. */
  lines: Line[];
  /** Lot to serialised member, where both were reached; of a graph only. */
  members: Member[];
  /** Serialised things that came out of transformations, shown as nodes or not. */
  produced: Set<Node>;
  /** Nodes at which the walk stopped because of a bound. */
  cut: Node[];
};

/**
 * Walks the lineage from a node, forwards (what became of it) or backwards (what it came from), as of then. Three kinds of edge: a
 * transformation's inputs to its outputs; a lot to its serialised members; and a transformation to the lot that its serialised outputs are
 * of, since whatever used that lot may hold them. Full mixing is assumed: the safe answer (domain.md §10.3). Each node is passed once, so
 * rework loops end.
 *
 * `for: 'graph'` keeps lines and members and is bounded in nodes. Forwards, only those members of a lot are nodes that went into something
 * themselves, since a million packs are an answer of their own: `for: 'scope'` gathers them, and shows no serialised thing that ends there.
 */
export async function walk(
  db: Db,
  start: Node,
  direction: 'forwards' | 'backwards',
  t: AsOf,
  options: { for: 'graph' | 'scope' },
): Promise<Walk> {
  return await new Walker(db, t, direction === 'forwards', options.for === 'graph').run(start);
}

class Walker {
  private readonly db: Db;
  private readonly t: AsOf;
  private readonly forwards: boolean;
  private readonly graph: boolean;
  private readonly depth = new Map<Node, number>();
  private readonly partly = new Set<Node>();
  private readonly passed = new Set<number>();
  private readonly lines: Line[] = [];
  private readonly lotLines = new Set<string>();
  private readonly members = new Map<Node, Member>();
  private readonly produced = new Set<Node>();
  /** Serialised outputs at which a forward walk ends. */
  private readonly leaves: { node: Node; lot: Node | null; transformation: number; steps: number }[] = [];
  /** A graph that is full takes no more nodes. */
  private full = false;
  private steps = 0;
  /** Nodes to pass in the next step. */
  private next = new Set<Node>();

  constructor(db: Db, t: AsOf, forwards: boolean, graph: boolean) {
    this.db = db;
    this.t = t;
    this.forwards = forwards;
    this.graph = graph;
  }

  async run(start: Node): Promise<Walk> {
    this.depth.set(start, 0);
    let frontier = [start];
    const cut = new Set<Node>();
    while (frontier.length > 0 && this.steps < DEPTH_MAX && !this.full) {
      this.steps++;
      this.next = new Set();
      await this.passMembers(frontier);
      const found = await this.transformationsAt(frontier);
      const fresh = [...found].filter((id) => !this.passed.has(id)).sort((a, b) => a - b);
      for (const id of fresh) this.passed.add(id);
      for (let i = 0; i < fresh.length; i += SLICE) for (const line of await this.linesIn(fresh.slice(i, i + SLICE))) this.take(line);
      if (this.full) for (const node of frontier) cut.add(node);
      frontier = [...this.next];
    }
    for (const node of frontier) cut.add(node);
    if (this.graph) for (const node of this.showLeaves()) cut.add(node);
    const shown = (node: Node) => this.depth.has(node);
    return {
      depth: this.depth,
      partly: this.partly,
      lines: this.lines,
      members: [...this.members.values()].filter(({ item, lot }) => shown(item) && shown(lot)),
      produced: this.produced,
      cut: [...cut],
    };
  }

  /** Reaches a node, unless the graph is full. */
  private reach(node: Node, how: 'whole' | 'partly' = 'whole'): void {
    if (this.depth.has(node)) {
      // What was reached in part and now is as a whole is passed again, for its members.
      if (how === 'whole' && this.partly.delete(node)) this.next.add(node);
      return;
    }
    if (this.isFull()) return;
    this.depth.set(node, this.steps);
    if (how === 'partly') this.partly.add(node);
    this.next.add(node);
  }

  private isFull(): boolean {
    if (this.graph && this.depth.size >= NODES_MAX) this.full = true;
    return this.full;
  }

  private async passMembers(frontier: readonly Node[]): Promise<void> {
    const along = frontier.filter((node) => (this.forwards ? node < 0 && !this.partly.has(node) : node > 0));
    if (along.length === 0) return;
    for (const member of this.forwards ? await usedMembers(this.db, along, this.t) : await lotsOf(this.db, along, this.t)) {
      if (member.seq !== null || !this.members.has(member.item)) this.members.set(member.item, member);
      if (this.forwards) this.reach(member.item);
      else this.reach(member.lot, 'partly');
    }
  }

  /** The transformations that used these nodes, or, backwards, that made them. */
  private async transformationsAt(nodes: readonly Node[]): Promise<Set<number>> {
    const rows = await this.db.all<{ id: number; node: Node }>(
      sql`SELECT DISTINCT l.transformation AS id, l.node FROM ${eachNumber(nodes)} j CROSS JOIN lineage l ON l.node = j.value AND l.side = ${this.forwards ? 0 : 1}
          CROSS JOIN event e ON e.seq = l.seq WHERE ${effective(this.t, sql`e`)}`,
    );
    const found = new Set(rows.map((row) => row.id));
    if (this.forwards) return found;
    const made = new Set(rows.map((row) => row.node));
    for (const lot of nodes.filter((node) => node < 0 && !this.partly.has(node)))
      for (const id of await this.makersOfMembers(lot, made.has(lot))) found.add(id);
    return found;
  }

  /** A lot also comes from what its members came from. Where nothing states that it was made, they are asked one by one. */
  private async makersOfMembers(lot: Node, isMade: boolean): Promise<number[]> {
    const stating = await this.db.all<{ id: number }>(
      sql`SELECT DISTINCT coalesce(-e.transformation, e.seq) AS id FROM event_lot p CROSS JOIN event e ON e.seq = p.seq
          WHERE p.lot = ${-lot} AND p.role = ${ROLE.claim} AND e.type = (SELECT id FROM term WHERE text = 'TransformationEvent') AND ${effective(this.t, sql`e`)}`,
    );
    if (isMade || stating.length > 0) return stating.map((row) => row.id);
    const rows = await this.db.all<{ id: number; node: Node }>(
      sql`SELECT l.transformation AS id, l.node FROM ${eachNumber(await claimed(this.db, lot, this.t))} j CROSS JOIN lineage l ON l.node = j.value AND l.side = 1
          CROSS JOIN event e ON e.seq = l.seq WHERE ${effective(this.t, sql`e`)}`,
    );
    const members = await lotsOf(this.db, [...new Set(rows.map((row) => row.node))], this.t);
    const own = new Set(members.filter((member) => member.lot === lot).map((member) => member.item));
    return rows.filter((row) => own.has(row.node)).map((row) => row.id);
  }

  private take(line: FullLine): void {
    const output = line.side === 1;
    if (output && line.node > 0) {
      this.produced.add(line.node);
      if (line.lot !== null) this.takeLot(line, line.lot);
      if (this.forwards && !line.consumed && !this.depth.has(line.node)) {
        if (this.graph) {
          this.lines.push(line);
          this.leaves.push({ node: line.node, lot: line.lot, transformation: line.transformation, steps: this.steps });
        }
        return;
      }
    }
    if (this.graph) this.lines.push(line);
    if (output === this.forwards) this.reach(line.node);
  }

  /** A transformation that makes members of a lot makes part of the lot. */
  private takeLot(line: FullLine, lot: Node): void {
    if (this.graph) {
      const key = `${line.transformation}/${lot}/${line.seq}`;
      if (!this.lotLines.has(key)) {
        this.lotLines.add(key);
        this.lines.push({ transformation: line.transformation, side: 1, node: lot, seq: line.seq, quantity: null, uom: null });
      }
      this.members.set(line.node, { item: line.node, lot, seq: line.claim ?? line.seq });
    }
    if (this.forwards) this.reach(lot, 'partly');
  }

  /** Serialised outputs at which the walk ends are nodes where they are few; a thousand of one lot are the lot. Answers where a full graph leaves some out. */
  private showLeaves(): Set<Node> {
    const ofLot = new Map<Node, number>();
    for (const { lot } of this.leaves) if (lot !== null) ofLot.set(lot, (ofLot.get(lot) ?? 0) + 1);
    const short = new Set<number>();
    for (const { node, lot, transformation, steps } of this.leaves) {
      if (this.depth.has(node) || (lot !== null && (ofLot.get(lot) as number) > MEMBERS_SHOWN)) continue;
      if (this.isFull()) short.add(transformation);
      else this.depth.set(node, steps);
    }
    return new Set(
      this.lines.filter((line) => line.side === 0 && short.has(line.transformation) && this.depth.has(line.node)).map((line) => line.node),
    );
  }

  private async linesIn(transformations: readonly number[]): Promise<FullLine[]> {
    const rows = await this.db.all<Line & { lot: Node | null; claim: number | null; consumed: number | null }>(
      sql`SELECT l.transformation, l.side, l.node, l.seq, l.quantity, l.uom, -i.lot AS lot, i.claim_seq AS claim, i.flags & 4 AS consumed
          FROM ${eachNumber(transformations)} j CROSS JOIN lineage l ON l.transformation = j.value CROSS JOIN event e ON e.seq = l.seq LEFT JOIN item i ON i.id = l.node
          WHERE ${effective(this.t, sql`e`)} ORDER BY l.transformation, l.side, l.node, l.seq`,
    );
    if (isNow(this.t)) return rows.map((row) => ({ ...row, consumed: row.consumed !== null && row.consumed > 0 }));
    const items = new Set(rows.filter((row) => row.side === 1 && row.node > 0).map((row) => row.node));
    const { states } = await statesOf(this.db, [...items], this.t);
    return rows.map((row) => {
      const state = items.has(row.node) ? states.get(row.node) : undefined;
      return {
        ...row,
        lot: state === undefined || state.lot === 0 ? null : state.lot,
        claim: state === undefined || state.claimSeq === NONE ? null : state.claimSeq,
        consumed: state !== undefined && (state.flags & FLAG.consumed) !== 0,
      };
    });
  }
}
