import { sql } from 'drizzle-orm';
import { Capturer, type CapturerOptions, type Outcome } from '../capture/capturer.ts';
import { COMMAND_ENTRIES, carryOut } from '../capture/commands.ts';
import { GROUP_BYTES, GROUP_DOCUMENTS } from '../capture/group.ts';
import type { Command } from '../capture/service.ts';
import { LotlineError } from '../errors.ts';
import { storedRoot } from '../ledger/questions.ts';
import type { JournalDb } from '../store/db.ts';
import type { Journal } from '../store/journal.ts';
import { type Act, actsOf, jsonOf } from './acts.ts';
import { replayFault, type Truth } from './truth.ts';

/** Where a truth is told to: a journal, and questions on its own connection. */
export type Listener = { readonly journal: Journal; readonly db: JournalDb };

export type ReplayOptions = {
  /** Documents that were recorded at one moment go into one transaction, as they did then. Else one by one. */
  readonly together: boolean;
  /** Entries that are in the new store, of all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
};

/**
 * Tells the truth of a store to another one through the code that captures: documents are joined from their parts and captured again, in order. What is
 * derived depends on documents alone, never on how captures were grouped. Every entry must come out with the leaf that was logged before it is
 * committed, else LOG-REPLAY; checkpoints are taken over as they were signed. A store that was filled in part goes on where it stopped.
 */
export async function replay(truth: Truth, listener: Listener, { together, onProgress }: ReplayOptions): Promise<void> {
  const from = await listener.journal.size();
  await checkStart(truth, listener, from);
  const replaying = await Replaying.begin(listener);
  for await (const group of groupsOf(actsOf(truth.records(from)), together ? GROUP_DOCUMENTS : 1)) {
    await replaying.carryOut(group);
    const last = group.at(-1) as Act;
    onProgress?.(last.first + last.leafHashes.length, truth.size);
  }
}

/** What was filled before has to be the beginning of the same log. */
async function checkStart(truth: Truth, { db }: Listener, from: number): Promise<void> {
  if (from === 0) return;
  if (from <= truth.size && Buffer.compare(await truth.rootAt(from), await storedRoot(db, from, from)) === 0) return;
  throw new LotlineError('MOVE-TARGET', `What was filled before, ${from} entries, is not the beginning of this log`, {
    fix: 'Finish the move that began it, or remove what it left and begin anew.',
  });
}

async function* groupsOf(acts: AsyncIterable<Act>, documents: number): AsyncGenerator<Act[], void> {
  let group: Act[] = [];
  let bytes = 0;
  for await (const act of acts) {
    const [first] = group;
    const fits = group.length < documents && bytes + act.body.length <= GROUP_BYTES;
    if (first !== undefined && !(fits && isPlain(first) && isPlain(act) && act.recordTime === first.recordTime)) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(act);
    bytes += act.body.length;
  }
  if (group.length > 0) yield group;
}

const isPlain = (act: Act): boolean => act.kind === 'document' && !act.partlyRefused;

/** Read by the capturer at each capture; `now` is in milliseconds. */
type Changing = CapturerOptions & { now: number };

class Replaying {
  private readonly listener: Listener;
  private readonly capturer: Capturer;
  private readonly settings: Changing;

  private constructor(listener: Listener, capturer: Capturer, settings: Changing) {
    this.listener = listener;
    this.capturer = capturer;
    this.settings = settings;
  }

  static async begin(listener: Listener): Promise<Replaying> {
    const settings: Changing = {
      rules: 'flag',
      origin: '',
      signer: null,
      maxEvents: Number.MAX_SAFE_INTEGER,
      now: 0,
      clock: () => settings.now,
    };
    return new Replaying(listener, await Capturer.open(listener.journal, settings), settings);
  }

  async carryOut(group: readonly Act[]): Promise<void> {
    const first = group[0] as Act;
    this.settings.now = first.recordTime / 1000;
    if (first.kind === 'document') await this.capture(group, first.partlyRefused ? 'enforce' : 'flag');
    else await this.record(first);
  }

  private async capture(group: readonly Act[], rules: 'enforce' | 'flag'): Promise<void> {
    this.settings.rules = rules;
    const documents = group.map(({ captureID, actor, body }) => ({
      id: 0,
      captureID,
      actor,
      behaviour: 'proceed' as const,
      kind: 'replayed' as const,
      created: 0,
      body,
    }));
    await this.capturer.capture(documents, async (outcomes) => await this.confirm(group, outcomes));
  }

  /** What lotline itself was asked to put on record. A refusal stands for itself: it changes nothing. */
  private async record(act: Act): Promise<void> {
    const { kind, actor, first } = act;
    const body = jsonOf(act.body);
    const confirm = async () => await this.confirm([act], []);
    if (COMMAND_ENTRIES.has(kind)) await carryOut(this.capturer, body as Command, actor, confirm);
    else if (kind === 'refusal') await this.capturer.record({ kind, actor, body }, async () => {}, confirm);
    else throw replayFault(first, `is of the kind ${JSON.stringify(kind)}, which this version does not know`);
  }

  /** Within the transaction: the entries that have come out are those that were logged, all of them and no others. */
  private async confirm(group: readonly Act[], outcomes: readonly Outcome[]): Promise<void> {
    const { journal, db } = this.listener;
    const { first } = group[0] as Act;
    const rows = await db.all<{ leaf_hash: Uint8Array }>(sql`SELECT leaf_hash FROM entry WHERE seq >= ${first} ORDER BY seq`);
    const logged = group.flatMap((act) => act.leafHashes);
    for (let i = 0; i < Math.max(rows.length, logged.length); i++) {
      const [is, was] = [rows[i]?.leaf_hash, logged[i]];
      if (is !== undefined && was !== undefined && Buffer.compare(is, was) === 0) continue;
      const at = group.findLastIndex((act) => act.first <= first + i);
      const { stored, errors } = outcomes[at] ?? { stored: null, errors: [] };
      if (stored === 0 && errors[0]) throw replayFault(first + i, `came with a document that is refused now: ${errors[0].title}`);
      throw replayFault(first + i, `does not come out of its document ${is === undefined ? 'again' : 'as it was logged'}`);
    }
    for (const { checkpoints } of group)
      for (const { size, signedAt, text } of checkpoints) await journal.putCheckpoint(size, signedAt, text);
  }
}
