/**
 * What a keyboard makes of a scanner (codes.md §8). A scanner in keyboard mode presses keys; which characters they stand for, the host decides.
 * A layout is written by the keys of a US keyboard: the second text holds, in the same order, what the same keys give on the other one. Keys that
 * are left out give nothing, or wait for another key (dead keys): what they held is lost.
 */
const US = '`1234567890-=qwertyuiop[]\\asdfghjkl;\'zxcvbnm,./~!@#$%^&*()_+QWERTYUIOP{}|ASDFGHJKL:"ZXCVBNM<>?';
const ROWS = {
  'en-US': US,
  'de-DE': '^1234567890ß´qwertzuiopü+#asdfghjklöäyxcvbnm,.-°!"§$%&/()=?`QWERTZUIOPÜ*\'ASDFGHJKLÖÄYXCVBNM;:_',
  'fr-FR': '²&é"\'(-è_çà)=azertyuiop^$*qsdfghjklmùwxcvbn,;:!\u00001234567890°+AZERTYUIOP¨£µQSDFGHJKLM%WXCVBN?./§',
} as const satisfies Record<string, string>;

export type Layout = keyof typeof ROWS;
export const LAYOUTS = Object.keys(ROWS) as Layout[];

/** What arrives when a scanner set to a US keyboard, as they are when new, types text on a host set to another. A key that gives nothing there leaves nothing. */
export function typedOn(text: string, host: Layout): string {
  return translate(text, 'en-US', host)
    .map((c) => c ?? '')
    .join('');
}

/**
 * The text that a scanner set to a US keyboard sent, out of what arrived on this host; and the characters that none of its keys gives there. The inverse
 * of typedOn. Scanners set to other layouts reach some characters by keys that a US keyboard does not have: theirs cannot be put back.
 */
export function undoLayout(arrived: string, host: Layout): { readonly text: string; readonly strange: string } {
  const characters = translate(arrived, host, 'en-US');
  const strange = Array.from(arrived).filter((_, i) => characters[i] === null);
  return { text: characters.map((c, i) => c ?? Array.from(arrived)[i]).join(''), strange: [...new Set(strange)].join('') };
}

function translate(text: string, from: Layout, to: Layout): (string | null)[] {
  return Array.from(text).map((c) => {
    if (c <= ' ') return c; // blanks and control characters are the same keys everywhere
    const key = ROWS[from].indexOf(c);
    const there = key < 0 ? undefined : ROWS[to][key];
    return there === undefined || there === '\u0000' ? null : there;
  });
}

/** Upper case for lower and the other way round, of the letters that caps lock inverts. */
export function swapCase(text: string): string {
  return text.replace(/[A-Za-z]/g, (c) => (c < 'a' ? c.toLowerCase() : c.toUpperCase()));
}
