import { codewordsOf, zplOfCodewords } from './code128.ts';
import type { Drawing, Mark, SymbolMark, TextMark } from './drawing.ts';
import { rasterOf } from './raster.ts';
import { linearModules } from './symbol.ts';

const SEPARATOR = '\u001d';
/** Begins an escape in the data of `^BX`; stands in no data, so that nothing has to be doubled, which not all readers of ZPL take alike. */
const ESCAPE = '|';
/** Every printer has these in its own font; a text with others is printed as a picture of itself. */
const PRINTERS_OWN = /^[\u0020-\u007e\u00a0-\u00ff]*$/;

/**
 * A drawing in ZPL II, for a printer with dots of `dot` millimetres. The printer draws symbols and texts itself, so it is fast and its
 * symbols are exact; ISO Latin texts are in its font 0, which is narrower than ours. What comes from outside cannot begin a command:
 * in texts `^`, `~` and `_` are written as `^FH` escapes, and symbols' data have neither `^` nor `~`.
 */
export function zplOf({ width, height, marks }: Drawing, dot: number): string {
  const dots = (mm: number) => Math.round(mm / dot);
  const fields = marks.map((mark) => fieldOf(mark, dot, dots)).join('\n');
  return `^XA\n^CI28\n^PW${dots(width)}\n^LL${dots(height)}\n^LH0,0\n${fields}\n^XZ\n`;
}

function fieldOf(mark: Mark, dot: number, dots: (mm: number) => number): string {
  switch (mark.kind) {
    case 'box': {
      const [width, height] = [Math.max(1, dots(mark.width)), Math.max(1, dots(mark.height))];
      const line = mark.line === null ? Math.min(width, height) : Math.max(1, dots(mark.line));
      return `^FO${dots(mark.x)},${dots(mark.y)}^GB${width},${height},${line}^FS`;
    }
    case 'text': {
      if (!PRINTERS_OWN.test(mark.text)) return picture(mark, dot, dots);
      const size = dots(mark.size);
      return `^FT${dots(mark.x)},${dots(mark.y)}^A0N,${size},${size}^FH_^FD${escaped(mark.text)}^FS`;
    }
    case 'symbol':
      return symbol(mark, dot, dots);
  }
}

const escaped = (text: string): string =>
  text.replace(/[\^~_\\]/g, (c) => `_${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);

function symbol(mark: SymbolMark, dot: number, dots: (mm: number) => number): string {
  const {
    symbol: { type, text },
    x,
    y,
    module,
    height,
  } = mark;
  // Sets 82, 39 and base64url, and all of ISBT 128, are without them; data that are not would be a fault of this program.
  if (/[\^~|]/.test(text)) throw new Error('a symbol with ^, ~ or | cannot be put into ZPL');
  const place = `^FO${dots(x)},${dots(y)}`;
  switch (type) {
    case 'gs1-128':
    case 'code128': {
      const bars = dots(height ?? 0);
      const data = zplOfCodewords(codewordsOf(text, type === 'gs1-128'));
      return data === null ? picture(mark, dot, dots) : `${place}^BY${dots(module)},3,${bars}^BCN,${bars},N,N,N,N^FD${data}^FS`;
    }
    case 'gs1datamatrix':
    case 'datamatrix': {
      const fnc1 = `${ESCAPE}1`;
      const data = (type === 'gs1datamatrix' ? fnc1 : '') + text.replaceAll(SEPARATOR, fnc1);
      return `${place}^BXN,${dots(module)},200,0,0,6,${ESCAPE},1^FD${data}^FS`;
    }
    default:
      throw new Error(`no layout has a ${type} symbol`);
  }
}

/** A mark as dots: a text from above its accents to below what descends, or bars. Lines that are as the one before are a `:`. */
function picture(mark: TextMark | SymbolMark, dot: number, dots: (mm: number) => number): string {
  const isText = mark.kind === 'text';
  const above = isText ? mark.size * 1.1 : 0;
  const box = isText
    ? { width: mark.width + mark.size * 0.2, height: mark.size * 1.4 }
    : { width: mark.module * linearModules(mark.symbol), height: mark.height as number };
  const raster = rasterOf({ ...box, marks: [{ ...mark, x: 0, y: above }] }, dot);
  const bytes = Math.ceil(raster.width / 8);
  let before = '';
  let data = '';
  for (let row = 0; row < raster.height; row++) {
    const line = Buffer.alloc(bytes);
    for (let column = 0; column < raster.width; column++)
      if ((raster.dots[row * raster.width + column] as number) > 127)
        line[column >> 3] = (line[column >> 3] as number) | (128 >> (column & 7));
    const hex = line.toString('hex').toUpperCase();
    data += hex === before ? ':' : hex;
    before = hex;
  }
  const total = bytes * raster.height;
  return `^FO${dots(mark.x)},${Math.max(0, dots(mark.y - above))}^GFA,${total},${total},${bytes},${data}^FS`;
}
