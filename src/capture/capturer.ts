import { formatHashId, isRefused, type ReadDocument, readDocument } from '../epcis/index.ts';
import type { ReadEvent } from '../epcis/model.ts';
import { LotlineError } from '../errors.ts';
import { encodeLeaf, Frontier, leafHash, type NoteSigner, partialTilesOfSize, signCheckpoint } from '../ledger/index.ts';
import { sha256Node } from '../ledger/node-crypto.ts';
import { ENFORCED, FINDINGS, type FindingCode, FUTURE_MICROSECONDS } from '../lifecycle/findings.ts';
import { NONE } from '../lifecycle/state.ts';
import type { Journal } from '../store/journal.ts';
import type { EntryRow, FindingThing, JobRow } from '../store/rows.ts';
import { DocumentRun } from './document-run.ts';
import { type Folded, foldEvents, saveFindings } from './fold-events.ts';
import { LearnedPrefixes } from './learned-prefixes.ts';
import { readMasterdata } from './masterdata.ts';
import type { Accepted } from './naming.ts';
import type { EventVerdict, Outcome, TakenDocument } from './outcome.ts';
import { payloadRow, shrink } from './payload.ts';
import { Sameness } from './sameness.ts';

export type { EventVerdict, Outcome, TakenDocument } from './outcome.ts';

export type CapturerOptions = {
  rules: 'flag' | 'enforce';
  origin: string;
  signer: NoteSigner;
  maxEvents: number;
  /** Milliseconds since 1970. */
  clock?: () => number;
};

/** Things of events folded together: bounds memory, and is enough for bulk statements to pay. */
const CHUNK_THINGS = 50_000;
const CHUNK_EVENTS = 2_000;

/**
 * The road of design.md §3 from a taken document to its entries: read, look up, load, fold, save, log. A group of documents is one
 * transaction and one signed checkpoint. It owns the journal; nobody else writes.
 */
export class Capturer {
  private readonly journal: Journal;
  private readonly options: CapturerOptions;
  private readonly clock: () => number;
  private frontier: Frontier;
  /** Of the group in hand. */
  private recordTime = 0;
  private leaves: Uint8Array[] = [];
  private entries: EntryRow[] = [];
  private seq = 0;
  private readonly prefixes = new LearnedPrefixes();

  private constructor(journal: Journal, options: CapturerOptions, frontier: Frontier) {
    this.journal = journal;
    this.options = options;
    this.clock = options.clock ?? Date.now;
    this.frontier = frontier;
  }

  static async open(journal: Journal, options: CapturerOptions): Promise<Capturer> {
    const size = await journal.size();
    const tiles = new Map<number, Uint8Array | null>();
    for (const { level, index } of partialTilesOfSize(size)) tiles.set(level, await journal.tile(level, index));
    const frontier = Frontier.restore(size, (tile) => tiles.get(tile.level), sha256Node);
    const capturer = new Capturer(journal, options, frontier);
    await capturer.prefixes.recall(journal);
    return capturer;
  }

  /** Captures a group in one transaction. Throws only when the store or this program fails: then nothing of the group is stored. */
  async capture(group: readonly TakenDocument[]): Promise<Outcome[]> {
    return await this.transaction(async () => {
      const outcomes: Outcome[] = [];
      for (const document of group) {
        if (await this.journal.hasJob(document.captureID)) continue; // folded before a restart, but not yet forgotten by the intake
        const outcome = await this.captureDocument(document);
        outcomes.push(outcome);
        if (document.kind === 'document') await this.journal.putJob(this.jobRow(document, outcome));
      }
      return outcomes;
    });
  }

  /** Ends a capture that could not be folded at all: the job says so, nothing of the document is stored. */
  async captureFailure(document: TakenDocument, error: LotlineError): Promise<Outcome> {
    const outcome: Outcome = {
      captureID: document.captureID,
      success: false,
      events: 0,
      stored: 0,
      errors: [error.toProblem()],
      first: null,
    };
    if (document.kind === 'document') await this.transaction(async () => await this.journal.putJob(this.jobRow(document, outcome)));
    return outcome;
  }

  private jobRow(document: TakenDocument, outcome: Outcome): JobRow {
    return {
      id: document.id,
      capture_id: document.captureID,
      actor: document.actor,
      behaviour: document.behaviour,
      created: document.created,
      finished: this.clock(),
      success: outcome.success ? 1 : 0,
      events: outcome.events,
      stored: outcome.stored,
      errors: JSON.stringify(outcome.errors),
    };
  }

