import { setTimeout as pause } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type pg from 'pg';
import { LotlineError } from '../errors.ts';
import { noteSigner, parseSignerKey } from '../ledger/index.ts';
import { signFunctionNode } from '../ledger/node-crypto.ts';
import { PostgresJournal, WRITER_SESSION } from '../store/postgres/journal.ts';
import { endStoppedWriter, tryWriterLock, writerName } from '../store/postgres/lock.ts';
import { connect, hangUp, isCanceled, isLost, isPostgresFault, isSchemaFault } from '../store/postgres/open.ts';
import { type Alongside, Capturer, type TakenDocument } from './capturer.ts';
import { carryOut } from './commands.ts';
import { captureGroup, GROUP_BYTES, GROUP_DOCUMENTS, GROUP_FIRST, internal, RETRY_MS } from './group.ts';
import {
  ANSWER_CHANNEL,
  CHANGE_CHANNEL,
  channelOf,
  INTAKE_CHANNEL,
  type IntakeAnswer,
  type PostgresThreadData,
  type PostgresThreadReply,
  type PostgresThreadRequest,
  REQUEST_KEPT_MS,
  readGuarded,
  readShipment,
  WRITER_IDLE,
} from './postgres-messages.ts';
import { type Asked, type Change, changesWhatIsKept, type KeptChange } from './service.ts';

/** A process that is not the writer asks this often whether it can be. */
const TAKEOVER_MS = 500;
/** Without a word from who takes documents, the writer looks this often all the same. */
const LOOK_MS = 1_000;
/** Answers that nobody has taken away after this time belong to a process that is gone. */
const ANSWER_KEPT_MS = 600_000;
/**
 * What was deleted stays in the way of who looks for the oldest as long as anybody reads an old state of the database, a dump for hours. So the writer
 * looks from a little below what it took last, and from the beginning only so often: numbers are given out before they are committed, and one may come
 * late.
 */
const BELOW_LAST = 5_000;
const LOOK_THROUGH_MS = 10_000;
const PATIENCE_MAX = 64;
/** What is read of a body at a time: it comes as a text, and a text has its limits. */
const SLICE_BYTES = 64 * 1024 * 1024;
/** The server's clock, ms since 1970: the one that all processes share. */
const NOW = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint';

/** What somebody has put into the intake. */
type Taken = Omit<TakenDocument, 'kind'> & { readonly kind: TakenDocument['kind'] | 'guarded' | 'check' | 'shipment' | 'command' };
/** From where on the writer looks, and when it last looked at all there is. */
type Place = { from: number; lookedThrough: number };
type Head = { readonly id: number; readonly bytes: number; readonly late: number };

const port = parentPort!;
const data = workerData as PostgresThreadData;
const key = parseSignerKey(data.signerKey);
const say = (reply: PostgresThreadReply) => port.postMessage(reply);
const isStoreFault = (error: unknown) => isPostgresFault(error) || isSchemaFault(error);

let closing = false;
let healthy = true;
/** The database has refused to write, and has not written for us since: only that it does so again shows that it can. */
let refused = false;
let wake: () => void = () => {};
/** Documents in the next group: fewer after one that the database did not bear, in case it was its size. */
let most = GROUP_FIRST;
/** How many times the usual a statement may take: more after one that took too long although there was but one document, so that none waits for ever. */
let patience = 1;

async function main(): Promise<void> {
  while (!closing) {
    let client: pg.Client | undefined;
    try {
      client = await connect(data.store, {
        application: writerName(data.member),
        statementTimeoutMs: data.times.statement * patience,
        more: { ...WRITER_SESSION, ...WRITER_IDLE, lock_timeout: data.times.lock },
      });
      if (!refused) setHealthy(true);
      if (await becomeWriter(client)) await term(client);
    } catch (error) {
      if (!isPostgresFault(error) && !(error instanceof LotlineError)) console.error(error);
      refused ||= !isLost(error) && !(error instanceof LotlineError);
      setHealthy(false, (error as Error).message);
      await rest(RETRY_MS);
    } finally {
      if (client !== undefined) await hangUp(client);
    }
  }
  port.close();
}

