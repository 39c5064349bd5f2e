import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { allows } from '../access/index.ts';
import { formatHashId, isRefused, type ReadDocument, readDocument } from '../epcis/index.ts';
import type { ReadEvent } from '../epcis/model.ts';
import { LotlineError } from '../errors.ts';
import { blocksPlan, ConcernsIdentity, IdentityProjection, type StoredEvent } from '../identity/index.ts';
import { encodeLeaf, Frontier, leafHash, type NoteSigner, partialTilesOfSize, signCheckpoint } from '../ledger/index.ts';
import { sha256Node } from '../ledger/node-crypto.ts';
import { ENFORCED, FINDINGS, type FindingCode, FUTURE_MICROSECONDS } from '../lifecycle/findings.ts';
import { NONE, type Node } from '../lifecycle/state.ts';
import type { Journal, Savepoint } from '../store/journal.ts';
import type { EntryRow, FindingThing, JobRow, PayloadRow } from '../store/rows.ts';
import { eachNumber } from '../store/sql.ts';
import { unacknowledged } from './dependants.ts';
import { DocumentRun } from './document-run.ts';
import { type Folded, foldEvents, NotTogether, saveFindings } from './fold-events.ts';
import { LearnedPrefixes } from './learned-prefixes.ts';
import { masterdataEntry, masterdataRows, readMasterdata } from './masterdata.ts';
import type { Accepted } from './naming.ts';
import type { EventVerdict, Expectation, Outcome, ShipmentTerms, TakenDocument } from './outcome.ts';
import { payloadRow, shrink } from './payload.ts';
import { Sameness, type Verdict } from './sameness.ts';
import { judgeShipment } from './shipments.ts';
import { markOf, thingRows } from './thing-rows.ts';

export type { EventVerdict, Outcome, TakenDocument } from './outcome.ts';

export type CapturerOptions = {
  rules: 'flag' | 'enforce';
  origin: string;
  /** Null: nothing is signed, because the checkpoints are there already (moving/). */
  signer: NoteSigner | null;
  maxEvents: number;
  /** Milliseconds since 1970. */
  clock?: () => number;
};

/** What a caller has to do in the same transaction as a capture, once it is known how that ended. */
export type Alongside<Result = Outcome[]> = (result: Result) => Promise<void>;

/** Things of events folded together: bounds memory, and is enough for bulk statements to pay. */
const CHUNK_THINGS = 50_000;
const CHUNK_EVENTS = 2_000;
/** Documents folded in one run: at most this large, and this many. */
const TOGETHER_BYTES = 256 * 1024;
const TOGETHER_MAX = 512;

/**
 * The road of design.md §3 from a taken document to its entries: read, look up, load, fold, save, log. A group of documents is one
 * transaction and one signed checkpoint. It owns the journal; nobody else writes.
 */
export class Capturer {
  private readonly journal: Journal;
  private readonly options: CapturerOptions;
  private readonly clock: () => number;
  private frontier: Frontier;
  /** A transaction has failed since it was last made sure that frontier, prefixes and the journal's counters agree with what is stored. */
  private doubtful = false;
  /** Of the group in hand. */
  private recordTime = 0;
  private leaves: Uint8Array[] = [];
  private entries: EntryRow[] = [];
  private seq = 0;
  /** Who sent each entry of the transaction: the journal may keep them back until the commit. */
  private readonly actors = new Map<number, string>();
  private readonly prefixes = new LearnedPrefixes();
  private readonly identity: IdentityProjection;
  /** How many documents the next run may have: fewer after one that had to be taken apart. */
  private togetherMax = TOGETHER_MAX;

  private constructor(journal: Journal, options: CapturerOptions, frontier: Frontier) {
    this.journal = journal;
    this.options = options;
    this.clock = options.clock ?? Date.now;
    this.frontier = frontier;
    this.identity = new IdentityProjection(journal);
  }

  static async open(journal: Journal, options: CapturerOptions): Promise<Capturer> {
    const capturer = new Capturer(journal, options, await storedFrontier(journal));
    await capturer.prefixes.recall(journal);
    await capturer.identity.recall();
    return capturer;
  }

