import type { Db } from '../store/db.ts';
import type { Act, ActKind } from './acts.ts';
import type { ChainView } from './view.ts';
import type { AnyAct, Binding, ChainWorld, Key, Signature, WorldAct } from './world.ts';

/**
 * What a decision about an act may look at, inside of the transaction that writes it: so of two that rest on one state the second sees what the first has
 * done. Throws of a decision block the act (LotlineError with a code of domain.md §21): nothing of it is stored but the refusal.
 */
export type Deciding = {
  /** ms since 1970, of the entry; and when it is said to have been done. */
  readonly now: number;
  readonly time: number;
  readonly actor: string;
  readonly signatures: readonly Signature[];
  readonly db: Db;
  world(chain: string): Promise<ChainWorld>;
  view(chain: string): Promise<ChainView>;
  /** The chain of an order; null: there is no such order. */
  chainOfOrder(orderId: string): Promise<string | null>;
  /** The one key of a container, by any of its aliases. */
  canonical(key: Key): Promise<Key>;
  binding(key: Key): Promise<Binding>;
  /** Acts of a kind, in entry order: all, or those that name this. */
  acts<K extends ActKind>(kind: K, where?: { part: PartKind; key: string }): Promise<WorldAct<K>[]>;
  act(id: string): Promise<AnyAct | null>;
};

/** By what events and acts are found. */
export type PartKind = 'chain' | 'order' | 'thing' | 'space' | 'patient' | 'donor' | 'device' | 'kind';

export type Decide<K extends ActKind> = (context: Deciding, body: Act<K>) => void | Promise<void>;
