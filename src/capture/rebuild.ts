import { LotlineError } from '../errors.ts';
import { keyIdOf, SIGNATURE_TYPE } from '../ledger/index.ts';
import { entriesIn, joinPayload, unpackBytes } from '../store/payload.ts';
import { compareTable, type TableComparison, tablesOf } from '../store/sqlite/compare.ts';
import { SqliteJournal } from '../store/sqlite/journal.ts';
import type { SqliteConnection } from '../store/sqlite/open.ts';
import { Capturer, type CapturerOptions } from './capturer.ts';
import { carryOut } from './commands.ts';
import type { Command } from './service.ts';

/** What no entry tells: taken over as it is. Checkpoints are the log's own word, signed then, and cannot be made again. */
const CARRIED = ['checkpoint', 'cosignature', 'capture_job', 'named_query', 'subscription', 'meta'];

export type RebuildReport = {
  /** Entries replayed. */
  readonly entries: number;
  readonly tables: readonly TableComparison[];
  readonly equal: boolean;
};

export type RebuildOptions = { readonly onProgress?: (done: number, total: number) => void };

/**
 * Makes every derived table anew from the entries of `old`, through the code that captures, into the empty store `fresh`; then compares table
 * by table (design.md §4). Documents are joined from their parts and captured again, in order and one by one: what is derived depends on
 * documents, never on how captures were grouped. Each entry must come out with the leaf that was logged; `LOG-REPLAY` when one does not.
 */
export async function rebuild(old: SqliteConnection, fresh: SqliteConnection, options: RebuildOptions = {}): Promise<RebuildReport> {
  old.exec('BEGIN'); // one state of it, whatever is captured meanwhile
  try {
    const entries = await new Replay(old, fresh).run(options);
    carryOver(old, fresh);
    const tables = tablesOf(fresh)
      .filter((table) => !CARRIED.includes(table))
      .map((table) => compareTable(old, fresh, table));
    return { entries, tables, equal: tables.every((table) => table.differing === 0) };
  } finally {
    old.exec('COMMIT');
  }
}

type Head = { seq: number; kind: string; record_time: number; actor: string; capture: number | null; leaf_hash: Uint8Array };
type Payload = { capture_id: string; parts: string; encoding: number; gaps: Uint8Array };
type Body = { encoding: number; body: Uint8Array };

class Replay {
  private readonly old: SqliteConnection;
  private readonly fresh: SqliteConnection;
  /** Read by the capturer at each capture. */
  private readonly settings: CapturerOptions;
  private now = 0;

  constructor(old: SqliteConnection, fresh: SqliteConnection) {
    this.old = old;
    this.fresh = fresh;
    this.settings = {
      rules: 'flag',
      origin: 'rebuild',
      signer: unsigned,
      maxEvents: Number.MAX_SAFE_INTEGER,
      clock: () => this.now / 1000,
    };
  }

  async run({ onProgress }: RebuildOptions): Promise<number> {
    const total = this.old.prepare('SELECT coalesce(max(seq) + 1, 0) FROM entry').pluck().get() as number;
    const capturer = await Capturer.open(new SqliteJournal(this.fresh), this.settings);
    for (let seq = 0; seq < total; ) {
      const head = this.head(seq);
      if (head === undefined) throw replayFault(seq, 'is missing');
      this.now = head.record_time;
      if (head.capture === null) await this.replayRecord(capturer, head);
      else await this.replayDocument(capturer, head, head.capture);
      seq = this.confirm(seq, head.capture);
      onProgress?.(seq, total);
    }
    return total;
  }

  private head(seq: number): Head | undefined {
    return this.old.prepare('SELECT seq, kind, record_time, actor, capture, leaf_hash FROM entry WHERE seq = ?').get(seq) as
      | Head
      | undefined;
  }

  private body(seq: number): Uint8Array | undefined {
    const row = this.old.prepare('SELECT encoding, body FROM entry WHERE seq = ?').get(seq) as Body | undefined;
    return row && unpackBytes(row.encoding, row.body);
  }

  /** What lotline itself was asked to put on record. A refusal stands for itself: it changes nothing. */
  private async replayRecord(capturer: Capturer, head: Head): Promise<void> {
    const body = JSON.parse(Buffer.from(this.body(head.seq) as Uint8Array).toString('utf8')) as unknown;
    if (head.kind === 'access' || head.kind === 'resolution') await carryOut(capturer, body as Command, head.actor);
    else if (head.kind === 'refusal') await capturer.record({ kind: head.kind, actor: head.actor, body }, async () => {});
    else throw replayFault(head.seq, `is of the kind ${JSON.stringify(head.kind)}, which this version does not know`);
  }

