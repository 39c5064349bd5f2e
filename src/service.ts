import { createHmac } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { sql } from 'drizzle-orm';
import type { FastifyInstance } from 'fastify';
import type pg from 'pg';
import {
  ERASURES_FILE,
  Keys,
  lackingErasures,
  noteErasures,
  openVaultKey,
  People,
  readErasures,
  Signatures,
  VAULT_KEY_FILE,
  Vault,
} from './access/index.ts';
import { buildApp } from './api/app.ts';
import type { ApiDeps } from './api/deps.ts';
import type { ApiLimits } from './api/limits.ts';
import { DocumentReaders } from './capture/document-readers.ts';
import { EmbeddedCapture, type QueueLimits } from './capture/embedded.ts';
import { PostgresCapture } from './capture/postgres.ts';
import type { WriterTimes } from './capture/postgres-messages.ts';
import type { CaptureService } from './capture/service.ts';
import type { PoolLimits } from './capture/thread-pool.ts';
import { LotlineError } from './errors.ts';
import { SourceClocks } from './integrations/source-clocks.ts';
import { formatSignerKey, formatVerifierKey, type SignerKey, verifierKeyOf, verifyCheckpoint } from './ledger/index.ts';
import { expectLogHead } from './ledger/log-head.ts';
import { openLogKey } from './ledger/log-key.ts';
import { verifySignatureNode } from './ledger/node-crypto.ts';
import { latestCheckpoint } from './ledger/questions.ts';
import { type Readers, StoreReaders } from './query/readers.ts';
import { type Settings, VERSION } from './settings.ts';
import type { Db } from './store/db.ts';
import { startAlone } from './store/postgres/lock.ts';
import { migratePostgres, PostgresDb, type PostgresStore, whereIs } from './store/postgres/open.ts';
import { lockFolder } from './store/sqlite/lock.ts';
import { JOURNAL_FILE, openForReading, SqliteDb } from './store/sqlite/open.ts';
import { Deliveries } from './subscriptions/deliveries.ts';
import { Pager } from './subscriptions/pager.ts';
import { Sockets } from './subscriptions/sockets.ts';
import { takeTurns } from './subscriptions/turns.ts';
import { PackOperations } from './verification/pack-operations.ts';
import { policyOf } from './verification/policy.ts';
import { Verification } from './verification/verification.ts';
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

/** How much the service takes on; each part has its own defaults, documented where they stand. */
export type ServiceLimits = {
  http?: Partial<ApiLimits>;
  queue?: Partial<QueueLimits>;
  questions?: Partial<PoolLimits>;
  /** Of the writer on a database. */
  writer?: Partial<WriterTimes>;
};

/** What a store offers the service, whichever engine keeps it. */
type Store = { readonly key: SignerKey; readonly capture: CaptureService; readonly readers: Readers };
/** Closed in the opposite order, the last opened first. */
type Open = (() => Promise<void> | void)[];

