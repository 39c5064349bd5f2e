import type { Command } from 'commander';
import { LotlineError } from '../errors.ts';
import { type Boundary, type GraphAnswer, type GraphNode, type ScopeAnswer, scope, whereFrom, whereUsed } from '../genealogy/index.ts';
import { formatKey, parseThing } from '../identifiers/index.ts';
import { Client, SERVER_FLAGS, serverOf } from './client.ts';
import { DATA_FLAG, DATABASE_FLAG, placeOf, type StoreFlags, withStore } from './store.ts';
import { count, drawTable } from './terminal.ts';

/** Lines of one tree; a genealogy with more is better seen on the page. */
const LINES_MAX = 2_000;

type Flags = StoreFlags & { from?: boolean; used?: boolean; at?: string; known?: string; url?: string; key?: string };
type Answers = { from?: GraphAnswer; used?: GraphAnswer; scope?: ScopeAnswer };

/** `lotline trace`: what a thing came from and what it became, as a tree, and where the packs are. */
export function traceCommand(program: Command): void {
  program
    .command('trace')
    .description('Show what a lot or thing came from (--from) and what it became (--used); both when neither is asked for.')
    .argument('<thing>', 'EPC URN, Digital Link, bracketed element string or canonical key')
    .option('--from', 'Only where it came from.')
    .option('--used', 'Only what it became, and where the packs are.')
    .option('--at <time>', 'As of this event time, such as 2026-03-02T10:00:00Z.')
    .option('--known <time>', 'As it was known at this record time.')
    .option(...DATA_FLAG)
    .option(...DATABASE_FLAG)
    .option(SERVER_FLAGS.url[0], 'Ask this running lotline in place of a store.')
    .option(...SERVER_FLAGS.key)
    .action(async (thing: string, flags: Flags) => {
      const key = formatKey(parseThing(thing));
      const answers = await (flags.url === undefined ? askStore(key, flags) : askServer(key, flags));
      console.log(drawAnswers(answers));
    });
}

async function askStore(of: string, flags: Flags): Promise<Answers> {
  const args = { of, ...(flags.at !== undefined && { at: flags.at }), ...(flags.known !== undefined && { known: flags.known }) };
  return await withStore(placeOf(flags), async (db) => ({
    ...(wants(flags, 'from') && { from: known(await whereFrom(db, args), of) }),
    ...(wants(flags, 'used') && { used: known(await whereUsed(db, args), of), scope: known(await scope(db, args), of) }),
  }));
}

async function askServer(of: string, flags: Flags): Promise<Answers> {
  const client = new Client(serverOf(flags));
  const query = { of, at: flags.at, known: flags.known };
  return {
    ...(wants(flags, 'from') && { from: await client.ask<GraphAnswer>('/api/v1/genealogy/where-from', query) }),
    ...(wants(flags, 'used') && {
      used: await client.ask<GraphAnswer>('/api/v1/genealogy/where-used', query),
      scope: await client.ask<ScopeAnswer>('/api/v1/genealogy/scope', query),
    }),
  };
}

const wants = (flags: Flags, side: 'from' | 'used'): boolean => flags[side] === true || (flags.from !== true && flags.used !== true);

function known<Answer>(answer: Answer | null, of: string): Answer {
  if (answer !== null) return answer;
  throw new LotlineError('NOT-FOUND', `${of} is not known here`, { fix: 'Check the identifier, or the time that you ask for.' });
}

function drawAnswers(answers: Answers): string {
  const parts: string[] = [];
  if (answers.from) parts.push('Where it came from', ...drawTree(answers.from), completeness(answers.from), '');
  if (answers.used) parts.push('What it became', ...drawTree(answers.used), completeness(answers.used), '');
  if (answers.scope) parts.push(...drawScope(answers.scope));
  return parts.join('\n');
}

const completeness = (graph: GraphAnswer): string =>
  graph.complete ? 'Complete: every branch ends where it may.' : 'Not complete: see the ends marked unknown or limit.';

/** A genealogy as a tree. What is reached on several ways is drawn out once, and named again after that. */
export function drawTree(graph: GraphAnswer): string[] {
  const nodes = new Map(graph.nodes.map((node) => [node.key, node]));
  const ends = new Map(graph.boundaries.map((boundary) => [boundary.key, boundary]));
  const next = new Map<string, Set<string>>();
  for (const { from, to } of graph.edges) {
    const [near, far] = graph.direction === 'used' ? [from, to] : [to, from];
    const list = next.get(near);
    if (list) list.add(far);
    else next.set(near, new Set([far]));
  }
  const lines: string[] = [];
  const drawn = new Set<string>();
  const draw = (key: string, first: string, rest: string): void => {
    if (lines.length >= LINES_MAX) return;
    const again = drawn.has(key);
    drawn.add(key);
    const below = [...(next.get(key) ?? [])].sort();
    lines.push(first + describe(key, nodes.get(key), ends.get(key)) + (again && below.length > 0 ? ' (drawn above)' : ''));
    if (again) return;
    below.forEach((child, i) => {
      const last = i === below.length - 1;
      draw(child, `${rest}${last ? '└─ ' : '├─ '}`, `${rest}${last ? '   ' : '│  '}`);
    });
  };
  draw(graph.nodes.find((node) => node.depth === 0)?.key ?? graph.of, '', '');
  if (lines.length >= LINES_MAX) lines.push(`… only the first ${count(LINES_MAX)} lines are shown`);
  return lines;
}

function describe(key: string, node: GraphNode | undefined, end: Boundary | undefined): string {
  if (node === undefined) return key;
  const parts = [node.label === key ? key : `${node.label}  ${key}`];
  if (node.quantity !== undefined) parts.push(`${count(node.quantity)}${node.uom === undefined ? '' : ` ${node.uom}`}`);
  if (node.packs !== undefined) parts.push(`${count(node.packs)} packs`);
  if (end !== undefined) parts.push(`[${end.kind}]`);
  return parts.join(' · ');
}

function drawScope(answer: ScopeAnswer): string[] {
  const { packs } = answer;
  const drawn = [
    `Packs: ${count(packs.total)}, of them ${count(packs.observed)} observed where they are, ${count(packs.inferred)} inferred`,
  ];
  const draw = (aligns: string, head: string[], rows: string[][]) => {
    if (rows.length > 0) drawn.push(drawTable(aligns, rows, { head }));
  };
  draw(
    'llr',
    ['Lot', 'Expiry', 'Packs'],
    answer.lots.map((lot) => [lot.key, lot.expiry ?? '', count(lot.packs)]),
  );
  draw(
    'lr',
    ['Status', 'Packs'],
    packs.byStatus.map(({ status, count: n }) => [status ?? '(none)', count(n)]),
  );
  draw(
    'llrrr',
    ['Holder', 'Name', 'Packs', 'Observed', 'Inferred'],
    packs.byHolder.map((h) => [h.holder ?? '(nobody)', h.name ?? '', count(h.count), count(h.observed), count(h.inferred)]),
  );
  return drawn;
}
