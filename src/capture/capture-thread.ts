import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { LotlineError, type Problem } from '../errors.ts';
import { noteSigner, parseSignerKey } from '../ledger/index.ts';
import { signFunctionNode } from '../ledger/node-crypto.ts';
import { SqliteJournal } from '../store/sqlite/journal.ts';
import { INTAKE_FILE, JOURNAL_FILE, openForReading, openForWriting } from '../store/sqlite/open.ts';
import { Capturer, type EventVerdict, type Outcome, type TakenDocument } from './capturer.ts';
import { carryOut } from './commands.ts';
import type { Command } from './service.ts';

export type CaptureThreadData = { folder: string; rules: 'flag' | 'enforce'; origin: string; signerKey: string; maxEvents: number };
export type CaptureRequest =
  | { wake: true }
  | { event: number; captureID: string; body: Uint8Array; actor: string }
  | { check: number; body: Uint8Array; actor: string }
  | { record: number; command: Command; actor: string }
  | { close: true };
export type CaptureReply =
  | { ready: true }
  | { ended: Outcome[]; forget: string[] }
  | { answer: number; outcome: Outcome }
  | { answer: number; verdicts: EventVerdict[] }
  | { answer: number; done: boolean }
  | { answer: number; problem: Problem }
  | { idle: true }
  | { healthy: boolean; message?: string }
  | { closed: true };

/** Documents folded in one transaction: by number, and by bytes so that one group stays small enough to hold in memory. */
const GROUP_DOCUMENTS = 512;
const GROUP_BYTES = 16 * 1024 * 1024;
/** After the store has refused to write: how long until the next try. */
const RETRY_MS = 1_000;

const port = parentPort!;
const data = workerData as CaptureThreadData;
const journal = new SqliteJournal(openForWriting(join(data.folder, JOURNAL_FILE)));
const key = parseSignerKey(data.signerKey);
const capturer = await Capturer.open(journal, {
  rules: data.rules,
  origin: data.origin,
  signer: noteSigner(key, signFunctionNode(key)),
  maxEvents: data.maxEvents,
});
const intake = openForReading(join(data.folder, INTAKE_FILE), { cacheMegabytes: 8 });
const pending = intake.prepare(
  `SELECT id, capture_id AS captureID, actor, behaviour, kind, created, body FROM document WHERE id > ? ORDER BY id LIMIT ${GROUP_DOCUMENTS}`,
);

const requests: CaptureRequest[] = [];
let lastTaken = 0;
let woken = true;
let working = false;
let closing = false;
let healthy = true;

const say = (reply: CaptureReply) => port.postMessage(reply);

function nextGroup(): TakenDocument[] {
  const group: TakenDocument[] = [];
  let bytes = 0;
  for (const document of pending.iterate(lastTaken) as IterableIterator<TakenDocument>) {
    if (group.length > 0 && bytes + document.body.length > GROUP_BYTES) break;
    group.push(document);
    bytes += document.body.length;
  }
  return group;
}

async function work(): Promise<void> {
  if (working) return;
  working = true;
  while (requests.length > 0 || woken) {
    const direct = requests.splice(0);
    const events = direct.filter((request) => 'event' in request);
    if (events.length > 0) await captureEvents(events);
    for (const request of direct) await answer(request);
    if (closing) break;
    if (woken && !(await captureQueued())) {
      setTimeout(() => void work(), RETRY_MS);
      break;
    }
  }
  working = false;
  if (closing) await finish();
}

/** Folds the next group of the intake. False when the store refuses to write. */
async function captureQueued(): Promise<boolean> {
  const group = nextGroup();
  if (group.length === 0) {
    woken = false;
    say({ idle: true });
    return true;
  }
  const outcomes = await captureGroup(group);
  if (outcomes === null) return false;
  lastTaken = (group.at(-1) as TakenDocument).id;
  say({ ended: outcomes, forget: group.map((document) => document.captureID) });
  return true;
}

/** A group that fails is tried document by document: one that this program cannot digest ends with an error of its own and holds up nobody else. */
async function captureGroup(group: readonly TakenDocument[]): Promise<Outcome[] | null> {
  try {
    const outcomes = await capturer.capture(group);
    setHealthy(true);
    return outcomes;
  } catch (error) {
    if (isStoreFault(error)) {
      setHealthy(false, (error as Error).message);
      return null;
    }
    if (group.length === 1) return [await capturer.captureFailure(group[0] as TakenDocument, internal(error))];
    const outcomes: Outcome[] = [];
    for (const document of group) {
      const one = await captureGroup([document]);
      if (one === null) return null;
      outcomes.push(...one);
    }
    return outcomes;
  }
}

async function captureEvents(list: readonly Extract<CaptureRequest, { event: number }>[]): Promise<void> {
  const group = list.map(
    (request): TakenDocument => ({
      id: 0,
      captureID: request.captureID,
      actor: request.actor,
      behaviour: 'rollback',
      kind: 'event',
      created: Date.now(),
      body: request.body,
    }),
  );
  const outcomes = await captureGroup(group);
  list.forEach((request, i) => {
    const outcome = outcomes?.[i];
    say(outcome ? { answer: request.event, outcome } : { answer: request.event, problem: busy().toProblem() });
  });
}

async function answer(request: CaptureRequest): Promise<void> {
  try {
    if ('check' in request) say({ answer: request.check, verdicts: await capturer.check(request.body, request.actor) });
    else if ('record' in request) say({ answer: request.record, done: await carryOut(capturer, request.command, request.actor) });
    else if ('wake' in request) woken = true;
    else if ('close' in request) closing = true;
  } catch (error) {
    const problem = error instanceof LotlineError ? error : isStoreFault(error) ? busy() : internal(error);
    if ('check' in request) say({ answer: request.check, problem: problem.toProblem() });
    else if ('record' in request) say({ answer: request.record, problem: problem.toProblem() });
  }
}

async function finish(): Promise<void> {
  intake.close();
  await capturer.close();
  say({ closed: true });
  port.close();
}

function setHealthy(now: boolean, message?: string): void {
  if (healthy !== now) say({ healthy: now, ...(message !== undefined && { message }) });
  healthy = now;
}

/** Disk full, read-only, input/output: the world's fault, and it may pass. */
function isStoreFault(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^SQLITE_(FULL|IOERR|READONLY|CANTOPEN|BUSY|NOMEM|PROTOCOL)/.test(code);
}

function busy(): LotlineError {
  return new LotlineError('REQ-BUSY', 'the store cannot write now', { fix: 'Try again in a little while; reading goes on.' });
}

/** What went wrong stays in the operator's log under a short id; the caller gets the id (E-1). */
function internal(error: unknown): LotlineError {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const id = createHash('sha256').update(text).digest('hex').slice(0, 8);
  console.error(`fault ${id}: ${text}`);
  return new LotlineError('INTERNAL', `this program failed on it (fault ${id})`, {
    fix: 'Report the fault with its id; the document was not stored.',
  });
}

port.on('message', (request: CaptureRequest) => {
  requests.push(request);
  void work();
});
say({ ready: true });
void work();
