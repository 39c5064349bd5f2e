import { join } from 'node:path';
import { openForWriting, type SqliteConnection } from './open.ts';

export const SPOOL_FILE = 'spool.db';

/** A document as a gateway takes it. Times in milliseconds since 1970. */
export type SpoolDocument = {
  readonly captureID: string;
  readonly behaviour: 'rollback' | 'proceed';
  readonly received: number;
  readonly events: number;
  /** Documents with the same may travel as one; null: it travels alone. */
  readonly envelope: string | null;
  readonly body: Uint8Array;
};
export type SpooledDocument = Omit<SpoolDocument, 'body'> & {
  readonly id: number;
  readonly length: number;
  /** Upstream has refused it, and it is to be tried again. */
  readonly refusedBefore: boolean;
};
/** One capture call upstream, and what goes with it. */
export type Sending = {
  readonly id: number;
  readonly captureID: string;
  readonly accepted: boolean;
  readonly documents: readonly SpooledDocument[];
};
export type SpoolJob = {
  readonly captureID: string;
  readonly behaviour: 'rollback' | 'proceed';
  readonly received: number;
  readonly state: 'waiting' | 'on its way' | 'captured' | 'refused';
  readonly finished: number | null;
  /** JSON. */
  readonly errors: string | null;
  /** Of the call upstream that it is in now. */
  readonly sending: string | null;
};
export type RefusedDocumentRow = Omit<SpooledDocument, 'refusedBefore'> & { readonly finished: number; readonly errors: string };
export type SpoolCounts = {
  readonly documents: number;
  readonly events: number;
  readonly bytes: number;
  /** When the oldest of them was taken, ms. */
  readonly oldest: number | null;
  readonly refused: number;
  readonly forwarded: { readonly documents: number; readonly events: number };
};

const WAITING = 0;
const ON_ITS_WAY = 1;
const CAPTURED = 2;
const REFUSED = 3;
const STATES = ['waiting', 'on its way', 'captured', 'refused'] as const;

type Row = Omit<SpooledDocument, 'refusedBefore'> & { errors: string | null };
type Keeping = { readonly document: SpoolDocument; readonly resolve: () => void; readonly reject: (error: unknown) => void };

/**
 * Documents on their way to a service that may be out of reach: kept durably (`synchronous=FULL`) before anybody is told so, given out in the order in
 * which they were taken, and dropped when the service has captured them. One process a folder. Every call but `keep` is one transaction, done when
 * it returns; `keep` resolves when a sync that is shared by all that came meanwhile is done. What SQLite throws (disk full) leaves everything as it was.
 */
export class Spool {
  private readonly db: SqliteConnection;
  private readonly sql;
  private keeping: Keeping[] = [];
  private waiting: Omit<SpoolCounts, 'oldest' | 'forwarded'>;

