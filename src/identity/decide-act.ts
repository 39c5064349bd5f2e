import type { Db } from '../store/db.ts';
import type { IdentityAct } from './act-command.ts';
import type { ActKind } from './acts.ts';
import type { Decide, Deciding } from './deciding.ts';
import { DECISIONS } from './decisions.ts';
import { foldChain } from './fold-chain.ts';
import { bindingsOf, canonicalKey, chainOfOrder, loadWorld, storedAct, storedActs } from './load-world.ts';
import type { ChainView } from './view.ts';
import { type ChainWorld, UNBOUND } from './world.ts';

/** Says whether an act may be, by what is stored now. Throws LotlineError with the code of the rule that is against it. `recordTime` in microseconds. */
export async function decideAct(db: Db, command: IdentityAct, actor: string, recordTime: number): Promise<void> {
  const decide = DECISIONS[command.act] as Decide<ActKind> | undefined;
  if (decide === undefined) return;
  const now = Math.floor(recordTime / 1000);
  // A decision asks for the same chain more than once, and nothing changes while it decides.
  const worlds = new Map<string, Promise<ChainWorld>>();
  const views = new Map<string, Promise<ChainView>>();
  const once = <T>(kept: Map<string, Promise<T>>, chain: string, make: () => Promise<T>): Promise<T> => {
    const there = kept.get(chain) ?? make();
    kept.set(chain, there);
    return there;
  };
  const world = (chain: string) => once(worlds, chain, () => loadWorld(db, chain, now));
  const context: Deciding = {
    now,
    time: command.time,
    actor,
    signatures: command.signatures,
    db,
    world,
    view: (chain) => once(views, chain, async () => foldChain(await world(chain))),
    chainOfOrder: (orderId) => chainOfOrder(db, orderId),
    canonical: (key) => canonicalKey(db, key),
    binding: async (key) => (await bindingsOf(db, [key])).get(key) ?? UNBOUND,
    acts: (kind, where) => storedActs(db, kind, where),
    act: (id) => storedAct(db, id),
  };
  await decide(context, command.body);
}
