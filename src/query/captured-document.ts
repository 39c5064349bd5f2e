import { sql } from 'drizzle-orm';
import type { Db } from '../store/db.ts';
import { entriesIn, joinPayload, unpackBytes } from '../store/payload.ts';
import { eachNumber } from '../store/sql.ts';

/** A captured document byte for byte as it was sent, events and all; null when nothing of that capture is stored. Ask it in a reader thread. */
export async function capturedDocument(db: Db, args: { captureID: string }): Promise<{ body: Uint8Array } | null> {
  const [payload] = await db.all<{ parts: string; encoding: number; gaps: Uint8Array }>(
    sql`SELECT parts, encoding, gaps FROM payload WHERE capture_id = ${args.captureID}`,
  );
  if (payload === undefined) return null;
  const rows = await db.all<{ seq: number; encoding: number; body: Uint8Array }>(
    sql`SELECT e.seq, e.encoding, e.body FROM ${eachNumber(entriesIn(payload.parts))} j CROSS JOIN entry e ON e.seq = j.value`,
  );
  const bodies = new Map(rows.map(({ seq, encoding, body }) => [seq, unpackBytes(encoding, body)]));
  const body = joinPayload(payload, (seq) => bodies.get(seq));
  return body === null ? null : { body };
}
