import { setTimeout as pause } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type pg from 'pg';
import { LotlineError } from '../errors.ts';
import { noteSigner, parseSignerKey } from '../ledger/index.ts';
import { signFunctionNode } from '../ledger/node-crypto.ts';
import { PostgresJournal, WRITER_SESSION } from '../store/postgres/journal.ts';
import { tryWriterLock } from '../store/postgres/lock.ts';
import { connect, isPostgresFault } from '../store/postgres/open.ts';
import { type Alongside, Capturer, type TakenDocument } from './capturer.ts';
import { carryOut } from './commands.ts';
import { captureGroup, GROUP_BYTES, GROUP_DOCUMENTS, internal, RETRY_MS } from './group.ts';
import {
  ANSWER_CHANNEL,
  channelOf,
  INTAKE_CHANNEL,
  type IntakeAnswer,
  type PostgresThreadData,
  type PostgresThreadReply,
  type PostgresThreadRequest,
} from './postgres-messages.ts';
import type { Command } from './service.ts';

/** A process that is not the writer asks this often whether it can be. */
const TAKEOVER_MS = 500;
/** Without a word from who takes documents, the writer looks this often all the same. */
const LOOK_MS = 1_000;
/** Answers that nobody has taken away after this time belong to a process that is gone. */
const ANSWER_KEPT_MS = 600_000;
/** What was taken but takes no part in a capture transaction. */
type Taken = { id: number; kind: 'document' | 'event' | 'check' | 'command'; captureID: string; actor: string; created: number } & Pick<
  TakenDocument,
  'behaviour' | 'body'
>;

const port = parentPort!;
const data = workerData as PostgresThreadData;
const key = parseSignerKey(data.signerKey);
const say = (reply: PostgresThreadReply) => port.postMessage(reply);

let closing = false;
let healthy = true;
let wake: () => void = () => {};

/**
 * One term as the writer: from getting the lock to losing the connection, or being told to stop. Everything that is remembered between groups (ids,
 * words, the edge of the tree) belongs to the term, since before and after it somebody else may write.
 */
async function term(client: pg.Client): Promise<void> {
  const capturer = await Capturer.open(await PostgresJournal.open(client), {
    rules: data.rules,
    origin: data.origin,
    signer: noteSigner(key, signFunctionNode(key)),
    maxEvents: data.maxEvents,
  });
  client.on('notification', () => wake());
  await client.query(`LISTEN "${channelOf(INTAKE_CHANNEL, data.store)}"`);
  say({ writer: true });
  for (let tidied = 0; !closing; ) {
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const taken = await nextTaken(client);
    setHealthy(true);
    if (taken.length > 0) {
      await work(client, capturer, taken);
      continue;
    }
    if (Date.now() - tidied > ANSWER_KEPT_MS) {
      tidied = Date.now();
      await client.query('DELETE FROM intake_answer WHERE answered < $1', [tidied - ANSWER_KEPT_MS]);
    }
    await Promise.race([woken, pause(LOOK_MS)]);
  }
}

/** What waits, oldest first, as much as one group takes. */
async function nextTaken(client: pg.Client): Promise<Taken[]> {
  const { rows } = await client.query<{ id: number; bytes: number }>({
    name: 'intake-heads',
    text: `SELECT id, octet_length(body) AS bytes FROM intake ORDER BY id LIMIT ${GROUP_DOCUMENTS}`,
  });
  const ids: number[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (ids.length > 0 && bytes + row.bytes > GROUP_BYTES) break;
    ids.push(row.id);
    bytes += row.bytes;
  }
  if (ids.length === 0) return [];
  const bodies = await client.query<Taken>({
    name: 'intake-bodies',
    text: 'SELECT id, kind, capture_id AS "captureID", actor, behaviour, created, body FROM intake WHERE id = ANY($1) ORDER BY id',
    values: [ids],
  });
  return bodies.rows;
}

