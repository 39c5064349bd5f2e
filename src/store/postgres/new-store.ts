import type { SQL } from 'drizzle-orm';
import pg from 'pg';
import { LotlineError } from '../../errors.ts';
import { TABLES } from '../compare.ts';
import type { NewStore, PendingDocument } from '../new-store.ts';
import { PostgresJournal, WRITER_SESSION } from './journal.ts';
import { tryWriterLock } from './lock.ts';
import { connect, migratePostgres, PostgresDb, type PostgresStore, SCHEMA, whereIs } from './open.ts';

/**
 * A store on PostgreSQL that is filled in a schema of its own, and takes the name of the one where it is to be used. Whoever fills it holds the writer
 * lock of its schema, and with `alone` also that of its place: then no service writes there.
 */
export class PostgresNewStore implements NewStore {
  readonly journal: PostgresJournal;
  readonly db: PostgresDb;
  private readonly client: pg.Client;
  private readonly place: string;
  private readonly schema: string;

  private constructor(client: pg.Client, journal: PostgresJournal, place: string, schema: string) {
    this.client = client;
    this.journal = journal;
    this.db = new DbOfJournal(client, journal);
    this.place = place;
    this.schema = schema;
  }

  /**
   * Goes on with what was filled in part before, else with the empty store that is in the place, whose tables somebody may have laid out; with `anew`, begins
   * from nothing.
   */
  static async open(place: PostgresStore, schema: string, { anew = false, alone = true } = {}): Promise<PostgresNewStore> {
    // What is committed is whole after a crash of the server, though the last of it may be gone: then it is filled in again.
    const more = { ...WRITER_SESSION, synchronous_commit: 'off', client_min_messages: 'warning' };
    const client = await connect({ ...place, schema }, { application: 'lotline move', statementTimeoutMs: 0, more });
    try {
      if (!(await tryWriterLock(client, schema)) || (alone && !(await tryWriterLock(client, place.schema))))
        throw new LotlineError('MOVE-TARGET', `Another lotline works on the database ${whereIs(place)}`, {
          fix: 'Stop every process that serves or fills it, or name another database.',
        });
      if (anew) await client.query(`DROP SCHEMA IF EXISTS ${quoted(schema)} CASCADE`);
      else await takeLayout(client, place.schema ?? SCHEMA, schema);
      await migratePostgres({ ...place, schema });
      return new PostgresNewStore(client, await PostgresJournal.open(client), place.schema ?? SCHEMA, schema);
    } catch (error) {
      await client.end();
      throw error;
    }
  }

  async putPending(documents: Iterable<PendingDocument>, lastJob: number): Promise<number> {
    const put = `INSERT INTO intake (id, created, kind, capture_id, actor, behaviour, body) OVERRIDING SYSTEM VALUE
                 VALUES ($1, $2, 'document', $3, $4, $5, $6) ON CONFLICT (capture_id) DO NOTHING`;
    let count = 0;
    for (const d of documents) {
      count++;
      await this.client.query({ name: 'put-pending', text: put, values: [d.id, d.created, d.captureID, d.actor, d.behaviour, d.body] });
    }
    await this.client.query(
      `SELECT setval(pg_get_serial_sequence('intake', 'id'), greatest($1::bigint, (SELECT coalesce(max(id), 0) FROM intake), 1))`,
      [lastJob],
    );
    return count;
  }

  /** What is there must be empty; a service that was started meanwhile may have put something into it. */
  async putInPlace(): Promise<void> {
    await this.client.query(`VACUUM (ANALYZE) ${TABLES.join(', ')}`);
    await this.swap(async (place) => {
      if (await holdsAnything(this.client, place, { alone: true })) throw inUse(`the schema ${place}`);
      await this.client.query(`DROP SCHEMA IF EXISTS ${quoted(place)} CASCADE`);
    });
    await this.journal.close();
  }

