import { sql } from 'drizzle-orm';
import { type ConversionTarget, convertDocument, isXml, readDocument } from '../epcis/index.ts';
import type { Db } from '../store/db.ts';
import { entriesIn, joinPayload, unpackBytes } from '../store/payload.ts';
import { eachNumber } from '../store/sql.ts';
import type { EventDocument } from './event-answer.ts';

export type CapturedDocument = EventDocument & { readonly form: ConversionTarget };

/**
 * A captured document as it was sent, byte for byte, or in another form of EPCIS; null when nothing of that capture is stored. What stood around its
 * events is there too: the business header, master data, statements in other namespaces (P-1). `now` dates one that has no date and needs one. Ask it in
 * a reader thread.
 */
export async function capturedDocument(
  db: Db,
  { captureID, form, now }: { captureID: string; form: ConversionTarget | 'as sent'; now: string },
): Promise<CapturedDocument | null> {
  const [payload] = await db.all<{ parts: string; encoding: number; gaps: Uint8Array }>(
    sql`SELECT parts, encoding, gaps FROM payload WHERE capture_id = ${captureID}`,
  );
  if (payload === undefined) return null;
  const rows = await db.all<{ seq: number; encoding: number; body: Uint8Array }>(
    sql`SELECT e.seq, e.encoding, e.body FROM ${eachNumber(entriesIn(payload.parts))} j CROSS JOIN entry e ON e.seq = j.value`,
  );
  const bodies = new Map(rows.map(({ seq, encoding, body }) => [seq, unpackBytes(encoding, body)]));
  const sent = joinPayload(payload, (seq) => bodies.get(seq));
  if (sent === null) return null;
  const own = formOf(sent);
  if (form === 'as sent' || form === own) return { body: sent, form: own, notes: [] };
  const { pieces, notes } = convertDocument(sent, form, { now });
  const body = Buffer.concat(Array.from(pieces, (piece) => Buffer.from(piece)));
  return { body, form, notes: notes().map(noteText) };
}

function formOf(sent: Uint8Array): ConversionTarget {
  if (!isXml(sent)) return 'json';
  return readDocument(sent, { bare: true, wantHashes: false }).header.schemaVersion?.startsWith('1') === true ? 'xml-1.2' : 'xml';
}

function noteText({ what, index, at, count }: { what: string; index: number | null; at: string; count: number }): string {
  const where = [index === null ? '' : `event ${index + 1}`, at, count > 1 ? `${count} times` : ''].filter((part) => part !== '');
  return where.length === 0 ? what : `${where.join(', ')}: ${what}`;
}