/** Waits for the lock. False when this process stops first. */
async function becomeWriter(client: pg.Client): Promise<boolean> {
  for (let oldest: number | null | undefined; !closing; await rest(TAKEOVER_MS)) {
    if (await tryWriterLock(client, data.store.schema)) return true;
    await endStoppedWriter(client, data.times.silent, data.store.schema);
    if (healthy) continue;
    // Another writes now. That it can is seen by what waits: it moves, or there is nothing.
    const before = oldest;
    oldest = (await client.query<{ id: number | null }>('SELECT min(id) AS id FROM intake')).rows[0]?.id ?? null;
    if (oldest === null || (before !== undefined && oldest !== before)) wrote();
  }
  return false;
}

/**
 * One term as the writer: from getting the lock to losing the connection, or being told to stop. Everything that is remembered between groups (ids,
 * words, the edge of the tree) belongs to the term, since before and after it somebody else may write. Whatever the database has against it ends the
 * term: what it left undone is found in the intake by the next, here or elsewhere, and of what it has done nothing is found there.
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
  const place: Place = { from: 0, lookedThrough: 0 };
  for (let tidied = 0; !closing; ) {
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const taken = await nextTaken(client, place);
    if (taken.length > 0) {
      await workOff(client, capturer, taken);
      continue;
    }
    wrote();
    if (Date.now() - tidied > ANSWER_KEPT_MS) {
      tidied = Date.now();
      await client.query(`DELETE FROM intake_answer WHERE answered < ${NOW} - $1`, [ANSWER_KEPT_MS]);
    }
    await Promise.race([woken, pause(LOOK_MS, undefined, { ref: false })]);
  }
}

/** What waits, oldest first, as much as one group takes. */
async function nextTaken(client: pg.Client, place: Place): Promise<Taken[]> {
  const lookThrough = Date.now() - place.lookedThrough > LOOK_THROUGH_MS;
  if (lookThrough) place.lookedThrough = Date.now();
  const { rows } = await client.query<Head>({
    name: 'intake-heads',
    text: `SELECT id, octet_length(body) AS bytes, kind <> 'document' AND created < ${NOW} - $2 AS late FROM intake
           WHERE id > $3 ORDER BY id LIMIT $1`,
    values: [most, REQUEST_KEPT_MS, lookThrough ? 0 : place.from],
  });
  const late = rows.filter((row) => row.late === 1);
  if (late.length > 0) await client.query('DELETE FROM intake WHERE id = ANY($1)', [late.map(({ id }) => id)]);
  const group: Head[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (row.late === 1) continue;
    if (group.length > 0 && bytes + row.bytes > GROUP_BYTES) break;
    group.push(row);
    bytes += row.bytes;
  }
  place.from = Math.max(place.from, (rows.at(-1)?.id ?? 0) - BELOW_LAST);
  const [first] = group;
  if (first === undefined) return late.length > 0 ? await nextTaken(client, place) : [];
  const bodies = await client.query<Taken>({
    name: 'intake-bodies',
    text: `SELECT id, kind, capture_id AS "captureID", actor, behaviour, created,
             CASE WHEN octet_length(body) <= ${SLICE_BYTES} THEN body ELSE '' END AS body
           FROM intake WHERE id = ANY($1) ORDER BY id`,
    values: [group.map(({ id }) => id)],
  });
  if (first.bytes <= SLICE_BYTES) return bodies.rows.map(unguarded);
  const body = await largeBody(client, first);
  return bodies.rows.map((row) => unguarded({ ...row, body })); // so large a one is a group of its own
}

/** What rests on a state is an event like others, with what it expects beside it. */
function unguarded(row: Taken): Taken {
  return row.kind === 'guarded' ? { ...row, kind: 'event', ...readGuarded(row.body) } : row;
}

