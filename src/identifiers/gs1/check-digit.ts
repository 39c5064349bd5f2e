/**
 * The mod 10 check digit of every numeric GS1 key (epcis-2.0.md I-1): weights 3,1,3,… from the rightmost data digit.
 * `data` is digits without the check digit.
 *
 *     checkDigit('0952012300011') → '0'
 */
export function checkDigit(data: string): string {
  let sum = 0;
  let weight = 3;
  for (let i = data.length - 1; i >= 0; i--) {
    sum += (data.charCodeAt(i) - 48) * weight;
    weight = 4 - weight;
  }
  return String.fromCharCode(48 + ((10 - (sum % 10)) % 10));
}

/** Whether `full` is digits only and ends with its own check digit (I-1). Neighbours that differ by 5 and were swapped go unseen. */
export function hasValidCheckDigit(full: string): boolean {
  if (full.length < 2 || !isDigits(full)) return false;
  return checkDigit(full.slice(0, -1)) === full[full.length - 1];
}

/** Whether `text` is one or more of 0-9. */
export function isDigits(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 48 || code > 57) return false;
  }
  return text.length > 0;
}
