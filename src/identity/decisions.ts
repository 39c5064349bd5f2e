import { twoPeople } from '../access/index.ts';
import type { ActKind } from './acts.ts';
import { decideCheck, decideResolution } from './checks/decide-check.ts';
import { decideOverride } from './checks/decide-override.ts';
import { decideExcursion } from './cold/decide-excursion.ts';
import { decideHandover } from './custody/decide-handover.ts';
import type { Decide } from './deciding.ts';
import { decideDevicePerson } from './offline/decide-device.ts';
import { decideAllocation, decideDeallocation, decideRebinding } from './orders/allocations.ts';
import { decideOos } from './orders/decide-oos.ts';
import { decideAmendment, decideMaterial, decideOrder, decideState } from './orders/decide-order.ts';
import { decideHold, decideHoldLift } from './orders/holds.ts';
import { decideLabels, decideLabelsClose } from './orders/labels.ts';
import { decideRelease } from './orders/release.ts';
import { decideResult } from './orders/results.ts';
import { decideErasure, decideLink } from './privacy/erasure.ts';

/** What stands against an act, by its kind. Kinds without a line here are only put on record. */
export const DECISIONS: { readonly [K in ActKind]?: Decide<K> } = {
  check: decideCheck,
  resolution: decideResolution,
  'device-person': decideDevicePerson,
  override: decideOverride,
  handover: decideHandover,
  order: decideOrder,
  'order-state': decideState,
  'order-amendment': decideAmendment,
  'material-decision': decideMaterial,
  release: decideRelease,
  labels: decideLabels,
  'labels-close': decideLabelsClose,
  allocation: decideAllocation,
  deallocation: decideDeallocation,
  rebinding: decideRebinding,
  hold: decideHold,
  'hold-lift': decideHoldLift,
  oos: decideOos,
  result: decideResult,
  clearance: ({ signatures }) => twoPeople(signatures),
  erasure: decideErasure,
  link: decideLink,
  excursion: decideExcursion,
};
