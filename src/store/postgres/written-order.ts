/**
 * Holds the server to the order in which joins are written, and to looking up what is joined row by row, whatever it takes the tables to hold: its
 * numbers may be a minute old, and a look-up must not read a whole table in that minute. `a CROSS JOIN b x ON c` becomes
 * `a CROSS JOIN LATERAL (SELECT * FROM b x WHERE c OFFSET 0) x`: OFFSET keeps the two apart, so that all that is left to choose is the index. It is what
 * CROSS JOIN means to SQLite's planner.
 */
export function inWrittenOrder(text: string): string {
  const at = text.indexOf(JOIN);
  if (at < 0) return text;
  const scan = new Scan(text, at + JOIN.length);
  const table = scan.table();
  const alias = scan.alias() ?? table;
  const condition = scan.condition();
  const joined = `LATERAL (SELECT * FROM ${inWrittenOrder(table)}${alias === table ? '' : ` ${alias}`} WHERE ${inWrittenOrder(condition)} OFFSET 0) ${alias}`;
  return `${text.slice(0, at)}${JOIN}${joined} ${inWrittenOrder(text.slice(scan.at))}`;
}

const JOIN = 'CROSS JOIN ';
/** What ends a condition where it stands outside of parentheses. */
const END = /(?:CROSS JOIN|LEFT JOIN|WHERE|ORDER BY|GROUP BY|UNION|LIMIT)\b/y;

class Scan {
  private readonly text: string;
  at: number;

  constructor(text: string, at: number) {
    this.text = text;
    this.at = at;
  }

  /** A name, or a question in parentheses. */
  table(): string {
    return this.text[this.at] === '(' ? this.until(() => false, 1) : this.word();
  }

  alias(): string | null {
    const word = this.word();
    if (word === 'ON') return null;
    if (this.word() !== 'ON') throw new Error(`a CROSS JOIN without ON: ${this.text}`);
    return word;
  }

  condition(): string {
    return this.until(() => {
      END.lastIndex = this.at;
      return /\s/.test(this.text[this.at - 1] as string) && END.test(this.text);
    }).trim();
  }

  private word(): string {
    const [all, word] = /^\s*(\w+)\s*/.exec(this.text.slice(this.at)) ?? [];
    if (all === undefined || word === undefined) throw new Error(`a CROSS JOIN of what? ${this.text}`);
    this.at += all.length;
    return word;
  }

  /** From here to where `ends` says so outside of parentheses and quotes, to the parenthesis that closes what began before, or after `groups` groups. */
  private until(ends: () => boolean, groups = Number.POSITIVE_INFINITY): string {
    const from = this.at;
    for (let depth = 0, closed = 0; this.at < this.text.length; this.at++) {
      const character = this.text[this.at];
      if (character === "'") this.at = this.text.indexOf("'", this.at + 1);
      else if (character === '(') depth++;
      else if (character === ')' && --depth < 0) break;
      else if (character === ')' && depth === 0 && ++closed === groups) {
        this.at++;
        break;
      } else if (depth === 0 && ends()) break;
    }
    return this.text.slice(from, this.at);
  }
}
