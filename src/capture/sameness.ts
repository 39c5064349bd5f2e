import { formatHashId, parseHashId } from '../epcis/index.ts';
import type { ReadEvent } from '../epcis/model.ts';
import { LotlineError } from '../errors.ts';
import { latin1 } from '../lifecycle/rows.ts';
import type { Journal } from '../store/journal.ts';
import type { KnownEvent } from '../store/rows.ts';

export type Verdict =
  | { kind: 'duplicate'; of: number }
  | { kind: 'refused'; error: LotlineError }
  | {
      kind: 'new';
      twinOf: number | null;
      voidSeq: number | null;
      voids: number[] /** a declaration whose content is not that of the event it voids */;
      differs: boolean /** a declaration that finds nothing to void */;
      unknown: boolean;
    };

/**
 * When two events are one, twins, in conflict, or declared erroneous (design.md §3, sameness; C-4; DM-9).
 * Looks up a run of events at once; events accepted within the run are known to the ones after them.
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
    const known = await journal.knownEvents({ digests: reads.map((r) => r.identityDigest), eventIDs: [...eventIDs], hashes });
    for (const event of known) sameness.add(event);
    return sameness;
  }

  add(event: KnownEvent): void {
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

  judge(read: ReadEvent): Verdict {
    const { eventID, errorDeclaration } = read.event;
    const same = this.byDigest.get(latin1(read.identityDigest)) ?? [];
    const repeat = same.find((known) => eventID === null || known.event_id === null || known.event_id === eventID);
    if (repeat) return { kind: 'duplicate', of: repeat.seq };

    if (errorDeclaration !== null) {
      const targets = this.targetsOf(read);
      const voids = targets.filter((known) => known.void_seq === null).map((known) => known.seq);
      const hash = latin1(read.hash);
      return {
        kind: 'new',
        twinOf: null,
        voidSeq: null,
        voids,
        differs: targets.some((known) => latin1(known.hash) !== hash),
        unknown: targets.length === 0,
      };
    }
    if (eventID !== null && (this.byID.get(eventID) ?? []).some((known) => known.declares === 0)) {
      return {
        kind: 'refused',
        error: new LotlineError('EV-ID-TAKEN', `the eventID ${eventID} belongs to an event with other content`, {
          at: `${read.at}/eventID`,
          fix: 'Give the event an eventID of its own, or add an errorDeclaration if it is to void the stored one.',
        }),
      };
    }
    const declaration = this.declarationsOf(read)[0];
    const original = same.find((known) => known.twin_of === null && known.void_seq === null) ?? same[0];
    return {
      kind: 'new',
      twinOf: original === undefined ? null : (original.twin_of ?? original.seq),
      voidSeq: declaration?.seq ?? null,
      voids: [],
      differs: declaration !== undefined && latin1(declaration.hash) !== latin1(read.hash),
      unknown: false,
    };
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
