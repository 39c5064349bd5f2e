/**
 * The published form of the log (c2sp.org/tlog-tiles): tiles of 256 hashes, bundles of 256 entries, and their paths.
 *
 *     /tile/0/x001/x234/067          level 0, index 1,234,067, full
 *     /tile/1/001.p/17               level 1, index 1, of which 17 hashes exist
 *     /tile/entries/273.p/112        the entries under the partial tile 273 of level 0
 *
 * parseTilePath refuses every path formatTilePath could not have written, so each resource has one name.
 */
import { LotlineError } from '../errors.ts';
import { readDecimal } from './bytes.ts';
import { HASH_SIZE } from './sha256.ts';

/** Hashes in a full tile; also entries in a full bundle. */
export const TILE_WIDTH = 256;
/** Binary tree levels that one tile level spans. */
export const TILE_HEIGHT = 8;
/** The largest tile level that a path may name (tlog-tiles, “Merkle Tree”). */
export const TILE_LEVEL_MAX = 63;
/** An entry carries a two-byte length in its bundle. */
export const ENTRY_SIZE_MAX = 65_535;

/** Which tile, and how many of its hashes (1…256): `width` 256 is a full tile. */
export type TileId = { level: number; index: number; width: number };
/** A tile with its hashes, concatenated: `width` × 32 bytes. */
export type Tile = TileId & { hashes: Uint8Array };
/** What a path under `/tile/` names: a tile of hashes or a bundle of entries. */
export type TileResource = { level: number | 'entries'; index: number; width: number };

/** Hashes that level `level` holds in a tree of `size` leaves: floor(size / 256^level). */
export function hashesAtLevel(level: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** level);
}

/** Hashes of tile `index` at `level` that a tree of `size` leaves has, 0…256 (tlog-tiles, “Partial Tiles”). */
export function tileWidth(level: number, index: number, size: number): number {
  return Math.max(0, Math.min(TILE_WIDTH, hashesAtLevel(level, size) - index * TILE_WIDTH));
}

/** Every tile of a tree of `size` leaves, level by level, left to right. Size 70,000: 273 full and one of 112, then 256 and 17, then 1. */
export function* tilesOfSize(size: number): Generator<TileId> {
  for (let level = 0; hashesAtLevel(level, size) > 0; level++) {
    for (let index = 0, width = tileWidth(level, 0, size); width > 0; index++, width = tileWidth(level, index, size)) {
      yield { level, index, width };
    }
  }
}

/** The partial tiles at the right edge of a tree of `size` leaves, lowest level first: all that an appender needs to go on. */
export function partialTilesOfSize(size: number): TileId[] {
  const tiles: TileId[] = [];
  for (let level = 0, count = size; count > 0; level++, count = hashesAtLevel(level, size)) {
    const width = count % TILE_WIDTH;
    if (width > 0) tiles.push({ level, index: Math.floor(count / TILE_WIDTH), width });
  }
  return tiles;
}

/** The path of a tile or an entry bundle, beginning with `/tile/` (tlog-tiles, “Merkle Tree” and “Log entries”). */
export function formatTilePath(tile: TileResource): string {
  const suffix = tile.width === TILE_WIDTH ? '' : `.p/${tile.width}`;
  return `/tile/${tile.level}/${formatTileIndex(tile.index)}${suffix}`;
}

/** The tile or bundle that a path names; throws REQ-FORM for every path formatTilePath could not have written. */
export function parseTilePath(path: string): TileResource {
  const refuse = (why: string): LotlineError =>
    new LotlineError('REQ-FORM', `${JSON.stringify(path.slice(0, 100))} is no tile path: ${why}`, {
      fix: 'Ask for /tile/<level>/<index> or /tile/entries/<index>, with .p/<width> for a partial tile.',
    });
  if (!path.startsWith('/tile/')) throw refuse('it does not begin with /tile/');
  const levelEnd = path.indexOf('/', 6);
  if (levelEnd < 0) throw refuse('it names no index');
  const levelText = path.slice(6, levelEnd);
  const level = levelText === 'entries' ? 'entries' : readDecimal(levelText);
  if (level === undefined || (level !== 'entries' && level > TILE_LEVEL_MAX)) throw refuse('the level is not 0 to 63');

  const partial = path.indexOf('.p/', levelEnd);
  const indexText = path.slice(levelEnd + 1, partial < 0 ? undefined : partial);
  const index = readTileIndex(indexText);
  if (index === undefined) throw refuse('the index is not in groups of three digits, all but the last after an x');

  const width = partial < 0 ? TILE_WIDTH : readDecimal(path.slice(partial + 3));
  if (width === undefined || width === 0 || (partial >= 0 && width >= TILE_WIDTH))
    throw refuse('the width of a partial tile is not 1 to 255');
  return { level, index, width };
}

/** `x001/x234/067` for 1,234,067: three digits a path element, so that no folder grows without bound. */
function formatTileIndex(index: number): string {
  let text = String(index % 1000).padStart(3, '0');
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000))
    text = `x${String(rest % 1000).padStart(3, '0')}/${text}`;
  return text;
}

function readTileIndex(text: string): number | undefined {
  if (text.length > 40) return undefined;
  const digits = text
    .replaceAll('/', '')
    .replaceAll('x', '')
    .replace(/^0+(?=\d)/, '');
  const index = readDecimal(digits);
  return index !== undefined && formatTileIndex(index) === text ? index : undefined;
}

/** An entry bundle: each entry after its length as two bytes, big-endian (tlog-tiles, “Log entries”). At most 256 entries of under 64 KiB. */
export function formatEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length > TILE_WIDTH) throw badBundle(`it would hold ${entries.length} entries`);
  let size = 0;
  for (const entry of entries) {
    if (entry.length > ENTRY_SIZE_MAX) throw badBundle(`an entry has ${entry.length} bytes`);
    size += 2 + entry.length;
  }
  const bundle = new Uint8Array(size);
  let at = 0;
  for (const entry of entries) {
    bundle[at++] = entry.length >> 8;
    bundle[at++] = entry.length & 255;
    bundle.set(entry, at);
    at += entry.length;
  }
  return bundle;
}

/** The entries of a bundle, as views into it; throws LOG-INCLUSION when it is cut off or holds more than 256. */
export function parseEntryBundle(bundle: Uint8Array): Uint8Array[] {
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bundle.length; ) {
    if (at + 2 > bundle.length) throw badBundle('it ends inside a length');
    const end = at + 2 + ((bundle[at]! << 8) | bundle[at + 1]!);
    if (end > bundle.length) throw badBundle(`it ends inside entry ${entries.length}`);
    if (entries.length === TILE_WIDTH) throw badBundle('it holds more than 256 entries');
    entries.push(bundle.subarray(at + 2, end));
    at = end;
  }
  return entries;
}

function badBundle(why: string): LotlineError {
  return new LotlineError('LOG-INCLUSION', `This is no entry bundle: ${why}`, { fix: 'Fetch the bundle again from the log.' });
}

/** Hash `index` of a tile, as a view into its bytes. */
export function hashOfTile(hashes: Uint8Array, index: number): Uint8Array {
  return hashes.subarray(index * HASH_SIZE, (index + 1) * HASH_SIZE);
}
