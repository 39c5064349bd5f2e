import { formatHashId, parseHashId } from '../epcis/index.ts';
import type { ReadEvent } from '../epcis/model.ts';
import { LotlineError } from '../errors.ts';
import { latin1 } from '../lifecycle/rows.ts';
import type { Journal } from '../store/journal.ts';
import type { KnownEvent } from '../store/rows.ts';

export type Verdict = { kind: 'duplicate'; of: number } | { kind: 'refused'; error: LotlineError } | ({ kind: 'new' } & Standing);

/** What a new event does to others by being the same as they, or they to it. */
export type Standing = {
  /** The event whose effect it repeats. */
  readonly twinOf: number | null;
  /** The declaration that came before it and voids it. */
  readonly voidSeq: number | null;
  /** Declarations that came before it and declare it. */
  readonly declaredBy: readonly number[];
  /** Events that it declares erroneous. */
  readonly voids: readonly number[];
  /** Twins whose original it voids: the first takes the original's place, the others are its twins now. */
  readonly heirs: readonly { readonly seq: number; readonly twinOf: number | null }[];
  /** A declaration whose content is not that of the event it voids. */
  readonly differs: boolean;
  /** A declaration that finds nothing to void. */
  readonly unknown: boolean;
  /** A declaration of what is declared erroneous already, or of a declaration: it has no effect (domain.md §7.4). */
  readonly again: boolean;
};

/**
 * When two events are one, twins, in conflict, or declared erroneous (design.md §3, sameness; C-4; DM-9).
 * Looks up a run of events at once; what is accepted within the run is known to the events after it.
 */
export class Sameness {
  private readonly byDigest = new Map<string, KnownEvent[]>();
  private readonly byID = new Map<string, KnownEvent[]>();
  private readonly byHash = new Map<string, KnownEvent[]>();
  private readonly seen = new Set<number>();

  static async of(journal: Journal, reads: readonly ReadEvent[]): Promise<Sameness> {
    const sameness = new Sameness();
    const eventIDs = new Set<string>();
    const hashes: Uint8Array[] = [];
    for (const { event, hash } of reads) {
      eventIDs.add(event.eventID ?? formatHashId(hash));
      hashes.push(hash, ...hashNamed(event.eventID));
    }
    for (const event of await journal.knownEvents({ digests: reads.map((r) => r.identityDigest), eventIDs: [...eventIDs], hashes }))
      sameness.add(event);
    // A declaration names its target; the twins of that are known by the target's content alone.
    const declared = reads.filter((read) => read.event.errorDeclaration !== null).flatMap((read) => sameness.targetsOf(read));
    if (declared.length > 0)
      for (const event of await journal.knownEvents({ digests: declared.map((known) => known.digest) })) sameness.add(event);
    return sameness;
  }

  private add(event: KnownEvent): void {
    if (this.seen.has(event.seq)) return;
    this.seen.add(event.seq);
    const put = (map: Map<string, KnownEvent[]>, key: string) => {
      const list = map.get(key);
      if (list) list.push(event);
      else map.set(key, [event]);
    };
    put(this.byDigest, latin1(event.digest));
    put(this.byHash, latin1(event.hash));
    if (event.event_id !== null) put(this.byID, event.event_id);
  }

  /** Judges the next event, which gets the number `seq` if it is new. */
  judge(read: ReadEvent, seq: number): Verdict {
    const { eventID, errorDeclaration } = read.event;
    const same = this.byDigest.get(latin1(read.identityDigest)) ?? [];
    // A declaration with an eventID voids other events than one without, so only the same name makes it the same declaration.
    const repeat = same.find(
      (known) => known.event_id === eventID || (errorDeclaration === null && (eventID === null || known.event_id === null)),
    );
    if (repeat) return { kind: 'duplicate', of: repeat.seq };
    if (errorDeclaration === null && eventID !== null && (this.byID.get(eventID) ?? []).some((known) => known.declares === 0)) {
      return {
        kind: 'refused',
        error: new LotlineError('EV-ID-TAKEN', `the eventID ${eventID} belongs to an event with other content`, {
          at: `${read.at}/eventID`,
          fix: 'Give the event an eventID of its own, or add an errorDeclaration if it is to void the stored one.',
        }),
      };
    }
    const standing = errorDeclaration === null ? this.judgeEvent(read, same) : this.judgeDeclaration(read, seq);
    this.add({
      seq,
      event_id: eventID,
      hash: read.hash,
      digest: read.identityDigest,
      declares: errorDeclaration === null ? 0 : 1,
      void_seq: standing.voidSeq,
      twin_of: standing.twinOf,
    });
    return { kind: 'new', ...standing };
  }

