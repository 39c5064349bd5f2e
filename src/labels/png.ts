import { crc32, deflateSync } from 'node:zlib';
import type { Drawing } from './drawing.ts';
import { rasterOf } from './raster.ts';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** A drawing as PNG, in grey, on dots of `dot` millimetres; it says how large it is, so that it is printed at its size. */
export function pngOf(drawing: Drawing, dot: number): Buffer {
  const { width, height, dots } = rasterOf(drawing, dot);
  const lines = Buffer.alloc((width + 1) * height); // each begins with its filter: 2, the difference to the line above, which bars have none to
  for (let y = 0; y < height; y++) {
    lines[y * (width + 1)] = 2;
    for (let x = 0; x < width; x++) {
      const above = y === 0 ? 0 : 255 - (dots[(y - 1) * width + x] as number);
      lines[y * (width + 1) + 1 + x] = 255 - (dots[y * width + x] as number) - above;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0], 8); // bits, grey
  const size = Buffer.alloc(9);
  size.writeUInt32BE(Math.round(1000 / dot), 0);
  size.writeUInt32BE(Math.round(1000 / dot), 4);
  size[8] = 1; // per metre
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('pHYs', size),
    chunk('IDAT', deflateSync(lines)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(name: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const whole = Buffer.alloc(named.length + 8);
  whole.writeUInt32BE(data.length, 0);
  whole.set(named, 4);
  whole.writeUInt32BE(crc32(named), named.length + 4);
  return whole;
}
