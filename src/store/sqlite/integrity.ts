import { openForWriting, type SqliteConnection } from './open.ts';

/** Faults of one table that are told. */
const FAULTS_MAX = 5;
/** Tables that no rebuild makes anew from entries. */
const KEPT = new Set([
  'entry',
  'payload',
  'checkpoint',
  'cosignature',
  'capture_job',
  'named_query',
  'subscription',
  'verification',
  'vault',
  'vault_salt',
  'vault_token',
  'vault_link',
  'vault_erasure',
  'meta',
]);

/**
 * What SQLite itself finds wrong with the file of a store, a line for each table that is damaged, and where its schema is not this version's. It
 * reads all of the file: pages and rows that do not hang together, indexes that differ from their tables, values of another type than the column's.
 */
export function findDamage(db: SqliteConnection): string[] {
  try {
    return faults(db, 'integrity_check(1)').length > 0 ? damagedTables(db) : [...changedSchema(db), ...lostNames(db)];
  } catch (error) {
    return [`The file is damaged: ${(error as Error).message}`];
  }
}

function damagedTables(db: SqliteConnection): string[] {
  const named = tablesOf(db).flatMap((table) => {
    const found = faults(db, `integrity_check("${table}")`);
    if (found.length === 0) return [];
    const mend = KEPT.has(table) ? '' : '. It is derived from entries: rebuild makes it anew';
    return [`The table ${table} or an index of it is damaged: ${shown(found)}${mend}`];
  });
  return named.length > 0 ? named : [`The file is damaged: ${shown(faults(db, 'integrity_check'))}`];
}

function faults(db: SqliteConnection, check: string): string[] {
  try {
    const rows = db.prepare(`PRAGMA ${check}`).pluck().all() as string[];
    return rows.filter((row) => row !== 'ok').map((row) => row.replace('*** in database main ***\n', ''));
  } catch (error) {
    return [(error as Error).message];
  }
}

const shown = (found: readonly string[]) => found.slice(0, FAULTS_MAX).join('; ').replaceAll('\n', ' ');

const tablesOf = (db: SqliteConnection) =>
  db.prepare(`SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`).pluck().all() as string[];

/** Tables, indexes, triggers and views that are not as this version's migrations make them. A store of an older version is not judged. */
function changedSchema(db: SqliteConnection): string[] {
  const fresh = openForWriting(':memory:', { cacheMegabytes: 1 });
  try {
    const ours = migrationsOf(fresh);
    const theirs = migrationsOf(db);
    if (theirs.some((migration, i) => migration !== ours[i])) return ['The store was brought to a schema that this version does not know'];
    if (theirs.length === 0) return ['The store has no tables'];
    if (theirs.length < ours.length) return [];
    const [should, is] = [schemaOf(fresh), schemaOf(db)];
    return [...new Set([...should.keys(), ...is.keys()])]
      .filter((name) => should.get(name) !== is.get(name))
      .map(
        (name) =>
          `The ${name} is ${is.has(name) ? (should.has(name) ? 'not as this version makes it' : 'none of this version') : 'missing'}`,
      );
  } finally {
    fresh.close();
  }
}

/** What an index would be held to: that every item is found by its name, and nothing else. */
function lostNames(db: SqliteConnection): string[] {
  if (db.prepare(`SELECT 1 FROM sqlite_master WHERE name = 'name'`).get() === undefined) return [];
  const { items, names, right } = db
    .prepare(
      `SELECT (SELECT count(*) FROM item) AS items, (SELECT count(*) FROM name) AS names,
         (SELECT count(*) FROM name n CROSS JOIN item i ON i.id = n.id AND i.class = n.class AND i.serial = n.serial) AS right`,
    )
    .get() as { items: number; names: number; right: number };
  return items === right && names === right
    ? []
    : [`The table name does not lead to the items: of ${items} it finds ${right}. It is derived from entries: rebuild makes it anew`];
}

const migrationsOf = (db: SqliteConnection) =>
  db.prepare('SELECT created_at FROM __drizzle_migrations ORDER BY rowid').pluck().all() as number[];

function schemaOf(db: SqliteConnection): Map<string, string> {
  const rows = db.prepare(`SELECT type || ' ' || name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'`).raw().all();
  return new Map(rows as [string, string][]);
}