  /** Appends one entry that is no event, with what it changes. */
  async record<T>(
    entry: { kind: string; actor: string; body: unknown },
    change: (journal: Journal, seq: number, recordTime: number) => Promise<T>,
  ): Promise<T> {
    return await this.transaction(async () => {
      const seq = this.append(entry.kind, entry.actor, Buffer.from(JSON.stringify(entry.body)), {});
      return await change(this.journal, seq, this.recordTime);
    });
  }

  /** Tells what capturing this document would come to, event by event, and stores nothing (packs-wire.md). */
  async check(body: Uint8Array, actor: string): Promise<EventVerdict[]> {
    await this.start();
    try {
      const verdicts: EventVerdict[] = [];
      const document = readDocument(body, { maxEvents: this.options.maxEvents, bare: true });
      const run = new DocumentRun(actor, null, this.seq);
      for (const item of document.events()) {
        const found: EventVerdict = { index: item.index, verdict: 'ok', findings: [] };
        verdicts.push(found);
        if (isRefused(item)) {
          found.verdict = 'block';
          found.findings = item.errors.map((e) => ({
            code: e.code,
            severity: 'major',
            things: e.things ?? [],
            message: `${e.message}. ${e.fix}`,
          }));
          continue;
        }
        const before = run.errors.length;
        const reported = new Map<string, EventVerdict['findings'][number]>();
        const blocked = await this.takeOne(item, run, (code, keys) => {
          const entry = reported.get(code) ?? { code, severity: FINDINGS[code].severity, things: [], message: FINDINGS[code].says };
          entry.things.push(...keys);
          reported.set(code, entry);
        });
        found.findings = [...reported.values()];
        for (const error of run.errors.slice(before)) {
          if (!reported.has(error.code))
            found.findings.push({ code: error.code, severity: 'major', things: error.things ?? [], message: error.title });
        }
        found.verdict = blocked ? 'block' : found.findings.some((f) => f.severity !== 'info') ? 'flag' : 'ok';
      }
      return verdicts;
    } finally {
      await this.journal.rollback();
    }
  }

  async close(): Promise<void> {
    await this.journal.close();
  }

  // ── one group, one transaction ────────────────────────────────────────────────────────────────────────────

  private async start(): Promise<void> {
    await this.journal.begin();
    this.recordTime = Math.max(this.clock() * 1000, await this.journal.lastRecordTime());
    this.seq = await this.journal.size();
    this.leaves = [];
    this.entries = [];
  }

  private async transaction<T>(work: () => Promise<T>): Promise<T> {
    await this.start();
    try {
      const result = await work();
      await this.flushEntries();
      if (this.leaves.length === 0) {
        await this.journal.commit();
        return result;
      }
      const frontier = this.frontier.clone();
      await this.journal.putTiles(frontier.append(this.leaves));
      const checkpoint = signCheckpoint({ origin: this.options.origin, size: frontier.size, rootHash: frontier.root() }, [
        this.options.signer,
      ]);
      await this.journal.putCheckpoint(frontier.size, this.recordTime, checkpoint);
      await this.journal.commit();
      this.frontier = frontier;
      return result;
    } catch (error) {
      await this.journal.rollback();
      await this.prefixes.recall(this.journal);
      throw error;
    }
  }

  private append(
    kind: string,
    actor: string,
    body: Uint8Array,
    more: { capture?: { number: number; id: string }; eventHash?: Uint8Array; payloadDigest?: Uint8Array },
  ): number {
    const seq = this.seq++;
    const bodyDigest = sha256Node(body);
    const leaf = encodeLeaf({
      kind,
      recordTime: BigInt(this.recordTime),
      actor,
      capture: more.capture?.id ?? '',
      ...(more.eventHash && { eventHash: formatHashId(more.eventHash) }),
      bodyDigest: hex(bodyDigest),
      ...(more.payloadDigest && { payloadDigest: hex(more.payloadDigest) }),
    });
    const leafDigest = leafHash(leaf, sha256Node);
    this.leaves.push(leafDigest);
    const { encoding, bytes } = shrink(body);
    this.entries.push({
      seq,
      kind,
      record_time: this.recordTime,
      actor,
      capture: more.capture?.number ?? null,
      event_hash: more.eventHash ?? null,
      body_digest: bodyDigest,
      payload_digest: more.payloadDigest ?? null,
      leaf_hash: leafDigest,
      encoding,
      body: bytes,
    });
    return seq;
  }

