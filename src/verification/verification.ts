import { randomUUID } from 'node:crypto';
import type { CaptureService } from '../capture/service.ts';
import { LotlineError } from '../errors.ts';
import { formatKey, hasValidCheckDigit, parseKey } from '../identifiers/index.ts';
import type { FindingCode } from '../lifecycle/findings.ts';
import type { Restored } from '../moving/restored.ts';
import type { QuestionName, Questions } from '../query/questions.ts';
import type { Readers } from '../query/readers.ts';
import type { VerificationRow } from '../store/rows.ts';
import { type Attempt, Attempts } from './attempts.ts';
import { CLONE_MS, cloneNote } from './clones.ts';
import { decide, type Policy, type Verdict } from './decide.ts';
import type { PackFacts } from './facts.ts';
import { VerificationLog } from './log.ts';
import { LICENCE } from './questions.ts';

/** Who asks: the principal's id, and the network address that it asks from. */
export type Caller = { readonly id: string; readonly source: string };

/** One pack to be judged. Lot and expiry as it bears them; null where they are not told, and not compared. */
export type Question = {
  /** Canonical key of a serialised GTIN. */
  readonly key: string;
  readonly lot: string | null;
  /** YYMMDD. */
  readonly expiry: string | null;
  /** GLN of who asks. */
  readonly site: string | null;
};

/** `hint`: the serial number is known in other letters, upper or lower case. */
export type HintedVerdict = Verdict & { hint?: 'case' };

/** What a scanner sent, read (api/scan.ts). */
export type ScanRequest = {
  readonly key: string;
  readonly elements: readonly { readonly ai: string; readonly value: string }[];
  readonly caller: Caller;
  readonly scan: Scanned;
};

/** What an auditor asks about a scan (codes.md §8): its bytes in base64, how the scanner was set, what was doubtful. */
export type Scanned = {
  readonly raw: string | null;
  readonly profile: object;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
};

/** A pack that was judged for all that is in a container. */
type Inside = { readonly container: string };

/** The answer of GS1 Lightweight Messaging (domain.md §8.1). */
export type LmsAnswer = { verificationTimestamp: string; responderGLN: string | null; data: HintedVerdict; corrUUID: string };

export type VerificationOptions = {
  readonly policy: Policy;
  readonly zone: string;
  readonly responder: string | null;
  /** Serial numbers that do not match are logged under it. */
  readonly secret: Uint8Array;
  /** ms since 1970. */
  readonly clock?: () => number;
};

/** Thrown when somebody has failed too often; `seconds` until the next request is answered. */
export class RateExceeded extends LotlineError {
  readonly seconds: number;

  constructor(seconds: number) {
    super('ACC-RATE', 'too many verifications have failed', {
      fix: `Ask again in ${seconds} s. Until then nothing is checked: keep the pack where it is.`,
    });
    this.seconds = seconds;
  }
}

/** Calls that may have written an event before they are answered. */
const CHANGES: ReadonlySet<string> = new Set(['decommission', 'reactivate']);
/** A request with the same corrUUID gets the same answer for so long (domain.md §8.1, choice). */
const REPLAY_MS = 24 * 60 * 60 * 1000;
const REPLAYS_MAX = 10_000;
/** For so long after it was put back from a backup a store says that it may lack what others have seen (choice). */
const BEHIND_MS = 24 * 60 * 60 * 1000;
/** How long it is believed that no partner's licence is kept, or that some are. */
const LICENCES_MS = 1_000;
/** An alert about something that is not stored is not raised again within this. */
const ALERT_MS = 60 * 60 * 1000;
const ALERTS_MAX = 10_000;

/**
 * Says of a pack whether it is what it claims to be and may be passed on (domain.md §8). A look-up by key on this thread; what follows from it, such as
 * the log of requests and alerts, is done behind the answer. One a process.
 */
