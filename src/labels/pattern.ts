import { createRequire } from 'node:module';
import { codewordsOf } from './code128.ts';
import type { LabelSymbol } from './symbol.ts';

/** What is dark of a symbol, in modules; of a linear one the bars, one module high, to be drawn as high as they shall be. */
export type Pattern = { readonly columns: number; readonly rows: number; readonly dark: readonly DarkRun[] };
export type DarkRun = { readonly x: number; readonly y: number; readonly width: number };

const require = createRequire(import.meta.url);
/** Both are loaded with the first symbol: it takes a while, and a service that prints nothing never needs them. */
const bwip = () => require('bwip-js') as typeof import('bwip-js');
const qrcode = () => require('qrcode') as typeof import('qrcode');

const SEPARATOR = '\u001d';

/** Encodes a symbol. Its text has been checked (symbol.ts); what an encoder refuses here is a fault of this program. */
export function patternOf(symbol: LabelSymbol): Pattern {
  const { type, text } = symbol;
  switch (type) {
    case 'gs1-128':
    case 'code128':
      return bars(codewordsOf(text, type === 'gs1-128'));
    case 'gs1datamatrix':
      // Set 82 and its like have no ^, so that nothing of the data can be taken for an escape.
      return matrix('datamatrix', `^FNC1${text.replaceAll(SEPARATOR, '^FNC1')}`, { parsefnc: true });
    case 'datamatrix':
      return matrix('datamatrix', text, {});
    case 'gs1qr':
      return matrix('qrcode', `^FNC1${text.replaceAll(SEPARATOR, '^FNC1')}`, { parsefnc: true, eclevel: 'M' });
    case 'dlqr': {
      const { data, size } = qrcode().create(text, { errorCorrectionLevel: 'M' }).modules;
      return { columns: size, rows: size, dark: runsOf(data, size) };
    }
  }
}

function bars(codewords: readonly number[]): Pattern {
  const text = codewords.map((codeword) => `^${String(codeword).padStart(3, '0')}`).join('');
  const options: object = { raw: true }; // codewords, not text
  const [symbol] = bwip().raw('code128', text, options);
  if (symbol === undefined || !('sbs' in symbol)) throw new Error('no bars');
  const dark: DarkRun[] = [];
  let x = 0;
  symbol.sbs.forEach((width, i) => {
    if (i % 2 === 0) dark.push({ x, y: 0, width });
    x += width;
  });
  return { columns: x, rows: 1, dark };
}

function matrix(kind: 'datamatrix' | 'qrcode', text: string, options: object): Pattern {
  const [symbol] = bwip().raw(kind, text, options);
  if (symbol === undefined || !('pixs' in symbol)) throw new Error('no modules');
  return { columns: symbol.pixx, rows: symbol.pixy, dark: runsOf(symbol.pixs, symbol.pixx) };
}

/** Dark modules beside each other are drawn as one: no seams between them. */
function runsOf(modules: ArrayLike<number>, columns: number): DarkRun[] {
  const runs: DarkRun[] = [];
  for (let at = 0; at < modules.length; at++) {
    if (!modules[at]) continue;
    const from = at;
    while ((at + 1) % columns !== 0 && modules[at + 1]) at++;
    runs.push({ x: from % columns, y: Math.floor(from / columns), width: at - from + 1 });
  }
  return runs;
}
