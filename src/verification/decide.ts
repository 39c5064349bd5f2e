import { dayIn, expiryDay } from './expiry.ts';
import type { PackFacts } from './facts.ts';

/** Why a pack is not verified: the words of GS1 Lightweight Messaging (domain.md §8.1). */
export type FailureReason =
  | 'No_match_GTIN_Serial'
  | 'No_match_GTIN_Serial_Lot_Expiry'
  | 'No_match_GTIN_Serial_Lot'
  | 'No_match_GTIN_Serial_Expiry'
  | 'Not_for_re-distribution'
  | 'Manufacturer_policy';
export type AdditionalInfo = 'Expired' | 'Recalled' | 'Suspect' | 'Illegitimate';

export type Verdict = { verified: boolean; verificationFailureReason?: FailureReason; additionalInfo?: AdditionalInfo };

/** What is recalled, suspect or expired is answered false, or with `info` true and its condition beside it. */
export type Policy = Readonly<Record<'recalled' | 'suspect' | 'expired', 'false' | 'info'>>;

/** What a pack bears beside GTIN and serial number. Null where the question leaves it out. */
export type Borne = { readonly lot: string | null /** YYYYMMDD or as `expiryDay` reads it */; readonly expiry: string | null };

export type Moment = { /** ms */ readonly now: number /** IANA name; in it a day ends. */; readonly zone: string };

/** Who has a pack in this status has no more use for it, or never had it to sell. */
const ENDED: ReadonlySet<string | null> = new Set(['Destroyed', 'Inactive', 'Stolen', 'Dispensed', 'Sampled']);
/** Dispositions that say the same, whatever step told them. */
const LOST: ReadonlySet<string | null> = new Set(['stolen', 'destroyed', 'disposed', 'dispensed', 'retail_sold', 'inactive']);
/** Open findings that make a pack suspect; EX-HLD-2 and EX-DNP-3 also where they are about its container or its lot. */
const SUSPECT_OWN: ReadonlySet<string> = new Set(['VER-CLONE', 'VER-ATLARGE', 'EX-PKG-2', 'EX-DAT-4', 'EX-DAT-5']);
const SUSPECT: ReadonlySet<string> = new Set(['EX-HLD-2', 'EX-DNP-3', 'EX-DNP-4']);

/** The order of domain.md §8.2 from its fourth step on; who may ask, syntax and product come before. A mismatch tells nothing of the right values. */
export function decide(facts: PackFacts, borne: Borne, policy: Policy, moment: Moment): Verdict {
  if (!facts.known) return no('No_match_GTIN_Serial');
  const mismatch = mismatchOf(facts, borne, moment);
  if (mismatch !== null) return no(mismatch);
  if (facts.findings.some(({ code, own }) => own && code === 'SN-CONFLICT')) return no('Manufacturer_policy');
  const condition = conditionOf(facts);
  if (condition === 'Illegitimate') return no('Not_for_re-distribution', 'Illegitimate');
  if (isEnded(facts)) return no('Not_for_re-distribution', condition ?? undefined);
  const expired = isExpired(facts, moment);
  if (condition === 'Recalled' && policy.recalled === 'false') return no('Not_for_re-distribution', condition);
  if (condition === 'Suspect' && policy.suspect === 'false') return no('Not_for_re-distribution', condition);
  if (expired && policy.expired === 'false') return no('Not_for_re-distribution', 'Expired');
  if (!facts.released) return no('Manufacturer_policy');
  // A container that was opened says nothing of what is inside any more; its content is verified piece by piece (domain.md §7.5).
  if (facts.container && (facts.opened || facts.findings.some(({ code }) => code === 'AGG-COUNT'))) return no('Manufacturer_policy');
  const info = condition ?? (expired ? 'Expired' : undefined);
  return { verified: true, ...(info !== undefined && { additionalInfo: info }) };
}

function no(reason: FailureReason, info?: AdditionalInfo): Verdict {
  return { verified: false, verificationFailureReason: reason, ...(info !== undefined && { additionalInfo: info }) };
}

/** Lot byte for byte; expiry by the day that it means, in both directions (codes.md §3). What is not given is not compared. */
function mismatchOf(facts: PackFacts, borne: Borne, moment: Moment): FailureReason | null {
  const lot = borne.lot !== null && borne.lot !== facts.lot;
  const expiry = borne.expiry !== null && (facts.expiry === null || differs(facts.expiry, borne.expiry, moment));
  if (lot) return expiry ? 'No_match_GTIN_Serial_Lot_Expiry' : 'No_match_GTIN_Serial_Lot';
  return expiry ? 'No_match_GTIN_Serial_Expiry' : null;
}

export function differs(stored: string, borne: string, { now }: Moment): boolean {
  const year = new Date(now).getUTCFullYear();
  const day = expiryDay(stored, year);
  return day === null || day !== expiryDay(borne, year);
}

/** It was taken out of the market, or is missing, whatever has happened to it since. */
export function isEnded(facts: PackFacts): boolean {
  return facts.ended !== null || facts.consumed || facts.status === 'AtLarge' || ENDED.has(facts.status) || LOST.has(facts.disposition);
}

/** The gravest that is said of it. */
export function conditionOf(facts: PackFacts): 'Illegitimate' | 'Recalled' | 'Suspect' | null {
  if (facts.findings.some(({ stage }) => stage === 'illegitimate')) return 'Illegitimate';
  if (facts.recalled) return 'Recalled';
  const suspect = facts.findings.some(({ code, own, stage }) => stage === 'suspect' || SUSPECT.has(code) || (own && SUSPECT_OWN.has(code)));
  const held = facts.status === 'Quarantined' || facts.status === 'AtLarge' || facts.disposition === 'no_pedigree_match';
  return suspect || held ? 'Suspect' : null;
}

/** From the day after its last, in the zone of who answers. An expiry that cannot be read never passes. */
export function isExpired(facts: PackFacts, { now, zone }: Moment): boolean {
  const day = facts.expiry === null ? null : expiryDay(facts.expiry, new Date(now).getUTCFullYear());
  return day !== null && dayIn(zone, now) > day;
}
