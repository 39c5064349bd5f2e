import { sql } from 'drizzle-orm';
import { consistencyProof, hashesFrom, parseVerifierKey, rootAtSize, verifyCheckpoint, verifyConsistency } from '../../src/ledger/index.ts';
import { sha256Node, verifySignatureNode } from '../../src/ledger/node-crypto.ts';
import { checkStoredLog } from '../../src/ledger/stored-log.ts';
import type { Db } from '../../src/store/db.ts';
import { nameOf } from './made-documents.ts';
import type { Memory, Sent } from './memory.ts';
import type { ServerUnderTest } from './server-under-test.ts';

export type StoreFigures = { entries: number; events: number; documents: number };

/**
 * Looks into the store of a dead service: what was answered is there once or waits in the queue, of no document a part, nothing that nobody
 * sent, and a log that continues every checkpoint that a client ever saw. Answers what is wrong.
 */
export async function checkStore(
  server: ServerUnderTest,
  memory: Memory,
  settled: boolean,
): Promise<{ faults: string[]; figures: StoreFigures }> {
  const queued = new Set(await server.queued());
  return await server.look(async (db) => {
    const events = await storedEvents(db);
    const faults = [
      ...checkEvents(memory, events, queued),
      ...(await checkJobs(db, memory, queued)),
      ...(await checkDocuments(db, memory)),
      ...(await checkCheckpoints(db, memory)),
      ...(settled && queued.size > 0 ? [`${queued.size} documents still wait`] : []),
    ];
    const verifiers = [parseVerifierKey(memory.vkey as string)];
    const report = (await server.verifyFiles?.(verifiers)) ?? (await checkStoredLog(db, { verifiers }));
    faults.push(...report.problems.map((problem) => `verify-log: ${problem.code} ${problem.message}`));
    return { faults, figures: { entries: report.size, events: events.size, documents: report.documents } };
  });
}

/** How often each event is stored, by name. */
async function storedEvents(db: Db): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (let after = -1; ; ) {
    const rows = await db.all<{ seq: number; event_id: string | null; digest: Uint8Array }>(
      sql`SELECT seq, event_id, digest FROM event WHERE seq > ${after} ORDER BY seq LIMIT 5000`,
    );
    for (const { event_id, digest } of rows) found.set(nameOf(digest, event_id), (found.get(nameOf(digest, event_id)) ?? 0) + 1);
    const last = rows.at(-1);
    if (last === undefined) return found;
    after = last.seq;
  }
}

function checkEvents(memory: Memory, stored: ReadonlyMap<string, number>, queued: ReadonlySet<string>): string[] {
  const faults: string[] = [];
  const senders = new Map<string, Sent[]>();
  for (const sent of memory.sent.values()) {
    for (const name of sent.made.stores) {
      const list = senders.get(name);
      if (list) list.push(sent);
      else senders.set(name, [sent]);
    }
  }
  for (const [name, count] of stored) {
    if (count !== 1) faults.push(`event ${name} is stored ${count} times`);
    if (!senders.has(name)) faults.push(`event ${name} is stored, and should not be`);
  }
  for (const { made, captureIDs, answered201, digest } of memory.sent.values()) {
    const missing = made.stores.filter((name) => !stored.has(name));
    if (missing.length > 0 && (answered201 > 0 || captureIDs.some((id) => !queued.has(id))))
      faults.push(
        `of ${captureIDs.join(', ') || 'a bare event'}, which was answered, ${missing.length} of ${made.stores.length} events are missing`,
      );
    // What another document brought as well may be there without this one.
    const own = made.stores.filter((name) => senders.get(name)?.length === 1);
    const there = own.filter((name) => stored.has(name)).length;
    if (there > 0 && there < own.length) faults.push(`of the document ${digest}, ${there} of ${own.length} events are stored`);
  }
  return faults;
}

async function checkJobs(db: Db, memory: Memory, queued: ReadonlySet<string>): Promise<string[]> {
  const jobs = await db.all<{ capture_id: string; success: number }>(sql`SELECT capture_id, success FROM capture_job ORDER BY capture_id`);
  const ended = new Map(jobs.map((job) => [job.capture_id, job.success === 1]));
  const faults = ended.size === jobs.length ? [] : ['a capture has two jobs'];
  for (const { captureID, sent, ended: seen } of memory.captures) {
    const success = ended.get(captureID);
    if (success === undefined && (seen || !queued.has(captureID)))
      faults.push(`capture ${captureID} was answered, and is neither ended nor waiting`);
    if (success !== undefined && success !== sent.made.success) faults.push(`capture ${captureID} ended with success ${success}`);
  }
  return faults;
}

/** Every kept document is one that was sent, byte for byte. That its parts come together to this digest is verify-log's to say. */
async function checkDocuments(db: Db, memory: Memory): Promise<string[]> {
  const rows = await db.all<{ capture_id: string; digest: Uint8Array }>(sql`SELECT capture_id, digest FROM payload ORDER BY capture_id`);
  return rows
    .filter(({ digest }) => !memory.sent.has(Buffer.from(digest).toString('hex')))
    .map(({ capture_id }) => `the document of capture ${capture_id} is none that was sent`);
}

/** The log as it is now continues every checkpoint that was ever seen. */
async function checkCheckpoints(db: Db, memory: Memory): Promise<string[]> {
  const faults: string[] = [];
  const verifiers = [parseVerifierKey(memory.vkey as string)];
  const tiles = await db.all<{ level: number; index: number; hashes: Uint8Array }>(sql`SELECT level, idx AS "index", hashes FROM tile`);
  const read = hashesFrom(tiles);
  const [head] = await db.all<{ size: number }>(sql`SELECT coalesce(max(size), 0) AS size FROM checkpoint`);
  const size = head?.size ?? 0;
  const root = rootAtSize(size, read, sha256Node);
  for (const note of memory.checkpoints.values()) {
    const seen = verifyCheckpoint(note, verifiers, verifySignatureNode);
    if (seen.size > size) faults.push(`a client holds a checkpoint of ${seen.size} entries, the newest is of ${size}`);
    else if (!verifyConsistency(seen.size, size, seen.rootHash, root, consistencyProof(seen.size, size, read, sha256Node), sha256Node))
      faults.push(`the log of ${size} entries does not continue the checkpoint of ${seen.size}`);
  }
  return faults;
}
