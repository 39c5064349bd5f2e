import { LotlineError, type Problem } from '../../errors.ts';
import type { Db } from '../../store/db.ts';
import type { Act, ActKind } from '../acts.ts';
import { decideAct } from '../decide-act.ts';

/** What would stand against an act, by what is stored now, were it signed; null: nothing. Signatures are asked for when it is done. */
export async function dryAct<K extends ActKind>(
  db: Db,
  args: { act: K; body: Act<K>; actor: string; now: number },
): Promise<Problem | null> {
  const { act, body, actor, now } = args;
  try {
    await decideAct(db, { kind: 'identity-act', id: '', act, body, time: now, signatures: [] }, actor, now * 1000);
    return null;
  } catch (error) {
    if (!(error instanceof LotlineError)) throw error;
    return /^(?:SIG-MISSING|COI-2P)$/.test(error.code) ? null : error.toProblem();
  }
}