  private async replayDocument(capturer: Capturer, head: Head, capture: number): Promise<void> {
    const payload = this.old.prepare('SELECT capture_id, parts, encoding, gaps FROM payload WHERE capture = ?').get(capture) as
      | Payload
      | undefined;
    if (payload === undefined) throw replayFault(head.seq, 'has lost the document that it came with');
    const document = joinPayload(payload, (seq) => this.body(seq));
    if (document === null) throw replayFault(head.seq, 'came with a document that does not come together again');
    this.settings.rules = this.wasPartlyRefused(head, payload) ? 'enforce' : 'flag';
    const [outcome] = await capturer.capture([
      {
        id: 0,
        captureID: payload.capture_id,
        actor: head.actor,
        behaviour: 'proceed',
        kind: 'event', // takes documents and bare events, and leaves no job
        created: 0,
        body: document,
      },
    ]);
    const problem = outcome?.errors[0];
    if (outcome?.stored === 0 && problem !== undefined && this.freshSize() === head.seq)
      throw replayFault(head.seq, `came with a document that is refused now: ${problem.title}`);
  }

  /** Under LOTLINE_RULES=enforce a document's refused events are told in an entry right after those of the stored ones. */
  private wasPartlyRefused(head: Head, payload: Payload): boolean {
    let next = head.seq + entriesIn(payload.parts).length;
    let after = this.head(next);
    if (after?.kind === 'masterdata' && after.capture === head.capture) after = this.head(++next);
    if (after?.kind !== 'refusal') return false;
    const refusal = JSON.parse(Buffer.from(this.body(next) as Uint8Array).toString('utf8')) as { captureID: string };
    return refusal.captureID === payload.capture_id;
  }

  private freshSize(): number {
    return this.fresh.prepare('SELECT coalesce(max(seq) + 1, 0) FROM entry').pluck().get() as number;
  }

  /** The entries that have just come out are the ones that were logged, all those of the capture and no others. Answers where to go on. */
  private confirm(from: number, capture: number | null): number {
    const to = this.freshSize();
    const leaves = this.fresh.prepare('SELECT leaf_hash FROM entry WHERE seq = ?').pluck();
    for (let seq = from; seq < to; seq++) {
      const logged = this.head(seq);
      if (logged === undefined || Buffer.compare(logged.leaf_hash, leaves.get(seq) as Uint8Array) !== 0)
        throw replayFault(seq, 'does not come out of its document as it was logged');
    }
    if (to === from || (capture !== null && this.head(to)?.capture === capture))
      throw replayFault(to, 'does not come out of its document again');
    return to;
  }
}

/** What arrival made without leaving an entry (EV-DUP), and what is no matter of entries. Findings keep their numbers: people cite them. */
function carryOver(old: SqliteConnection, fresh: SqliteConnection): void {
  const tables = tablesOf(fresh);
  fresh.transaction(() => {
    const ids = new Map(
      (old.prepare('SELECT id, code, seq FROM finding').raw().all() as [number, string, number][]).map(([id, code, seq]) => [
        `${code}/${seq}`,
        id,
      ]),
    );
    let beyond = Math.max(0, ...ids.values());
    fresh.exec(`DELETE FROM finding_thing WHERE finding IN (SELECT id FROM finding WHERE code = 'EV-DUP')`);
    fresh.exec(`DELETE FROM finding WHERE code = 'EV-DUP'`);
    fresh.exec('UPDATE finding SET id = -id; UPDATE finding_thing SET finding = -finding');
    const renumber = [
      fresh.prepare('UPDATE finding SET id = ? WHERE id = ?'),
      fresh.prepare('UPDATE finding_thing SET finding = ? WHERE finding = ?'),
    ];
    for (const [id, code, seq] of fresh.prepare('SELECT id, code, seq FROM finding').raw().all() as [number, string, number][]) {
      const mine = ids.get(`${code}/${seq}`) ?? ++beyond;
      for (const statement of renumber) statement.run(mine, id);
    }
    copyRows(old, fresh, 'finding', `WHERE code = 'EV-DUP'`);
    copyRows(old, fresh, 'finding_thing', `WHERE finding IN (SELECT id FROM finding WHERE code = 'EV-DUP')`);
    for (const table of CARRIED.filter((name) => tables.includes(name))) {
      fresh.exec(`DELETE FROM ${table}`);
      copyRows(old, fresh, table, '');
    }
  })();
}

function copyRows(from: SqliteConnection, to: SqliteConnection, table: string, where: string): void {
  const select = from.prepare(`SELECT * FROM ${table} ${where}`).raw();
  const marks = select
    .columns()
    .map(() => '?')
    .join(', ');
  const insert = to.prepare(`INSERT INTO ${table} VALUES (${marks})`);
  for (const row of select.iterate()) insert.run(...(row as unknown[]));
}

/** Rebuilding signs nothing: the checkpoints in force are taken over. */
const unsigned: CapturerOptions['signer'] = {
  name: 'rebuild',
  keyId: keyIdOf('rebuild', SIGNATURE_TYPE.note, new Uint8Array(32)),
  type: SIGNATURE_TYPE.note,
  sign: () => new Uint8Array(64),
};

function replayFault(seq: number, what: string): LotlineError {
  return new LotlineError('LOG-REPLAY', `Entry ${seq} ${what}`, {
    at: `/entry/${seq}`,
    fix: 'Run verify-log: if it finds nothing wrong, this version reads documents otherwise than the one that captured them.',
  });
}