/** Works off what was taken, in its order: documents and single events in groups, dry runs and commands by themselves. */
async function work(client: pg.Client, capturer: Capturer, taken: readonly Taken[]): Promise<void> {
  for (let from = 0; from < taken.length; ) {
    const first = taken[from] as Taken;
    let to = from + 1;
    if (isCapture(first)) while (to < taken.length && isCapture(taken[to] as Taken)) to++;
    const run = taken.slice(from, to);
    if (isCapture(first)) await captureGroup(capturer, run as TakenDocument[], isPostgresFault, (group) => settle(client, group));
    else await answerOne(client, capturer, first);
    from = to;
  }
}

const isCapture = ({ kind }: Taken) => kind === 'document' || kind === 'event';

/** In the transaction that folds them, documents leave the intake: each is folded exactly once, whoever does it. */
const settle =
  (client: pg.Client, group: readonly TakenDocument[]): Alongside =>
  async (outcomes) => {
    const awaited = new Set(group.filter(({ kind }) => kind === 'event').map(({ captureID }) => captureID));
    const answers = outcomes.filter(({ captureID }) => awaited.has(captureID));
    await forget(
      client,
      group.map(({ captureID }) => captureID),
      answers.map((outcome) => [outcome.captureID, { outcome }]),
    );
  };

/** Takes requests out of the intake and leaves the answers for whoever waits for them. */
async function forget(
  client: pg.Client,
  captureIDs: readonly string[],
  answers: readonly (readonly [string, IntakeAnswer])[],
): Promise<void> {
  if (answers.length === 0) {
    await client.query({ name: 'intake-forget', text: 'DELETE FROM intake WHERE capture_id = ANY($1)', values: [captureIDs] });
    return;
  }
  await client.query({
    name: 'intake-answer',
    text: `WITH gone AS (DELETE FROM intake WHERE capture_id = ANY($1)), told AS (SELECT pg_notify($4, ''))
           INSERT INTO intake_answer (capture_id, answered, answer) SELECT a.id, $5, a.answer FROM unnest($2::text[], $3::text[]) AS a(id, answer), told
           ON CONFLICT DO NOTHING`,
    values: [
      captureIDs,
      answers.map(([id]) => id),
      answers.map(([, answer]) => JSON.stringify(answer)),
      channelOf(ANSWER_CHANNEL, data.store),
      Date.now(),
    ],
  });
}

async function answerOne(client: pg.Client, capturer: Capturer, { kind, captureID, actor, body }: Taken): Promise<void> {
  try {
    if (kind === 'check') await forget(client, [captureID], [[captureID, { verdicts: JSON.stringify(await capturer.check(body, actor)) }]]);
    else {
      const command = JSON.parse(Buffer.from(body).toString('utf8')) as Command;
      await carryOut(capturer, command, actor, (done) => forget(client, [captureID], [[captureID, { done }]]));
    }
  } catch (error) {
    if (isPostgresFault(error)) throw error;
    const problem = error instanceof LotlineError ? error : internal(error);
    await forget(client, [captureID], [[captureID, { problem: problem.toProblem() }]]);
  }
}

async function main(): Promise<void> {
  while (!closing) {
    let client: pg.Client | undefined;
    try {
      client = await connect(data.store, { application: 'lotline writer', statementTimeoutMs: WRITER_STATEMENT_MS, more: WRITER_SESSION });
      setHealthy(true);
      while (!closing) {
        if (await tryWriterLock(client, data.store.schema)) await term(client);
        else await pause(TAKEOVER_MS);
      }
    } catch (error) {
      if (!isPostgresFault(error) && !(error instanceof LotlineError)) console.error(error);
      setHealthy(false, (error as Error).message);
      say({ writer: false });
      await pause(RETRY_MS);
    } finally {
      await client?.end().catch(() => {});
    }
  }
  say({ closed: true });
  port.close();
}

/** Longer than any single statement of a capture takes; one that hangs would hold up everybody. */
const WRITER_STATEMENT_MS = 300_000;

function setHealthy(now: boolean, message?: string): void {
  if (healthy !== now) say({ healthy: now, ...(message !== undefined && { message }) });
  healthy = now;
}

port.on('message', (request: PostgresThreadRequest) => {
  if (request.close) closing = true;
  wake();
});
say({ ready: true });
void main();
