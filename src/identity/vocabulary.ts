/** The namespace of chain of identity in events: JSON-LD prefix `coi`, and the XML namespace alike (identity-wire.md §1). */
export const IDENTITY_NAMESPACE = 'urn:lotline:identity:';

/** Business steps that CBV lacks. */
export const BIZ_STEP = {
  thawing: `${IDENTITY_NAMESPACE}bizStep:thawing`,
  infusing: `${IDENTITY_NAMESPACE}bizStep:infusing`,
  identityCheck: `${IDENTITY_NAMESPACE}bizStep:identity_check`,
  handingOver: `${IDENTITY_NAMESPACE}bizStep:handing_over`,
  printingLabels: `${IDENTITY_NAMESPACE}bizStep:printing_labels`,
  lineClearance: `${IDENTITY_NAMESPACE}bizStep:line_clearance`,
} as const;

/** The steps of domain.md §12.2, in order (identity-wire.md §5). */
export const STEPS = [
  'enrol',
  'schedule',
  'labels',
  'collection',
  'samples',
  'hold',
  'pack',
  'pickup',
  'transit',
  'receive',
  'accept',
  'start',
  'process',
  'qc-samples',
  'fill',
  'store',
  'qc',
  'release',
  'ship',
  'site-receive',
  'site-store',
  'ready',
  'thaw',
  'bedside',
  'infuse',
  'residue',
  'follow-up',
  'close',
] as const;
export type StepId = (typeof STEPS)[number];

/** Order states of domain.md §12.4, the way forward first. */
export const STATES = [
  'draft',
  'submitted',
  'approved',
  'scheduled',
  'collecting',
  'collected',
  'inTransitIn',
  'received',
  'accepted',
  'manufacturing',
  'fillFinished',
  'qcPending',
  'released',
  'inTransitOut',
  'atSite',
  'siteAccepted',
  'ready',
  'thawed',
  'verified',
  'infusing',
  'infused',
  'followUp',
  'closed',
] as const;
export const SIDE_STATES = [
  'onHold',
  'rejectedIncoming',
  'collectionFailed',
  'manufacturingFailed',
  'oos',
  'recallCollection',
  'cancelled',
  'patientDied',
  'withdrawnConsent',
  'lost',
] as const;
export type OrderState = (typeof STATES)[number] | (typeof SIDE_STATES)[number];

/** What a signature says, and why somebody reads (identity-wire.md §5). */
export type { Meaning } from '../access/signature.ts';

/** A chain's identifier as it is compared and stored: without case, and without the keyboard check character that a 16th character is (identity-wire.md §1). */
export function chainKey(coiId: string): string {
  const text = coiId.trim().toUpperCase();
  return /^CH[A-NP-Z1-9][0-9A-Z]{4}[0-9]{2}[0-9A-Z]{6}[0-9A-Z*]$/.test(text) ? text.slice(0, 15) : text;
}
