import { type SQL, sql } from 'drizzle-orm';
import { LotlineError } from '../../errors.ts';
import type { VaultErasureRow, VaultLinkRow, VaultRow, VaultSaltRow, VaultTokenRow } from '../../store/rows.ts';

export type ErasureClass = 'contact' | 'identity';
/** A line of the list of erasures that no restore writes over. `time` in ms. */
export type Erased = {
  readonly erasureId: string;
  readonly ref: string;
  readonly class: ErasureClass;
  readonly seq: number | null;
  readonly time: number;
};

/**
 * A change of the vault. It is kept beside the journal and is no entry, so that an erasure leaves nothing behind that a replay would bring back; it goes
 * with the command that tells of it, in one transaction. Everything of a person in it is sealed.
 */
export type VaultChange = { readonly kind: 'vault' } & (
  | {
      readonly do: 'put';
      readonly row: VaultRow;
      readonly tokens: readonly VaultTokenRow[] /** Of the master key. */;
      readonly check: string;
    }
  /** Of version `from`: of two who put it right at once, the second is refused. */
  | {
      readonly do: 'rectify';
      readonly from: number;
      readonly row: VaultRow;
      readonly tokens: readonly VaultTokenRow[];
      readonly check: string;
    }
  | { readonly do: 'salt'; readonly rows: readonly VaultSaltRow[] }
  | { readonly do: 'link'; readonly rows: readonly VaultLinkRow[] }
  | { readonly do: 'restrict'; readonly ref: string }
  /** What was erased before, in a store that has it back from a backup. */
  | { readonly do: 'erase-again'; readonly list: readonly Erased[] }
  | { readonly do: 'erase'; readonly ref: string; readonly class: ErasureClass; readonly erasureId: string }
);

/** What the vault needs of the journal's connection (store/journal.ts). */
type Place = {
  readonly db: { all<Row>(query: SQL): Promise<Row[]>; run(change: SQL): Promise<void> };
  /** Has what is deleted from then on overwritten, and what is left of it elsewhere in the store cleared away after the commit. */
  leaveNoTrace(): void | Promise<void>;
};

/** `seq` is that of the command that it goes with, `now` in ms. False where there is nothing to change. */
export async function applyVaultChange(place: Place, change: VaultChange, now: number, seq: number | null): Promise<boolean> {
  const { db } = place;
  switch (change.do) {
    case 'put':
      await claimVault(db, change.check);
      await db.run(insertVault([change.row]));
      if (change.tokens.length > 0) await db.run(insertTokens(change.tokens));
      return true;
    case 'rectify': {
      const { row, from } = change;
      await claimVault(db, change.check);
      const [was] = await db.all<{ version: number; state: string }>(sql`SELECT version, state FROM vault WHERE ref = ${row.ref}`);
      if (was === undefined || was.version !== from || was.state === 'erased')
        throw new LotlineError('EV-STALE', 'the identity has changed since it was read', { fix: 'Read it again, and put it right again.' });
      await place.leaveNoTrace();
      await db.run(sql`DELETE FROM vault_token WHERE ref = ${row.ref}`);
      await db.run(sql`UPDATE vault SET wrapped = ${row.wrapped}, sealed = ${row.sealed}, contact_wrapped = ${row.contact_wrapped},
          contact_sealed = ${row.contact_sealed}, version = ${row.version} WHERE ref = ${row.ref}`);
      if (change.tokens.length > 0) await db.run(insertTokens(change.tokens));
      return true;
    }
    case 'salt':
      if (change.rows.length > 0) await db.run(insertSalts(change.rows));
      return true;
    case 'link':
      if (change.rows.length > 0) await db.run(insertLinks(change.rows));
      return true;
    case 'restrict':
      await db.run(sql`UPDATE vault SET state = 'restricted' WHERE ref = ${change.ref} AND state <> 'erased'`);
      return true;
    case 'erase-again':
      return (await eraseAgain(place, change.list)) > 0;
    case 'erase':
      await place.leaveNoTrace();
      return await erase(db, { ref: change.ref, class: change.class, erasureId: change.erasureId, seq, time: now });
  }
}

/**
 * Erases again what was erased after a backup was made, before the store that was put back is opened. Answers how many of them were still there.
 */
export async function eraseAgain(place: Place, list: readonly Erased[]): Promise<number> {
  let again = 0;
  await place.leaveNoTrace();
  for (const one of list) if (await erase(place.db, one)) again++;
  return again;
}

