/** FNC1 where it separates elements, as everywhere in this program. */
const SEPARATOR = '\u001d';
const [SWITCH_C, SWITCH_B, FNC1, START_B, START_C] = [99, 100, 102, 104, 105];
/** So many digits in a row are worth a change into the set of pairs. */
const DIGITS_WORTH = 4;

/**
 * The codewords of a Code 128 symbol from its start character on, without check and stop character, in sets B and C (ISO/IEC 15417).
 * Text is of the characters 32 to 126, U+001D being FNC1; a GS1 symbol begins with FNC1. Chosen here, so that printers that draw the
 * symbol themselves are told the same one, codeword for codeword.
 */
export function codewordsOf(text: string, gs1: boolean): number[] {
  const digitsAt = (at: number) => /^[0-9]*/.exec(text.slice(at))?.[0].length ?? 0;
  let pairs = digitsAt(0) >= (gs1 ? 2 : DIGITS_WORTH);
  const codewords = [pairs ? START_C : START_B, ...(gs1 ? [FNC1] : [])];
  for (let at = 0; at < text.length; ) {
    const digits = digitsAt(at);
    if (pairs && digits >= 2) {
      codewords.push(Number(text.slice(at, at + 2)));
      at += 2;
    } else if (text[at] === SEPARATOR) {
      codewords.push(FNC1);
      at++;
    } else if (pairs) {
      codewords.push(SWITCH_B);
      pairs = false;
    } else if (digits >= DIGITS_WORTH && digits % 2 === 0) {
      codewords.push(SWITCH_C);
      pairs = true;
    } else codewords.push(text.charCodeAt(at++) - 32);
  }
  return codewords;
}

/** Modules of the whole symbol: 11 a codeword, the check character with them, 13 of the stop character. */
export const modulesOfCodewords = (codewords: readonly number[]): number => 11 * (codewords.length + 1) + 13;

/** The field data of ZPL's `^BC` that print just these codewords: `>;` start C, `>8` FNC1, … */
export function zplOfCodewords(codewords: readonly number[]): string {
  let pairs = false;
  return codewords
    .map((codeword, i) => {
      if (i === 0 || codeword === SWITCH_B || codeword === SWITCH_C) {
        const before = pairs;
        pairs = codeword === START_C || (codeword === SWITCH_C && !before);
        if (i === 0) return pairs ? '>;' : '>:';
        if (before !== pairs) return pairs ? '>5' : '>6';
      }
      if (codeword === FNC1) return '>8';
      if (pairs) return String(codeword).padStart(2, '0');
      const character = String.fromCharCode(codeword + 32);
      return { '>': '>0', '^': '><', '~': '>=' }[character] ?? character;
    })
    .join('');
}