  /** Captures a group in one transaction. Throws only when the store or this program fails: then nothing of the group is stored. */
  async capture(group: readonly TakenDocument[], alongside?: Alongside): Promise<Outcome[]> {
    return await this.transaction(async () => {
      // What was folded before a restart, but not yet forgotten by the intake, is not folded again.
      const ended = new Set(await this.journal.endedJobs(group.map((document) => document.captureID)));
      const outcomes: Outcome[] = [];
      let together: Reading[] = [];
      let things = 0;
      for (const document of group.filter(({ captureID }) => !ended.has(captureID))) {
        const reading = this.readAhead(document);
        if (reading !== null) {
          together.push(reading);
          things += reading.things;
        }
        if (reading === null || together.length >= this.togetherMax || things >= CHUNK_THINGS) {
          outcomes.push(...(await this.captureTogether(together)));
          together = [];
          things = 0;
        }
        if (reading === null) outcomes.push(await this.captureDocument(document));
      }
      outcomes.push(...(await this.captureTogether(together)));
      const byID = new Map(group.map((document) => [document.captureID, document]));
      await this.journal.putJobs(outcomes.flatMap((outcome) => this.jobRows(byID.get(outcome.captureID) as TakenDocument, outcome)));
      return outcomes;
    }, alongside);
  }

  /** Ends a capture that could not be folded at all: the job says so, nothing of the document is stored. */
  async captureFailure(document: TakenDocument, error: LotlineError, alongside?: Alongside): Promise<Outcome> {
    const outcome: Outcome = {
      captureID: document.captureID,
      success: false,
      events: 0,
      stored: 0,
      errors: [error.toProblem()],
      first: null,
    };
    await this.transaction(async () => {
      await this.journal.putJobs(this.jobRows(document, outcome));
      return [outcome];
    }, alongside);
    return outcome;
  }

  /** The job of a document that was answered 202; a single event has none. */
  private jobRows(document: TakenDocument, outcome: Outcome): JobRow[] {
    if (document.kind !== 'document') return [];
    return [
      {
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
      },
    ];
  }

  /** Appends one entry that is no event, with what it changes; behind it, if there is one, the event by which it tells partners. All of it or nothing. */
  async record<T>(
    entry: { kind: string; actor: string; body: unknown },
    change: (journal: Journal, seq: number, recordTime: number, identity: IdentityProjection) => Promise<T>,
    alongside?: Alongside<T>,
    event?: string,
  ): Promise<T> {
    return await this.transaction(async () => {
      const seq = this.append(entry.kind, entry.actor, Buffer.from(JSON.stringify(entry.body)), {});
      const result = await change(this.journal, seq, this.recordTime, this.identity);
      if (event !== undefined) await this.captureOwn(Buffer.from(event), entry.actor);
      return result;
    }, alongside);
  }

  /** An event that lotline writes itself: refused, it takes what it tells of with it. */
  private async captureOwn(body: Uint8Array, actor: string): Promise<void> {
    const taken: TakenDocument = {
      id: 0,
      captureID: randomUUID(),
      actor,
      behaviour: 'rollback',
      kind: 'event',
      created: this.clock(),
      body,
    };
    const { success, errors } = await this.captureDocument(taken);
    const [problem] = errors;
    if (success || problem === undefined) return;
    throw new LotlineError(problem.code, problem.title, {
      at: problem.at,
      fix: problem.fix,
      ...(problem.things && { things: problem.things }),
      ...(problem.unmet && { unmet: problem.unmet }),
    });
  }

  /** Changes what is kept beside the journal, without an entry. `now` is in ms. */
  async keep<T>(change: (journal: Journal, now: number) => Promise<T>, alongside?: Alongside<T>): Promise<T> {
    return await this.transaction(async () => await change(this.journal, this.clock()), alongside);
  }

  /**
   * Tells what capturing this document would come to, event by event, and stores nothing (packs-wire.md). With terms of a shipment, shipping events
   * are held to what may be shipped as well (domain.md §7.2), whatever rules are in force.
   */
  async check(body: Uint8Array, actor: string, terms: ShipmentTerms | null = null): Promise<EventVerdict[]> {
    try {
      await this.start();
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
        const shipment =
          terms !== null && item.event.bizStep === 'shipping'
            ? await judgeShipment(this.journal, item.event, document.header.epcisHeader, terms)
            : null;
        const before = run.errors.length;
        const reported = new Map<string, EventVerdict['findings'][number]>();
        const { blocked, refused } = await this.takeOne(item, run, (code, keys) => {
          const entry = reported.get(code) ?? { code, severity: FINDINGS[code].severity, things: [], message: FINDINGS[code].says };
          entry.things.push(...keys);
          reported.set(code, entry);
        });
        found.findings = [...reported.values()];
        for (const error of [...run.errors.slice(before), ...refused.map((one) => one.toProblem())]) {
          if (!reported.has(error.code))
            found.findings.push({ code: error.code, severity: 'major', things: error.things ?? [], message: error.title });
        }
        if (shipment !== null) {
          found.completeness = shipment.completeness;
          found.findings = [...shipment.findings, ...found.findings.filter(({ code }) => !shipment.findings.some((f) => f.code === code))];
        }
        found.verdict =
          blocked || (shipment?.findings.length ?? 0) > 0 ? 'block' : found.findings.some((f) => f.severity !== 'info') ? 'flag' : 'ok';
      }
      await this.journal.rollback();
      return verdicts;
    } catch (error) {
      await this.giveUp();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.journal.close();
  }