  private constructor(db: SqliteConnection) {
    this.db = db;
    this.sql = {
      keep: db.prepare('INSERT INTO document (capture_id, behaviour, received, events, length, envelope) VALUES (?, ?, ?, ?, ?, ?)'),
      keepBody: db.prepare('INSERT INTO body (id, bytes) VALUES (?, ?)'),
      next: db.prepare(`SELECT ${COLUMNS} FROM document WHERE state = ${WAITING} ORDER BY id LIMIT ?`),
      begin: db.prepare('INSERT INTO sending (capture_id) VALUES (?)'),
      goes: db.prepare(`UPDATE document SET state = ${ON_ITS_WAY}, sending = ? WHERE id = ?`),
      sendings: db.prepare('SELECT id, capture_id AS captureID, accepted FROM sending ORDER BY id'),
      ofSending: db.prepare(`SELECT ${COLUMNS} FROM document WHERE state = ${ON_ITS_WAY} AND sending = ? ORDER BY id`),
      body: db.prepare('SELECT bytes FROM body WHERE id = ?').pluck(),
      bodyOfCapture: db.prepare('SELECT bytes FROM document d CROSS JOIN body b ON b.id = d.id WHERE d.capture_id = ?').pluck(),
      rename: db.prepare('UPDATE sending SET capture_id = ?, accepted = ? WHERE id = ?'),
      endSending: db.prepare('DELETE FROM sending WHERE id = ?'),
      finish: db.prepare(`UPDATE document SET state = ?, finished = ?, errors = ?, sending = NULL WHERE id = ?`),
      waitAgain: db.prepare(
        `UPDATE document SET state = ${WAITING}, sending = NULL, envelope = CASE WHEN ? THEN NULL ELSE envelope END WHERE id = ?`,
      ),
      dropBody: db.prepare('DELETE FROM body WHERE id = ?'),
      job: db.prepare(
        `SELECT d.capture_id AS captureID, behaviour, received, state, finished, errors, s.capture_id AS sending
         FROM document d LEFT JOIN sending s ON s.id = d.sending WHERE d.capture_id = ?`,
      ),
      refused: db.prepare(`SELECT ${COLUMNS}, finished FROM document WHERE state = ${REFUSED} AND id > ? ORDER BY id LIMIT ?`),
      oldestWaiting: db.prepare(`SELECT id, received FROM document WHERE state = ${WAITING} ORDER BY id LIMIT 1`),
      oldestOnItsWay: db.prepare(
        `SELECT d.id, received FROM sending s CROSS JOIN document d ON d.sending = s.id WHERE d.state = ${ON_ITS_WAY} ORDER BY d.id LIMIT 1`,
      ),
      forget: db.prepare(`DELETE FROM document WHERE id IN (SELECT id FROM document WHERE state = ${CAPTURED} AND finished < ? LIMIT ?)`),
      meta: db.prepare('SELECT value FROM meta WHERE name = ?').pluck(),
      setMeta: db.prepare('INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value'),
      add: db.prepare(
        'INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + excluded.value AS TEXT)',
      ),
    };
    const counted = db
      .prepare(
        `SELECT count(*) AS documents, coalesce(sum(events), 0) AS events, coalesce(sum(length), 0) AS bytes
         FROM document WHERE state IN (${WAITING}, ${ON_ITS_WAY})`,
      )
      .get() as { documents: number; events: number; bytes: number };
    const refused = db.prepare(`SELECT count(*) FROM document WHERE state = ${REFUSED}`).pluck().get() as number;
    this.waiting = { ...counted, refused };
  }

  static open(folder: string): Spool {
    return new Spool(openForWriting(join(folder, SPOOL_FILE), { migrations: 'spool-migrations', cacheMegabytes: 16 }));
  }

