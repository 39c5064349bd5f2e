/**
 * The whole-log check over a store (domain.md §18.3): what verify-log.ts asks for, read page by page from the tables, and besides it the
 * captured documents, joined again and compared with the digests that were logged, and checkpoints that somebody kept.
 *
 * Every column of the tables that are the truth (`entry`, `payload`, `checkpoint`) and of `tile` is held to what the log says. Of compressed
 * bytes it is what they hold that counts. What is derived from entries is `lotline rebuild`'s to compare.
 */
import { and, eq, gt, sql } from 'drizzle-orm';
import { parseExactJson } from '../epcis/hash/exact-number.ts';
import { eventHash, eventJson, formatHashId, readContext, readDocument, type Scope } from '../epcis/index.ts';
import { LotlineError } from '../errors.ts';
import type { Db } from '../store/db.ts';
import { entriesIn, joinPayload, unpackWhole } from '../store/payload.ts';
import { query, tables } from '../store/schema.ts';
import { eachNumber } from '../store/sql.ts';
import {
  type Checkpoint,
  formatRecordTime,
  hashesFrom,
  type LogReport,
  PROBLEMS_MAX,
  rootAtSize,
  rootNodes,
  type StoredCheckpoint,
  type StoredEntry,
  type TileId,
  tilesOfNodes,
  tilesOfSize,
  type VerifierKey,
  verifyCheckpoint,
  verifyLog,
} from './index.ts';
import { sha256Node, verifySignatureNode } from './node-crypto.ts';

const { checkpoint, tile } = tables;

/** What can be wrong besides the log itself. */
export type StoreProblemCode =
  | LogReport['problems'][number]['code']
  | 'LOG-DOCUMENT' // a captured document does not come together again, or is not the one whose digest was logged
  | 'LOG-ROLLBACK' // a checkpoint that somebody kept commits to more entries than there are
  | 'LOG-FORK' // a checkpoint that somebody kept has another root at its size
  | 'LOG-FILE'; // the engine finds its file damaged, or cannot read all of it

/** A problem with its place, as near as it is known. */
export type StoreProblem = {
  code: StoreProblemCode;
  message: string;
  seq?: number;
  tile?: TileId;
  /** The size of a checkpoint. */
  checkpoint?: number;
  /** A captureID. */
  capture?: string;
};
export type StoredLogReport = Omit<LogReport, 'problems'> & { documents: number; problems: StoreProblem[] };

export type StoredLogCheck = {
  /** The log's key, and those of witnesses that are known. */
  verifiers: readonly VerifierKey[];
  /** A signed checkpoint from somebody who kept it. */
  kept?: string;
  /** The one that lies beside the store (log-head.ts). */
  head?: string;
  /** What the engine says is damaged. With such a store, whatever cannot be read is told and not thrown. */
  damage?: readonly string[];
  onProgress?: (done: { entries: number; problems: number }) => void;
};

/** Checks everything that the log vouches for. Reads one state of the store: call it inside a snapshot. */
export async function checkStoredLog(db: Db, check: StoredLogCheck): Promise<StoredLogReport> {
  return await new StoredLog(db, check).run();
}

type EntryRow = {
  seq: number;
  kind: string;
  record_time: number;
  actor: string;
  capture: number | null;
  event_hash: Uint8Array | null;
  body_digest: Uint8Array;
  payload_digest: Uint8Array | null;
  leaf_hash: Uint8Array;
  encoding: number;
  body: Uint8Array;
};
/** A captured document without the bytes between its events. */
type DocumentRow = { capture: number; capture_id: string; digest: Uint8Array; context: string; parts: string };

/** Entries read at a time. */
const PAGE = 512;

class StoredLog {
  private readonly db: Db;
  private readonly check: StoredLogCheck;
  private readonly problems: StoreProblem[] = [];
  /** The documents of the entries in hand, by number. */
  private documents = new Map<number, DocumentRow>();
  private readonly scopes = new Scopes();
  private entriesRead = 0;
  private documentsRead = 0;
  private lastCapture = 0;
  private newestCheckpoint = 0;