export class Verification {
  readonly options: VerificationOptions;
  readonly log: VerificationLog;
  readonly attempts = new Attempts();
  private readonly readers: Readers;
  private readonly capture: CaptureService;
  private readonly replays = new Map<string, { question: string; at: number; answer: Promise<LmsAnswer> }>();
  private readonly makers = new Map<string, string>();
  private readonly alerts = new Map<string, number>();
  private alerting: Promise<unknown> = Promise.resolve();
  /** Asked once: a store is put back only while nobody serves it. */
  private restored: Promise<Restored | null> | null = null;
  private licences = { kept: false, until: Number.NEGATIVE_INFINITY };

  constructor(deps: { readers: Readers; capture: CaptureService }, options: VerificationOptions) {
    this.readers = deps.readers;
    this.capture = deps.capture;
    this.options = options;
    this.log = new VerificationLog(deps.capture, options.secret, (rows, serials) => this.lookOver(rows, serials));
  }

  now(): number {
    return (this.options.clock ?? Date.now)();
  }

  /** Answers a request of GS1 Lightweight Messaging. Throws where no verdict is given: NOT-FOUND, ACC-SCOPE, ACC-RATE, REQ-FORM, REQ-BUSY. */
  async answer(
    question: Question,
    caller: Caller,
    more: { corr?: string | undefined; context?: string | undefined } = {},
  ): Promise<LmsAnswer> {
    const { corr } = more;
    if (corr === undefined) return await this.answerNew(question, caller, randomUUID(), this.digest(question, more.context));
    const asked = this.digest(question, more.context);
    const name = `${caller.id} ${corr}`;
    const now = this.now();
    const before = this.replays.get(name);
    if (before !== undefined && before.at >= now - REPLAY_MS) return await sameQuestion(before, asked);
    const answer = this.answerOnce(question, caller, corr, asked);
    this.replays.delete(name);
    this.replays.set(name, { question: asked, at: now, answer });
    if (this.replays.size > REPLAYS_MAX) this.replays.delete(this.replays.keys().next().value as string);
    // What could not be checked may be asked again under the same corrUUID.
    answer.catch(() => this.replays.delete(name));
    return await answer;
  }

  private async answerOnce(question: Question, caller: Caller, corr: string, asked: string): Promise<LmsAnswer> {
    const stored = await this.look('verificationByCorr', { caller: caller.id, corr, since: this.now() - REPLAY_MS });
    if (stored !== null)
      return await sameQuestion({ question: stored.question, answer: JSON.parse(stored.answer as string) as LmsAnswer }, asked);
    return await this.answerNew(question, caller, corr, asked);
  }

  private async answerNew(question: Question, caller: Caller, corr: string, asked: string): Promise<LmsAnswer> {
    return await this.counted({ call: 'verify', question, caller, corr, asked }, async () => {
      const facts = await this.factsOf(question);
      await this.expectPartner(question.site, facts);
      const verdict = this.judge(question, facts);
      const product = productOf(question.key);
      const answer: LmsAnswer = {
        verificationTimestamp: new Date(this.now()).toISOString(),
        responderGLN: (await this.responderOf(product)) ?? facts.maker,
        data: hinted(verdict, facts),
        corrUUID: corr,
      };
      return { answer, verdict, facts };
    });
  }

  /**
   * The record time of the newest entry that this store had when it was put back from a backup, ISO 8601, as long as that was less than BEHIND_MS ago:
   * what was commissioned between the two may be missing (domain.md §8.5, row 24). Null otherwise.
   */
  async behindSince(): Promise<string | null> {
    this.restored ??= this.look('restored', {});
    const mark = await this.restored;
    return mark === null || this.now() - mark.at >= BEHIND_MS ? null : new Date(Math.floor(mark.newest / 1000)).toISOString();
  }

  /** The verdict about one pack of a list; counted and put down like a request of its own. Throws as `answer` does. */
  async verdict(
    question: Question,
    caller: Caller,
    more: { call?: 'scan' | 'bulk'; scan?: Scanned | Inside } = {},
  ): Promise<HintedVerdict> {
    const { call = 'bulk', scan } = more;
    return await this.counted({ call, question, caller, corr: randomUUID(), asked: this.digest(question), scan }, async () => {
      const facts = await this.factsOf(question);
      const verdict = this.judge(question, facts);
      return { answer: hinted(verdict, facts), verdict, facts };
    });
  }

