import { sql } from 'drizzle-orm';
import { formatHashId } from '../epcis/index.ts';
import { latestCheckpoint, storedRoot } from '../ledger/questions.ts';
import type { Db } from '../store/db.ts';
import { unpackBytes } from '../store/payload.ts';
import type {
  JobRow,
  PersonSecretRow,
  QueryRow,
  SubscriptionRow,
  VaultErasureRow,
  VaultLinkRow,
  VaultRow,
  VaultSaltRow,
  VaultTokenRow,
  VerificationRow,
} from '../store/rows.ts';
import {
  type Carried,
  type Document,
  type Entry,
  type Finding,
  replayFault,
  type SignedCheckpoint,
  type Truth,
  type TruthRecord,
} from './truth.ts';

/** What of the journal is read at a time: entries at most, and bytes of their bodies once there is more than one. */
const PAGE_ENTRIES = 2_000;
const PAGE_BYTES = 8 * 1024 * 1024;
/** Rows of the other tables read at a time. */
const PAGE_ROWS = 1_000;

/**
 * The truth of a store in place, on either engine. Open it and read what is carried within one snapshot; records never change, so they may be read
 * after it, and a long reading holds nothing up.
 */
export class StoredTruth implements Truth {
  readonly size: number;
  readonly checkpoint: string | null;
  private readonly db: Db;

  private constructor(db: Db, size: number, checkpoint: string | null) {
    this.db = db;
    this.size = size;
    this.checkpoint = checkpoint;
  }

  static async open(db: Db): Promise<StoredTruth> {
    const [entries] = await db.all<{ size: number }>(sql`SELECT coalesce(max(seq) + 1, 0) AS size FROM entry`);
    return new StoredTruth(db, entries?.size ?? 0, (await latestCheckpoint(db))?.text ?? null);
  }

  async *records(from: number): AsyncGenerator<TruthRecord> {
    let captured = 0;
    for (let seq = from; seq < this.size; ) {
      const end = await this.pageEnd(seq);
      const entries = await this.entries(seq, end);
      const documents = await this.documents(seq, end);
      const checkpoints = await this.checkpoints(seq, end);
      for (const { capture, entry } of entries) {
        if (entry.seq !== seq) throw replayFault(seq, 'is missing');
        if (capture !== null && capture !== captured) {
          const document = documents.get(capture);
          if (document === undefined) throw replayFault(seq, 'has lost the document that it came with');
          captured = capture;
          yield { document };
        }
        yield { entry };
        seq++;
        const checkpoint = checkpoints.get(seq);
        if (checkpoint !== undefined) yield { checkpoint };
      }
      if (seq < end) throw replayFault(seq, 'is missing');
    }
  }

  async *carried(): AsyncGenerator<Carried> {
    for (const part of this.carriedParts()) yield* part;
  }

  /** What is carried, in parts that lie in tables of their own. */
  carriedParts(): AsyncGenerator<Carried>[] {
    return [
      this.jobs(),
      this.findings(),
      this.queries(),
      this.subscriptions(),
      this.verifications(),
      this.identities(),
      this.secrets(),
      this.metas(),
    ];
  }

  private async *jobs(): AsyncGenerator<Carried> {
    for (let after = 0; ; ) {
      const jobs = await this.db.all<JobRow>(
        sql`SELECT id, capture_id, actor, behaviour, created, finished, success, events, stored, errors FROM capture_job
            WHERE id > ${after} ORDER BY id LIMIT ${PAGE_ROWS}`,
      );
      for (const job of jobs) yield { job };
      if (jobs.length < PAGE_ROWS) return;
      after = (jobs.at(-1) as JobRow).id;
    }
  }

  private async *findings(): AsyncGenerator<Carried> {
    for (let after = 0; ; ) {
      const rows = await this.db.all<FindingRow>(
        sql`SELECT id, code, seq, severity, state, opened, due, closed_seq, resolution, stage, owner, record FROM finding
            WHERE id > ${after} ORDER BY id LIMIT ${PAGE_ROWS}`,
      );
      for (const row of rows) yield { finding: findingOf(row) };
      if (rows.length < PAGE_ROWS) return;
      after = (rows.at(-1) as FindingRow).id;
    }
  }

  private async *queries(): AsyncGenerator<Carried> {
    for (const query of await this.db.all<QueryRow>(sql`SELECT name, query, actor, created FROM named_query ORDER BY name`))
      yield { query };
  }

  private async *subscriptions(): AsyncGenerator<Carried> {
    const rows = await this.db.all<SubscriptionRow>(
      sql`SELECT id, query, actor, created, terms, next_seq, version, progress FROM subscription ORDER BY id`,
    );
    for (const subscription of rows) yield { subscription };
  }

  private async *verifications(): AsyncGenerator<Carried> {
    for (let after = ''; ; ) {
      const rows = await this.db.all<VerificationRow>(
        sql`SELECT id, at, caller, call, product, thing, serial_hash, site, corr, question, scan, outcome, reason, info, took, answer
            FROM verification WHERE id > ${after} ORDER BY id LIMIT ${PAGE_ROWS}`,
      );
      for (const verification of rows) yield { verification };
      if (rows.length < PAGE_ROWS) return;
      after = (rows.at(-1) as VerificationRow).id;
    }
  }

