import type { ContainerView, HoldView } from '../view.ts';
import type { Binding, Key } from '../world.ts';
import { iso } from './timeline.ts';

/** Whose material something is, as it is told (identity-wire.md §4): a mix has its chains as an array. */
export type BindingAnswer = {
  readonly kind: 'unbound' | 'donor' | 'patient';
  readonly chain?: string | readonly string[];
  readonly donor?: string | readonly string[];
  /** What events state of it, and what follows from where it came from (INV-05). */
  readonly stated: readonly string[];
  readonly computed: readonly string[];
};

export type ContainerAnswer = {
  readonly key: Key;
  readonly binding: BindingAnswer;
  readonly aliases: readonly Key[];
  readonly kind: ContainerView['kind'] | null;
  readonly from: readonly Key[];
  readonly attempt: number | null;
  readonly volume: ContainerView['volume'];
  readonly bag: ContainerView['bag'];
  readonly expiry: string | null;
  readonly place: string | null;
  readonly end: { readonly kind: string; readonly eventTime: string; readonly seq: number } | null;
  readonly holds: readonly HoldAnswer[];
  readonly rebound: boolean;
};

export type HoldAnswer = { readonly id: string; readonly reason: string; readonly codes: readonly string[] };

/** Holds in force, each once, that lie on a thing: on it, on what it was made from, or on all of its chain. */
export function holdsOn(holds: readonly HoldView[], on: ReadonlySet<Key> | 'all'): HoldAnswer[] {
  const inForce = holds.filter(
    ({ lifted, scope, things }) => lifted === null && (on === 'all' || scope === 'chain' || things.some((key) => on.has(key))),
  );
  return [...new Map(inForce.map(({ id, reason, codes }) => [id, { id, reason, codes }])).values()];
}

export function bindingAnswer({ chains, donors }: Binding, stated: Iterable<string>): BindingAnswer {
  const one = (list: readonly string[]) => (list.length === 1 ? (list[0] as string) : list);
  return {
    kind: chains.length > 0 ? 'patient' : donors.length > 0 ? 'donor' : 'unbound',
    ...(chains.length > 0 && { chain: one(chains) }),
    ...(donors.length > 0 && { donor: one(donors) }),
    stated: [...new Set(stated)].sort(),
    computed: chains.length > 0 ? chains : donors,
  };
}

export type ContainerFacts = {
  readonly key: Key;
  readonly aliases: readonly Key[];
  readonly binding: Binding;
  readonly stated: readonly string[];
  /** As its chain sees it; null where it is of none. */
  readonly view: ContainerView | null;
  readonly holds: readonly HoldView[];
  /** The thing and everything that it was made from. */
  readonly ancestry: ReadonlySet<Key>;
};

export function containerAnswer({ key, aliases, binding, stated, view, holds, ancestry }: ContainerFacts): ContainerAnswer {
  const end = view?.end ?? null;
  return {
    key,
    binding: bindingAnswer(binding, stated),
    aliases,
    kind: view?.kind ?? null,
    from: view?.from ?? [],
    attempt: view?.attempt ?? null,
    volume: view?.volume ?? null,
    bag: view?.bag ?? null,
    expiry: view?.expiry ?? null,
    place: view?.place ?? null,
    end: end === null ? null : { kind: end.kind, eventTime: iso(end.time), seq: end.seq },
    holds: holdsOn(holds, ancestry),
    rebound: view?.rebound ?? false,
  };
}
