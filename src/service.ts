import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { Keys } from './access/index.ts';
import { buildApp } from './api/app.ts';
import type { ApiDeps } from './api/deps.ts';
import { EmbeddedCapture } from './capture/embedded.ts';
import { LotlineError } from './errors.ts';
import { formatSignerKey, formatVerifierKey, type SignerKey, verifierKeyOf, verifyCheckpoint } from './ledger/index.ts';
import { openLogKey } from './ledger/log-key.ts';
import { verifySignatureNode } from './ledger/node-crypto.ts';
import { latestCheckpoint } from './ledger/questions.ts';
import { EmbeddedReaders } from './query/readers.ts';
import type { Settings } from './settings.ts';
import { lockFolder } from './store/sqlite/lock.ts';
import { JOURNAL_FILE, openForReading, SqliteDb } from './store/sqlite/open.ts';
import { webPages } from './web/index.ts';

/** A service that is open but listens nowhere yet. */
export type Service = {
  readonly app: FastifyInstance;
  readonly deps: ApiDeps;
  /** The secret of the first admin key, on the very first start: print it once. */
  readonly firstKey: string | null;
  /** Answers what it has in hand, folds what is being folded, signs, and closes. */
  close(): Promise<void>;
};

/** Opens a data folder and builds the service on it. One process a folder. */
export async function openService(settings: Settings, more: { log?: (line: string) => void } = {}): Promise<Service> {
  checkFolder(settings.data);
  const unlock = lockFolder(settings.data);
  const open: (() => Promise<void> | void)[] = [unlock];
  const closeAll = async () => {
    for (const close of open.splice(0).reverse()) await close();
  };
  try {
    const key = await logKeyOf(settings);
    const capture = await EmbeddedCapture.open({
      folder: settings.data,
      rules: settings.rules,
      origin: key.name,
      signerKey: formatSignerKey(key),
      maxEvents: settings.captureMaxEvents,
    });
    open.push(() => capture.close());
    const readers = new EmbeddedReaders(join(settings.data, JOURNAL_FILE));
    open.push(() => readers.close());
    const keys = new Keys({
      byHash: (hash) => readers.look('keyByHash', { hash }),
      list: (id) => readers.look('listKeys', id === undefined ? {} : { id }),
      record: (command, actor) => capture.record(command, actor),
    });
    const firstKey = await keys.bootstrap(settings.adminKey);
    const deps: ApiDeps = { settings, capture, readers, keys, vkey: formatVerifierKey(verifierKeyOf(key)), plugins: [webPages()], ...more };
    const app = await buildApp(deps);
    open.push(() => app.close());
    await app.ready();
    return { app, deps, firstKey, close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** The key that signs, after making sure that it is the one that signed before. */
async function logKeyOf(settings: Settings): Promise<SignerKey> {
  const head = await headOf(settings.data);
  const file = settings.logKeyFile ?? join(settings.data, 'log.key');
  const key = openLogKey(file, { origin: settings.origin, mayMake: head === null });
  if (head !== null) {
    try {
      verifyCheckpoint(head, [verifierKeyOf(key)], verifySignatureNode);
    } catch (cause) {
      throw new LotlineError('CFG-VALUE', `The log in ${resolve(settings.data)} was signed by another key than ${file}`, {
        at: 'LOTLINE_LOG_KEY_FILE',
        fix: 'Restore the key that signed it, or name the data folder that belongs to this key.',
        cause,
      });
    }
  }
  return key;
}

/** The newest checkpoint of a folder that was used before. */
async function headOf(folder: string): Promise<string | null> {
  const file = join(folder, JOURNAL_FILE);
  if (!existsSync(file)) return null;
  const connection = openForReading(file, { cacheMegabytes: 1 });
  try {
    const isNew = connection.prepare("SELECT count(*) AS n FROM sqlite_master WHERE name = 'checkpoint'").get() as { n: number };
    return isNew.n === 0 ? null : ((await latestCheckpoint(new SqliteDb(connection)))?.text ?? null);
  } finally {
    connection.close();
  }
}

function checkFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    throw new LotlineError('CFG-VALUE', `The data folder ${resolve(folder)} cannot be written (${(cause as NodeJS.ErrnoException).code})`, {
      at: 'LOTLINE_DATA',
      fix: 'Name a folder that this program may write to.',
      cause,
    });
  }
}