  /** Resolves when the document is on disk. */
  async keep(document: SpoolDocument): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      if (this.keeping.length === 0) setImmediate(() => this.flush());
      this.keeping.push({ document, resolve, reject });
    });
  }

  private flush(): void {
    const batch = this.keeping;
    this.keeping = [];
    try {
      this.db.transaction(() => {
        for (const { document: d } of batch) {
          const { lastInsertRowid } = this.sql.keep.run(d.captureID, d.behaviour, d.received, d.events, d.body.length, d.envelope);
          this.sql.keepBody.run(lastInsertRowid, d.body);
        }
      })();
    } catch (error) {
      for (const { reject } of batch) reject(error);
      return;
    }
    for (const { document, resolve } of batch) {
      this.count(1, document.events, document.body.length);
      resolve();
    }
  }

  /** The oldest documents that wait. */
  next(limit: number): SpooledDocument[] {
    return (this.sql.next.all(limit) as Row[]).map(asDocument);
  }

  /** Writes down that these go upstream together, under this id. */
  begin(captureID: string, documents: readonly SpooledDocument[]): Sending {
    const id = this.db.transaction(() => {
      const { lastInsertRowid } = this.sql.begin.run(captureID);
      for (const document of documents) this.sql.goes.run(lastInsertRowid, document.id);
      return Number(lastInsertRowid);
    })();
    return { id, captureID, accepted: false, documents };
  }

  /** What was begun and has not ended, oldest first. */
  sendings(): Sending[] {
    return (this.sql.sendings.all() as { id: number; captureID: string; accepted: number }[]).map((sending) => ({
      ...sending,
      accepted: sending.accepted === 1,
      documents: (this.sql.ofSending.all(sending.id) as Row[]).map(asDocument),
    }));
  }

  /** Under which id upstream keeps it, or is to be sent it. */
  name(sending: Sending, captureID: string, accepted: boolean): Sending {
    this.sql.rename.run(captureID, accepted ? 1 : 0, sending.id);
    return { ...sending, captureID, accepted };
  }

  bodyOf(document: { readonly id: number }): Uint8Array | undefined {
    return this.sql.body.get(document.id) as Uint8Array | undefined;
  }

  bodyOfCapture(captureID: string): Uint8Array | undefined {
    return this.sql.bodyOfCapture.get(captureID) as Uint8Array | undefined;
  }

  /** Upstream has captured it. */
  captured(sending: Sending, now: number): void {
    this.db.transaction(() => {
      for (const { id } of sending.documents) {
        this.sql.finish.run(CAPTURED, now, null, id);
        this.sql.dropBody.run(id);
      }
      this.sql.add.run('forwarded_documents', String(sending.documents.length));
      this.sql.add.run('forwarded_events', String(sum(sending.documents, 'events')));
      this.sql.endSending.run(sending.id);
    })();
    this.gone(sending);
  }

  /** Upstream has refused it for good: it is kept with what upstream says, for the operator. */
  refuse(sending: Sending, errors: unknown, now: number): void {
    this.db.transaction(() => {
      for (const { id } of sending.documents) this.sql.finish.run(REFUSED, now, JSON.stringify(errors), id);
      this.sql.endSending.run(sending.id);
    })();
    this.gone(sending);
    this.waiting = { ...this.waiting, refused: this.waiting.refused + sending.documents.length };
  }

  /** The call came to nothing, and its documents wait again: `alone` are to travel by themselves from now on. */
  takeApart(sending: Sending, alone: ReadonlySet<number>): void {
    this.db.transaction(() => {
      for (const { id } of sending.documents) this.sql.waitAgain.run(alone.has(id) ? 1 : 0, id);
      this.sql.endSending.run(sending.id);
    })();
  }

  /** A refused document waits again, by itself and before all that came later. False when there is none of that id. */
  waitAgain(captureID: string): boolean {
    const [found] = this.db.prepare(`SELECT ${COLUMNS} FROM document WHERE capture_id = ? AND state = ${REFUSED}`).all(captureID) as Row[];
    if (found === undefined) return false;
    this.sql.waitAgain.run(1, found.id);
    this.count(1, found.events, found.length);
    this.waiting = { ...this.waiting, refused: this.waiting.refused - 1 };
    return true;
  }

  job(captureID: string): SpoolJob | null {
    const row = this.sql.job.get(captureID) as (Omit<SpoolJob, 'state'> & { state: number }) | undefined;
    return row === undefined ? null : { ...row, state: STATES[row.state] as SpoolJob['state'] };
  }

  /** Refused documents with ids above `after`; `errors` is JSON. */
  refused(after: number, limit: number): RefusedDocumentRow[] {
    return this.sql.refused.all(after, limit) as RefusedDocumentRow[];
  }

  get counts(): SpoolCounts {
    const ages = [this.sql.oldestWaiting.get(), this.sql.oldestOnItsWay.get()] as ({ received: number } | undefined)[];
    const oldest = Math.min(...ages.map((one) => one?.received ?? Number.POSITIVE_INFINITY));
    const forwarded = { documents: Number(this.meta('forwarded_documents') ?? 0), events: Number(this.meta('forwarded_events') ?? 0) };
    return { ...this.waiting, oldest: Number.isFinite(oldest) ? oldest : null, forwarded };
  }

  /** Drops the outcomes of documents that were captured before a time, at most so many at once. Answers how many. */
  forget(before: number, limit: number): number {
    return this.sql.forget.run(before, limit).changes;
  }

  meta(name: string): string | null {
    return (this.sql.meta.get(name) as string | undefined) ?? null;
  }

  setMeta(name: string, value: string): void {
    this.sql.setMeta.run(name, value);
  }

  close(): void {
    this.db.close();
  }

  private gone({ documents }: Sending): void {
    this.count(-documents.length, -sum(documents, 'events'), -sum(documents, 'length'));
  }

  private count(documents: number, events: number, bytes: number): void {
    const { waiting } = this;
    this.waiting = {
      ...waiting,
      documents: waiting.documents + documents,
      events: waiting.events + events,
      bytes: waiting.bytes + bytes,
    };
  }
}

const COLUMNS = 'id, capture_id AS captureID, behaviour, received, events, length, envelope, errors';

function asDocument({ errors, ...document }: Row): SpooledDocument {
  return { ...document, refusedBefore: errors !== null };
}

function sum(documents: readonly SpooledDocument[], what: 'events' | 'length'): number {
  return documents.reduce((total, document) => total + document[what], 0);
}
