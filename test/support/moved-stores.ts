import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatSignerKey, signerKeyFromSeed } from '../../src/ledger/index.ts';
import { compareStores } from '../../src/moving/rebuild.ts';
import { connect, PostgresDb } from '../../src/store/postgres/open.ts';
import { putPendingDocuments } from '../../src/store/sqlite/new-store.ts';
import { openForReading, SqliteDb } from '../../src/store/sqlite/open.ts';
import { commission, documentOf, packs, START } from './events.ts';
import { captureHardHistory } from './hard-history.ts';
import { openTestStore } from './test-store.ts';

/** The key of test stores, as its file holds it. */
export const LOG_KEY = `${formatSignerKey(signerKeyFromSeed('lotline.example/test', new Uint8Array(32).fill(7)))}\n`;

/** A key of the same name that has signed nothing. */
export const OTHER_KEY = `${formatSignerKey(signerKeyFromSeed('lotline.example/test', new Uint8Array(32).fill(9)))}\n`;

/** Captures one more document into a folder that nobody serves. Answers the checkpoint after it. */
export async function goOn(folder: string): Promise<string> {
  const store = await openTestStore({ folder });
  await store.capture([commission(300, packs(80, 81))], { captureID: 'went-on' });
  const [newest] = store.rows<{ text: string }>('SELECT text FROM checkpoint ORDER BY size DESC LIMIT 1');
  await store.close();
  return newest?.text as string;
}

/** What waits in the intake of a folder that was made for moving: one document that is folded already, two that are not. */
export const WAITING = ['c-4', 'w-1', 'w-2'] as const;

/** A data folder with a hard history, and documents that wait. Answers the checkpoints it had on the way, oldest first. */
export async function makeFolder(folder: string): Promise<string[]> {
  const store = await openTestStore({ folder });
  await captureHardHistory(store);
  const kept = store.rows<{ text: string }>('SELECT text FROM checkpoint ORDER BY size').map((row) => row.text);
  const lastJob = store.rows<{ id: number }>('SELECT max(id) AS id FROM capture_job')[0]?.id ?? 0;
  await store.close();
  const waiting = WAITING.map((captureID, i) => ({
    id: i === 0 ? 5 : lastJob + i,
    captureID,
    actor: 'tester',
    behaviour: 'rollback',
    created: START,
    body: Buffer.from(JSON.stringify(documentOf([commission(200 + i, packs(40 + 10 * i, 42 + 10 * i), { lot: 'L9' })]))),
  }));
  putPendingDocuments(join(folder, 'intake.db'), waiting, lastJob);
  writeFileSync(join(folder, 'log.key'), LOG_KEY);
  return kept;
}

/** A store that is asked in place, for a test. */
export async function withDb<T>(place: string, ask: (db: SqliteDb | PostgresDb) => Promise<T>): Promise<T> {
  if (place.startsWith('postgres:')) {
    const client = await connect({ url: place }, { application: 'test', statementTimeoutMs: 60_000 });
    try {
      return await ask(new PostgresDb(client));
    } finally {
      await client.end();
    }
  }
  const connection = openForReading(join(place, 'journal.db'));
  return await ask(new SqliteDb(connection)).finally(() => connection.close());
}

/** Every row in which two stores differ, whatever engine each is on. */
export async function differences(first: string, second: string): Promise<unknown[]> {
  return await withDb(first, (one) =>
    withDb(second, async (other) => (await compareStores(one, other)).tables.flatMap((table) => table.differences)),
  );
}
