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