  private async flushEntries(): Promise<void> {
    await this.journal.appendEntries(this.entries);
    this.entries = [];
  }

  // ── one document ──────────────────────────────────────────────────────────────────────────────────────────

  private async captureDocument(taken: TakenDocument): Promise<Outcome> {
    const takeBack = await this.savepoint('document');
    const run = new DocumentRun(taken.actor, taken, this.seq);
    let document: ReadDocument | null = null;
    try {
      document = readDocument(taken.body, { maxEvents: this.options.maxEvents, bare: taken.kind === 'event' });
      await this.takeEvents(document, run, taken.behaviour);
      if (run.errors.length === 0 || taken.behaviour === 'proceed') await this.keepRest(document, run, taken);
    } catch (error) {
      if (!(error instanceof LotlineError)) throw error;
      run.fail(error);
      run.whole = true;
    }
    const undone = run.whole || (run.errors.length > 0 && taken.behaviour === 'rollback');
    if (undone) await takeBack();
    else await this.journal.release('document');
    if (run.refusals.length > 0) this.recordRefusal(taken, run);
    return {
      captureID: taken.captureID,
      success: run.errors.length === 0,
      events: document?.eventCount ?? 0,
      stored: undone ? 0 : run.stored,
      errors: run.problems(),
      first: undone ? null : run.first,
    };
  }

  /** Marks the point that the answered function goes back to: nothing that was appended or learned since then remains. */
  private async savepoint(name: 'document' | 'event'): Promise<() => Promise<void>> {
    await this.flushEntries();
    await this.journal.savepoint(name);
    const { seq } = this;
    const leaves = this.leaves.length;
    const forget = this.prefixes.mark();
    return async () => {
      await this.journal.undo(name);
      this.entries = [];
      this.seq = seq;
      this.leaves.length = leaves;
      forget();
    };
  }

  /** A refusal under LOTLINE_RULES=enforce changes what is known of a capture, so it is an entry; of the document it holds the digest alone. */
  private recordRefusal(taken: TakenDocument, run: DocumentRun): void {
    const body = {
      captureID: taken.captureID,
      documentDigest: hex(sha256Node(taken.body)),
      behaviour: taken.behaviour,
      errors: run.refusals,
    };
    this.append('refusal', taken.actor, Buffer.from(JSON.stringify(body)), {});
  }

  private async takeEvents(document: ReadDocument, run: DocumentRun, behaviour: 'rollback' | 'proceed'): Promise<void> {
    let chunk: ReadEvent[] = [];
    let things = 0;
    const enforce = this.options.rules === 'enforce';
    for (const item of document.events()) {
      if (isRefused(item)) {
        for (const error of item.errors) run.fail(error, item.index);
        continue;
      }
      if (run.errors.length > 0 && behaviour === 'rollback' && !enforce) continue; // only looking for more to tell
      if (enforce) {
        await this.takeOne(item, run);
        continue;
      }
      chunk.push(item);
      things += countThings(item);
      if (things >= CHUNK_THINGS || chunk.length >= CHUNK_EVENTS) {
        await this.take(chunk, run);
        chunk = [];
        things = 0;
      }
    }
    if (chunk.length > 0 && (run.errors.length === 0 || behaviour === 'proceed')) await this.take(chunk, run);
  }

  /** One event by itself, taken back again if the rules in force refuse it. Answers whether they did. */
  private async takeOne(read: ReadEvent, run: DocumentRun, report?: (code: FindingCode, keys: string[]) => void): Promise<boolean> {
    const takeBack = await this.savepoint('event');
    const forget = run.mark();
    const { seq } = this;
    const errors = run.errors.length;
    const { found, keyOf } = await this.take([read], run);
    const own = found.filter((o) => o.seq === seq);
    for (const o of own) report?.(o.code as FindingCode, keysOf([o], keyOf));
    const refusing = this.options.rules === 'enforce' ? own.filter((o) => ENFORCED.has(o.code)) : [];
    if (refusing.length === 0) {
      await this.journal.release('event');
      return run.errors.length > errors;
    }
    for (const code of new Set(refusing.map((o) => o.code))) {
      const things = keysOf(
        refusing.filter((o) => o.code === code),
        keyOf,
      );
      const error = new LotlineError(
        code as 'SN-DUP',
        `${things.length === 1 ? things[0] : `${things.length} things`}: ${FINDINGS[code as FindingCode].says}`,
        {
          at: read.at,
          fix: 'Correct the event, or capture it where LOTLINE_RULES=flag if it tells of something that did happen.',
          things,
        },
      );
      run.refuse(error, read.index);
    }
    await takeBack();
    forget();
    return true;
  }

