import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { LotlineError, type Problem } from '../errors.ts';
import { noteSigner, parseSignerKey } from '../ledger/index.ts';
import { LogHead } from '../ledger/log-head.ts';
import { signFunctionNode } from '../ledger/node-crypto.ts';
import { SqliteJournal } from '../store/sqlite/journal.ts';
import { INTAKE_FILE, JOURNAL_FILE, openForReading, openForWriting } from '../store/sqlite/open.ts';
import { Capturer, type Outcome, type TakenDocument } from './capturer.ts';
import { carryOut } from './commands.ts';
import { captureGroup, GROUP_BYTES, GROUP_DOCUMENTS, GROUP_FIRST, internal, RETRY_MS, storeBusy } from './group.ts';
import type { Expectation, ShipmentTerms } from './outcome.ts';
import { type Asked, changesWhatIsKept, type KeptChange } from './service.ts';
import { prepare, standBack } from './threads.ts';

export type CaptureThreadData = { folder: string; rules: 'flag' | 'enforce'; origin: string; signerKey: string; maxEvents: number };
export type CaptureRequest =
  | { wake: true }
  | { event: number; until: number; captureID: string; body: Uint8Array; actor: string; expect?: Expectation }
  | { check: number; until: number; body: Uint8Array; actor: string; terms: ShipmentTerms | null }
  | { record: number; until: number; command: Asked | KeptChange; actor: string }
  | { close: true };
export type CaptureReply =
  | { ready: true }
  | { ended: string[] }
  | { answer: number; outcome: Outcome }
  | { answer: number; verdicts: string }
  | { answer: number; done: boolean; kept: boolean }
  | { answer: number; problem: Problem }
  | { idle: true }
  | { healthy: boolean; message?: string }
  | { closed: true };

standBack('folding');
const port = parentPort!;
const data = workerData as CaptureThreadData;
const head = new LogHead(data.folder);
const { capturer, newestCheckpoint } = await prepare(port, join(data.folder, JOURNAL_FILE), openJournal);
const { intake, pending } = await prepare(port, join(data.folder, INTAKE_FILE), openIntake);

async function openJournal() {
  const connection = openForWriting(join(data.folder, JOURNAL_FILE));
  const key = parseSignerKey(data.signerKey);
  return {
    capturer: await Capturer.open(new SqliteJournal(connection), {
      rules: data.rules,
      origin: data.origin,
      signer: noteSigner(key, signFunctionNode(key)),
      maxEvents: data.maxEvents,
    }),
    newestCheckpoint: connection.prepare('SELECT text FROM checkpoint ORDER BY size DESC LIMIT 1').pluck(),
  };
}

function openIntake() {
  const db = openForReading(join(data.folder, INTAKE_FILE), { cacheMegabytes: 8 });
  const next = `SELECT id, capture_id AS captureID, actor, behaviour, kind, created, body FROM document WHERE id > ? ORDER BY id LIMIT ${GROUP_DOCUMENTS}`;
  return { intake: db, pending: db.prepare(next) };
}

const requests: CaptureRequest[] = [];
let lastTaken = 0;
/** Documents in the next group. */
let most = GROUP_FIRST;
let woken = true;
let working = false;
let closing = false;
let healthy = true;
let retry: NodeJS.Timeout | undefined;

const say = (reply: CaptureReply) => port.postMessage(reply);

function nextGroup(): TakenDocument[] {
  const group: TakenDocument[] = [];
  let bytes = 0;
  for (const document of pending.iterate(lastTaken) as IterableIterator<TakenDocument>) {
    if (group.length === most || (group.length > 0 && bytes + document.body.length > GROUP_BYTES)) break;
    group.push(document);
    bytes += document.body.length;
  }
  return group;
}

async function work(): Promise<void> {
  if (working) return;
  working = true;
  while (requests.length > 0 || woken) {
    // The folding never waits, so nothing that was sent meanwhile would be heard: neither single events nor the call to stop.
    await new Promise((resolve) => setImmediate(resolve));
    const direct = requests.splice(0).filter((request) => !('until' in request) || request.until > Date.now());
    const events = direct.filter((request) => 'event' in request);
    if (events.length > 0) await captureEvents(events);
    for (const request of direct) await answer(request);
    if (closing) break;
    if (woken && !(await captureQueued())) break;
  }
  working = false;
  if (closing) await finish();
  else if (!healthy) retry ??= setTimeout(tryAgain, RETRY_MS);
}

function tryAgain(): void {
  retry = undefined;
  woken = true;
  void work();
}

/** Folds the next group of the intake. False when the store refuses to write, or the intake to be read. */
async function captureQueued(): Promise<boolean> {
  let group: TakenDocument[];
  try {
    group = nextGroup();
  } catch (error) {
    setHealthy(false, (error as Error).message);
    return false;
  }
  if (group.length === 0) {
    woken = false;
    setHealthy(true); // where nothing waits, the next that comes finds out whether it holds
    say({ idle: true });
    return true;
  }
  const outcomes = await captureDocuments(group);
  if (outcomes === null) return false;
  lastTaken = (group.at(-1) as TakenDocument).id;
  most = Math.min(GROUP_DOCUMENTS, most * 2);
  say({ ended: group.map((document) => document.captureID) });
  return true;
}

/** Null when the store refuses to write: the documents wait. */
async function captureDocuments(group: readonly TakenDocument[]): Promise<Outcome[] | null> {
  try {
    const outcomes = await captureGroup(capturer, group, isStoreFault);
    keepHead();
    setHealthy(true);
    return outcomes;
  } catch (error) {
    setHealthy(false, (error as Error).message);
    return null;
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
      ...(request.expect && { expect: request.expect }),
    }),
  );
  const outcomes = await captureDocuments(group);
  list.forEach((request, i) => {
    const outcome = outcomes?.[i];
    say(outcome ? { answer: request.event, outcome } : { answer: request.event, problem: storeBusy().toProblem() });
  });
}

async function answer(request: CaptureRequest): Promise<void> {
  try {
    if ('check' in request)
      say({ answer: request.check, verdicts: JSON.stringify(await capturer.check(request.body, request.actor, request.terms)) });
    else if ('record' in request) {
      const done = await carryOut(capturer, request.command, request.actor);
      keepHead();
      say({ answer: request.record, done, kept: changesWhatIsKept(request.command) });
    } else if ('wake' in request) woken = true;
    else if ('close' in request) closing = true;
  } catch (error) {
    const problem = error instanceof LotlineError ? error : isStoreFault(error) ? storeBusy() : internal(error);
    if ('check' in request) say({ answer: request.check, problem: problem.toProblem() });
    else if ('record' in request) say({ answer: request.record, problem: problem.toProblem() });
  }
}

async function finish(): Promise<void> {
  clearTimeout(retry);
  intake.close();
  head.close();
  await capturer.close();
  say({ closed: true });
  port.close();
}

function setHealthy(now: boolean, message?: string): void {
  if (healthy !== now) say({ healthy: now, ...(message !== undefined && { message }) });
  healthy = now;
}

const keepHead = () => head.keep(() => newestCheckpoint.get() as string | undefined);

/** Disk full, read-only, input/output, a damaged file: the world's fault and no document's. It may pass; until then documents wait. */
function isStoreFault(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^SQLITE_(FULL|IOERR|READONLY|CANTOPEN|BUSY|NOMEM|PROTOCOL|CORRUPT|NOTADB)/.test(code);
}

port.on('message', (request: CaptureRequest) => {
  requests.push(request);
  void work();
});
say({ ready: true });
void work();
