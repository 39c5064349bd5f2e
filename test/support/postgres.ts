import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { migratePostgres } from '../../src/store/postgres/open.ts';

export type TestDatabase = { readonly url: string; drop(): Promise<void> };

/** An empty database of its own on the server of this run; with `migrated`, one that holds an empty store already. */
export async function freshDatabase(options: { migrated?: boolean } = {}): Promise<TestDatabase> {
  const name = `lotline_test_${process.pid}_${randomBytes(4).toString('hex')}`;
  await asAdmin(`CREATE DATABASE ${name} ${options.migrated ? `TEMPLATE ${await template()}` : `TEMPLATE template0 ENCODING 'UTF8'`}`);
  return { url: urlOf(name), drop: async () => await asAdmin(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

let made: Promise<string> | undefined;

/** An empty store to copy from, made once a test process: copying it costs less than the migrations. */
function template(): Promise<string> {
  made ??= (async () => {
    const name = `lotline_template_${process.pid}_${randomBytes(4).toString('hex')}`;
    await asAdmin(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`);
    await migratePostgres({ url: urlOf(name) });
    return name;
  })();
  return made;
}

/** The server of this run, and a database on it. */
function urlOf(database: string): string {
  const url = new URL(inject('postgres'));
  url.pathname = `/${database}`;
  return url.href;
}

/** One statement as the server's administrator. */
export async function asAdmin(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject('postgres') });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
