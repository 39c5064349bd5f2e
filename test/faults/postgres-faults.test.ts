import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LightMyRequestResponse } from 'fastify';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseVerifierKey } from '../../src/ledger/index.ts';
import { checkStoredLog } from '../../src/ledger/stored-log.ts';
import { openService, type Service } from '../../src/service.ts';
import { readSettings, type Settings } from '../../src/settings.ts';
import { connect, PostgresDb } from '../../src/store/postgres/open.ts';
import { bare, commission, documentOf, type Json, observe, packOf, packs } from '../support/events.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { rebuiltFrom } from './postgres-rebuilt.ts';
import { type Message, Wire } from './wire.ts';

const ADMIN_KEY = 'test-admin-key-0123456789abcdef';
/** The writer's own limits, short enough to be reached. */
const WRITER = { statement: 1_500, lock: 400 };

let database: TestDatabase;
let wire: Wire;
/** Past the wire. */
let direct: pg.Client;
let folder: string;
let service: Service;

beforeAll(async () => {
  database = await freshDatabase({ migrated: true });
  wire = await Wire.open(database.url);
  direct = await connect({ url: database.url }, { application: 'test', statementTimeoutMs: 0 });
  folder = mkdtempSync(join(tmpdir(), 'lotline-faults-'));
  service = await openService(settings(), { limits: { writer: WRITER } });
});
afterAll(async () => {
  await service.close();
  await direct.end();
  await wire.close();
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

const settings = (more: Partial<Settings> = {}): Settings => ({
  ...readSettings({}, {}),
  data: folder,
  databaseUrl: wire.url,
  adminKey: ADMIN_KEY,
  origin: 'lotline.example/test',
  ...more,
});

/** The clients' side. */
async function call(method: 'GET' | 'POST', url: string, body?: Json): Promise<LightMyRequestResponse> {
  const headers = { authorization: `Bearer ${ADMIN_KEY}`, ...(body !== undefined && { 'content-type': 'application/json' }) };
  return await service.app.inject({ method, url, headers, ...(body !== undefined && { payload: JSON.stringify(body) }) });
}

/** An event that is met nowhere else, and how it is known. */
function newEvent(make: (id: string) => Json = (id) => observe(1, packOf(id))): { eventID: string; event: Json } {
  const eventID = randomUUID();
  return { eventID, event: { ...make(eventID.slice(0, 8)), eventID: `urn:uuid:${eventID}` } };
}

/** Copies of an event in the store: folded, and waiting to be. */
async function copies(eventID: string): Promise<{ stored: number; waiting: number }> {
  const { rows } = await direct.query<{ stored: number; waiting: number }>(
    `SELECT (SELECT count(*) FROM event WHERE event_id = $1) AS stored,
       (SELECT count(*) FROM intake WHERE position(convert_to($2, 'UTF8') IN body) > 0) AS waiting`,
    [`urn:uuid:${eventID}`, eventID],
  );
  return rows[0] as { stored: number; waiting: number };
}

const expectBusy = (answer: LightMyRequestResponse) => {
  expect([answer.statusCode, answer.json().code]).toEqual([503, 'REQ-BUSY']);
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
};
const ready = async () => (await call('GET', '/health/ready')).statusCode === 200;

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; !(await holds()); await sleep(20)) if (Date.now() > end) throw new Error(`not ${what} in 30 s`);
}

async function captured(document: Json): Promise<void> {
  let answer = await call('POST', '/epcis/capture', document);
  for (const end = Date.now() + 30_000; answer.statusCode === 503 && Date.now() < end; await sleep(50))
    answer = await call('POST', '/epcis/capture', document);
  expect(answer.statusCode).toBe(202);
  await ended(answer);
}

async function ended(taken: LightMyRequestResponse): Promise<void> {
  const location = taken.headers.location as string;
  await until('folded', async () => {
    const job = await call('GET', location);
    return job.statusCode === 200 && job.json().running === false;
  });
  expect((await call('GET', location)).json()).toMatchObject({ success: true, errors: [] });
}

/** A fault that is about to happen once, and how it is taken away again. */
type Fault = { readonly struck: () => Promise<void>; readonly heal: () => Promise<void> };

/** Nobody gets through before it is healed, so that what it left can be looked at. */
function lost(lose: 'message' | 'reply', message: Message): () => Promise<Fault> {
  return async () => {
    const sprung = wire.lose(lose, message).then(() => wire.refuse(true));
    return { struck: async () => await sprung, heal: async () => wire.refuse(false) };
  };
}

/** What inserts into a table meets this, in the database itself. */
function trigger(table: string, body: string, when: 'BEFORE' | 'DEFERRED' = 'BEFORE'): () => Promise<Fault> {
  return async () => {
    await direct.query(`CREATE SEQUENCE struck; CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM nextval('struck'); ${body}; RETURN NEW; END $$`);
    await direct.query(
      when === 'BEFORE'
        ? `CREATE TRIGGER fault BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION fault()`
        : `CREATE CONSTRAINT TRIGGER fault AFTER INSERT ON ${table} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fault()`,
    );
    return {
      struck: async () =>
        await until(
          'struck',
          async () => (await direct.query<{ is_called: 1 | 0 }>('SELECT is_called FROM struck')).rows[0]?.is_called === 1,
        ),
      heal: async () => {
        await direct.query(`DROP TRIGGER fault ON ${table}; DROP FUNCTION fault(); DROP SEQUENCE struck`);
      },
    };
  };
}
const DISK_FULL = "RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'";

