/** How far an exception has got (domain.md §7.3, §9). The last two are the ends; all others are of what is open. */
export const STAGES = ['open', 'waiting-partner', 'waiting-us', 'suspect', 'illegitimate', 'resolved', 'closed-as-suspect'] as const;
export type Stage = (typeof STAGES)[number];

const CLOSING: ReadonlySet<string> = new Set<Stage>(['resolved', 'closed-as-suspect']);
export const isClosing = (stage: string): boolean => CLOSING.has(stage);

/** What people add to a finding, kept as JSON beside it. `seq` is the entry that told it: that knows who and when. Times are microseconds. */
export type FindingRecord = {
  note?: string;
  /** Canonical keys of things that nothing here had named when it was raised. */
  unnamed?: readonly string[];
  /** By which the finding that a call has raised is known from others of its code. */
  token?: string;
  counterpart?: string;
  references?: readonly string[];
  /** Hashes of pictures that are kept elsewhere. */
  photos?: readonly string[];
  /** How many things, where they have no numbers of their own or these are not known. */
  count?: number;
  readPoint?: string;
  /** When the pager has taken it, as a date-time: until then it is sent again. */
  paged?: string;
  messages?: readonly { text: string; at: number; seq: number }[];
  notification?: Notification;
};

/** The duty to notify (domain.md §9): from the determination on, until it was sent, and until it was ended. */
export type Notification = {
  determined: number;
  seq: number;
  due: number;
  sent?: { at: number; seq: number; note: string };
  terminated?: { at: number; seq: number; note: string };
};

/**
 * The stage shown. What closes by itself, because it no longer holds, has no stage of its own for that; and what is open again is not resolved.
 */
export function shownStage(state: 'open' | 'closed', stage: string): Stage {
  if (state === 'closed') return stage === 'closed-as-suspect' ? stage : 'resolved';
  return isClosing(stage) ? 'open' : (stage as Stage);
}