  constructor(db: Db, check: StoredLogCheck) {
    this.db = db;
    this.check = check;
  }

  async run(): Promise<StoredLogReport> {
    const report = await this.verify();
    const problems = [
      ...(this.check.damage ?? []).map((message): StoreProblem => ({ code: 'LOG-FILE', message })),
      ...report.problems,
      ...this.problems,
    ];
    const seqs = problems.map((problem) => problem.seq).filter((seq) => seq !== undefined);
    const firstBadSeq = report.firstBadSeq ?? (seqs.length === 0 ? null : Math.min(...seqs));
    return { ...report, ok: problems.length === 0, problems, documents: this.documentsRead, firstBadSeq };
  }

  private async verify(): Promise<LogReport> {
    try {
      const report = await verifyLog({
        entries: this.entries(),
        checkpoints: this.checkpoints(),
        readTile: async (id) => await this.tile(id),
        recomputeEventHash: (body) => this.scopes.hashOf(body),
        verifiers: this.check.verifiers,
        hash: sha256Node,
        verify: verifySignatureNode,
        ...(this.check.onProgress && { onProgress: this.check.onProgress }),
      });
      if (report.root !== null) await this.checkTheRest(report);
      const { kept, head } = this.check;
      if (kept !== undefined) await this.compareKept(verifyCheckpoint(kept, this.check.verifiers, verifySignatureNode), 'you kept', report);
      if (head !== undefined) await this.compareHead(head, report);
      return report;
    } catch (error) {
      if (!this.isDamage(error)) throw error;
      this.tell({ code: 'LOG-FILE', message: `The store cannot be read to its end: ${(error as Error).message}` });
      return { ok: false, size: this.entriesRead, root: null, checkpoints: 0, firstBadSeq: null, problems: [], complete: false };
    }
  }

  /** In a store that is known to be damaged, a column may hold anything, and the driver or this program stumble over it. */
  private isDamage(error: unknown): boolean {
    return (error instanceof LotlineError && error.code === 'STORE-DAMAGED') || (this.check.damage ?? []).length > 0;
  }

