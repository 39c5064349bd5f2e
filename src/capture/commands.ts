import { sql } from 'drizzle-orm';
import {
  applyCredentialChange,
  applyVaultChange,
  consumeTokens,
  contentDigest,
  isCredentialChange,
  personCommands,
  putSignatures,
  readCommands,
  type Signed,
} from '../access/index.ts';
import { decideAct, IDENTITY_ENTRY, type IdentityAct } from '../identity/index.ts';
import { editFinding, raiseFinding } from '../lifecycle/commands.ts';
import { clearLine, closeBatch, grantNumbers, importNumbers, makePool, openBatch, returnNumbers } from '../numbers/index.ts';
import { putLinks, removeLinks } from '../resolver/commands.ts';
import { insertVerifications } from '../store/verifications.ts';
import type { Alongside, Capturer } from './capturer.ts';
import { masterdataRows, readVocabularies } from './masterdata.ts';
import type { Asked, Command, KeptChange } from './service.ts';

/** Carries out a command: one entry, and what it changes, in one transaction; of what is kept beside the journal no entry. False when there was nothing to change. */
export async function carryOut(
  capturer: Capturer,
  asked: Asked | KeptChange,
  actor: string,
  alongside?: Alongside<boolean>,
): Promise<boolean> {
  if (isKept(asked)) return await capturer.keep((journal, now) => applyKept(journal, asked, { actor, now, seq: null }), alongside);
  const { live, ...command } = asked;
  const { kind, body } = entryOf(command as Command);
  return await capturer.record(
    { kind, actor, body },
    async (journal, seq, recordTime, identity) => {
      const now = Math.floor(recordTime / 1000);
      // A replay trusts the journal: what it tells was decided when it was asked for.
      if (live !== undefined && body.kind === 'identity-act') await decideAct(journal.db, body, actor, recordTime);
      if (live?.tokens !== undefined && live.tokens.length > 0) await consumeTokens(journal.db, live.tokens, now);
      for (const change of live?.kept ?? []) await applyKept(journal, change, { actor, now, seq });
      if (body.kind !== 'identity-act') return await applyCommand(journal, body, seq, recordTime, actor);
      await identity.takeAct(body, actor, seq, recordTime);
      if (body.signatures.length > 0)
        await keepSignatures(journal, { content: contentDigest(body.body), ...body }, seq, recordTime, subjectOf(body));
      return true;
    },
    alongside,
    live?.event,
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
  'identity-act': IDENTITY_ENTRY,
  'note-refusal': 'blocked',
  'put-person': personCommands.entry,
  'change-person': personCommands.entry,
  'end-person': personCommands.entry,
  'note-login': personCommands.entry,
  'note-read': readCommands.entry,
  'approve-read': readCommands.entry,
};
/** The kinds of entries that tell of a command. */
export const COMMAND_ENTRIES: ReadonlySet<string> = new Set(Object.values(ENTRY_KINDS));

type Store = Parameters<Parameters<Capturer['record']>[1]>[0];

/** What a command changes; the same when the journal is replayed. */
export async function applyCommand(
  journal: Store,
  command: Exclude<Command, IdentityAct>,
  seq: number,
  recordTime: number,
  actor: string,
): Promise<boolean> {
  switch (command.kind) {
    case 'grant-key':
      await journal.putKey({
        id: command.id,
        name: command.name,
        roles: JSON.stringify(command.roles),
        hash: Buffer.from(command.hash, 'hex'),
        created: recordTime,
        ended: null,
        sites: JSON.stringify(command.sites ?? []),
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
      await closeBatch.apply(journal, command, seq, recordTime);
      await keepSignatures(journal, command, seq, recordTime, `batch/${command.id}`);
      return true;
    case 'clear-line':
      return await clearLine.apply(journal, command, seq, recordTime);
    case 'note-refusal':
      return true;
    case 'put-person':
    case 'change-person':
    case 'end-person':
    case 'note-login':
      return await personCommands.apply(journal, command, seq, recordTime);
    case 'note-read':
    case 'approve-read':
      await readCommands.apply(journal, command, seq, recordTime, actor);
      await keepSignatures(journal, command, seq, recordTime, `read/${command.id}`);
      return true;
  }
}

/** The record that an act is about: its signatures are counted as versions of that. */
function subjectOf({ id, body }: IdentityAct): string {
  const { orderId, checkId, holdId, container } = body as Partial<Record<'orderId' | 'checkId' | 'holdId' | 'container', string>>;
  return orderId ?? checkId ?? holdId ?? container ?? id;
}

async function keepSignatures(
  journal: Store,
  { signatures, content }: Signed,
  seq: number,
  recordTime: number,
  about: string,
): Promise<void> {
  if (signatures !== undefined && content !== undefined) await putSignatures(journal, seq, recordTime, signatures, content, about);
}

const KEPT: ReadonlySet<string> = new Set<KeptChange['kind']>([
  'put-query',
  'remove-query',
  'subscribe',
  'unsubscribe',
  'note-progress',
  'put-verifications',
  'note-verification',
  'vault',
]);

function isKept(command: Asked | KeptChange): command is KeptChange {
  return KEPT.has(command.kind) || isCredentialChange(command);
}

/** `seq` of the command that a change goes with, null where it comes alone; `now` in ms. */
type Moment = { readonly actor: string; readonly now: number; readonly seq: number | null };

async function applyKept(journal: Store, command: KeptChange, { actor, now, seq }: Moment): Promise<boolean> {
  if (isCredentialChange(command)) return await applyCredentialChange(journal.db, command);
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
    case 'vault':
      return await applyVaultChange(journal, command, now, seq);
  }
}
