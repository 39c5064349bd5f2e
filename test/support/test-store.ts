import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Capturer, type EventVerdict, type Outcome } from '../../src/capture/capturer.ts';
import { formatKey } from '../../src/identifiers/index.ts';
import { noteSigner, signerKeyFromSeed } from '../../src/ledger/index.ts';
import { signFunctionNode } from '../../src/ledger/node-crypto.ts';
import { FINDINGS } from '../../src/lifecycle/findings.ts';
import { FLAG, STATUSES } from '../../src/lifecycle/state.ts';
import { SqliteJournal } from '../../src/store/sqlite/journal.ts';
import { openForWriting, type SqliteConnection } from '../../src/store/sqlite/open.ts';
import { documentOf, type Json, START } from './events.ts';

/** What goes in: a document, the events of one, or its very bytes. */
export type Captured = Json | readonly unknown[] | string | Uint8Array;
export type CaptureAs = { behaviour?: 'rollback' | 'proceed'; kind?: 'document' | 'event'; actor?: string; captureID?: string };

export type StoreOptions = { rules?: 'flag' | 'enforce'; clock?: () => number; maxEvents?: number };

export type TestStore = {
  readonly db: SqliteConnection;
  readonly journal: SqliteJournal;
  readonly capturer: Capturer;
  readonly folder: string;
  /** Captures one document in a transaction of its own. */
  capture(document: Captured, as?: CaptureAs): Promise<Outcome>;
  /** Captures documents in one transaction. */
  captureGroup(documents: readonly Captured[], as?: CaptureAs): Promise<Outcome[]>;
  check(document: Captured): Promise<EventVerdict[]>;
  rows<Row = Record<string, unknown>>(sql: string, ...params: unknown[]): Row[];
  findings(): { code: string; seq: number; state: string; things: string[] }[];
  stateDump(): StateDump;
  close(): Promise<void>;
};

/** Everything derived that must not depend on arrival, under names that do not either. */
export type StateDump = {
  items: Record<string, unknown>;
  lots: Record<string, unknown>;
  stays: string[];
  lineage: string[];
  findings: string[];
};

/**
 * A journal in a temporary folder with a capturer on it. The clock stands still at START (or as told), the log's key comes from a fixed seed, and
 * nothing is synced to disk: these tests are about what is stored, not about a loss of power.
 */
export async function openTestStore(
  options: StoreOptions & { /** A folder to open again; it is not removed. */ folder?: string } = {},
): Promise<TestStore> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'lotline-test-'));
  const db = openForWriting(join(folder, 'journal.db'), { cacheMegabytes: 16 });
  db.pragma('synchronous = OFF');
  return await storeOn(db, folder, options);
}

/** The same without a folder, for tests that open many. */
export async function memoryStore(options: StoreOptions = {}): Promise<TestStore> {
  return await storeOn(openForWriting(':memory:', { cacheMegabytes: 4 }), '', options);
}