  /** What `read` finds; `otherwise`, and told, when the engine cannot read it. */
  private async readable<T>(what: string, otherwise: T, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (!this.isDamage(error)) throw error;
      this.tell({ code: 'LOG-FILE', message: `${what} cannot be read: the file is damaged there` });
      return otherwise;
    }
  }

  private tell(problem: StoreProblem): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(problem);
  }

  // ── entries ───────────────────────────────────────────────────────────────────────────────────────────────

  private async *entries(): AsyncGenerator<StoredEntry> {
    for (let after = -1; ; ) {
      const rows = await this.entriesAfter(after);
      const last = rows.at(-1);
      await this.findDocuments(rows, last === undefined);
      for (const row of rows) {
        this.entriesRead++;
        const document = row.capture === null ? undefined : this.documents.get(row.capture);
        this.scopes.context = document?.context ?? null; // the hash of an entry is asked for before the next entry
        yield storedEntry(row, document?.capture_id ?? '');
      }
      for (const { seq, capture, payload_digest } of rows)
        if (capture !== null && payload_digest !== null) await this.checkDocument({ seq, capture, digest: payload_digest });
      if (last === undefined) return;
      after = last.seq;
    }
  }

  /** The next entries. A page of the file that cannot be read takes its entries with it, not those behind them. */
  private async entriesAfter(after: number): Promise<EntryRow[]> {
    try {
      return await this.selectEntries(sql`seq > ${after} ORDER BY seq LIMIT ${PAGE}`);
    } catch (error) {
      if (!this.isDamage(error)) throw error;
    }
    const [newest] = await this.db.all<{ size: number }>(sql`SELECT coalesce(max(size), 0) AS size FROM checkpoint`);
    const end = newest?.size ?? 0;
    const lost: number[] = [];
    let found: EntryRow[] = [];
    for (let seq = after + 1; seq < end && found.length === 0; seq++) {
      try {
        found = await this.selectEntries(sql`seq = ${seq}`);
      } catch (error) {
        if (!this.isDamage(error)) throw error;
        lost.push(seq);
      }
    }
    const [first] = lost;
    if (first !== undefined) {
      const which = lost.length === 1 ? `Entry ${first}` : `Entries ${first} to ${lost.at(-1) as number}`;
      this.tell({ code: 'LOG-FILE', seq: first, message: `${which} cannot be read: the file is damaged there` });
    }
    return found;
  }

  private async selectEntries(which: ReturnType<typeof sql>): Promise<EntryRow[]> {
    return await this.db.all<EntryRow>(
      sql`SELECT seq, kind, record_time, actor, capture, event_hash, body_digest, payload_digest, leaf_hash, encoding, body FROM entry WHERE ${which}`,
    );
  }

  // ── documents ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Reads the documents of these entries; those that lie between them, or behind the last of all, belong to no entry. */
  private async findDocuments(entries: readonly EntryRow[], atEnd: boolean): Promise<void> {
    const captures = new Set(entries.flatMap(({ capture }) => capture ?? []));
    const to = atEnd ? Number.MAX_SAFE_INTEGER : Math.max(this.lastCapture, ...captures);
    this.documents = new Map((await this.documentsOf([...captures])).map((row) => [row.capture, row]));
    const passed = await this.readable('What was captured', [], () =>
      this.db.all<{ capture: number; capture_id: string }>(
        sql`SELECT capture, capture_id FROM payload WHERE capture > ${this.lastCapture} AND capture <= ${to} ORDER BY capture`,
      ),
    );
    for (const { capture, capture_id } of passed)
      if (!captures.has(capture)) this.tell(documentFault(capture_id, undefined, 'has no entry that states its digest'));
    this.lastCapture = to;
  }

  private async documentsOf(captures: readonly number[]): Promise<DocumentRow[]> {
    const read = (list: readonly number[]) =>
      this.db.all<DocumentRow>(
        sql`SELECT p.capture, p.capture_id, p.digest, p.context, p.parts FROM ${eachNumber(list)} j CROSS JOIN payload p ON p.capture = j.value`,
      );
    try {
      return await read(captures);
    } catch (error) {
      if (!this.isDamage(error)) throw error;
    }
    const found: DocumentRow[] = [];
    for (const capture of captures) found.push(...(await this.readable(`Capture number ${capture}`, [], () => read([capture]))));
    return found;
  }

  /** Joins a captured document again, and holds it to what its first entry says. */
  private async checkDocument(first: { seq: number; capture: number; digest: Uint8Array }): Promise<void> {
    this.documentsRead++;
    const document = this.documents.get(first.capture);
    const fault = (what: string) => this.tell(documentFault(document?.capture_id, first.seq, what));
    if (document === undefined) {
      const message = `Of the document that entry ${first.seq} came with, what lies between its events is missing`;
      return this.tell({ code: 'LOG-DOCUMENT', seq: first.seq, message });
    }
    const body = await this.join(document);
    const logged = hex(first.digest);
    if (body === null) return fault('does not come together from its parts');
    if (hex(sha256Node(body)) !== logged) return fault('is not the one whose digest was logged');
    if (hex(document.digest) !== logged) return fault('is filed under another digest than the one logged');
    if ((contextOf(body) ?? document.context) !== document.context) return fault('is filed under another context than its own');
  }

  private async join({ capture, capture_id, parts }: DocumentRow): Promise<Uint8Array | null> {
    return await this.readable(`The document of capture ${capture_id}`, null, async () => {
      if (!areParts(parts)) return null;
      const [row] = await this.db.all<{ encoding: number; gaps: Uint8Array }>(
        sql`SELECT encoding, gaps FROM payload WHERE capture = ${capture}`,
      );
      const gaps = row === undefined ? null : unpackWhole(row.encoding, row.gaps);
      if (gaps === null) return null;
      const rows = await this.db.all<{ seq: number; encoding: number; body: Uint8Array }>(
        sql`SELECT e.seq, e.encoding, e.body FROM ${eachNumber(entriesIn(parts))} j CROSS JOIN entry e ON e.seq = j.value AND e.capture = ${capture}`,
      );
      const bodies = new Map(rows.map(({ seq, encoding, body }) => [seq, unpackWhole(encoding, body) ?? undefined]));
      return joinPayload({ parts, encoding: 0, gaps }, (seq) => bodies.get(seq));
    });
  }

  // ── tiles and checkpoints ─────────────────────────────────────────────────────────────────────────────────

  private async tile({ level, index }: { level: number; index: number }): Promise<Uint8Array | null> {
    const one = query
      .select({ hashes: tile.hashes })
      .from(tile)
      .where(and(eq(tile.level, level), eq(tile.idx, index)));
    const rows = await this.readable(`Tile ${index} of level ${level}`, [], () => this.db.all<{ hashes: Uint8Array }>(one.getSQL()));
    return rows[0]?.hashes ?? null;
  }

  private async *checkpoints(): AsyncGenerator<StoredCheckpoint> {
    for (let after = -1; ; ) {
      const page = query.select({ size: checkpoint.size, text: checkpoint.text }).from(checkpoint).where(gt(checkpoint.size, after));
      const next = page.orderBy(checkpoint.size).limit(PAGE).getSQL();
      const rows = await this.readable(`What follows on the checkpoint of size ${after}`, [], () => this.db.all<StoredCheckpoint>(next));
      const last = rows.at(-1);
      if (last === undefined) return;
      this.newestCheckpoint = Math.max(this.newestCheckpoint, last.size);
      yield* rows;
      after = last.size;
    }
  }

  /** What the entries do not ask for by themselves: that nothing is there too much, and the newest checkpoint not too few. */
  private async checkTheRest({ size }: LogReport): Promise<void> {
    if (this.newestCheckpoint < size) {
      const message = `The newest checkpoint commits to ${this.newestCheckpoint} entries, and there are ${size}: the last checkpoint was taken away`;
      this.tell({ code: 'LOG-SIZE', checkpoint: this.newestCheckpoint, message });
    }
    const misdated = await this.db.all<{ size: number; signed_at: number; record_time: number }>(
      sql`SELECT c.size, c.signed_at, e.record_time FROM checkpoint c CROSS JOIN entry e ON e.seq = c.size - 1
          WHERE c.signed_at <> e.record_time ORDER BY c.size LIMIT ${PROBLEMS_MAX}`,
    );
    for (const { size: at, record_time } of misdated) {
      const message = `The checkpoint of size ${at} is dated otherwise than its last entry, ${formatRecordTime(BigInt(record_time))}`;
      this.tell({ code: 'LOG-TIME', checkpoint: at, message });
    }
    const known = new Set([...tilesOfSize(size)].map(({ level, index }) => `${level}/${index}`));
    for (const { level, index } of await this.db.all<{ level: number; index: number }>(
      sql`SELECT level, idx AS "index" FROM tile ORDER BY level, idx`,
    )) {
      if (known.has(`${level}/${index}`)) continue;
      this.tell({
        code: 'LOG-TILE',
        tile: { level, index, width: 0 },
        message: `A log of ${size} entries has no tile ${index} of level ${level}`,
      });
    }
  }

  private async compareHead(note: string, report: LogReport): Promise<void> {
    try {
      await this.compareKept(verifyCheckpoint(note, this.check.verifiers, verifySignatureNode), 'lies beside the store', report);
    } catch (error) {
      if (!(error instanceof LotlineError) || error.code !== 'LOG-SIGNATURE') throw error;
      this.tell({
        code: 'LOG-SIGNATURE',
        message: `What lies beside the store as log.head is no checkpoint of this log: ${error.message}`,
      });
    }
  }

  /** A log that was rolled back or rewritten agrees with itself; only somebody who kept an earlier checkpoint can tell. */
  private async compareKept(kept: Checkpoint, whose: string, report: LogReport): Promise<void> {
    if (kept.size > report.size) {
      const lost = kept.size - report.size;
      const message = `The checkpoint that ${whose} commits to ${kept.size} entries, and there are ${report.size}: the last ${lost} were taken away`;
      return this.tell({ code: 'LOG-ROLLBACK', seq: report.size, checkpoint: kept.size, message });
    }
    const nodes = rootNodes(kept.size);
    const tiles: { level: number; index: number; hashes: Uint8Array }[] = [];
    for (const { level, index } of tilesOfNodes(nodes, report.size)) {
      const hashes = await this.tile({ level, index });
      if (hashes === null) return; // told already as a missing tile
      tiles.push({ level, index, hashes });
    }
    const root = rootAtSize(kept.size, hashesFrom(tiles), sha256Node);
    if (hex(root) === hex(kept.rootHash)) return;
    const message = `The first ${kept.size} entries do not have the root of the checkpoint that ${whose}: the log was rewritten since`;
    this.tell({ code: 'LOG-FORK', checkpoint: kept.size, message });
  }
}

