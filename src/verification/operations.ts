import { conditionOf, differs, isEnded, isExpired, type Moment } from './decide.ts';
import type { PackFacts } from './facts.ts';

/** What a pack is decommissioned for (packs-wire.md). */
export const REASONS = ['supply', 'export', 'destroyed', 'returned', 'sample', 'free_sample', 'stolen', 'withdrawn', 'other'] as const;
export type Reason = (typeof REASONS)[number];

/** Names of ours for what refuses an operation, each with the return code of the national systems and the hub's (domain.md §8.3). */
const REFUSALS = {
  product: { code: 'VER-PRODUCT', alias: 'NMVS_NC_PC_01', hub: null },
  serial: { code: 'VER-UNKNOWN', alias: 'NMVS_NC_PC_02', hub: 'A3' },
  lotUnknown: { code: 'VER-DIFFERS', alias: 'NMVS_FE_LOT_03', hub: 'A2' },
  expiry: { code: 'VER-DIFFERS', alias: 'NMVS_FE_LOT_12', hub: 'A52' },
  lot: { code: 'VER-DIFFERS', alias: 'NMVS_FE_LOT_13', hub: 'A68' },
  already: { code: 'VER-ALREADY', alias: 'NMVS_NC_PCK_19', hub: 'A7' },
  inactive: { code: 'VER-ALREADY', alias: 'NMVS_NC_PCK_22', hub: 'A7' },
  held: { code: 'VER-HELD', alias: null, hub: null },
  content: { code: 'AGG-HASCHILDREN', alias: null, hub: null },
  undoState: { code: 'VER-UNDO-STATE', alias: 'NMVS_NC_PCK_06', hub: null },
  undoLate: { code: 'VER-UNDO-LATE', alias: 'NMVS_NC_PCK_20', hub: null },
  undoOther: { code: 'VER-UNDO-OTHER', alias: 'NMVS_NC_PCK_21', hub: null },
} as const;
type Why = keyof typeof REFUSALS;

/** `level` 5 is an alert, to be investigated and told to the maker; below it the user puts it right. */
export type Refusal = { code: (typeof REFUSALS)[Why]['code']; alias: string | null; hub: string | null; level: 4 | 5; info: string };

const refuse = (why: Why, level: 4 | 5, info: string): Refusal => ({ ...REFUSALS[why], level, info });

/** What the pack in hand bears, where it was scanned; null where only its number is known. */
export type InHand = { readonly lot: string | null; readonly expiry: string | null };

/** An end of a pack with its reason: as the call told it, or as the words of a foreign event come to. */
export type EndedFor = { readonly time: number; readonly site: string | null; readonly reason: Reason };

/** Undone at the latest after so long (domain.md §8.4); the very end of it counts as within. */
export const UNDO_MS = 240 * 60 * 60 * 1000;
/** A product that was stolen, withdrawn, or is to be destroyed does not come back; what cannot go back to stock is to be destroyed. */
const FINAL: ReadonlySet<Reason> = new Set(['destroyed', 'stolen', 'withdrawn', 'returned']);
/** For these a pack need not be fit for a patient. */
const ANY_CONDITION: ReadonlySet<Reason> = new Set(['destroyed', 'returned', 'sample', 'stolen', 'withdrawn', 'other']);

/** Whether the pack is the one that was commissioned: null, or why not. */
export function refusesIdentity(facts: PackFacts, inHand: InHand, moment: Moment): Refusal | null {
  if (!facts.product) return refuse('product', 4, 'the product is unknown');
  if (!facts.known)
    return refuse(
      'serial',
      5,
      `the serial number is unknown${facts.otherCase ? '; it is known in other letters, upper or lower case' : ''}`,
    );
  if (inHand.lot !== null && inHand.lot !== facts.lot)
    return facts.lotKnown
      ? refuse('lot', 5, 'the lot is not that of the pack')
      : refuse('lotUnknown', 5, 'the lot is unknown for the product');
  if (inHand.expiry !== null && (facts.expiry === null || differs(facts.expiry, inHand.expiry, moment)))
    return refuse('expiry', 5, 'the expiry is not that of the lot');
  return null;
}

/** Whether the pack may be supplied: null, or why not. */
export function refusesVerify(facts: PackFacts, ended: EndedFor | null, moment: Moment): Refusal | null {
  if (isEnded(facts)) return refuse('inactive', 4, endedText(facts, ended));
  const condition = conditionNow(facts, moment);
  return condition === null ? null : refuse('held', 4, condition);
}