async function storeOn(db: SqliteConnection, folder: string, options: StoreOptions & { folder?: string }): Promise<TestStore> {
  const journal = new SqliteJournal(db);
  const key = signerKeyFromSeed('lotline.example/test', new Uint8Array(32).fill(7));
  const capturer = await Capturer.open(journal, {
    rules: options.rules ?? 'flag',
    origin: 'lotline.example/test',
    signer: noteSigner(key, signFunctionNode(key)),
    maxEvents: options.maxEvents ?? 100_000,
    clock: options.clock ?? (() => START + 86_400_000),
  });
  let next = db.prepare('SELECT coalesce(max(id), 0) + 1 FROM capture_job').pluck().get() as number;
  const taken = (document: Captured, as: CaptureAs) => {
    const id = next++;
    return {
      id,
      captureID: as.captureID ?? `capture-${id}`,
      actor: as.actor ?? 'tester',
      behaviour: as.behaviour ?? 'rollback',
      kind: as.kind ?? 'document',
      created: START,
      body: bytesOf(document),
    };
  };
  const rows = <Row>(sql: string, ...params: unknown[]) => db.prepare(sql).all(...params) as Row[];
  const store: TestStore = {
    db,
    journal,
    capturer,
    folder,
    capture: async (document, as = {}) => (await store.captureGroup([document], as))[0] as Outcome,
    captureGroup: async (documents, as = {}) => await capturer.capture(documents.map((document) => taken(document, as))),
    check: async (document) => await capturer.check(bytesOf(document), 'tester'),
    rows,
    findings: () => {
      const keyOf = keysOf(db);
      return rows<{ id: number; code: string; seq: number; state: string }>('SELECT id, code, seq, state FROM finding ORDER BY id').map(
        (f) => ({
          code: f.code,
          seq: f.seq,
          state: f.state,
          things: rows<{ node: number }>('SELECT DISTINCT node FROM finding_thing WHERE finding = ?', f.id)
            .filter((t) => t.node !== 0)
            .map((t) => keyOf(t.node))
            .sort(),
        }),
      );
    },
    stateDump: () => dump(db),
    close: async () => {
      await capturer.close();
      if (folder !== '' && options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
  return store;
}

function bytesOf(document: Captured): Uint8Array {
  if (document instanceof Uint8Array) return document;
  if (typeof document === 'string') return Buffer.from(document);
  return Buffer.from(JSON.stringify(Array.isArray(document) ? documentOf(document) : document));
}

function keysOf(db: SqliteConnection): (node: number) => string {
  const keys = new Map<number, string>();
  const items = db.prepare('SELECT i.id, c.key AS class, i.serial FROM item i JOIN class c ON c.id = i.class').all();
  for (const row of items as { id: number; class: string; serial: string }[]) keys.set(row.id, formatKey(row));
  const lots = db.prepare('SELECT l.id, c.key AS class, l.lot FROM lot l JOIN class c ON c.id = l.class').all();
  for (const row of lots as { id: number; class: string; lot: string }[]) keys.set(-row.id, formatKey(row));
  return (node) => keys.get(node) ?? `node ${node}`;
}

type Row = Record<string, unknown>;

/**
 * Events go by their identity digest (twins share it), things by their keys. Left out is what may depend on arrival: ids, seqs, last_seq, known_seq,
 * containment_past, the findings of arrival, and things that only voided events and declarations name.
 */
function dump(db: SqliteConnection): StateDump {
  const all = (sql: string) => db.prepare(sql).all() as Row[];
  const keyOf = keysOf(db);
  const digests = new Map(
    all('SELECT seq, lower(substr(hex(digest), 1, 12)) AS digest FROM event').map((r) => [r['seq'], r['digest'] as string]),
  );
  const terms = new Map(all('SELECT id, text FROM term').map((r) => [r['id'], r['text'] as string]));
  const event = (seq: unknown) => (seq === null || seq === -1 ? null : (digests.get(seq) ?? `entry ${seq as number}`));
  const term = (id: unknown) => (id === null ? null : (terms.get(id) ?? `term ${id as number}`));
  const told = (value: unknown, seq: unknown) => (value === null && seq === null ? null : [value, event(seq)]);
  const status = (code: unknown) => (code === null ? null : STATUSES[code as number]);
  const thing = (r: Row): Row => {
    const flags = r['flags'] as number;
    const all: Row = {
      lot: r['lot'] === null ? null : keyOf(-(r['lot'] as number)),
      expiry: term(r['expiry']),
      parent: r['parent'] === null ? null : [keyOf(r['parent'] as number), event(r['entered_seq'])],
      status: told(status(r['status']), r['status_seq']),
      before: told(status(r['before']), r['before_seq']),
      disposition: told(term(r['disposition']), r['disposition_seq']),
      custody: r['custody_seq'] === null ? null : [term(r['holder']), term(r['owner']), event(r['custody_seq'])],
      place: told(term(r['place']), r['place_seq']),
      claim: event(r['claim_seq']),
      flags: Object.entries(FLAG)
        .filter(([, bit]) => (flags & bit) !== 0)
        .map(([name]) => name)
        .join(' '),
      persistent: (JSON.parse((r['persistent'] as string | null) ?? '[]') as [string, number][]).map(([word, seq]) => [word, event(seq)]),
      balance: JSON.parse((r['balance'] as string | null) ?? 'null'),
    };
    for (const [name, value] of Object.entries(all))
      if (value === null || value === '' || (Array.isArray(value) && value.length === 0)) delete all[name];
    return all;
  };
  const things = (rows: Row[], sign: 1 | -1): Record<string, unknown> => {
    const list = rows
      .map((r) => [keyOf(sign * (r['id'] as number)), thing(r)] as const)
      .filter(([, state]) => Object.keys(state).length > 0);
    return Object.fromEntries(list.sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  return {
    items: things(all('SELECT *, NULL AS balance FROM item'), 1),
    lots: things(all('SELECT *, NULL AS parent, NULL AS lot FROM (SELECT *, lot AS name FROM lot)'), -1),
    stays: all('SELECT * FROM containment')
      .map((r) =>
        [
          r['kind'] === 0 ? 'packed' : 'built in',
          keyOf(r['child'] as number),
          'in',
          keyOf(r['parent'] as number),
          `${(r['quantity'] as number | null) ?? ''} ${r['uom'] as string}`.trim(),
          'from',
          event(r['from_seq']),
          'to',
          event(r['to_seq']),
          r['inferred'] === 1 ? 'inferred' : '',
        ].join(' '),
      )
      .sort(),
    lineage: all(
      'SELECT l.* FROM lineage l JOIN event e ON e.seq = l.seq WHERE e.void_seq IS NULL AND e.twin_of IS NULL AND e.declares = 0',
    )
      .map((r) => {
        const id = r['transformation'] as number;
        const of = id < 0 ? term(-id) : event(id);
        return [of, r['side'] === 0 ? 'takes' : 'gives', keyOf(r['node'] as number), r['quantity'], r['uom'], event(r['seq'])].join(' ');
      })
      .sort(),
    findings: all('SELECT f.code, f.seq, f.state, t.node, t.other FROM finding f JOIN finding_thing t ON t.finding = f.id')
      .filter((r) => !FINDINGS[r['code'] as keyof typeof FINDINGS].arrival)
      .map((r) =>
        [r['code'], 'at', event(r['seq']), r['node'] === 0 ? '' : keyOf(r['node'] as number), 'with', event(r['other']), r['state']].join(
          ' ',
        ),
      )
      .sort(),
  };
}
