import { describe, expect, it } from 'vitest';
import { getApi } from 'zpl-renderer-js';
import { dotsOf, pdfPages, scansOf, svgRectangles } from '../../test/support/codes.ts';
import { readBracketed, readScan, writeElementString } from '../identifiers/index.ts';
import type { LabelInput, Layout } from './label.ts';
import { drawLabel } from './layout.ts';
import { type Format, type PrintJob, printLabels } from './print.ts';

const PACK = '(01)09520123000110(21)7K2M9QX4TB8R(17)270831(10)L2207A';
const CASE = '(01)19520123000117(21)C0004217Q-9(17)270800(10)L_22>07_1';
const SSCC = '(00)195201230000000018(02)19520123000117(37)48(17)270831(10)L2207A';
const BAG = '(&/)CHA999925AB12C4(=)A999925000017(=<)S12954A0(&*)0252301015(&>)0252312359(01)09520123000110(21)B1';
const COMPOUND = '=+05000&/CHA999925AB12C4=A99992500001700=<S12954A0&*0252301015&>0252312359';

const gs1 = (identifier: string, data: string) => identifier + writeElementString(readBracketed(data));
/** What has to be read from each layout. */
const EXAMPLES: readonly { layout: Layout; input: LabelInput; scans: string[] }[] = [
  { layout: 'pack', input: { data: PACK, text: { product: 'Examplimab 150 mg solution for injection' } }, scans: [gs1(']d2', PACK)] },
  {
    layout: 'case',
    input: { data: CASE, text: { product: 'Examplimab 150 mg, 80 packs', storage: '2–8 °C' } },
    scans: [']C1011952012300011717270800', ']C121C0004217Q-9', ']C110L_22>07_1', gs1(']d2', CASE)],
  },
  {
    layout: 'sscc',
    input: { data: SSCC, text: { product: 'Examplimab', to: 'Φαρμακείο Αθηνών' } },
    scans: [']C100195201230000000018', ']C10219520123000117172708313748', ']C110L2207A'],
  },
  {
    layout: 'bag',
    input: {
      data: BAG,
      text: { product: 'HPC, Apheresis', use: 'FOR AUTOLOGOUS USE ONLY', zone: '+02:00', patient: 'as the site prints it' },
    },
    scans: [']C0=<S12954A0', ']C0=A99992500001700', `]d1${COMPOUND}`, gs1(']d2', '(01)09520123000110(21)B1')],
  },
];

const job = (layout: Layout, format: Format, more: Partial<PrintJob> = {}): PrintJob => ({ layout, format, year: 2026, ...more });
const bytesOf = (what: PrintJob, labels: readonly LabelInput[]) => Buffer.concat([...printLabels(what, labels)]);

describe.each(EXAMPLES)('a $layout label', ({ layout, input, scans }) => {
  const size = () => drawLabel(layout, input, { dot: null, year: 2026, size: null });

  it.each(layout === 'pack' ? ([203, 300, 600] as const) : ([300] as const))(
    'is read from PNG at %i dpi, with the symbology identifiers of GS1 and ISBT 128 (codes.md §2, §9)',
    async (dpi) => {
      const read = await scansOf(bytesOf(job(layout, 'png', { dpi }), [input]));
      expect(read).toEqual([...scans].sort());
      // What the symbols of one label say belongs together (codes.md §2): one of them alone need not be complete.
      for (const scan of layout === 'bag' || layout === 'pack' ? read : [])
        expect(readScan(scan).kind).toBe(scan.startsWith(']d2') ? 'gs1' : 'isbt128');
    },
  );

  it('is read from SVG', async () => {
    const { rectangles, ...page } = svgRectangles(bytesOf(job(layout, 'svg'), [input]).toString());
    expect(await scansOf(dotsOf(page, rectangles, 0.03))).toEqual([...scans].sort());
  });

  it('is read from PDF, a page of the size of the label', async () => {
    const [page, second, ...more] = pdfPages(bytesOf(job(layout, 'pdf'), [input, input]));
    expect(more).toEqual([]);
    expect(second).toEqual(page);
    expect(page!.width).toBeCloseTo((size().width * 72) / 25.4, 2);
    expect(await scansOf(dotsOf(page!, page!.rectangles, 0.09))).toEqual([...scans].sort());
  });

  it.each(layout === 'pack' ? ([203, 600] as const) : ([203, 300] as const))('is read from what ZPL prints at %i dpi', async (dpi) => {
    const zpl = bytesOf(job(layout, 'zpl', { dpi }), [input]).toString();
    const { width, height } = drawLabel(layout, input, { dot: 0.125, year: 2026, size: null });
    const png = await (await getApi()).zplToBase64Async(zpl, width, height, { 203: 8, 300: 12, 600: 24 }[dpi]);
    expect(await scansOf(Buffer.from(png, 'base64'))).toEqual([...scans].sort());
  });
});
