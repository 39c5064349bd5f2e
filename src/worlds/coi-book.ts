import { formatKey, parseEpc } from '../identifiers/index.ts';
import type { CoiFinding, CoiLookBack, CoiOrderAnswer, CoiPlant, CoiRefusal } from './coi-answer-key.ts';
import type { CoiParties, CoiPerson } from './coi-parties.ts';
import { documentText, type EventMembers, eventText, type Party, type WorldDocument } from './document.ts';
import { COMPANY_PREFIX, sgtin, sgtinKey, type TradeItem, tradeItem } from './keys.ts';
import type { Random } from './random.ts';

/** What somebody vouches for: the body as the journal keeps it, and who signed when (ms, true time), with which meaning. */
export type CoiSignature = { readonly person: string; readonly meaning: string; readonly reason: string | null; readonly at: number };
export type CoiAct = {
  readonly kind: string;
  readonly id: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly signatures: readonly CoiSignature[];
};

/**
 * One thing that happens, in order of time (ms, true time). `act`: put on record. `document`: captured. `attempt`: asked for, and refused with `code`: an
 * act, or a call of the interface. `lift`: everything that is held of a chain for a code is let go, by one signed act a hold.
 */
export type CoiStep =
  | { readonly at: number; readonly act: CoiAct }
  | { readonly at: number; readonly document: WorldDocument }
  | { readonly at: number; readonly attempt: CoiAct & { readonly code: string } }
  | { readonly at: number; readonly call: { readonly method: 'POST'; readonly path: string; readonly body: object; readonly code: string } }
  | {
      readonly at: number;
      readonly lift: {
        readonly id: string;
        readonly chain: string;
        readonly code: string;
        readonly reason: string;
        readonly signatures: readonly CoiSignature[];
      };
    };

/** Who somebody is: for the vault, and for nowhere else. */
export type CoiIdentity = {
  readonly ref: string;
  readonly kind: 'patient' | 'donor';
  readonly identity: { readonly name: string; readonly birthDate: string; readonly recordNumber: string };
};

/** A read of what only the vault knows: stands in a check until a commitment takes its place. */
export const personalRead = (identifier: string): string => `@${identifier}`;

/** A world while it happens, with its books. */
export type CoiBook = {
  readonly seed: number;
  readonly random: Random;
  readonly parties: CoiParties;
  readonly steps: CoiStep[];
  readonly identities: CoiIdentity[];
  /** When which cleared space is in use. */
  readonly spaces: Map<string, { from: number; until: number }[]>;
  readonly orders: CoiOrderAnswer[];
  readonly plants: CoiPlant[];
  readonly findings: CoiFinding[];
  readonly refusals: CoiRefusal[];
  readonly onHold: Set<string>;
  /** Lot key → chains. */
  readonly reagents: Map<string, string[]>;
  lookBack: CoiLookBack | null;
  events: number;
};

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
/** An id as lotline makes them: prefix and 26 base32 characters. */
export function idFrom(random: Random, prefix: string): string {
  let text = '';
  for (let i = 0; i < 26; i++) text += ALPHABET[random.below(32)];
  return `${prefix}_${text}`;
}

/** What is done by whom, and what has to be told of it: a stream of time of its own, such as a therapy. */
export type Course = {
  readonly book: CoiBook;
  readonly random: Random;
  /** Its durations; courses with one label take the same time. */
  readonly pace: Random;
  now: number;
  /** Events that were made and not sent yet. */
  outbox: { party: Party; at: number; text: string; slug: string }[];
};

export type Signer = readonly [person: CoiPerson, meaning: string, reason?: string];

/** Puts an act on record, signed in the minutes before. Answers its id. */
export function act(course: Course, kind: string, id: string, body: Record<string, unknown>, signers: readonly Signer[]): string {
  course.book.steps.push({ at: course.now, act: { kind, id, body, signatures: signed(course, signers) } });
  return id;
}

/** Asks for an act that has to be refused. */
export function attempt(
  course: Course,
  kind: string,
  id: string,
  body: Record<string, unknown>,
  signers: readonly Signer[],
  code: string,
): void {
  course.book.steps.push({ at: course.now, attempt: { kind, id, body, signatures: signed(course, signers), code } });
  course.book.refusals.push({ id, code });
}

/** One after the other, half a minute apart. */
export function signed({ now }: Course, signers: readonly Signer[]): CoiSignature[] {
  return signers.map(([{ id }, meaning, reason], i) => ({
    person: id,
    meaning,
    reason: reason ?? null,
    at: now - (signers.length - 1 - i) * 30_000,
  }));
}

/** Tells an event by its party's clock. Answers its eventID. */
export function tell(course: Course, party: Party, type: string, slug: string, members: EventMembers): string {
  const eventID = course.random.uuid();
  course.outbox.push({ party, at: course.now, slug, text: eventText(party, type, course.now, eventID, members) });
  return eventID;
}

/** Sends what was told: each party its own, one document for what it has to tell in one go. */
export function send(course: Course): void {
  let from = 0;
  const { outbox, book } = course;
  while (from < outbox.length) {
    const { party } = outbox[from]!;
    let to = from;
    while (to < outbox.length && outbox[to]!.party === party) to++;
    const part = outbox.slice(from, to);
    const { at, slug } = part.at(-1)!;
    const text = documentText(
      party,
      at,
      part.map((one) => one.text),
      undefined,
      { coi: 'urn:lotline:identity:' },
    );
    // Named when all is put in order of time.
    book.steps.push({ at, document: { name: slug, text, note: `${party.name}: ${part.map((one) => one.slug).join(', ')}.` } });
    book.events += part.length;
    from = to;
  }
  course.outbox = [];
}

/** A duration around its median. */
export function pass(course: Course, medianMs: number): void {
  course.now += course.pace.dwell(medianMs);
}
/** A duration to the point. */
export function wait(course: Course, ms: number): void {
  course.now += ms;
}

// ── things ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** A thing as events name it, and its canonical key. */
export type Named = { readonly uri: string; readonly key: string };

export const ITEMS = {
  sample: tradeItem(0, '00071', 'Sample of cells'),
  vessel: tradeItem(0, '00072', 'Culture vessel'),
  qcSample: tradeItem(0, '00073', 'Release sample'),
  dose: tradeItem(0, '00074', 'Dose bag, autologous cells'),
  donorDose: tradeItem(0, '00075', 'Dose bag, donor cells'),
  vector: tradeItem(0, '00081', 'Lentiviral vector'),
  media: tradeItem(0, '00082', 'Culture medium'),
  bank: tradeItem(0, '00083', 'Donor cell bank'),
  intermediate: tradeItem(0, '00084', 'Donor cells, expanded'),
} as const;

export const itemOf = (item: TradeItem, serial: string): Named => ({ uri: sgtin(item, serial), key: sgtinKey(item, serial) });
export const assetOf = (name: string): Named => named(`urn:epc:id:giai:${COMPANY_PREFIX}.${name}`);
/** Product description, collection type and division of ISBT 128 (domain.md §3.2). */
export const bagOf = (din: string, division: string): Named => named(`urn:lotline:isbt128:bag:${din}:S12954${division}`);
const named = (uri: string): Named => ({ uri, key: formatKey(parseEpc(uri)) });
