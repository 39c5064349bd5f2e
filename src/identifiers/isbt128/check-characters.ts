/** Check characters of ISBT 128 (codes.md §9): ISO/IEC 7064 mod 37-2, as a character, or as a value in two digits. */
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*';

/** The check value, 0 to 36, of text of `0-9A-Z`. Single errors and swapped neighbours change it. */
export function checkValue(text: string): number {
  let rest = 0;
  for (const c of text) rest = ((rest + ALPHABET.indexOf(c)) * 2) % 37;
  return (38 - rest) % 37;
}

/** The keyboard check character K, printed in a box beside the number and never in the bar code. */
export function keyboardCheckCharacter(text: string): string {
  return ALPHABET[checkValue(text)] as string;
}
