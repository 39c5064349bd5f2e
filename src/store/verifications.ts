import { type SQL, sql } from 'drizzle-orm';
import type { VerificationRow } from './rows.ts';

/** Puts down requests to verify, in one statement. One that is there already, because a batch was sent again, stays as it is. */
export function insertVerifications(rows: readonly VerificationRow[]): SQL {
  const values = rows.map(
    (v) =>
      sql`(${v.id}, ${v.at}, ${v.caller}, ${v.call}, ${v.product}, ${v.thing}, ${v.serial_hash}, ${v.site}, ${v.corr}, ${v.question}, ${v.scan}, ${v.outcome}, ${v.reason}, ${v.info}, ${v.took}, ${v.answer})`,
  );
  return sql`INSERT INTO verification (id, at, caller, call, product, thing, serial_hash, site, corr, question, scan, outcome, reason, info, took, answer)
      VALUES ${sql.join(values, sql`, `)} ON CONFLICT DO NOTHING`;
}
