import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Capturer, type EventVerdict, type Outcome } from '../../src/capture/capturer.ts';
import { formatKey } from '../../src/identifiers/index.ts';
import { noteSigner, signerKeyFromSeed } from '../../src/ledger/index.ts';
import { signFunctionNode } from '../../src/ledger/node-crypto.ts';
import { FINDINGS } from '../../src/lifecycle/findings.ts';
import { FLAG, STATUSES } from '../../src/lifecycle/state.ts';
import type { Db } from '../../src/store/db.ts';
import type { Journal } from '../../src/store/journal.ts';
import type { Engine } from '../../src/store/sql.ts';
import { SqliteJournal } from '../../src/store/sqlite/journal.ts';
import { openForWriting, type SqliteConnection, SqliteDb } from '../../src/store/sqlite/open.ts';
import { documentOf, type Json, START } from './events.ts';
import { borrowPostgres } from './postgres-stores.ts';

/** What goes in: a document, the events of one, or its very bytes. */
export type Captured = Json | readonly unknown[] | string | Uint8Array;
export type CaptureAs = { behaviour?: 'rollback' | 'proceed'; kind?: 'document' | 'event'; actor?: string; captureID?: string };

export type StoreOptions = { rules?: 'flag' | 'enforce'; clock?: () => number; maxEvents?: number };

export const ENGINES: readonly Engine[] = ['sqlite', 'postgres'];

type Later<T> = T | Promise<T>;
export type StoredFinding = { code: string; seq: number; state: string; things: string[] };

/** A test store of either engine: what lies in it may have to be waited for. */
export type AnyTestStore = {
  readonly journal: Journal;
  readonly capturer: Capturer;
  /** As a reader asks. */
  readonly questions: Db;
  /** Captures one document in a transaction of its own. */
  capture(document: Captured, as?: CaptureAs): Promise<Outcome>;
  /** Captures documents in one transaction. */
  captureGroup(documents: readonly Captured[], as?: CaptureAs): Promise<Outcome[]>;
  check(document: Captured): Promise<EventVerdict[]>;
  /** SQL that both engines take, with ? for parameters. */
  rows<Row = Record<string, unknown>>(sql: string, ...params: unknown[]): Later<Row[]>;
  findings(): Later<StoredFinding[]>;
  stateDump(): Later<StateDump>;
  close(): Promise<void>;
};

