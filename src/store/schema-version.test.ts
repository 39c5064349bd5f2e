import { afterEach, beforeEach, expect, it } from 'vitest';
import { expectSchema } from './schema-version.ts';
import { openForWriting, type SqliteConnection, SqliteDb } from './sqlite/open.ts';

let connection: SqliteConnection;
beforeEach(() => {
  connection = openForWriting(':memory:', { cacheMegabytes: 1 });
});
afterEach(() => connection.close());

it('lets a store of this version be asked', async () => {
  await expect(expectSchema(new SqliteDb(connection), 'sqlite')).resolves.toBeUndefined();
});

it.each([
  ['an earlier', 'DELETE FROM __drizzle_migrations WHERE created_at = (SELECT max(created_at) FROM __drizzle_migrations)'],
  ['a later', `INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('', 9000000000000)`],
])('refuses a store that %s version wrote, and says what to do', async (which, sql) => {
  connection.exec(sql);
  await expect(expectSchema(new SqliteDb(connection), 'sqlite')).rejects.toMatchObject({
    code: 'CFG-VALUE',
    message: expect.stringContaining(which) as string,
  });
});