async function lockedByAnother(): Promise<Fault> {
  const other = await connect({ url: database.url }, { application: 'test', statementTimeoutMs: 0 });
  await other.query('BEGIN; LOCK TABLE entry');
  return {
    struck: async () => await until('struck', async () => !(await ready())),
    heal: async () => {
      await other.query('ROLLBACK');
      await other.end();
    },
  };
}

const WRITING = 'lotline writer';
async function terminated(): Promise<Fault> {
  const fault = await trigger('entry', 'PERFORM pg_sleep(1)')();
  return {
    struck: async () => {
      const sleeping = `application_name LIKE '${WRITING}%' AND wait_event = 'PgSleep' AND datname = current_database()`;
      const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${sleeping}`;
      await until('struck', async () => (await direct.query(end)).rowCount === 1);
    },
    heal: fault.heal,
  };
}

let healing: (() => Promise<void>) | null = null;
async function strike(arm: () => Promise<Fault>): Promise<Fault> {
  const fault = await arm();
  healing = fault.heal;
  return fault;
}
async function heal(): Promise<void> {
  await healing?.();
  healing = null;
}
afterEach(heal);

describe.each<{ fault: string; arm: () => Promise<Fault>; kept: 0 | 1 }>([
  {
    fault: 'the connection breaks before a document has reached the database',
    arm: lost('message', { session: 'lotline intake', text: 'keep-1\0' }),
    kept: 0,
  },
  {
    fault: 'the reply is lost after a document was put down',
    arm: lost('reply', { session: 'lotline intake', text: 'keep-1\0' }),
    kept: 1,
  },
  { fault: 'the disk is full when a document is put down', arm: trigger('intake', DISK_FULL), kept: 0 },
])('when $fault', ({ arm, kept }) => {
  it(`answers 503, keeps ${kept} copies, and exactly one after the client has tried again`, async () => {
    await until('ready', ready);
    const { eventID, event } = newEvent();
    await strike(arm);
    expectBusy(await call('POST', '/epcis/capture', documentOf([event])));
    const { stored, waiting } = await copies(eventID);
    expect(stored + waiting).toBe(kept);
    await heal();
    await captured(documentOf([event]));
    expect(await copies(eventID)).toEqual({ stored: 1, waiting: 0 });
  });
});

describe.each<{ fault: string; arm: () => Promise<Fault>; kept: 0 | 1 }>([
  {
    fault: 'the connection breaks before COMMIT has reached the database',
    arm: lost('message', { session: WRITING, text: 'COMMIT\0' }),
    kept: 0,
  },
  { fault: 'the reply to COMMIT is lost', arm: lost('reply', { session: WRITING, text: 'COMMIT\0' }), kept: 1 },
  { fault: 'the connection breaks before a COPY', arm: lost('message', { session: WRITING, text: 'COPY ' }), kept: 0 },
  { fault: 'the server no longer answers a COPY', arm: lost('reply', { session: WRITING, text: 'COPY ' }), kept: 0 },
  { fault: 'the connection breaks amid the rows of a COPY', arm: lost('message', { session: WRITING, text: 'PGCOPY' }), kept: 0 },
  { fault: 'the disk is full amid a group', arm: trigger('entry', DISK_FULL), kept: 0 },
  { fault: 'the disk is full amid the rows of a COPY', arm: trigger('event_item', DISK_FULL), kept: 0 },
  { fault: 'the disk is full at COMMIT', arm: trigger('entry', DISK_FULL, 'DEFERRED'), kept: 0 },
  { fault: 'a statement takes too long', arm: trigger('entry', 'PERFORM pg_sleep(5)'), kept: 0 },
  { fault: 'somebody has locked a table', arm: lockedByAnother, kept: 0 },
  { fault: "an operator ends the writer's session amid a statement", arm: terminated, kept: 0 },
])('when $fault', ({ arm, kept }) => {
  it(`has folded ${kept === 0 ? 'nothing' : 'everything'} of what was taken, and goes on by itself to exactly one copy`, async () => {
    await until('ready', ready);
    const [document, single] = [
      newEvent((id) =>
        commission(
          0,
          packs(1, 600).map((pack) => `${pack}-${id}`),
        ),
      ),
      newEvent(),
    ];
    const { struck } = await strike(arm);
    const taken = await call('POST', '/epcis/capture', documentOf([document.event]));
    expect(taken.statusCode).toBe(202);
    await struck();
    const { stored, waiting } = await copies(document.eventID);
    expect({ stored, waiting }).toEqual({ stored: kept, waiting: 1 - kept });
    await heal();
    await ended(taken);
    expect(await copies(document.eventID)).toEqual({ stored: 1, waiting: 0 });
    await until('ready', ready);
    expect((await call('POST', '/epcis/events', bare(single.event))).statusCode).toBe(201);
  });
});

it('gives a document more time that never gets through in the usual: it does not wait for ever', async () => {
  await until('ready', ready);
  const { eventID, event } = newEvent();
  await strike(trigger('entry', `PERFORM pg_sleep(${(WRITER.statement / 1_000) * 2.5})`));
  const taken = await call('POST', '/epcis/capture', documentOf([event]));
  expect(taken.statusCode).toBe(202);
  await ended(taken);
  expect(await copies(eventID)).toEqual({ stored: 1, waiting: 0 });
  await heal();
});

it('answers a single event as stored when the reply to COMMIT is lost, and when its answer is', async () => {
  for (const message of [
    { session: WRITING, text: 'COMMIT\0' },
    { session: 'lotline answers', text: 'answers\0' },
  ]) {
    await until('ready', ready);
    const { eventID, event } = newEvent();
    const struck = wire.lose('reply', message);
    const answer = call('POST', '/epcis/events', bare(event));
    await struck;
    expect((await answer).statusCode).toBe(201);
    expect(await copies(eventID)).toEqual({ stored: 1, waiting: 0 });
  }
});

it('refuses captures while the disk is full, goes on answering questions, and takes captures again as soon as there is room', async () => {
  await until('ready', ready);
  const first = newEvent();
  await strike(trigger('entry', DISK_FULL));
  const taken = await call('POST', '/epcis/capture', documentOf([first.event]));
  expect(taken.statusCode).toBe(202);
  await until('refusing', async () => (await call('POST', '/epcis/capture', documentOf([newEvent().event]))).statusCode === 503);
  expectBusy(await call('POST', '/epcis/capture', documentOf([newEvent().event])));
  expectBusy(await call('POST', '/epcis/events', bare(newEvent().event)));
  expectBusy(await call('GET', '/health/ready'));
  expect((await call('GET', taken.headers.location as string)).json()).toMatchObject({ running: true });
  expect((await call('GET', '/epcis/events?perPage=1')).statusCode).toBe(200);
  expect((await call('GET', '/ledger/checkpoint')).statusCode).toBe(200);
  await heal();
  await ended(taken);
  await captured(documentOf([newEvent().event]));
});

it('answers questions and captures 503 while the database is gone, and comes back with it', async () => {
  await until('ready', ready);
  const { eventID, event } = newEvent();
  healing = async () => wire.refuse(false);
  wire.refuse(true);
  wire.cut();
  for (const url of ['/epcis/events?perPage=1', `/api/v1/things/${encodeURIComponent(packOf(1))}`, '/ledger/checkpoint', '/health/ready'])
    expectBusy(await call('GET', url));
  expectBusy(await call('GET', '/epcis/capture'));
  expectBusy(await call('POST', '/epcis/capture', documentOf([event])));
  expectBusy(await call('POST', '/epcis/events', bare(event)));
  expect((await call('GET', '/health/live')).statusCode).toBe(200);
  await heal();
  await until('ready', ready);
  await captured(documentOf([event]));
  expect(await copies(eventID)).toEqual({ stored: 1, waiting: 0 });
});

it('drops what nobody waits for any more: a single event that was not begun in time', async () => {
  await until('ready', ready);
  const { eventID, event } = newEvent();
  await direct.query(
    `INSERT INTO intake (created, kind, capture_id, actor, behaviour, body) VALUES (0, 'event', 'left', 'k_gone', 'rollback', convert_to($1, 'UTF8'))`,
    [JSON.stringify(bare(event))],
  );
  await captured(documentOf([newEvent().event]));
  expect(await copies(eventID)).toEqual({ stored: 0, waiting: 0 });
});

it('does not start without its database, says which, and keeps the password to itself', async () => {
  const start = async (databaseUrl: string) => await (await openService(settings({ databaseUrl }))).close();
  await expect(start('postgres://lotline:secret@127.0.0.1:1/there')).rejects.toMatchObject({
    code: 'CFG-VALUE',
    at: 'LOTLINE_DATABASE_URL',
    message: expect.stringMatching(/^The database 127\.0\.0\.1:1\/there, schema lotline cannot be reached \(.*ECONNREFUSED.*\)$/),
  });
  await expect(start('postgres://lotline:secret@127.0.0.1:port/there')).rejects.toMatchObject({
    code: 'CFG-VALUE',
    message: expect.not.stringContaining('secret'),
  });
});

it('has a sound log after all that, and everything derived is as it comes out of the entries', async () => {
  await until('ready', ready);
  const db = new PostgresDb(direct);
  const report = await db.snapshot(() => checkStoredLog(db, { verifiers: [parseVerifierKey(service.deps.vkey)] }));
  expect(report.problems).toEqual([]);
  expect(report.documents).toBeGreaterThan(15);
  const { equal, tables } = await rebuiltFrom({ url: database.url });
  expect(tables.flatMap(({ differences }) => differences)).toEqual([]);
  expect(equal).toBe(true);
});