  /** The verdict about what was scanned: null for what is no serialised pack or case. What could not be checked says so, and is neither yes nor no. */
  async verdictOf(request: ScanRequest): Promise<HintedVerdict | { couldNotCheck: string; message: string } | null> {
    const thing = parseKey(request.key);
    if (!('serial' in thing) || !/^01\/\d{14}$/.test(thing.class)) return null;
    const borne = (ai: string) => request.elements.find((element) => element.ai === ai)?.value ?? null;
    const question = { key: request.key, lot: borne('10'), expiry: borne('17'), site: null };
    try {
      return await this.verdict(question, request.caller, { call: 'scan', scan: request.scan });
    } catch (error) {
      if (!(error instanceof LotlineError)) throw error;
      return { couldNotCheck: error.code, message: error.message };
    }
  }

  /** One verdict for all of a sealed container's content, all of one lot; refused where it was opened or is not all of one kind. */
  async verdictInside(
    container: string,
    caller: Caller,
    site: string | null,
  ): Promise<{ of: string; packs: number; inferred: boolean; because?: string; verdict: Verdict | null }> {
    const content = await this.readers.ask('sealedContent', { of: container });
    if (content === null)
      throw new LotlineError('NOT-FOUND', `${container} is not known here`, { at: '/container', fix: 'Verify its packs one by one.' });
    if (content.because !== null || content.first === null)
      return { of: container, packs: content.packs, inferred: false, because: content.because ?? '', verdict: null };
    const verdict = await this.verdict({ key: content.first, lot: content.lot, expiry: null, site }, caller, {
      call: 'bulk',
      scan: { container },
    });
    return { of: container, packs: content.packs, inferred: true, verdict };
  }

  /** GLN of who answers for a product. */
  async responderOf(product: string): Promise<string | null> {
    if (this.options.responder !== null) return this.options.responder;
    const known = this.makers.get(product);
    if (known !== undefined) return known;
    const maker = await this.look('makerOf', { product });
    if (maker === null) return null;
    if (this.makers.size >= REPLAYS_MAX) this.makers.clear();
    this.makers.set(product, maker);
    return maker;
  }

  /** Facts of a pack whose product is served here. */
  async factsOf({ key, site, lot }: Question): Promise<PackFacts> {
    const facts = await this.look('packFacts', { key, site, lot });
    if (!facts.product)
      throw new LotlineError('NOT-FOUND', `${productOf(key).slice(3)} is not served here`, {
        at: '{gtin}',
        fix: "Ask the product's maker.",
      });
    return facts;
  }

  /** Where master data keep licences of trading partners, only they get an answer (domain.md §9). */
  async expectPartner(site: string | null, { partner }: Pick<PackFacts, 'partner'>): Promise<void> {
    const until = partner?.[LICENCE];
    if (until === undefined) {
      if (performance.now() > this.licences.until)
        this.licences = { kept: await this.look('licencesKept', {}), until: performance.now() + LICENCES_MS };
      if (!this.licences.kept) return;
      throw new LotlineError(
        'ACC-SCOPE',
        site === null ? 'the request does not say who asks' : `${site} is no authorised trading partner here`,
        {
          at: '?reqGLN',
          fix: 'Ask with the GLN of an authorised trading partner.',
        },
      );
    }
    if (isOver(typeof until === 'string' ? until : '', this.now()))
      throw new LotlineError('ACC-SCOPE', `the licence of ${site} has ended or cannot be read`, {
        at: '?reqGLN',
        fix: 'Have the licence renewed in master data.',
      });
  }

  judge({ lot, expiry }: Question, facts: PackFacts): Verdict {
    return decide(facts, { lot, expiry }, this.options.policy, { now: this.now(), zone: this.options.zone });
  }

