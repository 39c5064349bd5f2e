// RFC 3986: one table look-up a character, because EPC lists hold a hundred thousand of them.
const URI_CHAR = new Uint8Array(128);
for (const c of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?#[]@!$&'()*+,;=%") URI_CHAR[c.charCodeAt(0)] = 1;

/** Whether the text is an absolute URI: a scheme, a colon, and at least one more character, all of them allowed by RFC 3986. */
export function isAbsoluteUri(text: string): boolean {
  const first = text.charCodeAt(0) | 32;
  if (!(first >= 97 && first <= 122)) return false;
  const length = text.length;
  let i = 1;
  for (; i < length; i++) {
    const c = text.charCodeAt(i);
    if (c === 58) break;
    const letter = c | 32;
    if (!((letter >= 97 && letter <= 122) || (c >= 48 && c <= 57) || c === 43 || c === 45 || c === 46)) return false;
  }
  if (i + 1 >= length) return false;
  for (i++; i < length; i++) {
    const c = text.charCodeAt(i);
    if (c > 127 || URI_CHAR[c] === 0) return false;
    if (c === 37 && !(isHex(text.charCodeAt(i + 1)) && isHex(text.charCodeAt(i + 2)))) return false;
  }
  return true;
}

function isHex(c: number): boolean {
  return (c >= 48 && c <= 57) || (c >= 65 && c <= 70) || (c >= 97 && c <= 102);
}

/** A value as an error message repeats it: quoted, and no longer than a line. */
export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
