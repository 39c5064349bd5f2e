import type pg from 'pg';
import { afterAll } from 'vitest';
import type { Db } from '../../src/store/db.ts';
import type { Journal } from '../../src/store/journal.ts';
import { PostgresJournal, WRITER_SESSION } from '../../src/store/postgres/journal.ts';
import { connect, PostgresDb, READER_SESSION } from '../../src/store/postgres/open.ts';
import { tables } from '../../src/store/schema.ts';
import { freshDatabase, type TestDatabase } from './postgres.ts';

/** Databases that no test of this file holds at the moment, empty: making one costs more than emptying it. */
const idle: Place[] = [];
const places: Place[] = [];
type Place = { readonly database: TestDatabase; readonly writer: pg.Client; readonly reader: pg.Client };

afterAll(async () => {
  for (const { database, writer, reader } of places) {
    await Promise.all([writer.end(), reader.end()]);
    await database.drop();
  }
});

async function newPlace(): Promise<Place> {
  const database = await freshDatabase({ migrated: true });
  const session = { application: 'test', statementTimeoutMs: 60_000 };
  const writer = await connect({ url: database.url }, { ...session, more: { ...WRITER_SESSION, synchronous_commit: 'off' } });
  const place = { database, writer, reader: await connect({ url: database.url }, { ...session, more: READER_SESSION }) };
  places.push(place);
  return place;
}

export type Borrowed = {
  readonly journal: Journal;
  readonly questions: Db;
  readonly rows: <Row>(sql: string, ...params: unknown[]) => Promise<Row[]>;
  readonly giveBack: () => Promise<void>;
};

/** An empty PostgreSQL store, for as long as it takes. */
export async function borrowPostgres(): Promise<Borrowed> {
  const place = idle.pop() ?? (await newPlace());
  const { writer, reader } = place;
  return {
    journal: await PostgresJournal.open(writer),
    questions: new PostgresDb(reader),
    rows: async <Row>(sql: string, ...params: unknown[]) => {
      let n = 0;
      return (
        await reader.query(
          sql.replaceAll('?', () => `$${++n}`),
          params,
        )
      ).rows as Row[];
    },
    giveBack: async () => {
      await writer.query(`ROLLBACK; ${[...Object.keys(tables), 'item_name'].map((name) => `DELETE FROM ${name}`).join('; ')}`);
      idle.push(place);
    },
  };
}
