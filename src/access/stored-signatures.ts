import { sql } from 'drizzle-orm';
import type { Db } from '../store/db.ts';
import type { Journal } from '../store/journal.ts';
import { type Qualification, type Signature, zoned } from './signature.ts';

/** A command that people signed for: the signatures, and the digest of what they signed (contentDigest). */
export type Signed = { readonly signatures?: readonly Signature[]; readonly content?: string };

/**
 * Keeps the signatures of the entry at `seq`. `content` is the digest that they are bound to; `about` names the record, such as `batch/batch_1`: the
 * signature is shown as for version n, the nth entry about it that was signed. One that is known, because a device told it again, stays as it is.
 */
export async function putSignatures(
  { db }: Pick<Journal, 'db'>,
  seq: number,
  recordTime: number,
  signatures: readonly Signature[],
  content: string,
  about: string | null = null,
): Promise<void> {
  const [before] =
    about === null
      ? []
      : await db.all<{ versions: number }>(sql`SELECT count(DISTINCT seq) AS versions FROM signature WHERE about = ${about}`);
  const version = Number(before?.versions ?? 0) + 1;
  for (const [place, one] of signatures.entries()) {
    const { id, person, name, roles, sites, qualifications, meaning, reason, at, offset, session } = one;
    await db.run(
      sql`INSERT INTO signature (id, seq, place, person, name, standing, meaning, reason, at, utc_offset, session, recorded, content, about, version)
          VALUES (${id}, ${seq}, ${place}, ${person}, ${name}, ${JSON.stringify({ roles, sites, qualifications })}, ${meaning}, ${reason}, ${at}, ${offset},
            ${session}, ${recordTime}, ${content}, ${about}, ${version})
          ON CONFLICT (id) DO NOTHING`,
    );
  }
}

type Row = {
  id: string;
  seq: number;
  person: string;
  name: string;
  standing: string;
  meaning: string;
  reason: string | null;
  at: number;
  utc_offset: string;
  session: string;
  content: string;
  about: string | null;
  version: number;
  kind: string;
  leaf_hash: Uint8Array;
};

/** A signature as it is shown: who, when with zone, meaning, reason, what, for which version of it (domain.md §15). */
export type SignatureAnswer = {
  id: string;
  person: string;
  name: string;
  roles: string[];
  at: string;
  meaning: string;
  reason: string | null;
  /** SHA-256 (hex) of the canonical JSON of what was signed. */
  digest: string;
  about: string | null;
  version: number;
  shown: string;
  /** `leaf`: hash of the entry's leaf in the log, base64. */
  entry: { seq: number; kind: string; leaf: string };
};

const COLUMNS = sql`s.id, s.seq, s.person, s.name, s.standing, s.meaning, s.reason, s.at, s.utc_offset, s.session, s.content, s.about, s.version, e.kind, e.leaf_hash`;

export async function signature(db: Db, { id }: { id: string }): Promise<SignatureAnswer | null> {
  const [row] = await db.all<Row>(sql`SELECT ${COLUMNS} FROM signature s CROSS JOIN entry e ON e.seq = s.seq WHERE s.id = ${id}`);
  return row === undefined ? null : answerOf(row);
}

/** Every signature about a record, oldest first. */
export async function signaturesAbout(db: Db, { about }: { about: string }): Promise<SignatureAnswer[]> {
  const rows = await db.all<Row>(
    sql`SELECT ${COLUMNS} FROM signature s CROSS JOIN entry e ON e.seq = s.seq WHERE s.about = ${about} ORDER BY s.seq, s.place`,
  );
  return rows.map(answerOf);
}

/** The signatures of an entry, in the order in which they were passed: as judgements read them. */
export async function signaturesOf(db: Db, { seq }: { seq: number }): Promise<Signature[]> {
  const rows = await db.all<Omit<Row, 'kind' | 'leaf_hash'>>(
    sql`SELECT id, seq, person, name, standing, meaning, reason, at, utc_offset, session, content, about, version FROM signature
        WHERE seq = ${seq} ORDER BY place`,
  );
  return rows.map(({ id, person, name, standing, meaning, reason, at, utc_offset: offset, session }) => ({
    id,
    person,
    name,
    ...(JSON.parse(standing) as { roles: string[]; sites: string[]; qualifications: Qualification[] }),
    meaning,
    reason,
    at,
    offset,
    session,
  }));
}

function answerOf(row: Row): SignatureAnswer {
  const { id, person, name, meaning, reason, about, version } = row;
  return {
    id,
    person,
    name,
    roles: (JSON.parse(row.standing) as { roles: string[] }).roles,
    at: zoned(row.at, row.utc_offset),
    meaning,
    reason,
    digest: row.content,
    about,
    version,
    shown: `for version ${version}`,
    entry: { seq: row.seq, kind: row.kind, leaf: Buffer.from(row.leaf_hash).toString('base64') },
  };
}
