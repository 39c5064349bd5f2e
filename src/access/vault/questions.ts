import { sql } from 'drizzle-orm';
import type { Db } from '../../store/db.ts';
import type { VaultErasureRow, VaultLinkRow, VaultRow, VaultSaltRow } from '../../store/rows.ts';
import { eachText } from '../../store/sql.ts';
import { VAULT_KEY_META } from './changes.ts';

/** A person's row, still sealed; null for a reference that nobody has. */
export async function vaultRow(db: Db, { ref }: { ref: string }): Promise<VaultRow | null> {
  const [row] = await db.all<VaultRow>(
    sql`SELECT ref, kind, state, version, wrapped, sealed, contact_wrapped, contact_sealed FROM vault WHERE ref = ${ref}`,
  );
  return row ?? null;
}

export async function vaultSalt(db: Db, { ref, commitment }: { ref: string; commitment: string }): Promise<VaultSaltRow | null> {
  const [row] = await db.all<VaultSaltRow>(
    sql`SELECT commitment, ref, sealed FROM vault_salt WHERE commitment = ${commitment} AND ref = ${ref}`,
  );
  return row ?? null;
}

export async function vaultLinks(db: Db, { ref }: { ref: string }): Promise<VaultLinkRow[]> {
  return await db.all<VaultLinkRow>(sql`SELECT ref, id, sealed FROM vault_link WHERE ref = ${ref} ORDER BY id`);
}

/** Whether one of these hashed words is of anybody: of whom it does not tell. */
export async function vaultKnows(db: Db, { tokens }: { tokens: readonly string[] }): Promise<boolean> {
  const [row] = await db.all(sql`SELECT 1 FROM ${eachText(tokens)} j CROSS JOIN vault_token t ON t.token = j.value LIMIT 1`);
  return row !== undefined;
}

/** Whether there is anybody to be found. */
export async function vaultInUse(db: Db, _args: object = {}): Promise<boolean> {
  const [row] = await db.all(sql`SELECT 1 FROM vault_token LIMIT 1`);
  return row !== undefined;
}

/** What tells whether a master key is that of the vault; null while nothing was put into it. */
export async function vaultCheck(db: Db, _args: object = {}): Promise<string | null> {
  const [row] = await db.all<{ value: string }>(sql`SELECT value FROM meta WHERE name = ${VAULT_KEY_META}`);
  return row?.value ?? null;
}

/** Everything that was erased, oldest first. */
export async function vaultErasures(db: Db, _args: object = {}): Promise<VaultErasureRow[]> {
  return await db.all<VaultErasureRow>(sql`SELECT id, ref, class, seq, time FROM vault_erasure ORDER BY time, id`);
}
