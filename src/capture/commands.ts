import { sql } from 'drizzle-orm';
import { editFinding, raiseFinding } from '../lifecycle/commands.ts';
import { clearLine, closeBatch, grantNumbers, importNumbers, makePool, openBatch, returnNumbers } from '../numbers/index.ts';
import { putLinks, removeLinks } from '../resolver/commands.ts';
import { insertVerifications } from '../store/verifications.ts';
import type { Alongside, Capturer } from './capturer.ts';
import { masterdataRows, readVocabularies } from './masterdata.ts';
import type { Command, KeptChange } from './service.ts';

/** Carries out a command: one entry, and what it changes, in one transaction; of what is kept beside the journal no entry. False when there was nothing to change. */
export async function carryOut(
  capturer: Capturer,
  command: Command | KeptChange,
  actor: string,
  alongside?: Alongside<boolean>,
): Promise<boolean> {
  if (isKept(command)) return await capturer.keep((journal, now) => applyKept(journal, command, actor, now), alongside);
  const { kind, body } = entryOf(command);
  return await capturer.record(
    { kind, actor, body },
    (journal, seq, recordTime) => applyCommand(journal, command, seq, recordTime),
    alongside,
  );
}

/** How a command is written into the journal. */
export function entryOf(command: Command): { kind: string; body: Command } {
  return { kind: ENTRY_KINDS[command.kind], body: command };
}

const ENTRY_KINDS: Readonly<Record<Command['kind'], string>> = {
  'grant-key': 'access',
  'end-key': 'access',
  'resolve-finding': 'resolution',
  'put-masterdata': 'masterdata',
  'put-links': putLinks.entry,
  'remove-links': removeLinks.entry,
  'raise-finding': raiseFinding.entry,
  'edit-finding': editFinding.entry,
  'make-pool': makePool.entry,
  'grant-numbers': grantNumbers.entry,
  'return-numbers': returnNumbers.entry,
  'import-numbers': importNumbers.entry,
  'open-batch': openBatch.entry,
  'close-batch': closeBatch.entry,
  'clear-line': clearLine.entry,
};
/** The kinds of entries that tell of a command. */
export const COMMAND_ENTRIES: ReadonlySet<string> = new Set(Object.values(ENTRY_KINDS));

type Store = Parameters<Parameters<Capturer['record']>[1]>[0];

/** What a command changes; the same when the journal is replayed. */
export async function applyCommand(journal: Store, command: Command, seq: number, recordTime: number): Promise<boolean> {
  switch (command.kind) {
    case 'grant-key':
      await journal.putKey({
        id: command.id,
        name: command.name,
        roles: JSON.stringify(command.roles),
        hash: Buffer.from(command.hash, 'hex'),
        created: recordTime,
        ended: null,
      });
      return true;
    case 'end-key':
      return await journal.endKey(command.id, recordTime);
    case 'resolve-finding':
      return await journal.resolveFinding(
        command.code,
        command.seq,
        command.state,
        JSON.stringify({ note: command.note, at: recordTime, seq }),
        seq,
      );
    case 'put-masterdata': {
      const elements = readVocabularies(command.vocabularyList);
      await journal.putMasterdata(masterdataRows(elements, seq));
      return elements.length > 0;
    }
    case 'put-links':
      return await putLinks.apply(journal, command, seq);
    case 'remove-links':
      return await removeLinks.apply(journal, command);
    case 'raise-finding':
      return await raiseFinding.apply(journal, command, seq, recordTime);
    case 'edit-finding':
      return await editFinding.apply(journal, command, seq, recordTime);
    case 'make-pool':
      return await makePool.apply(journal, command, seq);
    case 'grant-numbers':
      return await grantNumbers.apply(journal, command, seq, recordTime);
    case 'return-numbers':
      return await returnNumbers.apply(journal, command, seq, recordTime);
    case 'import-numbers':
      return await importNumbers.apply(journal, command, seq, recordTime);
    case 'open-batch':
      return await openBatch.apply(journal, command, seq, recordTime);
    case 'close-batch':
      return await closeBatch.apply(journal, command, seq, recordTime);
    case 'clear-line':
      return await clearLine.apply(journal, command, seq, recordTime);
  }
}

const KEPT: ReadonlySet<string> = new Set<KeptChange['kind']>([
  'put-query',
  'remove-query',
  'subscribe',
  'unsubscribe',
  'note-progress',
  'put-verifications',
  'note-verification',
]);

function isKept(command: Command | KeptChange): command is KeptChange {
  return KEPT.has(command.kind);
}

async function applyKept(journal: Store, command: KeptChange, actor: string, now: number): Promise<boolean> {
  switch (command.kind) {
    case 'put-query':
      return await journal.putQuery({ name: command.name, query: command.query, actor, created: now });
    case 'remove-query':
      return await journal.removeQuery(command.name);
    case 'subscribe':
      return await journal.putSubscription({
        id: command.id,
        query: command.query,
        actor,
        created: now,
        terms: command.terms,
        next_seq: command.from ?? (await journal.size()),
        version: 0,
        progress: command.progress,
      });
    case 'unsubscribe':
      return await journal.removeSubscription(command.id);
    case 'note-progress':
      return await journal.noteProgress({
        id: command.id,
        version: command.version,
        next_seq: command.next,
        progress: command.progress,
      });
    case 'put-verifications':
      await journal.db.run(insertVerifications(command.rows));
      return true;
    case 'note-verification':
      await journal.db.run(sql`UPDATE verification SET info = ${command.info} WHERE id = ${command.id}`);
      return true;
  }
}
