import { parentPort, workerData } from 'node:worker_threads';
import { openForWriting } from '../store/sqlite/open.ts';
import { prepare } from './threads.ts';

/** Requests to the intake thread; every `keep` is answered once it is on disk. */
export type IntakeRequest =
  | { keep: number; captureID: string; actor: string; behaviour: string; created: number; body: Uint8Array }
  | { forget: string[] }
  | { close: true };
export type IntakeReply = { ready: true } | { kept: number; id: number } | { failed: number; message: string } | { closed: true };

/**
 * Keeps documents durably until they are folded. A file and a thread of its own, so that taking never waits for a large fold, and the
 * sync of many requests is one: whatever has arrived while the last sync ran goes into the next transaction.
 */
const port = parentPort!;
const { file } = workerData as { file: string };
const db = await prepare(port, file, () => openForWriting(file, { migrations: 'intake-migrations', cacheMegabytes: 8 }));
const insert = db.prepare(
  'INSERT INTO document (capture_id, actor, behaviour, kind, created, body) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
);
// One that was sent again while the fold had ended, and it was not forgotten yet: the fold knows it (Capturer.capture).
const find = db.prepare('SELECT id FROM document WHERE capture_id = ?').pluck();
const drop = db.prepare('DELETE FROM document WHERE capture_id = ?');
let queue: IntakeRequest[] = [];
/** Captures that have ended, and that a full disk did not let the intake forget: tried again with whatever comes next, the end included. */
let toForget: string[] = [];

function work(): void {
  const batch = queue;
  queue = [];
  const replies: IntakeReply[] = [];
  for (const request of batch) if ('forget' in request) toForget.push(...request.forget);
  try {
    db.transaction(() => {
      for (const id of toForget) drop.run(id);
      for (const request of batch) {
        if ('keep' in request) {
          const { changes, lastInsertRowid } = insert.run(
            request.captureID,
            request.actor,
            request.behaviour,
            'document',
            request.created,
            request.body,
          );
          replies.push({ kept: request.keep, id: changes > 0 ? Number(lastInsertRowid) : (find.get(request.captureID) as number) });
        }
      }
    })();
    toForget = [];
    for (const reply of replies) port.postMessage(reply);
  } catch (error) {
    for (const request of batch) {
      if ('keep' in request) port.postMessage({ failed: request.keep, message: (error as Error).message } satisfies IntakeReply);
    }
  }
  if (batch.some((request) => 'close' in request)) {
    giveBackSpace();
    db.close();
    port.postMessage({ closed: true } satisfies IntakeReply);
    port.close();
  }
}

/** An empty intake is as large as its longest queue was; on the way out it gives that back. */
function giveBackSpace(): void {
  try {
    if (db.prepare('SELECT 1 FROM document').get() === undefined) db.exec('VACUUM');
  } catch {
    // That takes room, and there may be none. Then the file stays as large as it is.
  }
}

port.on('message', (request: IntakeRequest) => {
  if (queue.length === 0) setImmediate(work);
  queue.push(request);
});
port.postMessage({ ready: true } satisfies IntakeReply);