  /** Runs one request within the limits, and puts down what became of it. */
  async counted<Answer>(
    request: { call: string; question: Question; caller: Caller; corr: string; asked: string; scan?: Scanned | Inside | undefined },
    work: () => Promise<{ answer: Answer; verdict: Verdict; facts: PackFacts }>,
  ): Promise<Answer> {
    const { call, question, caller, corr, asked, scan } = request;
    const begun = performance.now();
    const product = productOf(question.key).slice(3);
    const serial = serialOf(question.key);
    const hash = this.log.hash(product, serial);
    const attempt: Attempt = { caller: caller.id, product, source: caller.source };
    this.log.expectRoom();
    const put = (row: Pick<VerificationRow, 'thing' | 'outcome' | 'reason' | 'info' | 'answer'>) =>
      this.log.put(
        {
          at: this.now(),
          caller: caller.id,
          call,
          product,
          serial_hash: row.thing === null ? hash : null,
          site: question.site,
          corr,
          question: asked,
          scan: scan === undefined ? null : JSON.stringify(row.thing === null ? this.withoutSerial(scan) : scan),
          took: Math.round((performance.now() - begun) * 1000),
          ...row,
        },
        serial,
      );
    try {
      const expectFew = () => {
        const wait = this.attempts.wait(attempt, this.now());
        if (wait === 0) return;
        this.guessed(attempt, this.attempts.note(attempt, { failed: true, refused: true, unknown: true, serial, hash }, this.now()));
        throw new RateExceeded(wait);
      };
      expectFew();
      const { answer, verdict, facts } = await work();
      const reason = verdict.verificationFailureReason ?? null;
      const failed = reason?.startsWith('No_match') === true;
      // Of many that were asked at once, others may have failed meanwhile. What has changed a pack is told in any case.
      if (failed || !CHANGES.has(call)) expectFew();
      this.guessed(attempt, this.attempts.note(attempt, { failed, unknown: reason === 'No_match_GTIN_Serial', serial, hash }, this.now()));
      if (!failed && facts.status === 'AtLarge') this.raise('VER-ATLARGE', facts, `verified by ${caller.id}${at(question.site)}`);
      put({
        thing: failed ? null : question.key,
        outcome: verdict.verified ? 'true' : 'false',
        reason,
        info: verdict.additionalInfo ?? null,
        answer: JSON.stringify(answer),
      });
      return answer;
    } catch (error) {
      put({ thing: null, outcome: 'error', reason: error instanceof LotlineError ? error.code : 'INTERNAL', info: null, answer: null });
      throw error;
    }
  }

  /** Puts an alert on the list of exceptions, behind the answer; not again while one is open, or of what is not stored within the hour. */
  raise(code: FindingCode, facts: PackFacts, note: string): void {
    if (facts.findings.some((finding) => finding.own && finding.code === code)) return;
    this.raiseOnce(code, [facts.key], `${facts.key} ${code}`, note);
  }

  /** Waits until everything that answers have led to is stored. */
  async settled(): Promise<void> {
    await this.log.settled();
    await this.alerting;
  }

  async close(): Promise<void> {
    await this.log.close();
    await this.alerting;
  }

  /** The raw code and what a warning says of it hold the serial number; the same code has the same hash. */
  private withoutSerial(scan: Scanned | Inside): object {
    if ('container' in scan) return scan;
    const { raw, profile, warnings } = scan;
    return { rawHash: raw === null ? null : this.log.hash('scan', raw), profile, warnings: warnings.map(({ code }) => ({ code })) };
  }

  /** Of a question, under the secret too: by a plain digest its serial number could be guessed. */
  digest(...asked: unknown[]): string {
    return this.log.hash('question', JSON.stringify(asked));
  }

  private guessed({ product }: Attempt, guessing: { note: string } | null): void {
    if (guessing !== null) this.raiseOnce('VER-GUESS', [`01/${product}`], null, guessing.note);
  }

