/**
 * The whole-log check over a store (domain.md §18.3): what verify-log.ts asks for, read page by page from the tables, and besides it the
 * captured documents, joined again and compared with the digests that were logged, and a checkpoint that somebody kept.
 */
import { and, eq, gt, sql } from 'drizzle-orm';
import { parseExactJson } from '../epcis/hash/exact-number.ts';
import { eventHash, formatHashId, readContext, type Scope } from '../epcis/index.ts';
import { LotlineError } from '../errors.ts';
import type { Db } from '../store/db.ts';
import { entriesIn, joinPayload, unpackBytes } from '../store/payload.ts';
import { query, tables } from '../store/schema.ts';
import { eachNumber } from '../store/sql.ts';
import {
  hashesFrom,
  type LogReport,
  PROBLEMS_MAX,
  rootAtSize,
  rootNodes,
  type StoredCheckpoint,
  type StoredEntry,
  tilesOfNodes,
  type VerifierKey,
  verifyCheckpoint,
  verifyLog,
} from './index.ts';
import { sha256Node, verifySignatureNode } from './node-crypto.ts';

const { checkpoint, payload, tile } = tables;

/** What can be wrong besides the log itself. */
export type StoreProblemCode =
  | LogReport['problems'][number]['code']
  | 'LOG-DOCUMENT' // a captured document does not come together again, or is not the one whose digest was logged
  | 'LOG-ROLLBACK' // a checkpoint that somebody kept commits to more entries than there are
  | 'LOG-FORK'; // a checkpoint that somebody kept has another root at its size

export type StoreProblem = { code: StoreProblemCode; message: string; seq?: number };
export type StoredLogReport = Omit<LogReport, 'problems'> & { documents: number; problems: StoreProblem[] };

export type StoredLogCheck = {
  /** The log's key, and those of witnesses that are known. */
  verifiers: readonly VerifierKey[];
  /** A signed checkpoint from somebody who kept it. */
  kept?: string;
  onProgress?: (done: { entries: number; problems: number }) => void;
};

/** Checks everything that the log vouches for. Reads one state of the store: call it inside a snapshot. */
export async function checkStoredLog(db: Db, check: StoredLogCheck): Promise<StoredLogReport> {
  const contexts = new Contexts(db);
  const report = await verifyLog({
    entries: entries(db),
    checkpoints: checkpoints(db),
    readTile: async ({ level, index }) => await tileHashes(db, level, index),
    recomputeEventHash: async (body, entry) => await contexts.hashOf(body, entry.leaf.capture),
    verifiers: check.verifiers,
    hash: sha256Node,
    verify: verifySignatureNode,
    ...(check.onProgress && { onProgress: check.onProgress }),
  });
  const problems: StoreProblem[] = [...report.problems];
  problems.push(...(await lostDocuments(db)));
  let documents = 0;
  for await (const problem of documentProblems(db)) {
    documents++;
    if (problem !== null && problems.length < PROBLEMS_MAX) problems.push(problem);
  }
  if (check.kept !== undefined) problems.push(...(await compareKept(db, check.kept, report, check.verifiers)));
  return { ...report, ok: problems.length === 0, problems, documents, firstBadSeq: report.firstBadSeq ?? firstOf(problems) };
}

function firstOf(problems: readonly StoreProblem[]): number | null {
  const seqs = problems.map((problem) => problem.seq).filter((seq) => seq !== undefined);
  return seqs.length === 0 ? null : Math.min(...seqs);
}

type EntryRow = {
  seq: number;
  kind: string;
  record_time: number;
  actor: string;
  capture: number | null;
  capture_id: string | null;
  event_hash: Uint8Array | null;
  body_digest: Uint8Array;
  payload_digest: Uint8Array | null;
  leaf_hash: Uint8Array;
  encoding: number;
  body: Uint8Array;
};

/** Entries read at a time. */
const PAGE = 512;