/** An embedded one: everything is at hand. */
export type TestStore = Omit<AnyTestStore, 'journal' | 'rows' | 'findings' | 'stateDump'> & {
  readonly db: SqliteConnection;
  readonly journal: SqliteJournal;
  readonly folder: string;
  rows<Row = Record<string, unknown>>(sql: string, ...params: unknown[]): Row[];
  findings(): StoredFinding[];
  stateDump(): StateDump;
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

/** An empty store of an engine, not to be opened again. */
export async function storeOf(engine: Engine, options: StoreOptions = {}): Promise<AnyTestStore> {
  return engine === 'sqlite' ? await memoryStore(options) : await postgresStore(options);
}

async function storeOn(db: SqliteConnection, folder: string, options: StoreOptions & { folder?: string }): Promise<TestStore> {
  const journal = new SqliteJournal(db);
  const capturer = await openCapturer(journal, options);
  const rows = <Row>(sql: string, ...params: unknown[]) => db.prepare(sql).all(...params) as Row[];
  const all = (): AllRows => once((table) => rows(`SELECT * FROM ${table}`));
  return {
    ...captures(capturer, db.prepare('SELECT coalesce(max(id), 0) + 1 FROM capture_job').pluck().get() as number),
    db,
    journal,
    capturer,
    folder,
    questions: new SqliteDb(db),
    rows,
    findings: () => findingsIn(all()),
    stateDump: () => dump(all()),
    close: async () => {
      await capturer.close();
      if (folder !== '' && options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function postgresStore(options: StoreOptions): Promise<AnyTestStore> {
  const { journal, questions, rows, giveBack } = await borrowPostgres();
  const capturer = await openCapturer(journal, options);
  /** Everything that is told of all rows needs them at hand. */
  const read = async (): Promise<AllRows> => {
    const tables = new Map<string, Row[]>();
    for (const table of TOLD) tables.set(table, await rows(`SELECT * FROM ${table}`));
    return (table) => tables.get(table) as Row[];
  };
  return {
    ...captures(capturer, 1),
    journal,
    capturer,
    questions,
    rows,
    findings: async () => findingsIn(await read()),
    stateDump: async () => dump(await read()),
    close: giveBack,
  };
}

async function openCapturer(journal: Journal, options: StoreOptions): Promise<Capturer> {
  const key = signerKeyFromSeed('lotline.example/test', new Uint8Array(32).fill(7));
  return await Capturer.open(journal, {
    rules: options.rules ?? 'flag',
    origin: 'lotline.example/test',
    signer: noteSigner(key, signFunctionNode(key)),
    maxEvents: options.maxEvents ?? 100_000,
    clock: options.clock ?? (() => START + 86_400_000),
  });
}

function captures(capturer: Capturer, first: number): Pick<AnyTestStore, 'capture' | 'captureGroup' | 'check'> {
  let next = first;
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
  const captureGroup: AnyTestStore['captureGroup'] = async (documents, as = {}) =>
    await capturer.capture(documents.map((document) => taken(document, as)));
  return {
    captureGroup,
    capture: async (document, as = {}) => (await captureGroup([document], as))[0] as Outcome,
    check: async (document) => await capturer.check(bytesOf(document), 'tester'),
  };
}

function bytesOf(document: Captured): Uint8Array {
  if (document instanceof Uint8Array) return document;
  if (typeof document === 'string') return Buffer.from(document);
  return Buffer.from(JSON.stringify(Array.isArray(document) ? documentOf(document) : document));
}

type Row = Record<string, unknown>;
/** All rows of a table. */
type AllRows = (table: (typeof TOLD)[number]) => Row[];
const TOLD = ['item', 'lot', 'class', 'term', 'event', 'containment', 'lineage', 'finding', 'finding_thing'] as const;

/** Reads each table once. */
function once(read: AllRows): AllRows {
  const tables = new Map<string, Row[]>();
  return (table) => {
    const rows = tables.get(table) ?? read(table);
    tables.set(table, rows);
    return rows;
  };
}

function keysOf(all: AllRows): (node: number) => string {
  const classes = new Map(all('class').map((row) => [row['id'], row['key'] as string]));
  const keys = new Map<number, string>();
  const classOf = (row: Row) => classes.get(row['class']) as string;
  for (const row of all('item')) keys.set(row['id'] as number, formatKey({ class: classOf(row), serial: row['serial'] as string }));
  for (const row of all('lot')) keys.set(-(row['id'] as number), formatKey({ class: classOf(row), lot: row['lot'] as string }));
  return (node) => keys.get(node) ?? `node ${node}`;
}

function findingsIn(all: AllRows): StoredFinding[] {
  const keyOf = keysOf(all);
  const things = all('finding_thing') as { finding: number; node: number }[];
  const rows = all('finding') as { id: number; code: string; seq: number; state: string }[];
  return rows
    .toSorted((a, b) => a.id - b.id)
    .map(({ id, code, seq, state }) => {
      const nodes = new Set(things.filter((t) => t.finding === id && t.node !== 0).map((t) => t.node));
      return { code, seq, state, things: [...nodes].map(keyOf).sort() };
    });
}

/**
 * Events go by their identity digest (twins share it), things by their keys. Left out is what may depend on arrival: ids, seqs, last_seq, known_seq,
 * containment_past, the findings of arrival, and things that only voided events and declarations name.
 */
function dump(all: AllRows): StateDump {
  const keyOf = keysOf(all);
  const digests = new Map(
    all('event').map((r) => [
      r['seq'],
      Buffer.from(r['digest'] as Uint8Array)
        .toString('hex')
        .slice(0, 12),
    ]),
  );
  const terms = new Map(all('term').map((r) => [r['id'], r['text'] as string]));
  const event = (seq: unknown) => (seq === null || seq === -1 ? null : (digests.get(seq) ?? `entry ${seq as number}`));
  const term = (id: unknown) => (id === null ? null : (terms.get(id) ?? `term ${id as number}`));
  const told = (value: unknown, seq: unknown) => (value === null && seq === null ? null : [value, event(seq)]);
  const effective = new Set(
    all('event')
      .filter((r) => r['void_seq'] === null && r['twin_of'] === null && r['declares'] === 0)
      .map((r) => r['seq']),
  );
  const findings = new Map(all('finding').map((r) => [r['id'], r]));
  const status = (code: unknown) => (code === null ? null : STATUSES[code as number]);
  const thing = (r: Row): Row => {
    const flags = r['flags'] as number;
    const all: Row = {
      lot: typeof r['lot'] === 'number' ? keyOf(-r['lot']) : null,
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
    items: things(all('item'), 1),
    lots: things(all('lot'), -1),
    stays: all('containment')
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
    lineage: all('lineage')
      .filter((r) => effective.has(r['seq']))
      .map((r) => {
        const id = r['transformation'] as number;
        const of = id < 0 ? term(-id) : event(id);
        return [of, r['side'] === 0 ? 'takes' : 'gives', keyOf(r['node'] as number), r['quantity'], r['uom'], event(r['seq'])].join(' ');
      })
      .sort(),
    findings: all('finding_thing')
      .map((r) => ({ ...r, ...(findings.get(r['finding']) as Row) }) as Row)
      .filter((r) => !FINDINGS[r['code'] as keyof typeof FINDINGS].arrival)
      .map((r) =>
        [r['code'], 'at', event(r['seq']), r['node'] === 0 ? '' : keyOf(r['node'] as number), 'with', event(r['other']), r['state']].join(
          ' ',
        ),
      )
      .sort(),
  };
}