/** Data keys and salts are overwritten where they stand, then removed; without them every copy of the rest is noise. */
async function erase(db: Place['db'], one: Erased): Promise<boolean> {
  const { ref } = one;
  const [row] = await db.all<VaultRow>(
    sql`SELECT ref, kind, state, version, wrapped, sealed, contact_wrapped, contact_sealed FROM vault WHERE ref = ${ref}`,
  );
  await db.run(insertErasures([{ id: one.erasureId, ref, class: one.class, seq: one.seq, time: one.time }]));
  if (row === undefined) return false;
  await db.run(
    sql`UPDATE vault SET contact_wrapped = ${over(row.contact_wrapped)}, contact_sealed = ${over(row.contact_sealed)} WHERE ref = ${ref}`,
  );
  await db.run(sql`UPDATE vault SET contact_wrapped = NULL, contact_sealed = NULL WHERE ref = ${ref}`);
  if (one.class === 'contact') {
    await db.run(sql`DELETE FROM vault_token WHERE ref = ${ref} AND contact = 1`);
    return row.contact_wrapped !== null;
  }
  await db.run(sql`DELETE FROM vault_token WHERE ref = ${ref}`);
  await db.run(sql`UPDATE vault SET wrapped = ${over(row.wrapped)}, sealed = ${over(row.sealed)} WHERE ref = ${ref}`);
  await db.run(sql`UPDATE vault SET wrapped = NULL, sealed = NULL, state = 'erased' WHERE ref = ${ref}`);
  await db.run(sql`UPDATE vault_salt SET sealed = ${over('0'.repeat(SALT_CHARACTERS))} WHERE ref = ${ref}`);
  await db.run(sql`DELETE FROM vault_salt WHERE ref = ${ref}`);
  await db.run(sql`DELETE FROM vault_link WHERE id IN (SELECT id FROM vault_link WHERE ref = ${ref})`);
  return row.state !== 'erased';
}

/** As long as what it is written over. */
const over = (text: string | null): string | null => (text === null ? null : '0'.repeat(text.length));
/** About as long as sealed salts are. */
const SALT_CHARACTERS = 140;

/** The first row says which key the vault has; whoever brings another is refused, be it another process with a key file of its own. */
async function claimVault(db: Place['db'], check: string): Promise<void> {
  await db.run(sql`INSERT INTO meta (name, value) VALUES (${VAULT_KEY_META}, ${check}) ON CONFLICT DO NOTHING`);
  const [row] = await db.all<{ value: string }>(sql`SELECT value FROM meta WHERE name = ${VAULT_KEY_META}`);
  if (row?.value !== check) throw wrongVaultKey();
}
export const VAULT_KEY_META = 'vault_key';

export const wrongVaultKey = (): LotlineError =>
  new LotlineError('CFG-VALUE', 'The vault was sealed under another key than the one that this process has', {
    at: 'LOTLINE_VAULT_KEY_FILE',
    fix: 'Restore the vault.key that belongs to this store from its backup, and give every process the same file. Without it nobody can read the identities in the vault.',
  });

// ── rows, also as they are carried from one store to another (moving/) ──────────────────────────────────────────

const listed = (rows: readonly SQL[]): SQL => sql.join([...rows], sql`, `);

export const insertVault = (rows: readonly VaultRow[]): SQL =>
  sql`INSERT INTO vault (ref, kind, state, version, wrapped, sealed, contact_wrapped, contact_sealed) VALUES ${listed(
    rows.map(
      (r) => sql`(${r.ref}, ${r.kind}, ${r.state}, ${r.version}, ${r.wrapped}, ${r.sealed}, ${r.contact_wrapped}, ${r.contact_sealed})`,
    ),
  )}`;
export const insertSalts = (rows: readonly VaultSaltRow[]): SQL =>
  sql`INSERT INTO vault_salt (commitment, ref, sealed) VALUES ${listed(rows.map((r) => sql`(${r.commitment}, ${r.ref}, ${r.sealed})`))} ON CONFLICT DO NOTHING`;
export const insertTokens = (rows: readonly VaultTokenRow[]): SQL =>
  sql`INSERT INTO vault_token (token, ref, contact) VALUES ${listed(rows.map((r) => sql`(${r.token}, ${r.ref}, ${r.contact})`))} ON CONFLICT DO NOTHING`;
export const insertLinks = (rows: readonly VaultLinkRow[]): SQL =>
  sql`INSERT INTO vault_link (ref, id, sealed) VALUES ${listed(rows.map((r) => sql`(${r.ref}, ${r.id}, ${r.sealed})`))} ON CONFLICT DO NOTHING`;
export const insertErasures = (rows: readonly VaultErasureRow[]): SQL =>
  sql`INSERT INTO vault_erasure (id, ref, class, seq, time) VALUES ${listed(
    rows.map((r) => sql`(${r.id}, ${r.ref}, ${r.class}, ${r.seq}, ${r.time})`),
  )} ON CONFLICT DO NOTHING`;
