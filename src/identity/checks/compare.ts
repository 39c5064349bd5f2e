import type { CheckRead } from '../acts.ts';
import type { Key } from '../world.ts';
import { dinsOf, identifies, independent, isPersonal } from './identifiers.ts';

/** What reads are compared with, besides each other: the order and its containers as they are known here. */
export type Truth = {
  readonly chain: string | null;
  readonly orderId: string | null;
  readonly patientRef: string | null;
  readonly donors: readonly string[];
  /** Those that the check is about, each with every key that it goes by; the first is its one key. */
  readonly containers: readonly (readonly Key[])[];
};

export type Compared = { readonly identifier: string; readonly sources: readonly string[]; readonly match: boolean };

/** One read, as it is compared: `canonical` is its value, or of a container's key the one key of that container; `patients`: whether it is the patient's, of a personal one. */
export type Weighed = Pick<CheckRead, 'source' | 'identifier' | 'value'> & {
  readonly canonical: string;
  readonly patients: boolean | null;
};

/**
 * INV-09, INV-11: every pair of reads of one identifier agrees, and agrees with what is known of the order and its containers. Where a source shows
 * several containers, it shows the same ones as every other source does.
 */
export function compareReads(reads: readonly Weighed[], truth: Truth): Compared[] {
  return [...new Set(reads.map(({ identifier }) => identifier))].map((identifier) => {
    const own = reads.filter((read) => read.identifier === identifier);
    const sources = [...new Set(own.map(({ source }) => source))];
    if (isPersonal(identifier)) return { identifier, sources, match: own.every(({ patients }) => patients === true) };
    const known = knownValues(identifier, truth);
    const agree = sources.every((source) => sameSet(valuesOf(own, source), valuesOf(own, sources[0] as string)));
    return { identifier, sources, match: agree && (known === null || own.every(({ canonical }) => known.has(canonical))) };
  });
}

const valuesOf = (reads: readonly Weighed[], source: string): Set<string> =>
  new Set(reads.filter((read) => read.source === source).map(({ canonical }) => canonical));

const sameSet = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean => a.size === b.size && [...a].every((one) => b.has(one));

/** Which values are right; null where nothing here tells. */
function knownValues(identifier: string, truth: Truth): ReadonlySet<string> | null {
  const only = (value: string | null) => (value === null ? null : new Set([value]));
  switch (identifier) {
    case 'coiId':
      return only(truth.chain);
    case 'orderId':
      return only(truth.orderId);
    case 'patientRef':
      return only(truth.patientRef);
    case 'donorRef':
      return truth.donors.length === 0 ? null : new Set(truth.donors);
    case 'din': {
      const dins = dinsOf(truth.containers.flat());
      return dins.size === 0 ? null : dins;
    }
    case 'container':
    case 'sample':
      return truth.containers.length === 0 ? null : new Set(truth.containers.flatMap(([key]) => key ?? []));
    default:
      return null;
  }
}

/** What a checkpoint of a workflow template demands; `sources`: how many, or which. */
export type Strength = {
  readonly people: number;
  readonly identifiers: number;
  readonly sources: number | readonly string[];
  /** The checkers are others than who performed the step. */
  readonly independent?: boolean;
};
export const LEAST: Strength = { people: 1, identifiers: 2, sources: 2 };

/**
 * INV-09: what a check lacks of the strength that its checkpoint demands, in words; empty: nothing. An identifier counts when it was read in this check
 * from two sources, or, of a personal one, from one beside the vault. Ones that can be computed from each other count once.
 */
export function lacks(reads: readonly Weighed[], strength: Strength): string[] {
  const missing: string[] = [];
  const sources = new Set(reads.map(({ source }) => source));
  if (typeof strength.sources === 'number') {
    const least = Math.max(2, strength.sources);
    if (sources.size < least) missing.push(`reads from ${least} sources, there are ${sources.size}`);
  } else {
    const absent = strength.sources.filter((source) => !sources.has(source));
    if (absent.length > 0) missing.push(`reads from ${absent.join(', ')}`);
    if (sources.size < 2) missing.push('reads from a second source');
  }
  const least = Math.max(2, strength.identifiers);
  const counted = countIndependent(reads);
  if (counted < least)
    missing.push(`${least} independent identifiers that were compared, there ${counted === 1 ? 'is' : 'are'} ${counted}`);
  return missing;
}

/** The largest number of identifiers that were compared in this check and are independent of each other, pair by pair. */
export function countIndependent(reads: readonly Weighed[]): number {
  const compared = [...new Set(reads.map(({ identifier }) => identifier))]
    .filter(identifies)
    .map((identifier) => reads.filter((read) => read.identifier === identifier))
    .filter((own) => isPersonal((own[0] as Weighed).identifier) || new Set(own.map(({ source }) => source)).size >= 2);
  let best = 0;
  const grow = (from: number, chosen: readonly (readonly Weighed[])[]): void => {
    best = Math.max(best, chosen.length);
    for (let i = from; i < compared.length; i++) {
      const own = compared[i] as readonly Weighed[];
      if (chosen.every((other) => other.every((a) => own.every((b) => independent(a, b))))) grow(i + 1, [...chosen, own]);
    }
  };
  grow(0, []);
  return best;
}