function storedEntry(row: EntryRow, capture: string): StoredEntry {
  return {
    seq: row.seq,
    leaf: {
      kind: row.kind,
      recordTime: Number.isSafeInteger(row.record_time) ? BigInt(row.record_time) : -1n,
      actor: row.actor,
      capture,
      ...(row.event_hash !== null && { eventHash: formatHashId(row.event_hash) }),
      bodyDigest: hex(row.body_digest),
      ...(row.payload_digest !== null && { payloadDigest: hex(row.payload_digest) }),
    },
    body: unpackWhole(row.encoding, row.body) ?? new Uint8Array(0), // which is not the one that was logged, and says so
    leafHash: row.leaf_hash,
  };
}

function documentFault(captureID: string | undefined, seq: number | undefined, what: string): StoreProblem {
  const place = { ...(captureID !== undefined && { capture: captureID }), ...(seq !== undefined && { seq }) };
  return { code: 'LOG-DOCUMENT', message: `The document of capture ${captureID ?? '(unknown)'} ${what}`, ...place };
}

/** Whether a text says how a document comes together in the one way in which it is written: runs of gaps, and entries in rising order. */
function areParts(text: string): boolean {
  const parts = readParts(text);
  const seqs = parts.flatMap((part) => (typeof part === 'number' ? [] : part));
  return (
    JSON.stringify(parts) === text &&
    parts.every((part, i) => typeof part !== 'number' || (part > 0 && typeof parts[i - 1] !== 'number')) &&
    seqs.every((seq, i) => i === 0 || seq > (seqs[i - 1] as number))
  );
}