  // ── a run of events: sameness, then fold ──────────────────────────────────────────────────────────────────

  private async take(reads: readonly ReadEvent[], run: DocumentRun): Promise<Folded> {
    const sameness = await Sameness.of(this.journal, reads);
    const accepted: Accepted[] = [];
    let found: FindingThing[] = [];
    for (const read of reads) {
      const verdict = sameness.judge(read, this.seq);
      if (verdict.kind === 'duplicate') {
        found.push({ code: 'EV-DUP', seq: verdict.of, node: 0, other: NONE });
        run.met(verdict.of, read);
        continue;
      }
      if (verdict.kind === 'refused') {
        run.fail(verdict.error, read.index);
        continue;
      }
      const seq = this.appendEvent(read, run);
      accepted.push({ ...verdict, read, seq });
      const { twinOf, voidSeq, declaredBy } = verdict;
      const flag = (code: FindingCode) => found.push({ code, seq, node: 0, other: voidSeq ?? twinOf ?? NONE });
      if (twinOf !== null) flag('EV-TWIN');
      if (verdict.differs) flag('EV-DIFFERS');
      if (verdict.unknown) flag('EV-UNKNOWN-REF');
      if (read.breaches.length > 0) flag('EV-RULE');
      if (read.event.eventTime.ms * 1000 > this.recordTime + FUTURE_MICROSECONDS) flag('EV-FUTURE');
      if (declaredBy.length > 0) {
        // The declarations that were waiting for it have found it, stored ones and those of this run.
        await this.journal.removeFindingThings(await this.journal.findingsAt(['EV-UNKNOWN-REF'], declaredBy), run.firstSeq);
        found = found.filter((o) => o.code !== 'EV-UNKNOWN-REF' || !declaredBy.includes(o.seq));
      }
    }
    const moment = { seq: run.firstSeq, recordTime: this.recordTime };
    const folded = await foldEvents(this.journal, accepted, moment);
    await saveFindings(this.journal, found, moment);
    return { found: [...found, ...folded.found], keyOf: folded.keyOf };
  }

  private appendEvent(read: ReadEvent, run: DocumentRun): number {
    const { taken } = run;
    const body = taken === null ? Buffer.alloc(0) : taken.body.subarray(read.start, read.end);
    const seq = this.append('event', run.actor, body, { ...this.partOf(run), eventHash: read.hash });
    run.store(seq, read);
    if (taken !== null) this.prefixes.learn(body);
    return seq;
  }

  /** What an entry says of its document; the first one of a capture carries the digest of the whole. */
  private partOf(run: DocumentRun): { capture?: { number: number; id: string }; payloadDigest?: Uint8Array } {
    const { taken } = run;
    if (taken === null) return {};
    if (run.capture !== null) return { capture: run.capture };
    run.capture = { number: this.journal.nextCapture(), id: taken.captureID };
    return { capture: run.capture, payloadDigest: sha256Node(taken.body) };
  }

  /** Keeps what lies between the stored events, and the master data of the document's header. */
  private async keepRest(document: ReadDocument, run: DocumentRun, taken: TakenDocument): Promise<void> {
    const rows = readMasterdata(document.header.epcisHeader);
    if (rows.length > 0) {
      const seq = this.append('masterdata', run.actor, Buffer.from(JSON.stringify(rows)), this.partOf(run));
      await this.journal.putMasterdata(
        rows.map((row) => ({ ...row, seq, attributes: JSON.stringify(row.attributes), children: JSON.stringify(row.children) })),
      );
    }
    if (run.capture === null) return;
    await this.journal.putPayload(payloadRow(run.capture, taken.body, run.spans, document.header.context));
    await this.prefixes.keep(this.journal);
  }
}

function countThings({ event }: ReadEvent): number {
  return event.epcList.length + event.childEPCs.length + event.inputEPCList.length + event.outputEPCList.length + 1;
}

/** Canonical keys of the things that findings name, each once; what the events in hand do not name is left out. */
function keysOf(found: readonly FindingThing[], keyOf: Folded['keyOf']): string[] {
  const nodes = new Set(found.map((o) => o.node));
  return [...nodes].map((node) => (node === 0 ? null : keyOf(node))).filter((key) => key !== null);
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