export function refusesDecommission(
  facts: PackFacts,
  ended: EndedFor | null,
  asked: { reason: Reason; site: string; cascade: boolean; content: number },
  moment: Moment,
): Refusal | null {
  if (isEnded(facts)) {
    // At one site it is mostly a second scan; from another it means two packs, or one that was passed on.
    const here = ended?.site === asked.site;
    const info = here ? 'already decommissioned at this location' : endedText(facts, ended);
    return refuse(ended?.reason === asked.reason ? 'already' : 'inactive', here ? 4 : 5, info);
  }
  const condition = conditionNow(facts, moment);
  if (condition !== null && !ANY_CONDITION.has(asked.reason)) return refuse('held', 4, condition);
  // A pack whose data raised an alert is not supplied until it is explained (domain.md §8.3).
  if (!ANY_CONDITION.has(asked.reason) && facts.findings.some(({ code, own }) => own && code === 'VER-DIFFERS'))
    return refuse('held', 4, 'its lot or expiry was asked for with other values, and the alert (VER-DIFFERS) is open');
  if (asked.content > 0 && !asked.cascade)
    return refuse('content', 4, `${asked.content} things are inside; ask with cascade: true to decommission them too`);
  return null;
}

/** The five conditions of domain.md §8.4. */
export function refusesReactivation(facts: PackFacts, ended: EndedFor | null, site: string, moment: Moment): Refusal | null {
  if (!isEnded(facts)) return refuse('undoState', 5, 'the pack is active');
  if (ended === null) return refuse('undoState', 5, 'the pack was not decommissioned by an event that can be undone');
  if (ended.site !== site) return refuse('undoOther', 5, 'the pack was decommissioned at another location');
  if (moment.now - ended.time > UNDO_MS) return refuse('undoLate', 5, 'the pack was decommissioned more than 10 days ago');
  if (FINAL.has(ended.reason)) return refuse('undoState', 5, `what was decommissioned as ${ended.reason} does not come back`);
  if (facts.disposition === 'retail_sold') return refuse('undoState', 5, 'the pack was supplied to the public');
  if (facts.consumed || facts.status === 'AtLarge') return refuse('undoState', 5, 'the pack is not at hand any more');
  const condition = conditionNow(facts, moment);
  return condition === null ? null : refuse('undoState', 5, `the pack is ${condition.toLowerCase()}`);
}

function conditionNow(facts: PackFacts, moment: Moment): string | null {
  return conditionOf(facts) ?? (isExpired(facts, moment) ? 'Expired' : null);
}

function endedText(facts: PackFacts, ended: EndedFor | null): string {
  return `the pack is ${ended === null ? (facts.status ?? 'inactive') : `decommissioned: ${ended.reason}`}`;
}

/** What each reason is in words of the CBV: as far as it has them, the rest stands in the field `reason` of namespace urn:lotline:packs: (epcis-2.0.md §16.2). */
export const WORDS: Readonly<Record<Reason, { bizStep: string; disposition: string }>> = {
  supply: { bizStep: 'dispensing', disposition: 'dispensed' },
  destroyed: { bizStep: 'destroying', disposition: 'destroyed' },
  stolen: { bizStep: 'decommissioning', disposition: 'stolen' },
  export: { bizStep: 'decommissioning', disposition: 'inactive' },
  sample: { bizStep: 'decommissioning', disposition: 'inactive' },
  free_sample: { bizStep: 'decommissioning', disposition: 'inactive' },
  withdrawn: { bizStep: 'decommissioning', disposition: 'inactive' },
  returned: { bizStep: 'decommissioning', disposition: 'non_sellable_other' },
  other: { bizStep: 'decommissioning', disposition: 'inactive' },
};

/** The reason of an end that no call told. */
export function reasonOf({ bizStep, disposition }: { bizStep: string; disposition: string | null }): Reason {
  if (bizStep === 'destroying' || disposition === 'destroyed' || disposition === 'disposed') return 'destroyed';
  if (disposition === 'stolen') return 'stolen';
  if (disposition === 'recalled') return 'withdrawn';
  if (disposition === 'non_sellable_other' || disposition === 'returned') return 'returned';
  return bizStep === 'dispensing' || bizStep === 'retail_selling' ? 'supply' : 'other';
}