  /** Takes the place of a store, which is kept under the name `aside`, and what waits in its intake. */
  async replace(aside: string): Promise<void> {
    await this.client.query(`VACUUM (ANALYZE) ${TABLES.join(', ')}`);
    await this.swap(async (place) => {
      await this.client.query(`LOCK TABLE ${quoted(place)}.intake IN ACCESS EXCLUSIVE MODE`);
      await this.client.query(`INSERT INTO intake OVERRIDING SYSTEM VALUE SELECT * FROM ${quoted(place)}.intake`);
      await this.client.query(
        `SELECT setval(pg_get_serial_sequence('intake', 'id'), (SELECT last_value FROM ${quoted(place)}.intake_id_seq))`,
      );
      await this.client.query(`DROP SCHEMA IF EXISTS ${quoted(aside)} CASCADE`);
      await this.client.query(`ALTER SCHEMA ${quoted(place)} RENAME TO ${quoted(aside)}`);
    });
    await this.journal.close();
  }

  async close(): Promise<void> {
    await this.journal.close();
  }

  /** Goes away, with all that was filled in. */
  async discard(): Promise<void> {
    await this.client.query(`DROP SCHEMA ${quoted(this.schema)} CASCADE`);
    await this.journal.close();
  }

  /** Takes the name of its place, after `clear` has freed it: all of it or nothing, and durable. */
  private async swap(clear: (place: string) => Promise<void>): Promise<void> {
    const { client, place, schema } = this;
    await client.query('BEGIN');
    try {
      await client.query('SET LOCAL synchronous_commit = on');
      await clear(place);
      await client.query(`ALTER SCHEMA ${quoted(schema)} RENAME TO ${quoted(place)}`);
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {});
      throw error;
    }
  }
}

/** The journal keeps some rows back until it commits, or until somebody asks. */
class DbOfJournal extends PostgresDb {
  private readonly journal: PostgresJournal;

  constructor(client: pg.Client, journal: PostgresJournal) {
    super(client);
    this.journal = journal;
  }

  override async all<Row>(query: SQL): Promise<Row[]> {
    await this.journal.send();
    return await super.all<Row>(query);
  }
}

/** An empty store goes to where it is filled, tables and all: they may be partitioned (docs/partitions.sql). */
async function takeLayout(client: pg.ClientBase, place: string, schema: string): Promise<void> {
  const { rows } = await client.query<{ begun: number; there: number }>(
    'SELECT to_regnamespace($1) IS NOT NULL AS begun, to_regnamespace($2) IS NOT NULL AS there',
    [quoted(schema), quoted(place)],
  );
  if (rows[0]?.begun === 1 || rows[0]?.there !== 1) return;
  if (await holdsAnything(client, place)) throw inUse(`the schema ${place}`);
  await client.query(`ALTER SCHEMA ${quoted(place)} RENAME TO ${quoted(schema)}`);
}

/** Refuses a place where a store has anything in it: an entry, a job, a document that waits. */
export async function refuseUsed(place: PostgresStore): Promise<void> {
  const client = await connect(place, { application: 'lotline move', statementTimeoutMs: 0 });
  try {
    if (await holdsAnything(client, place.schema ?? SCHEMA)) throw inUse(whereIs(place));
  } finally {
    await client.end();
  }
}

/** With `alone`, nothing is put into it from then on until the transaction ends. */
async function holdsAnything(client: pg.ClientBase, schema: string, { alone = false } = {}): Promise<boolean> {
  const there = await client.query<{ name: string | null }>('SELECT to_regclass($1)::text AS name', [`${quoted(schema)}.intake`]);
  if (there.rows[0]?.name == null) return false;
  if (alone) await client.query(`LOCK TABLE ${quoted(schema)}.intake IN ACCESS EXCLUSIVE MODE`);
  const found = await client.query<{ used: number }>(
    `SELECT EXISTS (SELECT 1 FROM ${quoted(schema)}.entry) OR EXISTS (SELECT 1 FROM ${quoted(schema)}.capture_job)
         OR EXISTS (SELECT 1 FROM ${quoted(schema)}.intake) AS used`,
  );
  return found.rows[0]?.used === 1;
}

function inUse(place: string): LotlineError {
  return new LotlineError('MOVE-TARGET', `The store in ${place} is not empty`, {
    fix: 'Name a database without a store in it; to do without the one that is there, drop its schema first.',
  });
}

const quoted = (name: string): string => pg.escapeIdentifier(name);
