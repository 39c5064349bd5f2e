import { deflateRawSync } from 'node:zlib';
import { formatHashId, isRefused, type ReadDocument, readDocument } from '../epcis/index.ts';
import type { ReadEvent } from '../epcis/model.ts';
import { LotlineError, type Problem } from '../errors.ts';
import { checkLineage } from '../genealogy/checks.ts';
import { encodeLeaf, Frontier, leafHash, type NoteSigner, partialTilesOfSize, signCheckpoint } from '../ledger/index.ts';
import { sha256Node } from '../ledger/node-crypto.ts';
import { ENFORCED, FINDINGS, type FindingCode, FUTURE_MICROSECONDS, GRACE_MICROSECONDS } from '../lifecycle/findings.ts';
import { Fold, WAITING_CODES } from '../lifecycle/fold.ts';
import { factsFrom, rowsFrom, seqsOf, statesFrom } from '../lifecycle/rows.ts';
import { type Facts, FLAG, NONE, type Node, ROLE, type State } from '../lifecycle/state.ts';
import type { Journal } from '../store/journal.ts';
import type { EntryRow, FindingThing, JobRow, NewThing } from '../store/rows.ts';
import { readMasterdata } from './masterdata.ts';
import { type Accepted, isEffective, type NamedEvent, Naming } from './naming.ts';
import { endedWithContent, givePositions, refold, standing, stayRow } from './refold.ts';
import { Sameness } from './sameness.ts';

/** A document as it was taken: kept durably, answered 202, waiting to be folded. */
export type TakenDocument = {
  readonly id: number;
  readonly captureID: string;
  readonly actor: string;
  readonly behaviour: 'rollback' | 'proceed';
  readonly kind: 'document' | 'event';
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly body: Uint8Array;
};

/** How a capture ended. `first` is the stored event of a bare-event capture, new or met again. */
export type Outcome = {
  readonly captureID: string;
  readonly success: boolean;
  readonly events: number;
  readonly stored: number;
  readonly errors: readonly Problem[];
  readonly first: { readonly seq: number; readonly eventID: string; readonly duplicate: boolean } | null;
};