  private judgeEvent(read: ReadEvent, same: readonly KnownEvent[]): Standing {
    const declarations = this.declarationsOf(read);
    // Only an event that has an effect can be repeated: when all of one content are voided, the next one counts.
    const original = same.find((known) => known.twin_of === null && known.void_seq === null);
    const hash = latin1(read.hash);
    return {
      twinOf: original?.seq ?? null,
      voidSeq: declarations[0]?.seq ?? null,
      declaredBy: declarations.map((declaration) => declaration.seq),
      voids: [],
      heirs: [],
      differs: declarations[0] !== undefined && latin1(declarations[0].hash) !== hash,
      unknown: false,
      again: false,
    };
  }

  private judgeDeclaration(read: ReadEvent, seq: number): Standing {
    const targets = this.targetsOf(read);
    const voided = targets.filter((known) => known.void_seq === null);
    for (const known of voided) known.void_seq = seq;
    const heirs = voided.filter((known) => known.twin_of === null).flatMap((known) => this.inherit(known));
    const hash = latin1(read.hash);
    return {
      twinOf: null,
      voidSeq: null,
      declaredBy: [],
      voids: voided.map((known) => known.seq),
      heirs: heirs.map((heir) => ({ seq: heir.seq, twinOf: heir.twin_of })),
      differs: targets.some((known) => latin1(known.hash) !== hash),
      unknown: targets.length === 0,
      again: targets.length > 0 && voided.length === 0,
    };
  }

  /** Of the twins of a voided event that are not voided themselves, the first takes its place. */
  private inherit(voided: KnownEvent): KnownEvent[] {
    const twins = (this.byDigest.get(latin1(voided.digest)) ?? [])
      .filter((known) => known.twin_of === voided.seq && known.void_seq === null)
      .sort((a, b) => a.seq - b.seq);
    twins.forEach((twin, i) => {
      twin.twin_of = i === 0 ? null : (twins[0] as KnownEvent).seq;
    });
    return twins;
  }

  /** The events that a declaration voids: those with its eventID (the event hash stands in for a missing one), or, when it has none, those with its hash. */
  private targetsOf(read: ReadEvent): KnownEvent[] {
    const { eventID } = read.event;
    const found =
      eventID === null
        ? (this.byHash.get(latin1(read.hash)) ?? [])
        : [
            ...(this.byID.get(eventID) ?? []),
            ...hashNamed(eventID)
              .flatMap((hash) => this.byHash.get(latin1(hash)) ?? [])
              .filter((known) => known.event_id === null),
          ];
    return found.filter((known) => known.declares === 0);
  }

  /** The same, seen from the event: declarations that came before what they declare. */
  private declarationsOf(read: ReadEvent): KnownEvent[] {
    const byName = this.byID.get(read.event.eventID ?? formatHashId(read.hash)) ?? [];
    const byHash = (this.byHash.get(latin1(read.hash)) ?? []).filter((known) => known.event_id === null);
    return [...byName, ...byHash].filter((known) => known.declares === 1).sort((a, b) => a.seq - b.seq);
  }
}

/** The hash that an eventID in the `ni:` form stands for. */
function hashNamed(eventID: string | null): Uint8Array[] {
  return eventID?.startsWith('ni:///sha-256;') && /^ni:\/\/\/sha-256;[0-9a-f]{64}\?ver=CBV2\.0$/.test(eventID)
    ? [parseHashId(eventID)]
    : [];
}
