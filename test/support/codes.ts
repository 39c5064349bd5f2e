import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { inflateSync } from 'node:zlib';
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';

const wasm = readFileSync(createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm'));
// Without the binary it would be fetched.
prepareZXingModule({ overrides: { wasmBinary: wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength) as ArrayBuffer } });

/** Dark and light, a byte a dot: 255 is black. */
export type Dots = { readonly width: number; readonly height: number; readonly dots: Uint8Array };

/** What a scanner would send of every symbol in a picture, symbology identifier first; sorted. */
export async function scansOf(picture: Uint8Array | Dots): Promise<string[]> {
  const found = await readBarcodes('dots' in picture ? imageOf(picture) : picture, {
    formats: ['DataMatrix', 'Code128', 'QRCode'],
    textMode: 'Plain',
    tryHarder: true,
    tryDownscale: false,
    minLineCount: 6, // one line of a hundred may look like another number whose check character is right
    maxNumberOfSymbols: 20,
  });
  return found.map(({ symbologyIdentifier, text }) => symbologyIdentifier + text).sort();
}

/** An ImageData, which Node has no name for. */
type Image = Extract<Parameters<typeof readBarcodes>[0], { data: unknown }>;

function imageOf({ width, height, dots }: Dots): Image {
  const data = new Uint8ClampedArray(width * height * 4);
  dots.forEach((dot, i) => {
    data.fill(255 - dot, 4 * i, 4 * i + 3);
    data[4 * i + 3] = 255;
  });
  return { data, width, height, colorSpace: 'srgb' } as Image;
}

type Rectangle = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

/** Rectangles of one unit on dots of `dot` units, overlapping ones merged. */
export function dotsOf(size: { width: number; height: number }, rectangles: readonly Rectangle[], dot: number): Dots {
  const [width, height] = [Math.ceil(size.width / dot), Math.ceil(size.height / dot)];
  const dots = new Uint8Array(width * height);
  for (const { x, y, width: w, height: h } of rectangles)
    for (let row = Math.round(y / dot); row < Math.min(height, Math.round((y + h) / dot)); row++)
      dots.fill(255, row * width + Math.round(x / dot), row * width + Math.round((x + w) / dot));
  return { width, height, dots };
}

/** The filled rectangles of our own SVG: all that its symbols consist of. Texts, which are curves, are left out. */
export function svgRectangles(svg: string): { width: number; height: number; rectangles: Rectangle[] } {
  const [, width, height] = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg) ?? [];
  const rectangles = [...svg.matchAll(/M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)h-[\d.]+z/g)].map(([, ...numbers]) => {
    const [x = 0, y = 0, w = 0, h = 0] = numbers.map(Number);
    return { x, y, width: w, height: h };
  });
  return { width: Number(width), height: Number(height), rectangles };
}

/** The pages of our own PDF, in points: size and filled rectangles. */
export function pdfPages(pdf: Buffer): { width: number; height: number; rectangles: Rectangle[] }[] {
  const text = pdf.toString('latin1');
  const sizes = [...text.matchAll(/\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/g)].map(([, width, height]) => [Number(width), Number(height)]);
  const contents = [...text.matchAll(/\/Filter \/FlateDecode\n>>\nstream\n/g)]
    .map(({ index, 0: head }) => {
      const from = index + head.length;
      return inflateSync(pdf.subarray(from, text.indexOf('\nendstream', from))).toString('latin1');
    })
    .filter((content) => content.startsWith('1 0 0 -1 0 '));
  return contents.map((content, i) => {
    const [width = 0, height = 0] = sizes[i] ?? [];
    const rectangles = [...content.matchAll(/^([\d.-]+) ([\d.-]+) ([\d.-]+) ([\d.-]+) re$/gm)].map(([, ...numbers]) => {
      const [x = 0, y = 0, w = 0, h = 0] = numbers.map(Number);
      return { x, y, width: w, height: h };
    });
    return { width, height, rectangles };
  });
}