  private raiseOnce(code: FindingCode, things: readonly string[], name: string | null, note: string): void {
    if (name !== null) {
      if (this.now() - (this.alerts.get(name) ?? Number.NEGATIVE_INFINITY) < ALERT_MS) return;
      if (this.alerts.size >= ALERTS_MAX) this.alerts.clear();
      this.alerts.set(name, this.now());
    }
    this.alerting = this.alerting
      .then(() => this.capture.record({ kind: 'raise-finding', code, things, note, due: null }, 'lotline'))
      .catch((error: Error) => {
        if (name !== null) this.alerts.delete(name);
        console.error(`${code} could not be put on record: ${error.message}`);
      });
  }

  /** Looks over what was put down: numbers seen where one pack cannot have been. */
  private async lookOver(rows: readonly VerificationRow[], serials: readonly string[]): Promise<void> {
    const things = [...new Set(rows.flatMap((row) => (row.thing !== null && row.site !== null ? [row.thing] : [])))];
    if (things.length > 0) {
      const { seen, places } = await this.readers.ask('sightingsOf', { things, since: this.now() - CLONE_MS });
      for (const { thing, sightings, open } of seen) {
        const note = open ? null : cloneNote(sightings, new Map(places));
        if (note !== null) this.raiseOnce('VER-CLONE', [thing], `${thing} VER-CLONE`, note);
      }
    }
    for (const [i, row] of rows.entries()) {
      if (row.reason !== 'No_match_GTIN_Serial' || row.product === null) continue;
      const key = formatKey({ class: `01/${row.product}`, serial: serials[i] as string });
      if (await this.readers.ask('otherProduct', { key }))
        await this.capture.record({ kind: 'note-verification', id: row.id, info: 'other product' }, 'lotline');
    }
  }

  /** A store that cannot answer now is no answer: neither yes nor no (domain.md §8.1). */
  private async look<Name extends QuestionName>(
    name: Name,
    args: Parameters<Questions[Name]>[1],
  ): Promise<Awaited<ReturnType<Questions[Name]>>> {
    try {
      return await this.readers.look(name, args);
    } catch (error) {
      if (!(error instanceof LotlineError) || error.code !== 'QRY-COMPLEX') throw error;
      throw new LotlineError('REQ-BUSY', 'it could not be checked in time', {
        fix: 'Ask again in a little while; keep the pack where it is.',
        cause: error,
      });
    }
  }
}

const hinted = (verdict: Verdict, facts: PackFacts): HintedVerdict =>
  verdict.verificationFailureReason === 'No_match_GTIN_Serial' && facts.otherCase ? { ...verdict, hint: 'case' } : verdict;

const at = (site: string | null) => (site === null ? '' : ` at ${site}`);

/** `01/<gtin>` of a canonical key, and its serial number in clear. */
export function productOf(key: string): string {
  return parseKey(key).class;
}
function serialOf(key: string): string {
  const thing = parseKey(key);
  return 'serial' in thing ? thing.serial : '';
}

async function sameQuestion(before: { question: string; answer: LmsAnswer | Promise<LmsAnswer> }, asked: string): Promise<LmsAnswer> {
  if (before.question === asked) return await before.answer;
  throw new LotlineError('REQ-FORM', 'this corrUUID was given to another question', {
    at: '?corrUUID',
    fix: 'Make a new corrUUID for each question.',
  });
}

/** A licence ends with its last day, or at the moment that is told. */
function isOver(until: string, now: number): boolean {
  const end = /^\d{4}-\d\d-\d\d$/.test(until) ? Date.parse(until) + 24 * 60 * 60 * 1000 : Date.parse(until);
  return !(now < end);
}

/** Refuses a GLN that is none. */
export function expectGln(gln: string, place: string): string {
  if (!/^\d{13}$/.test(gln))
    throw new LotlineError('ID-FORM', `${gln.slice(0, 40)} is no GLN`, { at: place, fix: 'Write the 13 digits of the GLN.' });
  if (!hasValidCheckDigit(gln)) throw new LotlineError('ID-CHECK', `GLN ${gln}: wrong check digit`, { at: place, fix: 'Correct the GLN.' });
  return gln;
}
