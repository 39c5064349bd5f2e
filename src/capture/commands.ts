import type { Alongside, Capturer } from './capturer.ts';
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
  return { kind: command.kind === 'resolve-finding' ? 'resolution' : 'access', body: command };
}

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
  }
}
