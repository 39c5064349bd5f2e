import { afterAll, describe, expect, it } from 'vitest';
import { Capturer } from '../../src/capture/capturer.ts';
import { captureGroup } from '../../src/capture/group.ts';
import type { TakenDocument } from '../../src/capture/outcome.ts';
import { noteSigner, signerKeyFromSeed, verifierKeyOf } from '../../src/ledger/index.ts';
import { signFunctionNode } from '../../src/ledger/node-crypto.ts';
import { checkStoredLog } from '../../src/ledger/stored-log.ts';
import { compareStores } from '../../src/moving/rebuild.ts';
import type { Journal } from '../../src/store/journal.ts';
import { SqliteJournal } from '../../src/store/sqlite/journal.ts';
import { openForWriting, type SqliteConnection, SqliteDb } from '../../src/store/sqlite/open.ts';
import {
  caseOf,
  commission,
  declareError,
  documentOf,
  type Json,
  MAKER,
  observe,
  pack,
  packOf,
  packs,
  receive,
  SHOP,
  START,
  unpackAll,
  withID,
} from '../support/events.ts';
import { LONG, SEED } from './form.ts';

const key = signerKeyFromSeed('lotline.example/test', new Uint8Array(32).fill(7));
const wrong = withID(pack(30, caseOf(2), packOf(3)), 7);

/** A group that takes every road there is: new things, a late event, a declaration, a rollback in the middle, master data, the same again. */
const GROUP: readonly { events: Json[]; more?: Json; behaviour?: 'proceed' }[] = [
  { events: [commission(0, packs(1, 5), { lot: 'L1', expiry: '2028-01-31', site: MAKER })] },
  { events: [pack(10, caseOf(1), packs(1, 3)), wrong] },
  { events: [receive(40, caseOf(1), { from: MAKER, to: SHOP, site: SHOP }), withID(observe(50, packOf(9)), 7)] }, // an eventID that is taken
  { events: [observe(5, packOf(2)), declareError(wrong)] },
  { events: [commission(0, packs(1, 5), { lot: 'L1', expiry: '2028-01-31', site: MAKER }), unpackAll(60, caseOf(1))] },
  { events: [observe(70, packOf(4)), withID(observe(71, packOf(4)), 7)], behaviour: 'proceed' },
];

const documents: TakenDocument[] = GROUP.map(({ events, behaviour }, i) => ({
  id: i + 1,
  captureID: `capture-${i + 1}`,
  actor: 'tester',
  behaviour: behaviour ?? 'rollback',
  kind: 'document',
  created: START,
  body: Buffer.from(JSON.stringify(documentOf(events))),
}));

type Fault = {
  /** Which call of the journal, from 0. */ call: number;
  when: 'before' | 'after';
  error: () => Error /** How many calls from there on. */;
  lasts: number;
};

/** A journal some of whose calls fail, before they do anything or after they have done it. */
function failing(journal: SqliteJournal, fault: Fault | null): { journal: Journal; calls: string[] } {
  const calls: string[] = [];
  const proxy = new Proxy(journal, {
    get(target, name: keyof SqliteJournal) {
      const method = target[name] as unknown;
      if (typeof method !== 'function' || name === 'close' || name.startsWith('next'))
        return typeof method === 'function' ? method.bind(target) : method;
      return (...args: unknown[]) => {
        const call = calls.push(name) - 1;
        const fails = fault !== null && call >= fault.call && call < fault.call + fault.lasts;
        if (fails && fault.when === 'before') throw fault.error();
        const answer = (method as (...all: unknown[]) => unknown).apply(target, args);
        if (fails) throw fault.error();
        return answer;
      };
    },
  });
  return { journal: proxy as unknown as Journal, calls };
}

type Opened = { db: SqliteConnection; capturer: Capturer; calls: string[] };

async function open(fault: Fault | null): Promise<Opened> {
  const db = openForWriting(':memory:', { cacheMegabytes: 4 });
  const sound = new SqliteJournal(db);
  const options = {
    rules: 'flag',
    origin: 'lotline.example/test',
    signer: noteSigner(key, signFunctionNode(key)),
    maxEvents: 1000,
    clock: () => START,
  } as const;
  // Something is stored before, so that there is something to go wrong with.
  const before = await Capturer.open(sound, options);
  await before.record({ kind: 'access', actor: 'system', body: { kind: 'end-key', id: 'k_none' } }, async () => {});
  const { journal, calls } = failing(sound, null);
  const capturer = await Capturer.open(journal, options);
  calls.length = 0;
  const spoilt = failing(sound, fault);
  (capturer as unknown as { journal: Journal }).journal = spoilt.journal;
  return { db, capturer, calls: spoilt.calls };
}

const isStoreFault = (error: unknown) => (error as { code?: string }).code === 'SQLITE_FULL';
const full = () => Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
const bug = () => new TypeError('this program stumbles');

/** Captures as the capture thread does: a group that the store refuses waits and comes again. */
async function captureAtLast(capturer: Capturer): Promise<number> {
  for (let tries = 1; ; tries++) {
    try {
      await captureGroup(capturer, documents, isStoreFault);
      return tries;
    } catch (error) {
      if (tries > 4 || !isStoreFault(error)) throw error;
    }
  }
}

const reference = await open(null);
await captureAtLast(reference.capturer);
const CALLS = [...reference.calls];
afterAll(() => reference.db.close());

/** All of them in the long form; else every commit, the first few, and some of the others, others each time. */
function callsTried(): number[] {
  const offset = SEED % 8;
  return [...CALLS.keys()].filter((call) => LONG || CALLS[call] === 'commit' || call < 5 || call % 8 === offset);
}

describe.each([
  { fault: 'the store refuses, and nothing is done', when: 'before', error: full, lasts: 1 },
  { fault: 'the store says it has refused, and has done it', when: 'after', error: full, lasts: 1 },
  { fault: 'the store refuses, and refuses to take back', when: 'before', error: full, lasts: 3 },
  { fault: 'the store says it has refused, has done it, and cannot be read for a while', when: 'after', error: full, lasts: 3 },
] as const)('when $fault', ({ when, error, lasts }) => {
  it('has captured everything once when it is tried again, whichever call it was, with a log that is whole', {
    timeout: 300_000,
  }, async () => {
    for (const call of callsTried()) {
      const { db, capturer } = await open({ call, when, error, lasts });
      await captureAtLast(capturer);
      await expectSame(db, `call ${call}, ${CALLS[call]}`);
      db.close();
    }
  });
});

describe('when this program stumbles once', () => {
  it('captures the documents of the group one by one, each once', { timeout: 300_000 }, async () => {
    for (const call of callsTried()) {
      const { db, capturer } = await open({ call, when: 'before', error: bug, lasts: 1 });
      await captureGroup(capturer, documents, isStoreFault);
      // A group has one checkpoint, documents one each.
      await expectSame(db, `call ${call}, ${CALLS[call]}`, ['checkpoint']);
      db.close();
    }
  });
});

/** The log is whole, and everything is as where nothing went wrong. */
async function expectSame(db: SqliteConnection, what: string, except: readonly string[] = []): Promise<void> {
  const { problems } = await checkStoredLog(new SqliteDb(db), { verifiers: [verifierKeyOf(key)] });
  expect(problems, what).toEqual([]);
  const { tables } = await compareStores(new SqliteDb(reference.db), new SqliteDb(db));
  expect(
    tables.filter(({ table, differing }) => differing > 0 && !except.includes(table)),
    what,
  ).toEqual([]);
}