/** What one event would come to, for the dry run (packs-wire.md, POST /check). */
export type EventVerdict = {
  index: number;
  verdict: 'ok' | 'flag' | 'block';
  findings: { code: string; severity: string; things: string[]; message: string }[];
};

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
/** Errors of one capture that are told; the rest is counted. */
const ERRORS_MAX = 1_000;
/** Bodies shorter than this do not shrink enough to be worth it. */
const DEFLATE_FROM = 256;

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
  private prefixes = new Set<string>();

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
    await capturer.recallPrefixes();
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
      const run = new DocumentRun(actor, null);
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
      await this.recallPrefixes();
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
    await this.flushEntries();
    await this.journal.savepoint('document');
    const mark = { seq: this.seq, leaves: this.leaves.length };
    const run = new DocumentRun(taken.actor, taken);
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
    await this.flushEntries();
    if (undone) {
      await this.journal.undo('document');
      this.seq = mark.seq;
      this.leaves.length = mark.leaves;
      for (const [scheme, company] of this.newPrefixes.splice(0)) this.prefixes.delete(`${scheme}:${company}`);
    } else await this.journal.release('document');
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
    await this.flushEntries();
    await this.journal.savepoint('event');
    const mark = { seq: this.seq, leaves: this.leaves.length, stored: run.stored, first: run.first, spans: run.spans.length };
    const errors = run.errors.length;
    const { offences, keyOf } = await this.take([read], run);
    const own = offences.filter((o) => o.seq === mark.seq);
    for (const o of own) report?.(o.code as FindingCode, o.node === 0 ? [] : [keyOf(o.node) ?? '']);
    await this.flushEntries();
    const refusing = this.options.rules === 'enforce' ? own.filter((o) => ENFORCED.has(o.code)) : [];
    if (refusing.length === 0) {
      await this.journal.release('event');
      return run.errors.length > errors;
    }
    for (const code of new Set(refusing.map((o) => o.code))) {
      const things = refusing.filter((o) => o.code === code).map((o) => keyOf(o.node) ?? '');
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
    await this.journal.undo('event');
    this.seq = mark.seq;
    this.leaves.length = mark.leaves;
    run.stored = mark.stored;
    run.first = mark.first;
    run.spans.length = mark.spans;
    return true;
  }

  // ── a run of events: sameness, then fold ──────────────────────────────────────────────────────────────────

  private async take(
    reads: readonly ReadEvent[],
    run: DocumentRun,
  ): Promise<{ offences: FindingThing[]; keyOf: (node: Node) => string | null }> {
    const sameness = await Sameness.of(this.journal, reads);
    const accepted: Accepted[] = [];
    const offences: FindingThing[] = [];
    for (const read of reads) {
      const verdict = sameness.judge(read);
      if (verdict.kind === 'duplicate') {
        offences.push({ code: 'EV-DUP', seq: verdict.of, node: 0, other: NONE });
        run.met(verdict.of, read);
        continue;
      }
      if (verdict.kind === 'refused') {
        run.fail(verdict.error, read.index);
        continue;
      }
      const seq = this.appendEvent(read, run);
      const { eventID, errorDeclaration } = read.event;
      const { twinOf, voidSeq, voids } = verdict;
      accepted.push({ read, seq, twinOf, voidSeq, voids });
      sameness.add({
        seq,
        event_id: eventID,
        hash: read.hash,
        digest: read.identityDigest,
        declares: errorDeclaration === null ? 0 : 1,
        void_seq: voidSeq,
        twin_of: twinOf,
      });
      const flag = (code: FindingCode) => offences.push({ code, seq, node: 0, other: voidSeq ?? twinOf ?? NONE });
      if (twinOf !== null) flag('EV-TWIN');
      if (verdict.differs) flag('EV-DIFFERS');
      if (verdict.unknown) flag('EV-UNKNOWN-REF');
      if (read.breaches.length > 0) flag('EV-RULE');
      if (read.event.eventTime.ms * 1000 > this.recordTime + FUTURE_MICROSECONDS) flag('EV-FUTURE');
      if (voidSeq !== null)
        await this.journal.removeFindingThings([...(await this.journal.findingsAt(['EV-UNKNOWN-REF'], [voidSeq]))], seq);
    }
    const names = new Map<Node, string>();
    const keyOf = (node: Node) => names.get(node) ?? null;
    if (accepted.length > 0) offences.push(...(await this.foldRun(accepted, names)));
    await this.saveFindings(offences);
    return { offences, keyOf };
  }

  private appendEvent(read: ReadEvent, run: DocumentRun): number {
    const taken = run.taken;
    run.capture ??= taken === null ? null : { number: this.journal.nextCapture(), id: taken.captureID };
    const body = taken === null ? Buffer.alloc(0) : taken.body.subarray(read.start, read.end);
    const seq = this.append('event', run.actor, body, {
      ...(run.capture && { capture: run.capture }),
      eventHash: read.hash,
      ...(taken && run.stored === 0 && { payloadDigest: sha256Node(taken.body) }),
    });
    run.store(seq, read);
    if (taken !== null) this.learnPrefixes(body);
    return seq;
  }

  /**
   * Folds accepted events in document order. What goes on top of the present is folded in memory and saved in bulk; when an event is late,
   * or declares another erroneous, the rest of the run is put down as rows and the histories concerned are folded again, once for all of it.
   */
  private async foldRun(accepted: readonly Accepted[], names: Map<Node, string>): Promise<FindingThing[]> {
    const offences: FindingThing[] = [];
    const fold = new Fold();
    const naming = await Naming.of(
      this.journal,
      fold,
      accepted.map((a) => a.read.event),
    );
    await this.load(naming, accepted);
    const done: NamedEvent[] = [];
    let i = 0;
    for (; i < accepted.length; i++) {
      const a = accepted[i] as Accepted;
      if (a.voids.length > 0) break;
      const named = await naming.name(a);
      fold.positions.set(a.seq, named.facts.position);
      if (isEffective(a) && fold.isLate(named.facts, named.named)) {
        offences.push(...(await this.save(naming, done)), ...(await this.foldLate(naming, accepted, i, named)));
        i = accepted.length + 1;
        break;
      }
      if (isEffective(a)) fold.apply(named.facts, named.named);
      done.push(named);
    }
    if (i < accepted.length) offences.push(...(await this.save(naming, done)), ...(await this.foldLate(naming, accepted, i, null)));
    else if (i === accepted.length) offences.push(...(await this.save(naming, done)));
    for (const o of offences) {
      const key = o.node === 0 ? null : naming.keyOf(o.node);
      if (key !== null) names.set(o.node, key);
    }
    return offences;
  }

  /** Puts into the fold what the run needs besides the things it names: containers, content about to be unpacked, positions. */
  private async load(naming: Naming, accepted: readonly Accepted[]): Promise<void> {
    const { fold } = naming;
    const existing = [...naming.loaded()];
    const items = existing.filter((state) => state.node > 0);
    if (items.length > 0) {
      const inside = items.filter((state) => state.parent !== 0).map((state) => state.node);
      const add = (states: readonly State[]) => {
        for (const state of states) if (!fold.states.has(state.node)) existing.push(fold.add(state));
      };
      const parents = new Set<string>();
      const emptied = new Set<string>();
      for (const { read } of accepted) {
        const { parentID, type, action, childEPCs } = read.event;
        if (parentID === null) continue;
        parents.add(`${parentID.class}\n${parentID.serial}`);
        if (type === 'AggregationEvent' && action === 'DELETE' && childEPCs.length === 0)
          emptied.add(`${parentID.class}\n${parentID.serial}`);
      }
      const nodesOf = (keys: ReadonlySet<string>) =>
        [...keys].map((key) => naming.nodeOf(...(key.split('\n') as [string, string]))).filter((node) => node !== null);
      add(await statesFrom(this.journal, await this.journal.content(nodesOf(emptied))));
      add(
        await statesFrom(
          this.journal,
          await this.journal.containers([...inside, ...existing.filter((s) => s.parent !== 0 && s.node > 0).map((s) => s.node)]),
        ),
      );
      const stays = await this.journal.looseContent(nodesOf(parents));
      for (const stay of stays) {
        fold.addLoose({
          kind: stay.kind as 0 | 1,
          child: stay.child,
          parent: stay.parent,
          uom: stay.uom,
          quantity: stay.quantity,
          fromSeq: stay.from_seq,
          toSeq: NONE,
          inferred: false,
        });
      }
      await givePositions(
        this.journal,
        fold,
        stays.map((stay) => stay.from_seq),
      );
    }
    const seqs = new Set<number>();
    for (const state of existing) for (const seq of seqsOf(state)) seqs.add(seq);
    await givePositions(this.journal, fold, seqs);
  }

  private async save(naming: Naming, done: readonly NamedEvent[]): Promise<FindingThing[]> {
    const { fold } = naming;
    const fresh = naming.fresh.splice(0);
    const isFresh = new Set(fresh.map((f) => f.state));
    const rows = await rowsFrom(
      this.journal,
      fresh.map((f) => f.state),
    );
    await this.journal.insertThings(rows.map((row, i): NewThing => ({ ...row, name: (fresh[i] as { name: string }).name })));
    await this.journal.updateThings(
      await rowsFrom(
        this.journal,
        [...fold.changed].filter((state) => !isFresh.has(state)),
      ),
    );
    fold.changed.clear();
    await this.insertEvents(done);
    await this.journal.putStays(
      [...fold.intervals.values()].map((stay) => stayRow(fold, stay, stay.fromSeq)),
    );
    fold.intervals.clear();
    if (fold.introduced.length > 0) {
      const answered = await this.journal.findingThings(WAITING_CODES, fold.introduced);
      await this.journal.removeFindingThings(answered, this.seq - 1);
    }
    const offences: FindingThing[] = standing(fold);
    fold.offences.length = 0;
    fold.introduced.length = 0;
    const effective = done.filter((d) => d.row.declares === 0 && d.row.void_seq === null && d.row.twin_of === null);
    const named = new Map(effective.map((d) => [d.facts.seq, d.items.map(([node, , role]) => ({ node, role }))]));
    const ending = effective
      .map((d) => d.facts)
      .filter((facts) => (facts.things[ROLE.epc] ?? []).some((node) => ((fold.states.get(node)?.flags ?? 0) & FLAG.parent) !== 0));
    offences.push(...(await endedWithContent(this.journal, ending, named)));
    offences.push(
      ...(await checkLineage(
        this.journal,
        effective.filter((d) => d.lineage.length > 0).map((d) => d.lineage[0]!.transformation),
        this.seq - 1,
      )),
    );
    return offences;
  }

  private async insertEvents(events: readonly NamedEvent[]): Promise<void> {
    await this.journal.insertEvents(
      events.map((e) => e.row),
      events.flatMap((e) => e.items),
      events.flatMap((e) => e.parts),
      events.flatMap((e) => e.lineage),
    );
  }

  /** From event `from` on, `first` being that event if it is named already: rows first, then the histories that they change. */
  private async foldLate(naming: Naming, accepted: readonly Accepted[], from: number, first: NamedEvent | null): Promise<FindingThing[]> {
    const offences: FindingThing[] = [];
    for (let i = from; i < accepted.length; i++) {
      const a = accepted[i] as Accepted;
      const event = i === from && first !== null ? first : await naming.name(a);
      const fresh = naming.fresh.splice(0);
      const rows = await rowsFrom(
        this.journal,
        fresh.map((f) => f.state),
      );
      await this.journal.insertThings(rows.map((row, k): NewThing => ({ ...row, name: (fresh[k] as { name: string }).name })));
      await this.insertEvents([event]);
      const start = { nodes: new Set<Node>(), emptied: [] as Node[], ms: Number.POSITIVE_INFINITY };
      const transformations: number[] = [];
      const concerns = (facts: Facts) => {
        for (const ids of Object.values(facts.things)) for (const id of ids) start.nodes.add(id);
        for (const part of facts.lots) start.nodes.add(part.node);
        if (facts.type === 'AggregationEvent' && facts.unpacksAll && facts.parent !== 0) start.emptied.push(facts.parent);
        start.ms = Math.min(start.ms, facts.position.ms);
      };
      if (isEffective(a)) {
        concerns(event.facts);
        if (event.lineage[0]) transformations.push(event.lineage[0].transformation);
        const items = event.items.map(([item]) => item);
        for (const node of await this.journal.lateFor(a.seq, items)) offences.push({ code: 'EV-LATE', seq: a.seq, node, other: NONE });
      }
      if (a.voids.length > 0) {
        await this.journal.setVoid(a.voids, a.seq);
        const promoted = await this.promoteTwins(a.voids);
        const rows = await this.journal.events(a.voids);
        for (const facts of await factsFrom(this.journal, rows)) concerns(facts);
        for (const row of rows) transformations.push(row.transformation === null ? row.seq : -row.transformation);
        transformations.push(...promoted);
      }
      if (start.nodes.size > 0) {
        const { added } = await refold(this.journal, { nodes: [...start.nodes], emptied: start.emptied, ms: start.ms }, { seq: a.seq });
        offences.push(...added);
      }
      offences.push(...(await checkLineage(this.journal, transformations, a.seq)));
    }
    return offences;
  }

  /** When an event is voided, the first of its twins that is not takes its place. Answers the twins' own transformations. */
  private async promoteTwins(voided: readonly number[]): Promise<number[]> {
    const twins = (await this.journal.knownEvents({ twinsOf: voided })).filter((twin) => twin.void_seq === null);
    const heirs = new Map<number, number>();
    for (const twin of twins) {
      const of = twin.twin_of as number;
      const heir = heirs.get(of);
      if (heir === undefined) heirs.set(of, twin.seq);
      await this.journal.setTwin(twin.seq, heir ?? null);
    }
    return [...heirs.values()];
  }

  private async saveFindings(offences: readonly FindingThing[]): Promise<void> {
    if (offences.length === 0) return;
    const rows = new Map<string, Parameters<Journal['addFindings']>[0][number]>();
    for (const o of offences) {
      const code = o.code as FindingCode;
      rows.set(`${code}/${o.seq}`, {
        code,
        seq: o.seq,
        severity: FINDINGS[code].severity,
        opened: this.recordTime,
        due: code === 'AGG-UNKNOWN-CHILD' ? this.recordTime + GRACE_MICROSECONDS : null,
      });
    }
    await this.journal.addFindings([...rows.values()], offences);
  }

  /** Keeps what lies between the stored events, so that the document can be joined again byte for byte, and its header's master data. */
  private async keepRest(document: ReadDocument, run: DocumentRun, taken: TakenDocument): Promise<void> {
    const rows = readMasterdata(document.header.epcisHeader);
    if (rows.length > 0) {
      run.capture ??= { number: this.journal.nextCapture(), id: taken.captureID };
      const body = Buffer.from(JSON.stringify(rows));
      const first = run.stored === 0;
      const seq = this.append('masterdata', run.actor, body, {
        capture: run.capture,
        ...(first && { payloadDigest: sha256Node(taken.body) }),
      });
      await this.journal.putMasterdata(
        rows.map((row) => ({ ...row, seq, attributes: JSON.stringify(row.attributes), children: JSON.stringify(row.children) })),
      );
    }
    if (run.capture === null) return;
    const parts: (number | [number])[] = [];
    const gaps: Uint8Array[] = [];
    let from = 0;
    const gap = (to: number) => {
      if (to === from) return;
      parts.push(to - from);
      gaps.push(taken.body.subarray(from, to));
    };
    for (const span of run.spans) {
      gap(span.start);
      parts.push([span.seq]);
      from = span.end;
    }
    gap(taken.body.length);
    const { encoding, bytes } = shrink(Buffer.concat(gaps));
    await this.journal.putPayload({
      capture: run.capture.number,
      capture_id: run.capture.id,
      digest: sha256Node(taken.body),
      context: document.header.context,
      parts: JSON.stringify(parts),
      encoding,
      gaps: bytes,
    });
    await this.savePrefixes();
  }

  // ── company prefixes: learned from URNs, never guessed (codes.md §5) ──────────────────────────────────────

  private newPrefixes: [string, string][] = [];

  private learnPrefixes(body: Uint8Array): void {
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    let last = '';
    for (let at = text.indexOf('urn:epc:'); at !== -1; at = text.indexOf('urn:epc:', at + 8)) {
      const dot = text.indexOf(46, at);
      if (dot === -1 || dot - at > 40) continue;
      const head = text.toString('latin1', at + 8, dot);
      if (head === last) continue;
      last = head;
      const [, scheme, company] = head.split(':');
      if (scheme === undefined || company === undefined || !/^\d{6,12}$/.test(company)) continue;
      const key = `${scheme}:${company}`;
      if (this.prefixes.has(key)) continue;
      this.prefixes.add(key);
      this.newPrefixes.push([scheme, company]);
    }
  }

  /** Knows what the store knows: at the start, and after a group that came to nothing. */
  private async recallPrefixes(): Promise<void> {
    this.newPrefixes = [];
    this.prefixes = new Set((await this.journal.prefixes()).map(([scheme, company]) => `${scheme}:${company}`));
  }

  private async savePrefixes(): Promise<void> {
    if (this.newPrefixes.length > 0) await this.journal.putPrefixes(this.newPrefixes.splice(0));
  }
}

