import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createContext, Script } from 'node:vm';

/** An element as gs1-barcode-parser has it: dates as YYYY-MM-DD, numbers with their decimal point put in. */
export type MeantElement = { readonly ai: string; readonly title: string; readonly value: string };

const require = createRequire(import.meta.url);
/** Longer than any symbol. */
const LENGTH_MAX = 500;
const TIMEOUT_MS = 50;

/**
 * What a code that does not read by the rules was probably meant to be, for its operator to look at: never data. This is gs1-barcode-parser and the one
 * place that knows it. Its limits (codes.md §10): a table of AIs of 2014 to 2018, no check digits, no associations, 30 February becomes 2 March, years
 * from 51 on are 19xx. It throws texts, and it is a browser's script that only sets a global, hence the context of its own; dates are midnight here.
 * Null: it does not know either.
 */
export function probablyMeant(scan: string): readonly MeantElement[] | null {
  if (scan === '' || scan.length > LENGTH_MAX) return null;
  try {
    parser ??= load();
    const elements = JSON.parse(parser(scan)) as MeantElement[];
    return elements.length === 0 ? null : elements;
  } catch {
    return null;
  }
}

let parser: ((scan: string) => string) | undefined;

/** Asked inside of the context, so that its dates are its own; what comes out is JSON. */
const ASK = `JSON.stringify(parseBarcode(scan).parsedCodeItems.map(({ ai, dataTitle, data }) => ({
  ai, title: dataTitle,
  value: data instanceof Date
    ? [data.getFullYear(), data.getMonth() + 1, data.getDate()].map((n) => String(n).padStart(2, '0')).join('-')
    : String(data),
})))`;

function load(): (scan: string) => string {
  const context = createContext({ scan: '' });
  new Script(readFileSync(require.resolve('gs1-barcode-parser'), 'utf8')).runInContext(context);
  const ask = new Script(ASK);
  return (scan) => {
    context['scan'] = scan;
    return ask.runInContext(context, { timeout: TIMEOUT_MS }) as string;
  };
}
