import { scramble } from './random.ts';

/** 32 letters that nobody confuses: no 0 O 1 I (domain.md §4.1). */
export const SERIAL_ALPHABET = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';

const PAIRS = Array.from({ length: 1024 }, (_, i) => SERIAL_ALPHABET[i >>> 5]! + SERIAL_ALPHABET[i & 31]!);
const HALF = 0x3fff_ffff;
const ROUNDS = 4;

/**
 * The serial numbers of one GTIN: a keyed permutation of a counter (a Feistel network over 60 bits), so that they are unique by
 * construction and none has to be kept (domain.md §4.1). For demo worlds only: the rounds are no cryptography.
 */
export function serialNumbers(seed: number, gtin: string): (counter: number) => string {
  let key = scramble(seed | 0);
  for (let i = 0; i < gtin.length; i++) key = scramble(key ^ gtin.charCodeAt(i));
  const keys = Array.from({ length: ROUNDS }, (_, round) => scramble(key ^ Math.imul(round + 1, 0x85ebca6b)));
  return (counter) => {
    let left = Math.floor(counter / 0x4000_0000) & HALF;
    let right = counter & HALF;
    for (let round = 0; round < ROUNDS; round++) {
      const next = (left ^ scramble(right ^ keys[round]!)) & HALF;
      left = right;
      right = next;
    }
    return sixLetters(left) + sixLetters(right);
  };
}

const sixLetters = (bits: number): string => PAIRS[bits >>> 20]! + PAIRS[(bits >>> 10) & 1023]! + PAIRS[bits & 1023]!;
