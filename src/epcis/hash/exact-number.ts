/** A JSON number that a double does not give back as written: `1.50`, `1e3`, `12345678901234567890` (J-9, DM-18). */
export class ExactNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** JSON.parse for a text already known to be well formed, keeping such numbers as ExactNumber. */
export function parseExactJson(text: string): unknown {
  let i = 0;
  const space = () => {
    while (text.charCodeAt(i) <= 32) i++;
  };
  const string = (): string => {
    const from = i++;
    while (text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
    return JSON.parse(text.slice(from, ++i)) as string;
  };
  const value = (): unknown => {
    space();
    const c = text[i];
    if (c === '"') return string();
    if (c === '{') {
      const members: [string, unknown][] = [];
      i++;
      for (space(); text[i] !== '}'; space()) {
        if (text[i] === ',') i++;
        space();
        const name = string();
        space();
        i++;
        members.push([name, value()]);
      }
      i++;
      return Object.fromEntries(members);
    }
    if (c === '[') {
      const items: unknown[] = [];
      i++;
      for (space(); text[i] !== ']'; space()) {
        if (text[i] === ',') i++;
        items.push(value());
      }
      i++;
      return items;
    }
    const from = i;
    while (i < text.length && !' \t\r\n,]}'.includes(text[i] as string)) i++;
    const token = text.slice(from, i);
    if (c === 't' || c === 'f' || c === 'n') return JSON.parse(token);
    return String(Number(token)) === token ? Number(token) : new ExactNumber(token);
  };
  return value();
}

const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

/**
 * A number in plain decimal notation: no plus sign, no leading or trailing zeros, `1.0` as `1` (codes.md §1.5). Null for what is no number.
 * Works on the digits, so that no precision is lost.
 */
export function plainDecimal(text: string): string | null {
  const first = text.charCodeAt(0);
  if (!((first >= 48 && first <= 57) || first === 43 || first === 45 || first === 46)) return null;
  const match = NUMBER.exec(text);
  if (match === null) return null;
  const [, sign, whole = '', fraction = '', exponent] = match;
  if (whole === '' && fraction === '') return null;
  const power = exponent === undefined ? 0 : Number(exponent);
  const digits = whole + fraction;
  if (/^0*$/.test(digits)) return '0';
  if (Math.abs(power) > 400) return null; // beyond every double; left as it stands
  const point = whole.length + power;
  const head = point <= 0 ? '' : digits.slice(0, point).padEnd(point, '0');
  const tail = point < 0 ? '0'.repeat(-point) + digits : digits.slice(Math.max(point, 0));
  const plainWhole = head.replace(/^0+/, '') || '0';
  const plainFraction = tail.replace(/0+$/, '');
  return `${sign === '-' ? '-' : ''}${plainWhole}${plainFraction === '' ? '' : `.${plainFraction}`}`;
}

/** A double in plain decimal notation. */
export function plainDouble(value: number): string {
  const text = String(value);
  return text.includes('e') ? (plainDecimal(text) ?? text) : text === '-0' ? '0' : text;
}
