import { isWithin, SET_82 } from './characters.ts';

/** The alphanumeric check character pair of AI 8013 and 8014 (GS1 General Specifications; `csumalpha` of the dictionary). */

/** Set 82 in the order that gives each character its weight. */
const VALUES = '!"%&\'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';
/** The 32 characters that a check character may be: none that is easily misread. */
const CHECKS = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';

/** The two check characters of `data`: its values, weighted with the primes from the right, mod 1021, in two halves of five bits. */
export function checkCharacters(data: string): string {
  let sum = 0;
  let prime = 2;
  for (let i = data.length - 1; i >= 0; i--) {
    sum += VALUES.indexOf(data[i] as string) * prime;
    prime = nextPrime(prime);
  }
  sum %= 1021;
  return `${CHECKS[sum >> 5]}${CHECKS[sum & 31]}`;
}

/** Whether `full` is of set 82 and ends with its own check character pair. */
export function hasValidCheckCharacters(full: string): boolean {
  const data = full.slice(0, -2);
  return full.length > 2 && isWithin(SET_82, data) && checkCharacters(data) === full.slice(-2);
}

function nextPrime(after: number): number {
  for (let n = after + 1; ; n++) {
    let prime = true;
    for (let d = 2; d * d <= n && prime; d++) prime = n % d !== 0;
    if (prime) return n;
  }
}
