import { sql } from 'drizzle-orm';
import type { Db } from '../db.ts';
import type { PendingDocument } from '../new-store.ts';

/** Documents read at a time. */
const PAGE = 16;

/** The documents that wait in the intake, oldest first. What somebody waits for who was not answered yet is left out: it will be sent again. */
export async function* pendingDocuments(db: Db): AsyncGenerator<PendingDocument> {
  for (let after = -1; ; ) {
    const page = await db.all<PendingDocument>(
      sql`SELECT id, capture_id AS "captureID", actor, behaviour, created, body FROM intake WHERE kind = 'document' AND id > ${after} ORDER BY id LIMIT ${PAGE}`,
    );
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.id;
  }
}