  // ── one group, one transaction ────────────────────────────────────────────────────────────────────────────

  private async start(): Promise<void> {
    if (this.doubtful) await this.recall();
    await this.journal.begin();
    this.recordTime = Math.max(this.clock() * 1000, await this.journal.lastRecordTime());
    this.seq = await this.journal.size();
    this.leaves = [];
    this.entries = [];
    this.actors.clear();
  }

  private async transaction<T>(work: () => Promise<T>, alongside?: Alongside<T>): Promise<T> {
    try {
      await this.start();
      const result = await work();
      await this.flushEntries();
      await alongside?.(result);
      if (this.leaves.length === 0) {
        await this.journal.commit();
        return result;
      }
      const frontier = this.frontier.clone();
      await this.journal.putTiles(frontier.append(this.leaves));
      const { origin, signer } = this.options;
      if (signer !== null) {
        const checkpoint = signCheckpoint({ origin, size: frontier.size, rootHash: frontier.root() }, [signer]);
        await this.journal.putCheckpoint(frontier.size, this.recordTime, checkpoint);
      }
      await this.journal.commit();
      this.frontier = frontier;
      return result;
    } catch (error) {
      await this.giveUp();
      throw error;
    }
  }

  /** Takes back what was begun. Where even that fails, it is done before the next transaction. */
  private async giveUp(): Promise<void> {
    this.doubtful = true;
    try {
      await this.recall();
    } catch {
      // What made the transaction fail is told; this is more of the same.
    }
  }

  /** A commit that was reported as failed may have been kept all the same: what is remembered is what is stored. */
  private async recall(): Promise<void> {
    await this.journal.rollback();
    this.frontier = await storedFrontier(this.journal);
    await this.prefixes.recall(this.journal);
    await this.identity.recall();
    this.doubtful = false;
  }

