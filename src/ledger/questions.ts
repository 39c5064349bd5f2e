import { sql } from 'drizzle-orm';
import { formatHashId, parseHashId } from '../epcis/index.ts';
import { LotlineError } from '../errors.ts';
import type { Db } from '../store/db.ts';
import { eachNumber } from '../store/sql.ts';
import { formatBase64 } from './bytes.ts';
import {
  consistencyNodes,
  consistencyProof,
  encodeLeaf,
  formatEntryBundle,
  formatProof,
  hashesFrom,
  inclusionNodes,
  inclusionProof,
  parseCheckpoint,
  parseNote,
  rootAtSize,
  rootNodes,
  TILE_WIDTH,
  type TileId,
  tilesOfNodes,
} from './index.ts';
import { sha256Node } from './node-crypto.ts';

/** The newest checkpoint, as signed. Null before the first entry. */
export async function latestCheckpoint(db: Db, _args: object = {}): Promise<{ size: number; text: string } | null> {
  const [row] = await db.all<{ size: number; text: string }>(sql`SELECT size, text FROM checkpoint ORDER BY size DESC LIMIT 1`);
  return row ?? null;
}

export type InclusionAnswer = {
  seq: number;
  eventHash: string | null;
  /** The leaf's own bytes as text: what the log vouches for. */
  leaf: string;
  treeSize: number;
  /** Base64, as in the checkpoint. */
  rootHash: string;
  hashes: string[];
  checkpoint: string;
  /** The same as a file in C2SP proof form. */
  text: string;
};

/** Proof that an entry stands in the log, against the newest checkpoint. `event` is an event hash (`ni:`), an eventID or a sequence number. */
export async function inclusion(db: Db, args: { event: string }): Promise<InclusionAnswer | null> {
  const seq = await seqOf(db, args.event);
  const head = await latestCheckpoint(db);
  if (seq === null || head === null || seq >= head.size) return null;
  const [entry] = await entriesOf(db, seq, seq + 1);
  if (entry === undefined) return null;
  const nodes = inclusionNodes(seq, head.size);
  const read = hashesFrom(await tiles(db, tilesOfNodes(nodes, head.size)));
  const hashes = inclusionProof(seq, head.size, read, sha256Node);
  return {
    seq,
    eventHash: entry.event_hash === null ? null : formatHashId(entry.event_hash),
    leaf: Buffer.from(leafOf(entry)).toString('utf8'),
    treeSize: head.size,
    rootHash: formatBase64(parseCheckpoint(parseNote(head.text).text).rootHash),
    hashes: hashes.map(formatBase64),
    checkpoint: head.text,
    text: formatProof({ index: seq, hashes, checkpoint: head.text }),
  };
}

export type ConsistencyAnswer = { from: number; to: number; fromRootHash: string; toRootHash: string; hashes: string[] };

/** Proof that the log of `to` entries (now, when it is not given) continues that of `from` (RFC 6962 §2.1.2). Hashes in base64. */
export async function consistency(db: Db, args: { from: number; to?: number }): Promise<ConsistencyAnswer> {
  const size = (await latestCheckpoint(db))?.size ?? 0;
  const { from, to = size } = args;
  if (to > size || from > to) {
    throw new LotlineError('REQ-FORM', to > size ? `the log has ${size} entries, not ${to}` : `from is ${from} and to is ${to}`, {
      at: to > size ? '?to' : '?from',
      fix: `Give sizes with from ≤ to ≤ ${size}.`,
    });
  }
  const wanted = [...consistencyNodes(from, to), ...rootNodes(from), ...rootNodes(to)];
  const read = hashesFrom(await tiles(db, tilesOfNodes(wanted, size)));
  return {
    from,
    to,
    fromRootHash: formatBase64(rootAtSize(from, read, sha256Node)),
    toRootHash: formatBase64(rootAtSize(to, read, sha256Node)),
    hashes: consistencyProof(from, to, read, sha256Node).map(formatBase64),
  };
}

/** The hashes of one tile, whole or its first `width`. Null where the log has not come that far. */
export async function tile(db: Db, args: TileId): Promise<Uint8Array | null> {
  const [row] = await tiles(db, [args]);
  const bytes = args.width * 32;
  return row === undefined || row.hashes.length < bytes ? null : new Uint8Array(row.hashes.subarray(0, bytes));
}

/** The leaves of entry bundle `index`, the first `width` of them (tlog-tiles, “Log entries”). Null where the log has not come that far. */
export async function entryBundle(db: Db, args: { index: number; width: number }): Promise<Uint8Array | null> {
  const first = args.index * TILE_WIDTH;
  const entries = await entriesOf(db, first, first + args.width);
  return entries.length < args.width ? null : formatEntryBundle(entries.map(leafOf));
}

/** Root hash over the first `size` of the log's `total` entries, from its tiles. */
export async function storedRoot(db: Db, size: number, total: number): Promise<Uint8Array> {
  const read = hashesFrom(await tiles(db, tilesOfNodes(rootNodes(size), total)));
  return rootAtSize(size, read, sha256Node);
}

type TileRow = { level: number; index: number; hashes: Uint8Array };

async function tiles(db: Db, wanted: readonly TileId[]): Promise<TileRow[]> {
  const rows: TileRow[] = [];
  for (const level of new Set(wanted.map((t) => t.level))) {
    const indexes = wanted.filter((t) => t.level === level).map((t) => t.index);
    rows.push(
      ...(await db.all<TileRow>(
        sql`SELECT t.level AS level, t.idx AS "index", t.hashes AS hashes FROM ${eachNumber(indexes)} j CROSS JOIN tile t ON t.level = ${level} AND t.idx = j.value`,
      )),
    );
  }
  return rows;
}

type LeafRow = {
  kind: string;
  record_time: number;
  actor: string;
  capture_id: string | null;
  event_hash: Uint8Array | null;
  body_digest: Uint8Array;
  payload_digest: Uint8Array | null;
};

async function entriesOf(db: Db, from: number, to: number): Promise<LeafRow[]> {
  return await db.all<LeafRow>(
    sql`SELECT e.kind, e.record_time, e.actor, p.capture_id, e.event_hash, e.body_digest, e.payload_digest
        FROM entry e LEFT JOIN payload p ON p.capture = e.capture WHERE e.seq >= ${from} AND e.seq < ${to} ORDER BY e.seq`,
  );
}

function leafOf(row: LeafRow): Uint8Array {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  return encodeLeaf({
    kind: row.kind,
    recordTime: BigInt(row.record_time),
    actor: row.actor,
    capture: row.capture_id ?? '',
    ...(row.event_hash !== null && { eventHash: formatHashId(row.event_hash) }),
    bodyDigest: hex(row.body_digest),
    ...(row.payload_digest !== null && { payloadDigest: hex(row.payload_digest) }),
  });
}

/** The entry that is meant. Several events may share a hash or an eventID (a declared error and its original): then the first. */
async function seqOf(db: Db, event: string): Promise<number | null> {
  if (/^\d{1,15}$/.test(event)) return Number(event);
  const [byId] = await db.all<{ seq: number }>(sql`SELECT seq FROM event WHERE event_id = ${event} ORDER BY seq LIMIT 1`);
  if (byId !== undefined) return byId.seq;
  if (!event.startsWith('ni:')) return null;
  const hash = Buffer.from(parseHashId(event));
  const [byHash] = await db.all<{ seq: number }>(sql`SELECT seq FROM event WHERE hash = ${hash} ORDER BY seq LIMIT 1`);
  return byHash?.seq ?? null;
}
