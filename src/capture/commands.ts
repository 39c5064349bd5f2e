import type { Alongside, Capturer } from './capturer.ts';
import { masterdataRows, readVocabularies } from './masterdata.ts';
import type { Command } from './service.ts';

/** Carries out a command: one entry, and what it changes, in one transaction. False when there was nothing to change. */
export async function carryOut(capturer: Capturer, command: Command, actor: string, alongside?: Alongside<boolean>): Promise<boolean> {
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
  }
}
