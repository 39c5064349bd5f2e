import type { Strength } from '../checks/compare.ts';
import { demandsOf } from '../checks/demands.ts';
import type { ChainView, ContainerView } from '../view.ts';
import type { Verifier } from './verifiers.ts';

/** What a device needs of an order that is expected while it is without network: enough to compare, and nobody's identity. Times in ISO 8601. */
export type CapsuleOrder = {
  readonly orderId: string;
  readonly coiId: string;
  readonly product: string;
  readonly state: string;
  readonly treatmentSite: string;
  readonly released: boolean;
  /** Ids of what is held: a device stops at any. */
  readonly holds: readonly string[];
  /** Minutes after thawing within which a bag may be given; null: not said. */
  readonly postThawMinutes: number | null;
  readonly containers: readonly {
    readonly key: string;
    readonly aliases: readonly string[];
    readonly kind: ContainerView['kind'];
    readonly bag: { readonly number: number; readonly of: number } | null;
    readonly expiry: string | null;
    readonly thawed: string | null;
    readonly ended: boolean;
  }[];
  readonly checkpoints: readonly ({ readonly step: string } & Strength)[];
  /** By member of the patient's identity: with what a read of it is compared. */
  readonly verifiers: Readonly<Record<string, Verifier>>;
};

/** Up to now, and at most two weeks: orders change. */
export const HOURS = { usual: 72, most: 336 };

export function capsuleOrder(
  view: ChainView,
  verifiers: Readonly<Record<string, Verifier>>,
  postThawMinutes: number | null,
): CapsuleOrder | null {
  const { order } = view;
  if (order === null) return null;
  return {
    orderId: order.orderId,
    coiId: view.chain,
    product: order.product,
    state: order.state,
    treatmentSite: order.treatmentSite,
    released: order.released !== null,
    holds: view.holds.filter(({ lifted }) => lifted === null).map(({ id }) => id),
    postThawMinutes,
    containers: view.containers.map(({ key, aliases, kind, bag, expiry, thawed, end }) => ({
      key,
      aliases,
      kind,
      bag,
      expiry,
      thawed: thawed === null ? null : new Date(thawed).toISOString(),
      ended: end !== null,
    })),
    checkpoints: demandsOf(order.template).flatMap(({ step, checkpoint }) => (checkpoint === null ? [] : [{ step, ...checkpoint }])),
    verifiers,
  };
}
