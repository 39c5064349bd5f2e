import { getTableColumns } from 'drizzle-orm';
import { Capturer } from '../../src/capture/capturer.ts';
import { noteSigner, signerKeyFromSeed } from '../../src/ledger/index.ts';
import { signFunctionNode } from '../../src/ledger/node-crypto.ts';
import type { Journal } from '../../src/store/journal.ts';
import { PostgresJournal, WRITER_SESSION } from '../../src/store/postgres/journal.ts';
import { connect } from '../../src/store/postgres/open.ts';
import { tables } from '../../src/store/schema.ts';
import { SqliteJournal } from '../../src/store/sqlite/journal.ts';
import { openForWriting } from '../../src/store/sqlite/open.ts';
import { START } from '../support/events.ts';
import { freshDatabase } from '../support/postgres.ts';

type Row = Record<string, unknown>;

/** A journal on an empty store of one engine, and the rows that come to lie there. */
export type Opened = {
  readonly journal: Journal;
  /** Rows as both engines give them: SQL that both run, without parameters. */
  rows(sql: string): Promise<Row[]>;
  /** All rows go. What is asked of next is a journal on an empty store again. */
  emptied(): Promise<Journal>;
  /** Another journal on the same store, as after a restart. */
  opened(): Promise<Journal>;
  close(): Promise<void>;
};

export async function openSqlite(): Promise<Opened> {
  const open = () => {
    const db = openForWriting(':memory:', { cacheMegabytes: 4 });
    return { db, journal: new SqliteJournal(db) };
  };
  let { db, journal } = open();
  return {
    get journal() {
      return journal;
    },
    rows: async (sql) => db.prepare(sql).all() as Row[],
    emptied: async () => {
      journal.close();
      ({ db, journal } = open());
      return journal;
    },
    opened: async () => {
      journal = new SqliteJournal(db);
      return journal;
    },
    close: async () => journal.close(),
  };
}

/** `laidOut`: SQL that lays the empty store out in another way. */
export async function openPostgres(laidOut = ''): Promise<Opened> {
  const database = await freshDatabase({ migrated: true });
  const open = () => connect({ url: database.url }, { application: 'journal', statementTimeoutMs: 0, more: WRITER_SESSION });
  const client = await open();
  await client.query(laidOut);
  const reader = await open();
  const opened = async () => {
    journal = await PostgresJournal.open(client);
    return journal;
  };
  let journal = await PostgresJournal.open(client);
  return {
    get journal() {
      return journal;
    },
    rows: async (sql) => (await reader.query<Row>(sql)).rows,
    emptied: async () => {
      // There is little in them: to truncate them would take a new file for each.
      await client.query(`ROLLBACK; ${[...Object.keys(tables), 'item_name'].map((name) => `DELETE FROM ${name}`).join('; ')}`);
      return await opened();
    },
    opened,
    close: async () => {
      await reader.end();
      await journal.close();
      await database.drop();
    },
  };
}

/** A capturer as the test stores have it (test/support/test-store.ts): equal documents in equal groups must come to equal rows. */
export async function capturerOn(journal: Journal): Promise<Capturer> {
  const key = signerKeyFromSeed('lotline.example/test', new Uint8Array(32).fill(7));
  return await Capturer.open(journal, {
    rules: 'flag',
    origin: 'lotline.example/test',
    signer: noteSigner(key, signFunctionNode(key)),
    maxEvents: 100_000,
    clock: () => START + 86_400_000,
  });
}

/** Every row of every table that has any, in an order of their own. */
export async function everyRow(store: Opened): Promise<Record<string, unknown[]>> {
  const all: Record<string, unknown[]> = {};
  for (const [name, table] of [...Object.entries(tables), ['item_name', null] as const]) {
    const columns = table === null ? ['id', 'class', 'serial'] : Object.keys(getTableColumns(table));
    const rows = await store.rows(`SELECT ${columns.join(', ')} FROM ${name}`);
    const told = rows.map((row) => JSON.stringify(columns.map((column) => [column, plain(row[column])])));
    if (told.length > 0) all[name] = told.sort();
  }
  return all;
}

const plain = (value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value);