/** Opens the store that the settings name and builds the service on it: one process a folder, any number on a database. */
export async function openService(
  settings: Settings,
  more: {
    log?: (line: string) => void;
    limits?: ServiceLimits /** ms since 1970, for verification, sessions and signing */;
    clock?: () => number;
  } = {},
): Promise<Service> {
  const { limits = {}, clock, ...told } = more;
  const open: Open = [];
  const closeAll = async () => {
    for (const close of open.splice(0).reverse()) await close();
  };
  try {
    const { databaseUrl } = settings;
    const { key, capture, readers } =
      databaseUrl === null
        ? await embeddedStore(settings, limits, open)
        : await postgresStore(settings, limits, { url: databaseUrl }, open);
    const keys = new Keys({
      byHash: (hash) => readers.look('keyByHash', { hash }),
      list: (id) => readers.look('listKeys', id === undefined ? {} : { id }),
      record: (command, actor) => capture.record(command, actor),
    });
    const people = new People(
      {
        list: (by) => readers.look('people', by),
        withSecret: (by) => readers.look('personWithSecret', by),
        session: (by) => readers.look('sessionByHash', by),
        record: (command, actor) => capture.record(command, actor),
      },
      clock,
    );
    const signatures = new Signatures(
      {
        tokens: (digests) => readers.look('signingTokens', { digests }),
        record: (change, actor) => capture.record(change, actor),
      },
      people,
      clock,
    );
    const bootstrap = () => keys.bootstrap(settings.adminKey);
    const firstKey = await (databaseUrl === null ? bootstrap() : startAlone({ url: databaseUrl }, bootstrap));
    const vault = new Vault(
      openVaultKey(settings.vaultKeyFile ?? join(settings.data, VAULT_KEY_FILE), await readers.look('vaultCheck', {})),
      {
        row: (ref) => readers.look('vaultRow', { ref }),
        salt: (ref, commitment) => readers.look('vaultSalt', { ref, commitment }),
        links: (ref) => readers.look('vaultLinks', { ref }),
        knows: (tokens) => readers.look('vaultKnows', { tokens }),
        inUse: () => readers.look('vaultInUse', {}),
        erasures: () => readers.look('vaultErasures', {}),
      },
    );
    const noteErased = async () => noteErasures(join(settings.data, ERASURES_FILE), await vault.erasures());
    // Of a store that was put back, what was erased since goes again before anybody is served.
    const lacking = lackingErasures(readErasures(join(settings.data, ERASURES_FILE)), await vault.erasures());
    if (lacking.length > 0) await capture.record({ kind: 'vault', do: 'erase-again', list: lacking }, 'system');
    await noteErased(); // of what the process did not live to note, and of what others have erased
    const documents = new DocumentReaders();
    open.push(() => documents.close());
    const log = more.log ?? ((line: string) => console.error(line));
    const deliveries = new Deliveries({
      readers,
      capture,
      webhooks: { allowPrivate: settings.webhookAllowPrivate },
      agent: `lotline/${VERSION}`,
      log,
    });
    const pager = new Pager({
      readers,
      capture,
      url: settings.pagerUrl,
      token: settings.pagerToken,
      webhooks: { allowPrivate: settings.webhookAllowPrivate },
      agent: `lotline/${VERSION}`,
      log,
    });
    const clocks = new SourceClocks({ readers, capture, log });
    open.push(() => clocks.close());
    const verification = new Verification(
      { readers, capture },
      {
        policy: policyOf(settings.verifyPolicy),
        zone: settings.verifyZone,
        responder: settings.responderGln,
        secret: verificationSecret(key),
        ...(clock && { clock }),
      },
    );
    open.push(() => verification.close());
    const deps: ApiDeps = {
      settings,
      capture,
      readers,
      documents,
      deliveries,
      sockets: new Sockets({ readers, capture, deliveries, log }),
      clocks,
      keys,
      vault,
      noteErasures: noteErased,
      people,
      signatures,
      verification,
      packs: new PackOperations({ verification, readers, capture }),
      vkey: formatVerifierKey(verifierKeyOf(key)),
      plugins: [webPages()],
      ...(limits.http && { limits: limits.http }),
      ...told,
    };
    const app = await buildApp(deps);
    open.push(() => app.close());
    await app.ready();
    open.push(() => deliveries.close());
    open.push(() => pager.close());
    const both = {
      begin: () => {
        deliveries.begin();
        pager.begin();
      },
      pause: async () => {
        await Promise.all([deliveries.pause(), pager.pause()]);
      },
    };
    if (databaseUrl === null) both.begin();
    else open.push(takeTurns({ url: databaseUrl }, both));
    return { app, deps, firstKey, close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function embeddedStore(settings: Settings, limits: ServiceLimits, open: Open): Promise<Store> {
  checkFolder(settings.data);
  open.push(lockFolder(settings.data));
  const key = await askStored(settings.data, async (db) => {
    const known = logKeyOf(settings, db === null ? null : ((await latestCheckpoint(db))?.text ?? null));
    await expectLogHead(settings.data, db, verifierKeyOf(known));
    return known;
  });
  const capture = await EmbeddedCapture.open({ folder: settings.data, ...captureSettings(settings, key) }, limits.queue);
  open.push(() => capture.close());
  const readers = new StoreReaders({ file: join(settings.data, JOURNAL_FILE) }, limits.questions);
  open.push(() => readers.close());
  return { key, capture, readers };
}

async function postgresStore(settings: Settings, limits: ServiceLimits, store: PostgresStore, open: Open): Promise<Store> {
  await migratePostgres(store);
  const readers = new StoreReaders({ store }, limits.questions);
  open.push(() => readers.close());
  const key = await startAlone(store, async (client) => {
    const head = await latestCheckpoint(new PostgresDb(client));
    if (settings.logKeyFile === null) checkFolder(settings.data);
    const key = logKeyOf(settings, head?.text ?? null);
    await claimLog(client, formatVerifierKey(verifierKeyOf(key)));
    return key;
  });
  const capture = await PostgresCapture.open({ store, ...captureSettings(settings, key) }, { limits: limits.queue, times: limits.writer });
  open.push(() => capture.close());
  return { key, capture, readers };
}

const captureSettings = (settings: Settings, key: SignerKey) => ({
  rules: settings.rules,
  origin: key.name,
  signerKey: formatSignerKey(key),
  maxEvents: settings.captureMaxEvents,
});

/** Under which serial numbers are logged that were asked for and did not match: all processes of a store have the same, and nobody else has it. */
const verificationSecret = (key: SignerKey): Uint8Array =>
  createHmac('sha256', formatSignerKey(key)).update('lotline verification log').digest();

/** The first process to come names the log's key, even before anything is signed; one that brings another key is refused. */
async function claimLog(client: pg.ClientBase, vkey: string): Promise<void> {
  await client.query(`INSERT INTO meta (name, value) VALUES ('log_key', $1) ON CONFLICT DO NOTHING`, [vkey]);
  const { rows } = await client.query<{ value: string }>(`SELECT value FROM meta WHERE name = 'log_key'`);
  if (rows[0]?.value === vkey) return;
  throw new LotlineError('CFG-VALUE', `The log in this database has the key ${rows[0]?.value}, and this process has another`, {
    at: 'LOTLINE_LOG_KEY_FILE',
    fix: 'Give every process the same key file.',
  });
}

/** The key that signs, after making sure that it is the one that signed before: `head` is the newest checkpoint. */
function logKeyOf(settings: Settings, head: string | null): SignerKey {
  const file = settings.logKeyFile ?? join(settings.data, 'log.key');
  const key = openLogKey(file, { origin: settings.origin, mayMake: head === null });
  if (head !== null) {
    try {
      verifyCheckpoint(head, [verifierKeyOf(key)], verifySignatureNode);
    } catch (cause) {
      throw new LotlineError('CFG-VALUE', `The log in ${storeName(settings)} was signed by another key than ${file}`, {
        at: 'LOTLINE_LOG_KEY_FILE',
        fix: 'Restore the key that signed it, or name the store that belongs to this key.',
        cause,
      });
    }
  }
  return key;
}

const storeName = ({ databaseUrl, data }: Settings): string => (databaseUrl === null ? resolve(data) : whereIs({ url: databaseUrl }));

/** Asks what is stored in a folder; null is asked where nothing was stored yet. */
async function askStored<T>(folder: string, ask: (db: Db | null) => Promise<T>): Promise<T> {
  const file = join(folder, JOURNAL_FILE);
  if (!existsSync(file)) return await ask(null);
  const connection = openForReading(file, { cacheMegabytes: 1 });
  try {
    const db = new SqliteDb(connection);
    const [made] = await db.all(sql`SELECT 1 FROM sqlite_master WHERE name = 'checkpoint'`);
    return await ask(made === undefined ? null : db);
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
