import { sql } from 'drizzle-orm';
import type { Db } from '../store/db.ts';
import { eachText } from '../store/sql.ts';
import type { Qualification } from './signature.ts';

/** A key as others may see it: never its secret, nor the hash of it. Times are ISO 8601. */
export type KeyAnswer = { id: string; name: string; roles: string[]; sites: string[]; created: string; ended: string | null };
type Row = { id: string; name: string; roles: string; sites: string; created: number; ended: number | null };

/** The key with this hash (SHA-256, hex), ended or not. */
export async function keyByHash(db: Db, args: { hash: string }): Promise<(KeyAnswer & { hash: string }) | null> {
  const [row] = await db.all<Row>(
    sql`SELECT id, name, roles, sites, created, ended FROM api_key WHERE hash = ${Buffer.from(args.hash, 'hex')}`,
  );
  return row === undefined ? null : { ...keyOf(row), hash: args.hash };
}

/** Every key ever granted, oldest first. */
export async function listKeys(db: Db, args: { id?: string }): Promise<KeyAnswer[]> {
  const only = args.id === undefined ? sql`` : sql`WHERE id = ${args.id}`;
  return (await db.all<Row>(sql`SELECT id, name, roles, sites, created, ended FROM api_key ${only} ORDER BY created, id`)).map(keyOf);
}

/** A person as others may see them. `sites` are canonical keys; `secret`: whether one was set. */
export type PersonAnswer = {
  id: string;
  login: string;
  name: string;
  roles: string[];
  sites: string[];
  qualifications: Qualification[];
  created: string;
  ended: string | null;
  secret: boolean;
  locked: boolean;
};
type PersonRow = Row & { login: string; qualifications: string; hash: string | null; locked_until: number | null };
/** What proves who somebody is. Times in ms. Never leaves this process. */
export type PersonSecret = {
  hash: string | null;
  failures: number;
  lockedUntil: number;
  setupCode: string | null;
  setupExpires: number | null;
};

const PERSON = sql`p.id, p.login, p.name, p.roles, p.sites, p.qualifications, p.created, p.ended, x.hash, x.locked_until`;

/** People ever registered, by login; `now` (ms) says who is locked. */
export async function people(db: Db, { now, id }: { now: number; id?: string }): Promise<PersonAnswer[]> {
  const only = id === undefined ? sql`` : sql`WHERE p.id = ${id}`;
  const rows = await db.all<PersonRow>(
    sql`SELECT ${PERSON} FROM person p LEFT JOIN person_secret x ON x.person = p.id ${only} ORDER BY p.login`,
  );
  return rows.map((row) => personOf(row, now));
}

type SecretRow = { failures: number | null; setup_code: string | null; setup_expires: number | null };

/** A person with what proves that it is them: by login, or by id. */
export async function personWithSecret(
  db: Db,
  by: { login?: string; id?: string; now: number },
): Promise<{ person: PersonAnswer; secret: PersonSecret } | null> {
  const where = by.login === undefined ? sql`p.id = ${by.id ?? ''}` : sql`p.login = ${by.login}`;
  const [row] = await db.all<PersonRow & SecretRow>(
    sql`SELECT ${PERSON}, x.failures, x.setup_code, x.setup_expires FROM person p LEFT JOIN person_secret x ON x.person = p.id WHERE ${where}`,
  );
  if (row === undefined) return null;
  const { hash, failures, locked_until, setup_code, setup_expires } = row;
  return {
    person: personOf(row, by.now),
    secret: { hash, failures: failures ?? 0, lockedUntil: locked_until ?? 0, setupCode: setup_code, setupExpires: setup_expires },
  };
}

/** The session with this hash (SHA-256, hex), if it has not ended, and whose it is. `expires` in ms. */
export async function sessionByHash(
  db: Db,
  { hash, now }: { hash: string; now: number },
): Promise<{ id: string; expires: number; person: PersonAnswer } | null> {
  const [row] = await db.all<PersonRow & { session: string; expires: number }>(
    sql`SELECT ${PERSON}, s.id AS session, s.expires FROM session s CROSS JOIN person p ON p.id = s.person LEFT JOIN person_secret x ON x.person = p.id
        WHERE s.hash = ${hash} AND s.expires > ${now}`,
  );
  return row === undefined ? null : { id: row.session, expires: row.expires, person: personOf(row, now) };
}

/** A signing token: the signature that it is good for, JSON. Times in ms; `ended`: of the person. */
export type TokenAnswer = {
  digest: string;
  signature: string;
  record: string | null;
  expires: number;
  used: number | null;
  ended: boolean;
};

/** Those of these tokens that there are, by digest (SHA-256, hex). */
export async function signingTokens(db: Db, { digests }: { digests: readonly string[] }): Promise<TokenAnswer[]> {
  const rows = await db.all<Omit<TokenAnswer, 'ended'> & { ended: number | null }>(
    sql`SELECT t.digest, t.signature, t.record, t.expires, t.used, p.ended FROM ${eachText(digests)} j
        CROSS JOIN signing_token t ON t.digest = j.value CROSS JOIN person p ON p.id = t.person ORDER BY t.digest`,
  );
  return rows.map((row) => ({ ...row, ended: row.ended !== null }));
}

const time = (microseconds: number) => new Date(Math.floor(microseconds / 1000)).toISOString();
const list = <T>(json: string): T[] => JSON.parse(json) as T[];

function keyOf({ id, name, roles, sites, created, ended }: Row): KeyAnswer {
  return { id, name, roles: list(roles), sites: list(sites), created: time(created), ended: ended === null ? null : time(ended) };
}

function personOf(row: PersonRow, now: number): PersonAnswer {
  return {
    id: row.id,
    login: row.login,
    name: row.name,
    roles: list(row.roles),
    sites: list(row.sites),
    qualifications: list(row.qualifications),
    created: time(row.created),
    ended: row.ended === null ? null : time(row.ended),
    secret: row.hash !== null,
    locked: (row.locked_until ?? 0) > now,
  };
}