async function* entries(db: Db): AsyncGenerator<StoredEntry> {
  for (let after = -1; ; ) {
    const rows = await db.all<EntryRow>(
      sql`SELECT e.seq, e.kind, e.record_time, e.actor, e.capture, p.capture_id, e.event_hash, e.body_digest, e.payload_digest, e.leaf_hash, e.encoding, e.body
          FROM entry e LEFT JOIN payload p ON p.capture = e.capture WHERE e.seq > ${after} ORDER BY e.seq LIMIT ${PAGE}`,
    );
    for (const row of rows) yield storedEntry(row);
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.seq;
  }
}

function storedEntry(row: EntryRow): StoredEntry {
  return {
    seq: row.seq,
    leaf: {
      kind: row.kind,
      recordTime: BigInt(row.record_time),
      actor: row.actor,
      capture: row.capture_id ?? '',
      ...(row.event_hash !== null && { eventHash: formatHashId(row.event_hash) }),
      bodyDigest: hex(row.body_digest),
      ...(row.payload_digest !== null && { payloadDigest: hex(row.payload_digest) }),
    },
    body: bodyOf(row),
    leafHash: row.leaf_hash,
  };
}

/** A body that does not even unpack is not the one that was logged; an empty one says so as well as any. */
function bodyOf(row: { encoding: number; body: Uint8Array }): Uint8Array {
  try {
    return unpackBytes(row.encoding, row.body);
  } catch {
    return new Uint8Array(0);
  }
}

async function* checkpoints(db: Db): AsyncGenerator<StoredCheckpoint> {
  for (let after = -1; ; ) {
    const page = query.select({ size: checkpoint.size, text: checkpoint.text }).from(checkpoint).where(gt(checkpoint.size, after));
    const rows = await db.all<StoredCheckpoint>(page.orderBy(checkpoint.size).limit(PAGE).getSQL());
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.size;
  }
}

async function tileHashes(db: Db, level: number, index: number): Promise<Uint8Array | null> {
  const one = query
    .select({ hashes: tile.hashes })
    .from(tile)
    .where(and(eq(tile.level, level), eq(tile.idx, index)));
  const [row] = await db.all<{ hashes: Uint8Array }>(one.getSQL());
  return row?.hashes ?? null;
}

/** Event hashes need the names that the document around the event declares; documents come one after the other, so one is remembered. */
class Contexts {
  private readonly db: Db;
  private captureID: string | null = null;
  private context: string | null = null;
  private scope: Scope | null = null;

  constructor(db: Db) {
    this.db = db;
  }

  /** The event hash of a body, 64 hex digits; null when it is no event. */
  async hashOf(body: Uint8Array, captureID: string): Promise<string | null> {
    try {
      const outer = await this.scopeOf(captureID);
      const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
      const json = parseExactJson(text) as Record<string, unknown>;
      const own = json['@context'];
      // A bare event's own context is what the capture has kept, and reading it twice gives the same names.
      const same = own === undefined || JSON.stringify(JSON.parse(text)['@context']) === this.context;
      const scope = same ? outer : readContext(own, '/@context', { outer });
      return hex(eventHash(json, scope.prefixes));
    } catch (error) {
      if (error instanceof LotlineError || error instanceof SyntaxError) return null;
      throw error;
    }
  }

  private async scopeOf(captureID: string): Promise<Scope> {
    if (this.scope !== null && this.captureID === captureID) return this.scope;
    const one = query.select({ context: payload.context }).from(payload).where(eq(payload.capture_id, captureID));
    const [row] = await this.db.all<{ context: string }>(one.getSQL());
    if (row === undefined) throw new LotlineError('EV-CONTEXT', `capture ${captureID} is not there`, { fix: 'Restore it from a backup.' });
    if (row.context !== this.context || this.scope === null) this.scope = readContext(JSON.parse(row.context), '/@context');
    this.context = row.context;
    this.captureID = captureID;
    return this.scope;
  }
}

// ── documents ───────────────────────────────────────────────────────────────────────────────────────────────

type PayloadRow = { capture: number; capture_id: string; digest: Uint8Array; parts: string; encoding: number; gaps: Uint8Array };

