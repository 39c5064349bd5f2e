/** Severities of domain.md §21, mildest first. */
export type Severity = 'info' | 'warning' | 'major' | 'critical' | 'patient-safety';

/**
 * What a finding's code means for people: how bad, and in one sentence what it says. `arrival` findings are made once; the others are facts of
 * the set of events and close by themselves when they no longer hold (design.md §3).
 */
export const FINDINGS = {
  'SN-DUP': { severity: 'major', arrival: false, says: 'commissioned again; the first commissioning stands' },
  'SN-CONFLICT': { severity: 'critical', arrival: false, says: 'claimed with another lot or expiry; the first claim stands' },
  'SN-AFTER-END': { severity: 'critical', arrival: false, says: 'something happened to it after its end' },
  'SN-UNKNOWN': { severity: 'warning', arrival: false, says: 'was never commissioned' },
  'AGG-DOUBLE': {
    severity: 'major',
    arrival: false,
    says: 'packed while still inside another container; the earlier stay was ended by inference',
  },
  'AGG-CYCLE': { severity: 'major', arrival: false, says: 'would contain itself; the later packing is not applied' },
  'AGG-NOTCHILD': { severity: 'warning', arrival: false, says: 'unpacked from a container that it was not in' },
  'AGG-UNKNOWN-CHILD': { severity: 'major', arrival: false, says: 'packed, but never commissioned' },
  'AGG-HASCHILDREN': { severity: 'major', arrival: false, says: 'ended with content inside; the content did not end with it' },
  'GEN-TIME': { severity: 'warning', arrival: false, says: 'used in an output that is older than its own production' },
  'GEN-OVERUSE': { severity: 'warning', arrival: false, says: 'more was used than came in' },
  'GEN-HELD-USED': { severity: 'critical', arrival: false, says: 'used while on hold, recalled or expired' },
  'GEN-REWORK-LOOP': { severity: 'info', arrival: false, says: 'goes back into its own ancestry' },
  'EV-DUP': { severity: 'info', arrival: true, says: 'the same event came again; nothing was stored' },
  'EV-TWIN': { severity: 'warning', arrival: true, says: 'the same content under another eventID; no second effect' },
  'EV-LATE': { severity: 'info', arrival: true, says: 'came after a later event about the same thing; its history was folded again' },
  'EV-FUTURE': { severity: 'warning', arrival: true, says: 'its eventTime is more than 5 minutes ahead of this clock' },
  'EV-RULE': { severity: 'warning', arrival: true, says: 'breaks a rule that the official schemas do not check' },
  'EV-DIFFERS': {
    severity: 'warning',
    arrival: true,
    says: 'the error declaration does not repeat the content of the event that it voids',
  },
  'SN-FOREIGN': {
    severity: 'major',
    arrival: true,
    says: 'commissioned with a number that was granted to another run, or that no pool of its product ever granted',
  },
  'SN-INVALID-USED': { severity: 'critical', arrival: false, says: 'commissioned with a number that had been taken out of use' },
  'SN-POOL-LOW': {
    severity: 'warning',
    arrival: true,
    says: 'the pool holds less than the open runs need, or less than a fifth of what it could grant',
  },
  'LINE-NOCLEAR': { severity: 'warning', arrival: true, says: 'commissioned for a batch whose line clearance was not recorded' },
  'LINE-CLOCK': { severity: 'major', arrival: true, says: 'the clock of its source was off when it was captured' },
  'REC-UNACCOUNTED': { severity: 'critical', arrival: true, says: 'numbers of the batch are not accounted for' },
  'REC-COUNTER': { severity: 'major', arrival: true, says: "the line's counter does not agree with what was captured" },
  'REC-YIELD': { severity: 'major', arrival: true, says: 'the yield of the batch is outside of its limits' },
  'REJ-ESCAPED': { severity: 'critical', arrival: true, says: 'rejected by the camera, and still good' },
  'AGG-ORPHAN': { severity: 'major', arrival: true, says: 'good, but neither inside a container nor declared loose' },
  'AGG-COUNT': { severity: 'major', arrival: true, says: 'holds another number of things than it should' },
  'AGG-MIXED': { severity: 'major', arrival: true, says: 'holds things of different lots, products or expiries' },
  'DEP-VOIDED': { severity: 'major', arrival: false, says: 'builds on an event that was declared erroneous' },
  'VOID-DENIED': { severity: 'major', arrival: true, says: 'declared erroneous by somebody other than who captured it' },
  'SHIP-HELD': { severity: 'critical', arrival: false, says: 'shipped while on hold' },
  'SHIP-EXPIRED': { severity: 'critical', arrival: false, says: 'shipped after its expiry' },
  'SHIP-RECALLED': { severity: 'critical', arrival: false, says: 'shipped although recalled' },
  'SHIP-NOTREL': { severity: 'major', arrival: false, says: 'shipped before its batch was closed' },
  'SHIP-PARTNER': { severity: 'major', arrival: false, says: 'shipped to somebody who is not an authorised trading partner' },
  'RCV-NODATA': { severity: 'major', arrival: false, says: 'received without any data of a shipment' },
  'RCV-OVER': { severity: 'major', arrival: false, says: 'received, but not in the shipment that it came with' },
  'RCV-SHORT': { severity: 'major', arrival: false, says: 'in the shipment, but not received with it' },
  'RCV-WRONGPLACE': { severity: 'major', arrival: false, says: 'received somewhere else than it was sent to' },
  'VER-CLONE': { severity: 'critical', arrival: true, says: 'verified at places that one pack cannot have been at' },
  'VER-ATLARGE': { severity: 'critical', arrival: true, says: 'verified although it is missing' },
  'VER-GUESS': { severity: 'critical', arrival: true, says: 'somebody tries serial numbers' },
  'VER-ALREADY': { severity: 'warning', arrival: true, says: 'decommissioned again' },
  'VER-UNDO-LATE': { severity: 'major', arrival: true, says: 'asked to be made active again after the time limit' },
  'VER-UNDO-OTHER': { severity: 'major', arrival: true, says: 'asked to be made active again by another site than decommissioned it' },
  'VER-UNDO-STATE': { severity: 'major', arrival: true, says: 'asked to be made active again in a state that does not allow it' },
  'VER-UNKNOWN': { severity: 'major', arrival: true, says: 'asked for at a verification, and unknown here' },
  'VER-DIFFERS': { severity: 'major', arrival: true, says: 'asked for with another lot or expiry than it was commissioned with' },
  'EX-PND-1': { severity: 'major', arrival: true, says: 'came without any data' },
  'EX-PND-2': { severity: 'major', arrival: true, says: 'came, but more than the data say' },
  'EX-PND-3': { severity: 'major', arrival: true, says: 'found in a sealed container that should not hold it' },
  'EX-PND-4': { severity: 'major', arrival: true, says: 'came under another serial number than the data say' },
  'EX-PND-5': { severity: 'major', arrival: true, says: 'shipped under another lot than it was commissioned with' },
  'EX-PND-6': { severity: 'major', arrival: true, says: 'shipped to another buyer than the data say' },
  'EX-DNP-1': { severity: 'major', arrival: true, says: 'in the data, but did not come; still wanted' },
  'EX-DNP-2': { severity: 'major', arrival: true, says: 'in the data, but did not come; the order was cancelled' },
  'EX-DNP-3': { severity: 'critical', arrival: true, says: 'missing from a sealed container' },
  'EX-DNP-4': { severity: 'critical', arrival: true, says: 'shipped and lost on the way' },
  'EX-DAT-1': { severity: 'major', arrival: true, says: 'came in a file that cannot be read' },
  'EX-DAT-2': { severity: 'warning', arrival: true, says: 'of a product that master data do not know' },
  'EX-DAT-3': { severity: 'warning', arrival: true, says: 'to or from a partner or place that master data do not know' },
  'EX-DAT-4': { severity: 'critical', arrival: true, says: 'the same serial number twice' },
  'EX-DAT-5': { severity: 'critical', arrival: true, says: 'lot or expiry differ between data and pack' },
  'EX-DAT-6': { severity: 'major', arrival: true, says: 'shipped without a statement or field that has to be there' },
  'EX-DAT-7': { severity: 'major', arrival: true, says: 'shipped in a container of unknown content' },
  'EX-PKG-1': { severity: 'warning', arrival: true, says: 'the code cannot be read' },
  'EX-PKG-2': { severity: 'critical', arrival: true, says: 'code and text differ' },
  'EX-PKG-3': { severity: 'major', arrival: true, says: 'bears no identifier' },
  'EX-DMG-1': { severity: 'warning', arrival: true, says: 'damaged; goes back' },
  'EX-DMG-2': { severity: 'warning', arrival: true, says: 'damaged; destroyed where it is' },
  'EX-HLD-1': { severity: 'critical', arrival: true, says: 'recalled or withdrawn' },
  'EX-HLD-2': { severity: 'critical', arrival: true, says: 'suspect, under investigation' },
  'EX-HLD-3': { severity: 'warning', arrival: true, says: 'expired, or soon to be' },
  'EX-HLD-4': { severity: 'major', arrival: true, says: 'was outside of its temperature limits' },
  'EV-UNKNOWN-REF': { severity: 'warning', arrival: false, says: 'declares an event erroneous that is not here' },
} as const satisfies Record<string, { severity: Severity; arrival: boolean; says: string }>;

export type FindingCode = keyof typeof FINDINGS;

/** An unknown child's finding falls due after this long: its commissioning may be on the way (domain.md §5.3, choice). */
export const GRACE_MICROSECONDS = 15 * 60 * 1_000_000;

/** A clock may run ahead this far before an event counts as from the future (domain.md §21). */
export const FUTURE_MICROSECONDS = 5 * 60 * 1_000_000;

/** What LOTLINE_RULES=enforce refuses (packs-wire.md). */
export const ENFORCED: ReadonlySet<string> = new Set([
  'SN-DUP',
  'SN-CONFLICT',
  'SN-AFTER-END',
  'SN-UNKNOWN',
  'AGG-CYCLE',
  'AGG-DOUBLE',
  'AGG-UNKNOWN-CHILD',
]);