  /** The vault, in one part: who is in it, and what it has of them. */
  private async *identities(): AsyncGenerator<Carried> {
    for (let after = ''; ; ) {
      const rows = await this.db.all<VaultRow>(
        sql`SELECT ref, kind, state, version, wrapped, sealed, contact_wrapped, contact_sealed FROM vault WHERE ref > ${after} ORDER BY ref LIMIT ${PAGE_ROWS}`,
      );
      for (const identity of rows) yield { identity };
      if (rows.length < PAGE_ROWS) break;
      after = (rows.at(-1) as VaultRow).ref;
    }
    for (let after = ''; ; ) {
      const rows = await this.db.all<VaultSaltRow>(
        sql`SELECT commitment, ref, sealed FROM vault_salt WHERE commitment > ${after} ORDER BY commitment LIMIT ${PAGE_ROWS}`,
      );
      for (const salt of rows) yield { salt };
      if (rows.length < PAGE_ROWS) break;
      after = (rows.at(-1) as VaultSaltRow).commitment;
    }
    for (let after: VaultTokenRow = { token: '', ref: '', contact: 0 }; ; ) {
      const rows = await this.db.all<VaultTokenRow>(
        sql`SELECT token, ref, contact FROM vault_token WHERE (token, ref) > (${after.token}, ${after.ref}) ORDER BY token, ref LIMIT ${PAGE_ROWS}`,
      );
      for (const word of rows) yield { word };
      if (rows.length < PAGE_ROWS) break;
      after = rows.at(-1) as VaultTokenRow;
    }
    for (const link of await this.db.all<VaultLinkRow>(sql`SELECT ref, id, sealed FROM vault_link ORDER BY ref, id`)) yield { link };
    for (const erasure of await this.db.all<VaultErasureRow>(sql`SELECT id, ref, class, seq, time FROM vault_erasure ORDER BY time, id`))
      yield { erasure };
  }

  private async *secrets(): AsyncGenerator<Carried> {
    const rows = await this.db.all<PersonSecretRow>(
      sql`SELECT person, hash, setup_code, setup_expires, failures, locked_until FROM person_secret ORDER BY person`,
    );
    for (const secret of rows) yield { secret };
  }

  private async *metas(): AsyncGenerator<Carried> {
    for (const meta of await this.db.all<{ name: string; value: string }>(sql`SELECT name, value FROM meta ORDER BY name`)) yield { meta };
  }

  async rootAt(size: number): Promise<Uint8Array> {
    return await storedRoot(this.db, size, this.size);
  }

  /** Where a page that begins at `from` ends: bodies differ in size by five powers of ten. */
  private async pageEnd(from: number): Promise<number> {
    const rows = await this.db.all<{ bytes: number }>(
      sql`SELECT length(e.body) + coalesce(length(p.gaps), 0) AS bytes FROM entry e
          LEFT JOIN payload p ON p.capture = e.capture AND e.payload_digest IS NOT NULL
          WHERE e.seq >= ${from} AND e.seq < ${Math.min(this.size, from + PAGE_ENTRIES)} ORDER BY e.seq`,
    );
    let bytes = 0;
    let end = from;
    for (const row of rows) {
      bytes += row.bytes;
      if (bytes > PAGE_BYTES && end > from) break;
      end++;
    }
    return Math.max(end, from + 1);
  }

  private async entries(from: number, end: number): Promise<{ capture: number | null; entry: Entry }[]> {
    const rows = await this.db.all<EntryRow>(
      sql`SELECT e.seq, e.kind, e.record_time, e.actor, e.capture, p.capture_id, e.event_hash, e.body_digest, e.payload_digest, e.leaf_hash, e.encoding, e.body
          FROM entry e LEFT JOIN payload p ON p.capture = e.capture WHERE e.seq >= ${from} AND e.seq < ${end} ORDER BY e.seq`,
    );
    return rows.map((row) => ({ capture: row.capture, entry: entryOf(row) }));
  }

  private async documents(from: number, end: number): Promise<Map<number, Document>> {
    const rows = await this.db.all<PayloadRow>(
      sql`SELECT e.seq, p.capture, p.capture_id, p.parts, p.encoding, p.gaps FROM entry e CROSS JOIN payload p ON p.capture = e.capture
          WHERE e.seq >= ${from} AND e.seq < ${end} AND e.payload_digest IS NOT NULL`,
    );
    return new Map(
      rows.map((row) => [row.capture, { captureID: row.capture_id, parts: row.parts, gaps: unpacked(row.seq, row.encoding, row.gaps) }]),
    );
  }

  private async checkpoints(from: number, end: number): Promise<Map<number, SignedCheckpoint>> {
    const rows = await this.db.all<{ size: number; signed_at: number; text: string }>(
      sql`SELECT size, signed_at, text FROM checkpoint WHERE size > ${from} AND size <= ${end}`,
    );
    return new Map(rows.map(({ size, signed_at, text }) => [size, { size, signedAt: signed_at, text }]));
  }
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
type PayloadRow = { seq: number; capture: number; capture_id: string; parts: string; encoding: number; gaps: Uint8Array };
type FindingRow = {
  id: number;
  code: string;
  seq: number;
  severity: string;
  state: string;
  opened: number;
  due: number | null;
  closed_seq: number | null;
  resolution: string | null;
  stage: string;
  owner: string | null;
  record: string | null;
};

function entryOf(row: EntryRow): Entry {
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
    leafHash: row.leaf_hash,
    body: unpacked(row.seq, row.encoding, row.body),
  };
}

function unpacked(seq: number, encoding: number, bytes: Uint8Array): Uint8Array {
  try {
    return unpackBytes(encoding, bytes);
  } catch {
    throw replayFault(seq, 'does not unpack');
  }
}

/** That an event came again (EV-DUP) is told by no entry: arriving twice stores nothing. */
function findingOf({ id, code, seq, closed_seq: closedSeq, ...rest }: FindingRow): Finding {
  return { id, code, seq, told: code === 'EV-DUP' ? { ...rest, closedSeq } : null };
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
