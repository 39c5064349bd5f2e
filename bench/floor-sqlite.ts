import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { CONTAINER, type Floor, LOTS, type LookUps, spread } from './floor.ts';

const TABLES = `
  CREATE TABLE IF NOT EXISTS item (id INTEGER PRIMARY KEY, class INTEGER NOT NULL, serial TEXT NOT NULL, status INTEGER NOT NULL) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS item_key ON item (class, serial);
  CREATE TABLE IF NOT EXISTS event (seq INTEGER PRIMARY KEY, time INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS event_item (item INTEGER NOT NULL, seq INTEGER NOT NULL, role INTEGER NOT NULL, PRIMARY KEY (item, seq, role)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS containment (child INTEGER NOT NULL, parent INTEGER NOT NULL, PRIMARY KEY (child, parent)) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS containment_parent ON containment (parent);
  CREATE TABLE IF NOT EXISTS pack (id INTEGER PRIMARY KEY, lot INTEGER NOT NULL, status INTEGER NOT NULL, holder INTEGER NOT NULL, place INTEGER NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS pack_lot ON pack (lot);
  CREATE TABLE IF NOT EXISTS entry (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;`;

/** The settings of src/store/sqlite/open.ts. */
function openForWriting(file: string, cacheMegabytes = 128): Database.Database {
  const db = new Database(file);
  db.pragma('page_size = 8192');
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma(`cache_size = -${cacheMegabytes * 1024}`);
  db.pragma('wal_autocheckpoint = 4000');
  return db;
}

/** Arrays through json_each: faster than a statement a row. */
export class SqliteFloor implements Floor {
  readonly target: string;
  private readonly folder: string;
  private readonly ownsFolder: boolean;
  private readonly db: Database.Database;
  private readonly intake: Database.Database;
  private items: number;
  private events: number;

  /** Without a file: tables of its own, removed at the end. `from`: items and events get higher numbers than this. */
  constructor(file?: string, from = 0) {
    this.ownsFolder = file === undefined;
    this.folder = file === undefined ? mkdtempSync(join(tmpdir(), 'lotline-floor-')) : '';
    this.target = file ?? join(this.folder, 'floor.db');
    this.db = openForWriting(this.target);
    this.db.exec(TABLES);
    this.intake = openForWriting(file === undefined ? join(this.folder, 'intake.db') : ':memory:', 8);
    this.intake.exec('CREATE TABLE document (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT');
    this.items = from;
    this.events = from;
  }

  async commission(serials: readonly string[], perEvent: number): Promise<void> {
    const item = this.db.prepare('INSERT INTO item SELECT ? + key, 1, value, 0 FROM json_each(?)');
    const part = this.db.prepare('INSERT INTO event_item SELECT ? + key, ?, 0 FROM json_each(?)');
    this.inTransaction(() => {
      for (let from = 0; from < serials.length; from += perEvent) {
        const list = serials.slice(from, from + perEvent);
        const json = JSON.stringify(list);
        const seq = this.event();
        item.run(this.items + 1, json);
        part.run(this.items + 1, seq, json);
        this.items += list.length;
      }
    });
  }

  async refer(from: number, count: number): Promise<void> {
    this.inTransaction(() => {
      this.db.prepare('INSERT INTO event_item SELECT id, ?, 1 FROM item WHERE id >= ? AND id < ?').run(this.event(), from, from + count);
    });
  }

  async observe(items: readonly number[]): Promise<void> {
    const part = this.db.prepare('INSERT INTO event_item VALUES (?, ?, 0)');
    const item = this.db.prepare('UPDATE item SET status = status + 1 WHERE id = ?');
    this.inTransaction(() => {
      for (const id of items) {
        part.run(id, this.event());
        item.run(id);
      }
    });
  }

  async keep(documents: readonly Uint8Array[]): Promise<void> {
    const put = this.intake.prepare('INSERT INTO document (body) VALUES (?)');
    const drop = this.intake.prepare('DELETE FROM document');
    this.intake.transaction(() => {
      drop.run();
      for (const document of documents) put.run(document);
    })();
  }

  async rewrite(from: number, count: number): Promise<void> {
    const write = this.db.prepare('UPDATE item SET status = ? WHERE id = ?');
    this.inTransaction(() => {
      const rows = this.db.prepare('SELECT * FROM item WHERE id >= ? AND id < ?').all(from, from + count) as {
        id: number;
        status: number;
      }[];
      for (const row of rows) write.run(row.status + 1, row.id);
    });
  }

  async pack(from: number, count: number): Promise<void> {
    this.inTransaction(() => {
      this.db.prepare('INSERT INTO containment SELECT id, ? FROM item WHERE id >= ? AND id < ?').run(CONTAINER, from, from + count);
      this.db.prepare('INSERT INTO event_item VALUES (?, ?, 1)').run(CONTAINER, this.event());
    });
  }

  async distribute(count: number): Promise<void> {
    const put = this.db.prepare('INSERT INTO pack VALUES (?, ?, ?, ?, ?)');
    this.inTransaction(() => {
      for (let n = 0; n < count; n++) {
        const { lot, status, holder, place } = spread(n);
        put.run(n + 1, lot, status, holder, place);
      }
    });
  }

  async store(bodies: readonly Uint8Array[]): Promise<void> {
    const put = this.db.prepare('INSERT INTO entry (body) VALUES (?)');
    this.inTransaction(() => {
      for (const body of bodies) put.run(body);
    });
  }

  async bytes(): Promise<number> {
    this.db.pragma('wal_checkpoint(TRUNCATE)');
    return readdirSync(this.folder).reduce((sum, name) => sum + statSync(join(this.folder, name)).size, 0);
  }

  async end(): Promise<void> {
    this.db.close();
    this.intake.close();
    if (this.ownsFolder) rmSync(this.folder, { recursive: true, force: true });
  }

  private event(): number {
    this.db.prepare('INSERT INTO event VALUES (?, ?)').run(++this.events, Date.now());
    return this.events;
  }

  private inTransaction(work: () => void): void {
    this.db.transaction(work)();
  }
}

/** Opened as the service opens its journal for questions. */
export function openLookUps(file: string): LookUps {
  const db = new Database(file, { readonly: true });
  db.pragma(`cache_size = -${64 * 1024}`);
  db.pragma('mmap_size = 1073741824');
  const item = db.prepare('SELECT * FROM item WHERE class = 1 AND serial = ?');
  const parent = db.prepare('SELECT parent FROM containment WHERE child = ?');
  const events = db.prepare('SELECT * FROM event_item p CROSS JOIN event e ON e.seq = p.seq WHERE p.item IN (?, ?)');
  const contents = db.prepare(`SELECT i.* FROM containment c CROSS JOIN item i ON i.id = c.child WHERE c.parent = ${CONTAINER}`);
  const scope = db.prepare(`SELECT lot, status, holder, place, count(*) FROM pack WHERE lot < ${LOTS} GROUP BY 1, 2, 3, 4`);
  return {
    item: async (serial) => item.get(serial),
    history: async (serial) => {
      const found = item.get(serial) as { id: number };
      const inside = parent.get(found.id) as { parent: number } | undefined;
      return [found, inside, events.all(found.id, inside?.parent ?? found.id)];
    },
    contents: async () => contents.all(),
    scope: async () => scope.all(),
  };
}