async function largeBody(client: pg.Client, { id, bytes }: Head): Promise<Uint8Array> {
  const body = Buffer.allocUnsafe(bytes);
  for (let from = 0; from < bytes; from += SLICE_BYTES) {
    const { rows } = await client.query<{ slice: Buffer }>('SELECT substr(body, $2, $3) AS slice FROM intake WHERE id = $1', [
      id,
      from + 1,
      SLICE_BYTES,
    ]);
    body.set((rows[0] as { slice: Buffer }).slice, from);
  }
  return body;
}

async function workOff(client: pg.Client, capturer: Capturer, taken: readonly Taken[]): Promise<void> {
  try {
    await work(client, capturer, taken);
  } catch (error) {
    most = Math.max(1, Math.floor(taken.length / 2));
    if (taken.length === 1 && isCanceled(error)) patience = Math.min(PATIENCE_MAX, patience * 2);
    throw error;
  }
  most = Math.min(GROUP_DOCUMENTS, most * 2);
  patience = 1;
  wrote();
}

/** Works off what was taken, in its order: documents and single events in groups, dry runs and commands by themselves. */
async function work(client: pg.Client, capturer: Capturer, taken: readonly Taken[]): Promise<void> {
  for (let from = 0; from < taken.length; ) {
    const first = taken[from] as Taken;
    let to = from + 1;
    if (isCapture(first)) while (to < taken.length && isCapture(taken[to] as Taken)) to++;
    const run = taken.slice(from, to);
    if (isCapture(first)) await captureGroup(capturer, run as TakenDocument[], isStoreFault, (group) => settle(client, group));
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
    await sayChanged(client, 'captured');
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
           INSERT INTO intake_answer (capture_id, answered, answer)
           SELECT a.id, ${NOW}, a.answer FROM unnest($2::text[], $3::text[]) AS a(id, answer), told
           ON CONFLICT DO NOTHING`,
    values: [
      captureIDs,
      answers.map(([id]) => id),
      answers.map(([, answer]) => JSON.stringify(answer)),
      channelOf(ANSWER_CHANNEL, data.store),
    ],
  });
}

/** Heard when the transaction is committed, and not before. */
async function sayChanged(client: pg.Client, what: Change): Promise<void> {
  await client.query({ name: 'say-changed', text: 'SELECT pg_notify($1, $2)', values: [channelOf(CHANGE_CHANNEL, data.store), what] });
}

async function answerOne(client: pg.Client, capturer: Capturer, { kind, captureID, actor, body }: Taken): Promise<void> {
  try {
    if (kind === 'check') await forget(client, [captureID], [[captureID, { verdicts: JSON.stringify(await capturer.check(body, actor)) }]]);
    else if (kind === 'shipment') {
      const { body: document, terms } = readShipment(body);
      await forget(client, [captureID], [[captureID, { verdicts: JSON.stringify(await capturer.check(document, actor, terms)) }]]);
    } else {
      const command = JSON.parse(Buffer.from(body).toString('utf8')) as Asked | KeptChange;
      await carryOut(capturer, command, actor, async (done) => {
        await forget(client, [captureID], [[captureID, { done }]]);
        if (changesWhatIsKept(command)) await sayChanged(client, 'kept');
      });
    }
  } catch (error) {
    if (isStoreFault(error)) throw error;
    const problem = error instanceof LotlineError ? error : internal(error);
    await forget(client, [captureID], [[captureID, { problem: problem.toProblem() }]]);
  }
}

/** Waits, but not for longer than until this process is told to stop. */
async function rest(ms: number): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    wake = resolve;
  });
  if (!closing) await Promise.race([stopped, pause(ms, undefined, { ref: false })]);
}

/** Nothing is refused any more. */
function wrote(): void {
  refused = false;
  setHealthy(true);
}

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
