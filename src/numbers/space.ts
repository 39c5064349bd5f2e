/**
 * How large a number space is, and how likely a guess hits (domain.md §4.1). Exact: spaces of 20 characters are far beyond 2^53.
 *
 *     spaceOf({ alphabet: 32 letters, length: 12 }) → 1152921504606846976n
 */
export type Numbering = {
  /** The characters themselves, each once. */
  readonly alphabet: string;
  /** Characters that are made. */
  readonly length: number;
  /** What every number begins with: of an SSCC extension digit and company prefix; of a GTIN's serials nothing. */
  readonly head: string;
};

/** A number can be guessed in fewer than one of so many tries, or it is not granted (Delegated Regulation (EU) 2016/161, art. 4). */
export const TRIES_MIN = 10_000n;

/** The 32 characters that nobody takes for another: no I, O, 0, 1. */
export const UNMISTAKABLE = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';

export function spaceOf({ alphabet, length }: Pick<Numbering, 'alphabet' | 'length'>): bigint {
  return BigInt(alphabet.length) ** BigInt(length);
}

/** Whether the numbers are an SSCC's: they are given out in order, since nobody proves anything by knowing one. */
export const isInOrder = ({ head }: Pick<Numbering, 'head'>): boolean => head !== '';

/**
 * How many more serials of a GTIN may be granted from a space, so that the chance stays below 1 : 10,000.
 * `issued` counts the numbers of all pools of the GTIN that are out; `used` all that ever were, since none is given out twice: where half a space is
 * used up, there is no more.
 */
export function grantable(space: bigint, issued: bigint, used: bigint): bigint {
  const unguessable = (space - 1n) / TRIES_MIN - issued;
  const unused = space / 2n - used;
  const least = unguessable < unused ? unguessable : unused;
  return least > 0n ? least : 0n;
}

/** The chance that a guess hits, as a number and as `1 : n`, n rounded down: the chance is never told smaller than it is. */
export function guessChance(issued: bigint, space: bigint): { guessChance: number; chance: string | null } {
  return { guessChance: Number(issued) / Number(space), chance: issued === 0n ? null : `1 : ${space / issued}` };
}
