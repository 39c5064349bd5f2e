/** What is kept of people beside the journal, so that no entry ever holds a secret or its hash: changes that the store's one writer carries out. */
import { sql } from 'drizzle-orm';
import { LotlineError } from '../errors.ts';
import type { JournalDb } from '../store/db.ts';
import type { SessionRow, SigningTokenRow } from '../store/rows.ts';
import { eachText } from '../store/sql.ts';
import { lockedUntil } from './lock-out.ts';

/** Used and expired tokens are remembered for so long, so that SIG-USED can be told from SIG-MISSING. */
const REMEMBERED_MS = 24 * 60 * 60_000;

/** Times in ms. */
export type CredentialChange =
  /** A setup code was made: the secret that there was is good no more, and a lock is lifted. `code` is its SHA-256. */
  | { kind: 'put-setup'; person: string; code: string; expires: number }
  /** The code is used up; the sessions of the person end. `hash` is argon2id's. */
  | { kind: 'put-secret'; person: string; code: string; hash: string; at: number }
  | { kind: 'note-attempt'; person: string; failed: boolean; at: number }
  | { kind: 'put-session'; row: SessionRow }
  | { kind: 'end-session'; id: string }
  | { kind: 'end-sessions'; person: string }
  | { kind: 'put-token'; row: SigningTokenRow };

export const CREDENTIAL_CHANGES: readonly CredentialChange['kind'][] = [
  'put-setup',
  'put-secret',
  'note-attempt',
  'put-session',
  'end-session',
  'end-sessions',
  'put-token',
];

export const isCredentialChange = (change: { kind: string }): change is CredentialChange =>
  (CREDENTIAL_CHANGES as readonly string[]).includes(change.kind);

export async function applyCredentialChange(db: JournalDb, change: CredentialChange): Promise<boolean> {
  switch (change.kind) {
    case 'put-setup':
      await db.run(
        sql`INSERT INTO person_secret (person, hash, setup_code, setup_expires, failures, locked_until)
            VALUES (${change.person}, NULL, ${change.code}, ${change.expires}, 0, 0)
            ON CONFLICT (person) DO UPDATE SET hash = NULL, setup_code = excluded.setup_code, setup_expires = excluded.setup_expires, failures = 0, locked_until = 0`,
      );
      await db.run(sql`DELETE FROM session WHERE person = ${change.person}`);
      return true;
    case 'put-secret': {
      const rows = await db.all(
        sql`UPDATE person_secret SET hash = ${change.hash}, setup_code = NULL, setup_expires = NULL, failures = 0, locked_until = 0
            WHERE person = ${change.person} AND setup_code = ${change.code} AND setup_expires > ${change.at} RETURNING person`,
      );
      if (rows.length === 0) throw codeIsGone();
      await db.run(sql`DELETE FROM session WHERE person = ${change.person}`);
      return true;
    }
    case 'note-attempt': {
      const [row] = await db.all<{ failures: number }>(sql`SELECT failures FROM person_secret WHERE person = ${change.person}`);
      if (row === undefined) return false;
      const failures = change.failed ? row.failures + 1 : 0;
      const until = lockedUntil(failures, change.at) ?? 0;
      await db.run(sql`UPDATE person_secret SET failures = ${failures}, locked_until = ${until} WHERE person = ${change.person}`);
      return true;
    }
    case 'put-session': {
      const { id, hash, person, created, expires } = change.row;
      await db.run(sql`DELETE FROM session WHERE expires < ${created}`);
      await db.run(
        sql`INSERT INTO session (id, hash, person, created, expires) VALUES (${id}, ${hash}, ${person}, ${created}, ${expires})`,
      );
      return true;
    }
    case 'end-session':
      return (await db.all(sql`DELETE FROM session WHERE id = ${change.id} RETURNING id`)).length > 0;
    case 'end-sessions':
      await db.run(sql`DELETE FROM session WHERE person = ${change.person}`);
      return true;
    case 'put-token': {
      const { digest, person, signature, record, created, expires } = change.row;
      await db.run(sql`DELETE FROM signing_token WHERE expires < ${created - REMEMBERED_MS}`);
      await db.run(
        sql`INSERT INTO signing_token (digest, person, signature, record, created, expires, used)
            VALUES (${digest}, ${person}, ${signature}, ${record}, ${created}, ${expires}, NULL)`,
      );
      return true;
    }
  }
}

/**
 * Uses up signing tokens, by their digests, in the transaction of the act that they are for: of two acts with one token one succeeds, in whichever
 * process. Else SIG-USED, or SIG-STALE for one that has expired meanwhile. `now` in ms.
 */
export async function consumeTokens(db: JournalDb, digests: readonly string[], now: number): Promise<void> {
  const rows = await db.all<{ digest: string; used: number | null; expires: number }>(
    sql`SELECT t.digest, t.used, t.expires FROM ${eachText(digests)} j CROSS JOIN signing_token t ON t.digest = j.value`,
  );
  const known = new Map(rows.map((row) => [row.digest, row]));
  for (const [i, digest] of digests.entries()) {
    const token = known.get(digest);
    const at = `/signatures/${i}`;
    if (token === undefined) throw noToken(at);
    if (token.used !== null || digests.indexOf(digest) < i) throw tokenUsed(at);
    if (token.expires <= now) throw tokenStale('has expired', at);
  }
  await db.run(sql`UPDATE signing_token SET used = ${now} WHERE digest IN (SELECT j.value FROM ${eachText(digests)} j)`);
}

export const codeIsGone = (): LotlineError =>
  new LotlineError('ACC-DENIED', 'the setup code is unknown here, or was used', {
    at: '/setupCode',
    fix: 'Ask an administrator for a new one.',
  });
const SIGN_AGAIN = 'Have it signed anew: POST /api/v1/signing-tokens.';
export const noToken = (at: string): LotlineError =>
  new LotlineError('SIG-MISSING', 'this is no signing token of this store', { at, fix: SIGN_AGAIN });
export const tokenUsed = (at: string): LotlineError =>
  new LotlineError('SIG-USED', 'the signing token was used: one authentication is one signature', { at, fix: SIGN_AGAIN });
export const tokenStale = (why: string, at: string): LotlineError =>
  new LotlineError('SIG-STALE', `the signing token ${why}`, { at, fix: SIGN_AGAIN });
