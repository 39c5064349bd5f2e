import { checkUri, parseEpc } from './epc.ts';
import { encodeGeneral } from './gs1/characters.ts';
import { lotOf, readKeyText, thingOf } from './gs1/keys.ts';
import { checkName } from './name.ts';
import type { Thing, ThingLot } from './thing.ts';

/** Canonical key of a thing or lot (design.md §4): `01/09520123000110/21/A%2FB`, or the URI itself. */
export function formatKey(thing: Thing | ThingLot): string {
  const owner = thing.class;
  if ('lot' in thing) {
    if (owner === 'uri') return thing.lot;
    return thing.lot === '' ? owner : `${owner}/10/${encodeGeneral(thing.lot)}`;
  }
  const { serial } = thing;
  if (owner === 'uri') return serial;
  const slash = owner.indexOf('/');
  switch (slash < 0 ? owner : owner.slice(0, slash)) {
    case '01':
      return `${owner}${owner.endsWith('/235') ? '/' : '/21/'}${encodeGeneral(serial)}`;
    case '8006':
      return `${owner}/21/${encodeGeneral(serial)}`;
    case '8010':
      return `${owner}/8011/${encodeGeneral(serial)}`;
    case '253':
    case '255':
    case '8003':
      return owner + encodeGeneral(serial);
    case '414': {
      const at = serial.indexOf('/254/');
      return at < 0 ? `414/${serial}` : `414/${serial.slice(0, at)}/254/${encodeGeneral(serial.slice(at + 5))}`;
    }
    default:
      return `${owner}/${encodeGeneral(serial)}`;
  }
}

/**
 * The thing or lot of a canonical key: the inverse of formatKey. A key of a class or lot gives a ThingLot, all else a Thing;
 * a URI gives class 'uri'. Refuses a key that breaks the rules of its AI.
 */
export function parseKey(key: string): Thing | ThingLot {
  checkName(key);
  const gs1 = readKeyText(key);
  if (gs1 === null) {
    checkUri(key);
    return { class: 'uri', serial: key };
  }
  const lot = lotOf(gs1);
  return lot.class === 'uri' ? thingOf(gs1) : lot;
}

const LOCATIONS_MAX = 10_000;
const locations = new Map<string, string>();

/** Canonical key of a readPoint, bizLocation, source, destination or device id; a URI that is no GS1 key stays as it is. */
export function locationKey(uri: string): string {
  let key = locations.get(uri);
  if (key === undefined) {
    key = formatKey(parseEpc(uri));
    if (locations.size >= LOCATIONS_MAX) locations.clear();
    locations.set(uri, key);
  }
  return key;
}

/** One key for one party (design.md §4): a GLN written as 417 names the same party as 414 without extension. Other keys stay. */
export function partyKey(key: string): string {
  return key.startsWith('417/') ? `414/${key.slice(4)}` : key;
}

/** The GLN in a location's or party's key, extension left aside; null when the key is none of a GLN. */
export function glnOf(key: string): string | null {
  return key.startsWith('414/') || key.startsWith('417/') ? key.slice(4, 17) : null;
}