/** One document on its way: what of it was stored, and what was wrong with it. */
class DocumentRun {
  readonly actor: string;
  readonly taken: TakenDocument | null;
  readonly errors: Problem[] = [];
  readonly refusals: Problem[] = [];
  readonly spans: { seq: number; start: number; end: number }[] = [];
  capture: { number: number; id: string } | null = null;
  stored = 0;
  more = 0;
  /** The document as a whole was refused. */
  whole = false;
  first: Outcome['first'] = null;

  constructor(actor: string, taken: TakenDocument | null) {
    this.actor = actor;
    this.taken = taken;
  }

  store(seq: number, read: ReadEvent): void {
    this.stored++;
    this.spans.push({ seq, start: read.start, end: read.end });
    this.first ??= { seq, eventID: read.event.eventID ?? formatHashId(read.hash), duplicate: false };
  }

  met(seq: number, read: ReadEvent): void {
    this.first ??= { seq, eventID: read.event.eventID ?? formatHashId(read.hash), duplicate: true };
  }

  fail(error: LotlineError, index?: number): void {
    if (this.errors.length >= ERRORS_MAX) this.more++;
    else this.errors.push({ ...error.toProblem(), ...(index !== undefined && { index }) } as Problem);
  }

  refuse(error: LotlineError, index: number): void {
    this.fail(error, index);
    if (this.refusals.length < ERRORS_MAX) this.refusals.push({ ...error.toProblem(), index } as Problem);
  }

  problems(): Problem[] {
    if (this.more === 0) return this.errors;
    const rest = new LotlineError('EV-SCHEMA', `${this.more} more errors are not listed`, {
      fix: 'Mend those listed and send the document again.',
    });
    return [...this.errors, rest.toProblem()];
  }
}

function countThings({ event }: ReadEvent): number {
  return event.epcList.length + event.childEPCs.length + event.inputEPCList.length + event.outputEPCList.length + 1;
}

function shrink(body: Uint8Array): { encoding: 0 | 1; bytes: Uint8Array } {
  if (body.length < DEFLATE_FROM) return { encoding: 0, bytes: body };
  const bytes = deflateRawSync(body, { level: 1 });
  return bytes.length < body.length * 0.9 ? { encoding: 1, bytes } : { encoding: 0, bytes: body };
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