async function lostDocuments(db: Db): Promise<StoreProblem[]> {
  const rows = await db.all<{ seq: number }>(
    sql`SELECT e.seq FROM entry e LEFT JOIN payload p ON p.capture = e.capture
        WHERE e.capture IS NOT NULL AND p.capture IS NULL ORDER BY e.seq LIMIT 1`,
  );
  return rows.map(({ seq }) => ({
    code: 'LOG-DOCUMENT',
    seq,
    message: `Of the document that entry ${seq} came with, what lies between its events is missing`,
  }));
}

/** Joins every captured document again; null for one that is as it was. */
async function* documentProblems(db: Db): AsyncGenerator<StoreProblem | null> {
  for (let after = 0; ; ) {
    const rows = await db.all<PayloadRow>(
      sql`SELECT capture, capture_id, digest, parts, encoding, gaps FROM payload WHERE capture > ${after} ORDER BY capture LIMIT 8`,
    );
    for (const row of rows) yield await documentProblem(db, row);
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.capture;
  }
}

async function documentProblem(db: Db, document: PayloadRow): Promise<StoreProblem | null> {
  const [first] = await db.all<{ seq: number; digest: Uint8Array }>(
    sql`SELECT seq, payload_digest AS digest FROM entry WHERE capture = ${document.capture} AND payload_digest IS NOT NULL ORDER BY seq LIMIT 1`,
  );
  const fault = (what: string): StoreProblem => ({
    code: 'LOG-DOCUMENT',
    message: `The document of capture ${document.capture_id} ${what}`,
    ...(first && { seq: first.seq }),
  });
  if (first === undefined) return fault('has no entry that states its digest');
  const digest = await documentDigest(db, document);
  if (digest === null) return fault('does not come together from its parts');
  const logged = hex(first.digest);
  if (digest !== logged) return fault('is not the one whose digest was logged');
  return hex(document.digest) === logged ? null : fault('is filed under another digest than the one logged');
}

async function documentDigest(db: Db, document: PayloadRow): Promise<string | null> {
  try {
    const rows = await db.all<{ seq: number; encoding: number; body: Uint8Array }>(
      sql`SELECT e.seq, e.encoding, e.body FROM ${eachNumber(entriesIn(document.parts))} j CROSS JOIN entry e ON e.seq = j.value`,
    );
    const bodies = new Map(rows.map((row) => [row.seq, row]));
    const joined = joinPayload(document, (seq) => {
      const row = bodies.get(seq);
      return row && unpackBytes(row.encoding, row.body);
    });
    return joined === null ? null : hex(sha256Node(joined));
  } catch {
    return null; // parts that are no JSON, bytes that do not inflate
  }
}

// ── a checkpoint that somebody kept ─────────────────────────────────────────────────────────────────────────

/** A log that was rolled back or rewritten agrees with itself; only somebody who kept an earlier checkpoint can tell. */
async function compareKept(db: Db, note: string, report: LogReport, verifiers: readonly VerifierKey[]): Promise<StoreProblem[]> {
  const kept = verifyCheckpoint(note, verifiers, verifySignatureNode);
  if (kept.size > report.size) {
    const lost = kept.size - report.size;
    const message = `The checkpoint that you kept commits to ${kept.size} entries, and there are ${report.size}: the last ${lost} were taken away`;
    return [{ code: 'LOG-ROLLBACK', seq: report.size, message }];
  }
  if (kept.size === 0) return [];
  const nodes = rootNodes(kept.size);
  const wanted = tilesOfNodes(nodes, report.size);
  const tiles: { level: number; index: number; hashes: Uint8Array }[] = [];
  for (const { level, index } of wanted) {
    const hashes = await tileHashes(db, level, index);
    if (hashes === null) return []; // told already as a missing tile
    tiles.push({ level, index, hashes });
  }
  const root = rootAtSize(kept.size, hashesFrom(tiles), sha256Node);
  if (hex(root) === hex(kept.rootHash)) return [];
  const message = `The first ${kept.size} entries do not have the root of the checkpoint that you kept: the log was rewritten since`;
  return [{ code: 'LOG-FORK', message }];
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
