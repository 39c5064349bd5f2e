/** What a signature says (domain.md §15). */
export const MEANINGS = [
  'authored',
  'reviewed',
  'approved',
  'released',
  'verified_identity',
  'witnessed',
  'handed_over',
  'received',
  'resolved',
] as const;
export type Meaning = (typeof MEANINGS)[number];

/** Meanings by which quality speaks: who administers may not (domain.md §15). */
export const QUALITY_MEANINGS: readonly string[] = ['approved', 'released', 'resolved'] satisfies Meaning[];

/** For a step, until the end of a day: `YYYY-MM-DD`. */
export type Qualification = { readonly step: string; readonly until: string };

/** A signature as it was given (domain.md §15): the person as they were then. */
export type Signature = {
  readonly id: string;
  readonly person: string;
  /** Printed name. */
  readonly name: string;
  readonly roles: readonly string[];
  readonly sites: readonly string[];
  readonly qualifications: readonly Qualification[];
  readonly meaning: string;
  readonly reason: string | null;
  /** ms of the authentication, with the zone in which it was given. */
  readonly at: number;
  readonly offset: string;
  /** The bearer that asked for the token: two signatures of one session within 3 s are one person's (COI-2P). */
  readonly session: string;
};

/** A moment as a clock on the wall of its place shows it: `2026-03-02T14:00:00.000+02:00`. */
export function zoned(ms: number, offset: string): string {
  return `${new Date(ms + offsetMs(offset)).toISOString().slice(0, -1)}${offset}`;
}

/** `+02:00` in ms. */
export function offsetMs(offset: string): number {
  const [, sign, hours, minutes] = /^([+-])(\d\d):(\d\d)$/.exec(offset) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000;
}
