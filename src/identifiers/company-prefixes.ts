import { readEpcUrn } from './epc-urn.ts';
import { isDigits } from './gs1/check-digit.ts';
import { type Gs1Key, readKeyText } from './gs1/keys.ts';
import { orNull } from './refusal.ts';

/** What was learned: a scheme, and a company prefix that a URN of that scheme was seen with. */
export type LearnedPrefix = readonly [scheme: string, prefix: string];

const LEARNED_MAX = 100_000;
const CONFIGURED = 'configured';

/**
 * Lengths of GS1 company prefixes, learned from URNs seen or configured by the operator, never guessed (codes.md §5). A key needs the
 * length to be written as URN. Where two lengths are known for one key, none is: only a configured one decides.
 *
 * What was learned is bounded by LEARNED_MAX distinct pairs of scheme and prefix. A store keeps entries() and hands them back to the
 * constructor.
 */
export class CompanyPrefixes {
  readonly #byScheme = new Map<string, Set<string>>();
  readonly #heads = new Set<string>();
  #lastHead = '\0';
  #learned = 0;

  constructor(entries: Iterable<LearnedPrefix> = []) {
    for (const [scheme, prefix] of entries) this.#put(scheme, prefix);
  }

  /** Takes note of the company prefix of an EPC URN; true when it was new. Anything but a sound GS1 URN teaches nothing. Made for the hot path. */
  learn(uri: string): boolean {
    if (uri.startsWith(this.#lastHead)) return false;
    if (!uri.startsWith('urn:epc:')) return false;
    const head = uri.slice(0, uri.indexOf('.') + 1);
    if (head === '') return false;
    if (this.#heads.has(head)) {
      this.#lastHead = head;
      return false;
    }
    if (this.#learned >= LEARNED_MAX) return false;
    const urn = orNull(() => readEpcUrn(uri)); // a broken URN is refused where it is read; here it only teaches nothing
    if (urn === null || urn.prefix === '') return false;
    this.#heads.add(head);
    this.#lastHead = head;
    return this.#put(urn.scheme, urn.prefix);
  }

  /** A company prefix that the operator vouches for; it decides over what was learned. */
  add(prefix: string): void {
    if (!isDigits(prefix) || prefix.length < 6 || prefix.length > 12) throw new RangeError(`company prefix ${prefix}: not 6 to 12 digits`);
    this.#put(CONFIGURED, prefix);
  }

  /**
   * The length of the company prefix in a canonical key. Configured first, then learned of the same scheme, then of any: all keys of a
   * company begin with its one prefix. Null when not known, or when two lengths are.
   */
  lengthOf(key: string): number | null {
    const gs1 = readKeyText(key);
    return gs1 === null ? null : this.lengthIn(gs1);
  }

  /** The same for a key already read. */
  lengthIn(gs1: Gs1Key): number | null {
    const digits = prefixDigits(gs1);
    const own = schemesOf(gs1);
    const stages = [[CONFIGURED], own, [...this.#byScheme.keys()]];
    for (const schemes of stages) {
      const lengths = this.#lengths(digits, schemes);
      if (lengths.size > 0) return lengths.size === 1 ? ([...lengths][0] as number) : null;
    }
    return null;
  }

  /** Everything known; what the operator configured stands under the scheme `configured`. */
  entries(): LearnedPrefix[] {
    return [...this.#byScheme].flatMap(([scheme, prefixes]) => [...prefixes].map((prefix): LearnedPrefix => [scheme, prefix]));
  }

  #lengths(digits: string, schemes: readonly string[]): Set<number> {
    const lengths = new Set<number>();
    for (const scheme of schemes) {
      const prefixes = this.#byScheme.get(scheme);
      for (let n = 6; n <= 12 && prefixes !== undefined; n++) if (prefixes.has(digits.slice(0, n))) lengths.add(n);
    }
    return lengths;
  }

  #put(scheme: string, prefix: string): boolean {
    const prefixes = this.#byScheme.get(scheme) ?? new Set();
    this.#byScheme.set(scheme, prefixes);
    if (prefixes.has(prefix)) return false;
    prefixes.add(prefix);
    this.#learned++;
    return true;
  }
}

/** The value from where the company prefix begins. */
function prefixDigits({ ai, value }: Gs1Key): string {
  return ai === '00' || ai === '01' || ai === '8003' || ai === '8006' ? value.slice(1) : value;
}

/** Schemes whose URNs speak of the same kind of key. */
function schemesOf({ ai }: Gs1Key): string[] {
  const schemes: Readonly<Record<string, string[]>> = {
    '00': ['sscc'],
    '01': ['sgtin', 'lgtin', 'upui'],
    '253': ['gdti'],
    '255': ['sgcn'],
    '401': ['ginc'],
    '402': ['gsin'],
    '414': ['sgln', 'pgln'],
    '417': ['pgln', 'sgln'],
    '8003': ['grai'],
    '8004': ['giai'],
    '8006': ['itip'],
    '8010': ['cpi'],
    '8017': ['gsrnp'],
    '8018': ['gsrn'],
  };
  return schemes[ai] ?? [];
}