  private append(
    kind: string,
    actor: string,
    body: Uint8Array,
    more: { capture?: { number: number; id: string }; eventHash?: Uint8Array; payloadDigest?: Uint8Array },
  ): number {
    const seq = this.seq++;
    this.actors.set(seq, actor);
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

  // ── documents in one run ──────────────────────────────────────────────────────────────────────────────────

  /**
   * Reads a document that can be folded in one run with others, which is most of what comes: small, without fault, and with nothing in it whose effect
   * depends on where its document ends. Null for any other.
   */
  private readAhead(taken: TakenDocument): Reading | null {
    if (this.options.rules === 'enforce' || taken.body.length > TOGETHER_BYTES || taken.expect !== undefined) return null;
    try {
      const document = this.read(taken);
      const reads: ReadEvent[] = [];
      for (const item of document.events()) {
        if (isRefused(item) || item.event.type === 'TransformationEvent' || item.event.errorDeclaration !== null || item.identity !== null)
          return null;
        reads.push(item);
      }
      return { taken, document, reads, things: reads.reduce((count, read) => count + countThings(read), 0) };
    } catch (error) {
      if (error instanceof LotlineError) return null; // it is told when the document has its own turn
      throw error;
    }
  }

  /**
   * Captures documents in one run: one look-up, one fold, one save for all of them, to the same end as one by one. Where that turns out not to be sure,
   * each half is tried by itself, and the next runs are shorter until it goes well again.
   */
  private async captureTogether(readings: readonly Reading[]): Promise<Outcome[]> {
    const [first, second] = readings;
    if (first === undefined) return [];
    if (second === undefined) return [await this.captureDocument(first.taken)];
    const takeBack = await this.savepoint('document');
    try {
      const outcomes = await this.takeTogether(readings);
      await this.journal.release('document');
      this.togetherMax = Math.min(TOGETHER_MAX, this.togetherMax * 2);
      return outcomes;
    } catch (error) {
      // A document that is refused as a whole is told so when it has its own turn.
      if (!(error instanceof NotTogether || error instanceof ConcernsIdentity || error instanceof LotlineError)) throw error;
      await takeBack();
      this.togetherMax = Math.max(2, Math.floor(readings.length / 2));
      const half = Math.ceil(readings.length / 2);
      return [...(await this.captureTogether(readings.slice(0, half))), ...(await this.captureTogether(readings.slice(half)))];
    }
  }

  private async takeTogether(readings: readonly Reading[]): Promise<Outcome[]> {
    const sameness = await Sameness.of(
      this.journal,
      readings.flatMap(({ reads }) => reads),
    );
    const accepted: Accepted[] = [];
    const found: FindingThing[] = [];
    const runs: DocumentRun[] = [];
    const payloads: PayloadRow[] = [];
    for (const { taken, document, reads } of readings) {
      const run = new DocumentRun(taken.actor, taken, this.seq);
      for (const read of reads) {
        const judged = this.judge(sameness, read, run);
        if (judged.verdict.kind === 'refused' || judged.declaredBy.length > 0) throw new NotTogether();
        found.push(...judged.found);
        if (judged.accepted !== null) accepted.push(judged.accepted);
      }
      payloads.push(...(await this.restOf(document, run, taken)));
      runs.push(run);
    }
    const moment = { firsts: runs.map((run) => run.firstSeq), recordTime: this.recordTime };
    const folded = await foldEvents(this.journal, accepted, moment);
    await saveFindings(this.journal, found, moment);
    await this.identity.takeEvents(storedEvents(accepted, folded), [], this.recordTime, false);
    await this.journal.putPayloads(payloads);
    await this.prefixes.keep(this.journal);
    return runs.map((run, i) => {
      const { taken, document } = readings[i] as Reading;
      return outcomeOf(taken, run, document.eventCount, false);
    });
  }

  /** A single event is no document: that holds none or many, and has a job. */
  private read(taken: TakenDocument): ReadDocument {
    const document = readDocument(taken.body, { maxEvents: this.options.maxEvents, bare: taken.kind !== 'document' });
    if (taken.kind !== 'event' || document.kind === 'event') return document;
    throw new LotlineError('EV-SCHEMA', 'the body is a document, not one event', { at: '/type', fix: 'Send documents to /epcis/capture.' });
  }

  // ── one document ──────────────────────────────────────────────────────────────────────────────────────────

  private async captureDocument(taken: TakenDocument): Promise<Outcome> {
    const takeBack = await this.savepoint('document');
    const run = new DocumentRun(taken.actor, taken, this.seq);
    let document: ReadDocument | null = null;
    try {
      if (taken.expect !== undefined) await this.expectUnchanged(taken.expect);
      document = this.read(taken);
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
    return outcomeOf(taken, run, document?.eventCount ?? 0, undone);
  }

  /** Within the transaction that stores what rests on it: of two who decide at once on one state, the second is refused. */
  private async expectUnchanged({ thing, mark }: Expectation): Promise<void> {
    if (markOf(await thingRows(this.journal.db, thing)) === mark) return;
    throw new LotlineError('EV-STALE', `${thing} has changed since this was decided`, {
      fix: 'Ask again how it is now, and decide again.',
      things: [thing],
    });
  }

  /** Marks the point that the answered function goes back to: nothing that was appended or learned since then remains. */
  private async savepoint(name: Savepoint): Promise<() => Promise<void>> {
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
    const refusing = this.options.rules === 'enforce' ? await this.tryEvents(document, run) : null;
    let chunk: ReadEvent[] = [];
    let things = 0;
    for (const item of document.events()) {
      if (isRefused(item)) {
        for (const error of item.errors) run.fail(error, item.index);
        continue;
      }
      const errors = refusing?.get(item.index);
      if (errors !== undefined) {
        for (const error of errors) run.refuse(error, item.index);
        continue;
      }
      if (run.errors.length > 0 && behaviour === 'rollback') continue; // only looking for more to tell
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

  /**
   * What the rules in force have against each event, in its place among the others; then all is taken back. What is kept of the document is folded
   * anew, so that it comes to the same whatever rules were in force when it came.
   */
  private async tryEvents(document: ReadDocument, { actor, taken, firstSeq }: DocumentRun): Promise<Map<number, readonly LotlineError[]>> {
    const takeBack = await this.savepoint('trial');
    const trial = new DocumentRun(actor, taken, firstSeq);
    const refusing = new Map<number, readonly LotlineError[]>();
    for (const item of document.events()) {
      if (isRefused(item)) continue;
      const { refused } = await this.takeOne(item, trial);
      if (refused.length > 0) refusing.set(item.index, refused);
    }
    await takeBack();
    return refusing;
  }

  /** One event by itself, taken back again if the rules in force refuse it. Answers what they have against it, and whether it is stored. */
  private async takeOne(
    read: ReadEvent,
    run: DocumentRun,
    report?: (code: FindingCode, keys: string[]) => void,
  ): Promise<{ refused: readonly LotlineError[]; blocked: boolean }> {
    const takeBack = await this.savepoint('event');
    const forget = run.mark();
    const { seq } = this;
    const errors = run.errors.length;
    const { found, keyOf, voids } = await this.take([read], run);
    const dependants = unacknowledged(read, found, voids, keyOf);
    const own = [...found.filter((o) => o.seq === seq), ...dependants];
    for (const o of own) report?.(o.code as FindingCode, keysOf([o], keyOf));
    const refusing = this.options.rules === 'enforce' ? own.filter((o) => ENFORCED.has(o.code) || blocksPlan(o.code)) : [];
    if (refusing.length === 0) {
      await this.journal.release('event');
      return { refused: [], blocked: run.errors.length > errors || dependants.length > 0 || own.some((o) => blocksPlan(o.code)) };
    }
    const refused = [...new Set(refusing.map((o) => o.code))].map((code) => {
      const things = keysOf(
        refusing.filter((o) => o.code === code),
        keyOf,
      );
      return new LotlineError(
        code as 'SN-DUP',
        `${things.length > 1 ? `${things.length} things` : (things[0] ?? 'the event')}: ${FINDINGS[code as FindingCode].says}`,
        {
          at: read.at,
          fix:
            dependants.length > 0 && code === 'DEP-VOIDED'
              ? "Declare what builds on it erroneous first, or name these things, or all, in the errorDeclaration's acknowledges (docs/rules.md)."
              : 'Correct the event, or capture it where LOTLINE_RULES=flag if it tells of something that did happen.',
          things,
        },
      );
    });
    await takeBack();
    forget();
    return { refused, blocked: true };
  }

  // ── a run of events: sameness, then fold ──────────────────────────────────────────────────────────────────

  private async take(reads: readonly ReadEvent[], run: DocumentRun): Promise<Folded & { readonly voids: readonly number[] }> {
    const sameness = await Sameness.of(this.journal, reads);
    const accepted: Accepted[] = [];
    let found: FindingThing[] = [];
    for (const read of reads) {
      const judged = this.judge(sameness, read, run);
      if (judged.verdict.kind === 'refused') run.fail(judged.verdict.error, read.index);
      found.push(...judged.found);
      if (judged.accepted !== null) {
        accepted.push(judged.accepted);
        found.push(...(await this.deniedVoids(judged.accepted, run.actor)));
      }
      const { declaredBy } = judged;
      if (declaredBy.length > 0) {
        // The declarations that were waiting for it have found it, stored ones and those of this run.
        await this.journal.removeFindingThings(await this.journal.findingsAt(['EV-UNKNOWN-REF'], declaredBy), run.firstSeq);
        found = found.filter((o) => o.code !== 'EV-UNKNOWN-REF' || !declaredBy.includes(o.seq));
      }
    }
    const moment = { firsts: [run.firstSeq], recordTime: this.recordTime };
    const folded = await foldEvents(this.journal, accepted, moment);
    await saveFindings(this.journal, found, moment);
    const voids = accepted.flatMap((one) => one.voids);
    const identity = await this.identity.takeEvents(storedEvents(accepted, folded), voids, this.recordTime);
    const others = await this.identity.keys(identity.map(({ node }) => node));
    const keyOf = (node: Node) => folded.keyOf(node) ?? others.get(node) ?? null;
    return { ...folded, found: [...found, ...folded.found, ...identity], keyOf, voids };
  }

  /** Says whether an event is new, appends it if it is, and finds what is odd about its arrival. */
  private judge(sameness: Sameness, read: ReadEvent, run: DocumentRun): Judged {
    const verdict = sameness.judge(read, this.seq);
    if (verdict.kind === 'duplicate') {
      run.met(verdict.of, read);
      return { verdict, accepted: null, declaredBy: [], found: [{ code: 'EV-DUP', seq: verdict.of, node: 0, other: NONE }] };
    }
    if (verdict.kind === 'refused') return { verdict, accepted: null, declaredBy: [], found: [] };
    const seq = this.appendEvent(read, run);
    const { twinOf, voidSeq, declaredBy } = verdict;
    const found: FindingThing[] = [];
    const flag = (code: FindingCode) => found.push({ code, seq, node: 0, other: voidSeq ?? twinOf ?? NONE });
    if (twinOf !== null) flag('EV-TWIN');
    if (verdict.differs) flag('EV-DIFFERS');
    if (verdict.unknown) flag('EV-UNKNOWN-REF');
    if (verdict.again) flag('EV-VOIDED');
    if (read.breaches.length > 0) flag('EV-RULE');
    if (read.event.eventTime.ms * 1000 > this.recordTime + FUTURE_MICROSECONDS) flag('EV-FUTURE');
    return { verdict, accepted: { ...verdict, read, seq }, declaredBy, found };
  }

  /** VOID-DENIED: only who captured an event, or an administrator, declares it erroneous (domain.md §7.4). */
  private async deniedVoids({ seq, voids }: Accepted, actor: string): Promise<FindingThing[]> {
    if (voids.length === 0) return [];
    const { db } = this.journal;
    const rows = await db.all<{ seq: number; actor: string }>(
      sql`SELECT e.seq, e.actor FROM ${eachNumber(voids)} j CROSS JOIN entry e ON e.seq = j.value`,
    );
    const captured = new Map(rows.map((row) => [row.seq, row.actor]));
    const others = voids.filter((one) => (this.actors.get(one) ?? captured.get(one)) !== actor);
    if (others.length === 0) return [];
    const [key] = await db.all<{ roles: string }>(
      sql`SELECT roles FROM api_key WHERE id = ${actor} UNION ALL SELECT roles FROM person WHERE id = ${actor}`,
    );
    if (key !== undefined && allows(JSON.parse(key.roles) as string[], 'administer')) return [];
    return others.map((other) => ({ code: 'VOID-DENIED', seq, node: 0, other }));
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
    const payloads = await this.restOf(document, run, taken);
    if (payloads.length === 0) return;
    await this.journal.putPayloads(payloads);
    await this.prefixes.keep(this.journal);
  }

  /** Appends the master data of a document's header and answers what is left to be kept of it: nothing when nothing of it is stored. */
  private async restOf(document: ReadDocument, run: DocumentRun, taken: TakenDocument): Promise<PayloadRow[]> {
    const elements = readMasterdata(document.header.epcisHeader);
    if (elements.length > 0) {
      const seq = this.append('masterdata', run.actor, Buffer.from(JSON.stringify(masterdataEntry(elements))), this.partOf(run));
      await this.journal.putMasterdata(masterdataRows(elements, seq));
    }
    return run.capture === null ? [] : [payloadRow(run.capture, taken.body, run.spans, document.header.context)];
  }
}

/** A document that was read to be folded in one run with others. */
type Reading = {
  readonly taken: TakenDocument;
  readonly document: ReadDocument;
  readonly reads: readonly ReadEvent[];
  readonly things: number;
};

type Judged = {
  readonly verdict: Verdict;
  /** Null when the event is not stored. */
  readonly accepted: Accepted | null;
  readonly declaredBy: readonly number[];
  readonly found: readonly FindingThing[];
};

const storedEvents = (accepted: readonly Accepted[], { facts }: Folded): StoredEvent[] =>
  accepted.map(({ seq, read }, i) => ({ seq, read, facts: facts[i] as StoredEvent['facts'] }));

function outcomeOf(taken: TakenDocument, run: DocumentRun, events: number, undone: boolean): Outcome {
  return {
    captureID: taken.captureID,
    success: run.errors.length === 0,
    events,
    stored: undone ? 0 : run.stored,
    errors: run.problems(),
    first: undone ? null : run.first,
  };
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

/** The right edge of the stored tree, from its partial tiles. */
async function storedFrontier(journal: Journal): Promise<Frontier> {
  const size = await journal.size();
  const tiles = new Map<number, Uint8Array | null>();
  for (const { level, index } of partialTilesOfSize(size)) tiles.set(level, await journal.tile(level, index));
  return Frontier.restore(size, (tile) => tiles.get(tile.level), sha256Node);
}
