import { createHash } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { knownWorld } from '../identity/answers/questions.ts';
import { type ReportSections, reportSections, type WorldJson, worldJson } from '../identity/answers/report.ts';
import { foldChain } from '../identity/fold-chain.ts';
import { parseCheckpoint, parseNote } from '../ledger/index.ts';
import { inclusion, latestCheckpoint } from '../ledger/questions.ts';
import type { Db } from '../store/db.ts';
import { unpackBytes } from '../store/payload.ts';
import { eachNumber } from '../store/sql.ts';

/** An entry that a report rests on: its leaf and proof, and its body, from which its part of the report follows. */
export type ReportEntry = {
  readonly seq: number;
  readonly leaf: string;
  /** Base64, the leaf's sibling first. */
  readonly hashes: readonly string[];
  readonly body: string;
  /** Of an event: the context of the document that it came in, JSON. */
  readonly context?: string;
};

export const REPORT_KIND = 'lotline-coi-report';

/** The COI/COC report of a chain (domain.md §11.3): self-contained, so that `lotline verify-report` needs nothing but it and the log's key. */
export type ChainReport = {
  readonly report: typeof REPORT_KIND;
  readonly version: 1;
  readonly question: string;
  readonly scope: string;
  readonly asOf: { readonly made: string; readonly entries: number };
  /** Who told what of it, and when last. */
  readonly sources: readonly { readonly source: string; readonly entries: number; readonly last: string }[];
  readonly sections: ReportSections;
  readonly log: {
    readonly origin: string;
    readonly size: number;
    readonly rootHash: string;
    readonly signedAt: string | null;
    readonly checkpoint: string;
    readonly key: string;
    readonly verify: string;
  } | null;
  /** Entries that no checkpoint commits to yet. */
  readonly unsigned: readonly number[];
  readonly world: WorldJson;
  readonly entries: readonly ReportEntry[];
  readonly attachments: readonly { readonly name: string; readonly sha256: string; readonly bytes: number }[];
};

/** Null: nothing here ever named the chain. `now` in ms; `vkey` is the log's key, as it is handed on. Ask it in a reader thread. */
export async function chainReport(db: Db, args: { chain: string; now: number; vkey: string }): Promise<ChainReport | null> {
  const world = await knownWorld(db, args);
  if (world === null) return null;
  const head = await latestCheckpoint(db);
  const seqs = [...new Set([...world.events, ...world.acts].map(({ seq }) => seq))].sort((a, b) => a - b);
  const rows = await db.all<{
    seq: number;
    kind: string;
    actor: string;
    record_time: number;
    encoding: number;
    body: Uint8Array;
    context: string | null;
  }>(
    sql`SELECT e.seq, e.kind, e.actor, e.record_time, e.encoding, e.body, p.context FROM ${eachNumber(seqs)} j CROSS JOIN entry e ON e.seq = j.value LEFT JOIN payload p ON p.capture = e.capture ORDER BY e.seq`,
  );
  const entries: ReportEntry[] = [];
  const unsigned: number[] = [];
  const attachments: { name: string; sha256: string; bytes: number }[] = [];
  for (const { seq, encoding, body, context } of rows) {
    const bytes = unpackBytes(encoding, body);
    attachments.push({ name: `entry ${seq}`, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length });
    const proof = await inclusion(db, { event: String(seq) });
    if (proof === null) unsigned.push(seq);
    else
      entries.push({
        seq,
        leaf: proof.leaf,
        hashes: proof.hashes,
        body: Buffer.from(bytes).toString('base64'),
        ...(context !== null && { context }),
      });
  }
  const [signed] =
    head === null ? [] : await db.all<{ signed_at: number }>(sql`SELECT signed_at FROM checkpoint WHERE size = ${head.size}`);
  return {
    report: REPORT_KIND,
    version: 1,
    question: 'Whose cells are these, from vein to vein, and who vouched for it?',
    scope: `Every event and act that names chain ${args.chain}, its order or its material, as known now.`,
    asOf: { made: new Date(args.now).toISOString(), entries: head?.size ?? 0 },
    sources: sourcesOf(rows),
    sections: reportSections(world, foldChain(world)),
    log:
      head === null
        ? null
        : {
            ...logOf(head.text),
            signedAt: timeOf(signed?.signed_at),
            key: args.vkey,
            verify: `lotline verify-report <file> --key '${args.vkey}'`,
          },
    unsigned,
    world: worldJson(world),
    entries,
    attachments,
  };
}

function logOf(text: string): { origin: string; size: number; rootHash: string; checkpoint: string } {
  const { origin, size, rootHash } = parseCheckpoint(parseNote(text).text);
  return { origin, size, rootHash: Buffer.from(rootHash).toString('base64'), checkpoint: text };
}

function sourcesOf(rows: readonly { actor: string; record_time: number }[]): ChainReport['sources'] {
  const sources = new Map<string, { entries: number; last: number }>();
  for (const { actor, record_time } of rows) {
    const one = sources.get(actor) ?? { entries: 0, last: 0 };
    sources.set(actor, { entries: one.entries + 1, last: Math.max(one.last, record_time) });
  }
  return [...sources]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([source, { entries, last }]) => ({ source, entries, last: new Date(Math.floor(last / 1000)).toISOString() }));
}

/** Stored times of checkpoints are in microseconds. */
const timeOf = (microseconds: number | undefined): string | null =>
  microseconds === undefined ? null : new Date(Math.floor(microseconds / 1000)).toISOString();
