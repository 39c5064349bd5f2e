import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LotlineError } from '../errors.ts';
import {
  formatEntryBundle,
  formatTilePath,
  parseEntryBundle,
  parseTilePath,
  partialTilesOfSize,
  type TileResource,
  tilesOfSize,
  tileWidth,
} from './tile.ts';

describe('tile paths (c2sp.org/tlog-tiles)', () => {
  it.each<[string, TileResource]>([
    ['/tile/0/000', { level: 0, index: 0, width: 256 }],
    ['/tile/0/x001/x234/067', { level: 0, index: 1_234_067, width: 256 }],
    ['/tile/0/273.p/112', { level: 0, index: 273, width: 112 }],
    ['/tile/2/000.p/1', { level: 2, index: 0, width: 1 }],
    ['/tile/63/999', { level: 63, index: 999, width: 256 }],
    ['/tile/entries/x001/000.p/255', { level: 'entries', index: 1000, width: 255 }],
  ])('%s names one resource', (path, resource) => {
    expect(parseTilePath(path)).toEqual(resource);
    expect(formatTilePath(resource)).toBe(path);
  });

  it.each([
    '',
    '/tile/',
    '/tile/0',
    '/tile/0/',
    '/tile//000',
    '/tile/0/0',
    '/tile/0/00',
    '/tile/0/0000',
    '/tile/0/1234',
    '/tile/00/000',
    '/tile/64/000',
    '/tile/-1/000',
    '/tile/+1/000',
    '/tile/0/x000/001',
    '/tile/0/001/067',
    '/tile/0/x001/x067',
    '/tile/0/x001067',
    '/tile/0/x001//067',
    '/tile/0/X001/067',
    '/tile/0/000/',
    '/tile/0/000.p',
    '/tile/0/000.p/',
    '/tile/0/000.p/0',
    '/tile/0/000.p/01',
    '/tile/0/000.p/256',
    '/tile/0/000.p/-1',
    '/tile/0/000.p/1/',
    '/tile/0/000.p/1.p/1',
    '/tile/0/%30%30%30',
    '/tile/0/٠٠٠',
    '/tile/entry/000',
    'tile/0/000',
    '/tile/0/x009/x999/x999/x999/x999/999',
    `/tile/0/${'x000/'.repeat(50)}000`,
  ])('%s is refused', (path) => {
    expect(() => parseTilePath(path)).toThrow(expect.objectContaining({ code: 'REQ-FORM' }));
  });

  it('are read back as they were written, and no other text is read at all', () => {
    const resource = fc.record({
      level: fc.oneof(fc.nat({ max: 63 }), fc.constant('entries' as const)),
      index: fc.maxSafeNat(),
      width: fc.integer({ min: 1, max: 256 }),
    });
    fc.assert(
      fc.property(resource, (tile) => {
        expect(parseTilePath(formatTilePath(tile))).toEqual(tile);
      }),
    );
    const mutated = fc.tuple(resource, fc.nat(), fc.constantFrom('x', '0', '/', '.', 'p', '1', '')).map(([tile, at, char]) => {
      const path = formatTilePath(tile);
      return path.slice(0, at % path.length) + char + path.slice((at % path.length) + 1);
    });
    fc.assert(
      fc.property(fc.oneof(mutated, fc.string()), (path) => {
        try {
          expect(formatTilePath(parseTilePath(path))).toBe(path);
        } catch (error) {
          expect(error).toBeInstanceOf(LotlineError);
        }
      }),
    );
  });
});

describe('the tiles of a size', () => {
  const shape = (size: number): string[] => {
    const counts = new Map<string, number>();
    for (const { level, width } of tilesOfSize(size)) counts.set(`${level}:${width}`, (counts.get(`${level}:${width}`) ?? 0) + 1);
    return [...counts].map(([kind, count]) => `${count}×${kind}`);
  };

  it.each([
    [0, []],
    [1, ['1×0:1']],
    [255, ['1×0:255']],
    [256, ['1×0:256', '1×1:1']],
    [257, ['1×0:256', '1×0:1', '1×1:1']],
    [65_536, ['256×0:256', '1×1:256', '1×2:1']],
    [65_537, ['256×0:256', '1×0:1', '1×1:256', '1×2:1']],
    [70_000, ['273×0:256', '1×0:112', '1×1:256', '1×1:17', '1×2:1']],
  ])('of %i (count × level:width)', (size, expected) => {
    expect(shape(size)).toEqual(expected);
    const partial = [...tilesOfSize(size)].filter(({ width }) => width < 256);
    expect(partialTilesOfSize(size)).toEqual(partial);
  });

  it('have no width outside the tree', () => {
    expect(tileWidth(0, 274, 70_000)).toBe(0);
    expect(tileWidth(1, 0, 255)).toBe(0);
    expect(partialTilesOfSize(2 ** 53 - 1).map(({ width }) => width)).toEqual([255, 255, 255, 255, 255, 255, 31]);
  });
});

describe('entry bundles', () => {
  it('are read back as they were written', () => {
    const entries = fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 256 });
    fc.assert(
      fc.property(entries, (list) => {
        expect(parseEntryBundle(formatEntryBundle(list))).toEqual(list);
      }),
    );
  });

  it('carry each entry after its length, most significant byte first', () => {
    expect([...formatEntryBundle([new Uint8Array(0), new Uint8Array([7, 8]), new Uint8Array(258)])].slice(0, 8)).toEqual([
      0, 0, 0, 2, 7, 8, 1, 2,
    ]);
    expect(parseEntryBundle(formatEntryBundle([new Uint8Array(65_535)]))[0]).toHaveLength(65_535);
  });

  it('hold at most 256 entries of less than 64 KiB, and are refused when cut off', () => {
    const refused = expect.objectContaining({ code: 'LOG-INCLUSION' });
    expect(() => formatEntryBundle([new Uint8Array(65_536)])).toThrow(refused);
    expect(() => formatEntryBundle(Array(257).fill(new Uint8Array(1)))).toThrow(refused);
    expect(() => parseEntryBundle(new Uint8Array(2 * 257))).toThrow(refused);
    const bundle = formatEntryBundle([new Uint8Array([1, 2, 3])]);
    for (let end = 1; end < bundle.length; end++) expect(() => parseEntryBundle(bundle.subarray(0, end))).toThrow(refused);
  });
});