function readParts(text: string): (number | [number])[] {
  try {
    const parts = JSON.parse(text) as unknown;
    return Array.isArray(parts) ? (parts as (number | [number])[]) : [];
  } catch {
    return [];
  }
}

/** The context that a document states; null where this version does not read it any more. */
function contextOf(body: Uint8Array): string | null {
  try {
    return readDocument(body, { bare: true, wantHashes: false }).header.context;
  } catch (error) {
    if (error instanceof LotlineError) return null;
    throw error;
  }
}

/** Event hashes need the names that the document around the event declares; neighbours mostly share it, so the last reading is remembered. */
class Scopes {
  /** The context of the document in hand, JSON; null when it is not there. */
  context: string | null = null;
  private read: { context: string; scope: Scope } | null = null;

  /** The event hash of a body, 64 hex digits; null when it is no event. */
  hashOf(body: Uint8Array): string | null {
    try {
      const { context, outer } = this.outer();
      const text = eventJson(body, context);
      const json = parseExactJson(text) as Record<string, unknown>;
      const own = json['@context'];
      // A bare event's own context is what the capture has kept, and reading it twice gives the same names.
      const same = own === undefined || JSON.stringify(JSON.parse(text)['@context']) === context;
      const scope = same ? outer : readContext(own, '/@context', { outer });
      return hex(eventHash(json, scope.prefixes));
    } catch (error) {
      if (error instanceof LotlineError || error instanceof SyntaxError) return null;
      throw error;
    }
  }

  private outer(): { context: string; outer: Scope } {
    const { context } = this;
    if (context === null) throw new LotlineError('EV-CONTEXT', 'the document around it is not there', { fix: 'Restore it from a backup.' });
    if (this.read?.context !== context) this.read = { context, scope: readContext(JSON.parse(context), '/@context') };
    return { context, outer: this.read.scope };
  }
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
