import type { Random } from '../../src/worlds/random.ts';

/** Texts at which readers stumble: empty, long, half a character, what other grammars mean something by. */
const ODD_TEXTS = [
  '', ' ', '\0', '\u{FEFF}', '\uD800', '\u{1F9EA}', 'null', '__proto__', 'constructor', '../..', '%', '%00', '%2F', '%zz', '%F0%9F', '*', '|', "'", '"', '\\', '{}', '{{a}}',
  "'; DROP TABLE entry; --", '<a>', '&amp;', '&#0;', ']]>', 'x'.repeat(3_000), '9'.repeat(400), '-1', '1e400', '0x10', 'NaN', 'true', 'urn:', 'urn:epc:id:sgtin:', 'http://',
  'https://id.gs1.org/01/', 'https://id.gs1.org/01/09520123000110/21/%2500', 'https://id.gs1.org/01/09520123000110?17=991332', 'urn:epc:idpat:sgtin:*.*.*', 'urn:epc:id:sgtin:9520123.000011.%00',
  'urn:epc:idpat:sgtin:9520123.000011.400.*', 'ni:///sha-256;00?ver=CBV2.0', '2026-02-30T00:00:00Z', '2026-03-01T08:15:00', '0000-00-00T00:00:00Z', '9999-12-31T23:59:59.999999999+14:00',
  '2026-03-01T24:00:00Z', '+99:99', '(01)09520123000110(21)', ']d201095201230001102112345', '=W00002600000100', '01/09520123000110/21/', '414/9520123000011', '🧪/🧪',
]; // biome-ignore format: a list

/** Values of the wrong kind, and of the right one at its ends. */
const ODD_VALUES: readonly unknown[] = [
  null, true, false, 0, -0, 1, -1, 0.1, 1e21, 1e308, 5e-324, Number.MAX_SAFE_INTEGER + 2, [], {}, [[]], [null], { '@value': 1 }, { __proto__x: 1 }, Array.from({ length: 300 }, () => 1),
]; // biome-ignore format: a list

const oddValue = (random: Random): unknown => structuredClone(random.pick(ODD_VALUES));

const ODD_NAMES = [
  '',
  '__proto__',
  'constructor',
  'toString',
  '@context',
  '@id',
  '@type',
  'ex:a',
  'nope:a',
  ':',
  'a:b:c',
  'type',
  'id',
  'eventID',
  'epcList',
  'isA',
  'sensorElementList',
  'http://ns.example.com/#a',
  '\0',
  'é',
];

type Place = { readonly holder: Record<string, unknown> | unknown[]; readonly name: string };

/** Every place in a JSON value. */
function placesOf(value: unknown): Place[] {
  const places: Place[] = [];
  const walk = (holder: unknown) => {
    if (typeof holder !== 'object' || holder === null) return;
    for (const [name, inner] of Object.entries(holder)) {
      places.push({ holder: holder as Place['holder'], name });
      walk(inner);
    }
  };
  walk(value);
  return places;
}

const at = ({ holder, name }: Place): unknown => (holder as Record<string, unknown>)[name];
const put = ({ holder, name }: Place, value: unknown): void => {
  Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
};

/**
 * Changes a JSON value in a few places, so that most of it stays what it was. Half of the time it stays sound by its form, and tells something else:
 * other things, times and numbers, fewer or more of them. `others`: values from which parts are taken.
 */
export function mutateJson(random: Random, value: unknown, others: readonly unknown[]): unknown {
  const changed: unknown = structuredClone(value);
  const change = random.perMille(500) ? exchange : damage;
  for (let changes = random.between(1, 4); changes > 0; changes--) {
    const places = placesOf(changed);
    if (places.length === 0) return oddValue(random);
    change(random, random.pick(places), others);
  }
  return changed;
}

/** What two texts must have in common for the one to stand where the other does: `urn:epc:id:sgtin:`, `https:`, a time, a word. */
const formOf = (text: string): string =>
  /^(?:urn:epc:\w+:\w+:|\w+:|\d{4}-\d\d-\d\dT|[a-z_]+$|[A-Z]+$)/
    .exec(text)?.[0]
    .replace(/^[a-z_]+$/, 'word')
    .replace(/^\d.*/, 'time') ?? '';

function exchange(random: Random, place: Place, others: readonly unknown[]): void {
  const inner = at(place);
  if (typeof inner === 'number') put(place, random.pick([inner + 1, inner / 2, 0, 7]));
  else if (Array.isArray(inner) && inner.length > 0 && random.perMille(700)) {
    put(place, random.perMille(500) ? inner.slice(1) : [...inner, structuredClone(random.pick(inner))]);
  } else {
    const alike = placesOf(random.pick(others))
      .filter((one) => one.name === place.name || (Array.isArray(one.holder) && Array.isArray(place.holder)))
      .map(at)
      .filter((one) =>
        typeof inner === 'string' && typeof one === 'string' ? formOf(one) === formOf(inner) : typeof one === typeof inner,
      );
    if (alike.length > 0) put(place, structuredClone(random.pick(alike)));
  }
}

function damage(random: Random, place: Place, others: readonly unknown[]): void {
  const { holder, name } = place;
  const inner = at(place);
  const kind = random.below(10);
  if (kind === 0 && Array.isArray(holder)) holder.splice(Number(name), 1);
  else if (kind === 0) delete (holder as Record<string, unknown>)[name];
  else if (kind === 1) put({ holder, name: Array.isArray(holder) ? name : random.pick(ODD_NAMES) }, inner);
  else put(place, damaged(random, inner, others, kind));
}

function damaged(random: Random, value: unknown, others: readonly unknown[], kind: number): unknown {
  switch (kind) {
    case 2:
      return random.pick(ODD_TEXTS);
    case 3:
      return structuredClone(at(random.pick(placesOf(random.pick(others)))));
    case 4:
      return Array.isArray(value) ? [...(value as unknown[]), ...(value as unknown[])] : [value, value];
    case 5:
      return nested(value, random.between(1, 200));
    case 6:
      return oddValue(random);
    default:
      return typeof value === 'string' ? mutateText(random, value) : oddValue(random);
  }
}

function nested(value: unknown, depth: number): unknown {
  let inner = value;
  for (let i = 0; i < depth; i++) inner = i % 2 === 0 ? [inner] : { 'ex:a': inner };
  return inner;
}

/** Changes a text in one place: a character or digit, a part gone, doubled or replaced. */
export function mutateText(random: Random, text: string): string {
  const from = random.below(text.length + 1);
  const to = Math.min(text.length, from + random.between(1, 8));
  const [before, part, after] = [text.slice(0, from), text.slice(from, to), text.slice(to)];
  switch (random.below(7)) {
    case 0:
      return before + after;
    case 1:
      return before + part + part + after;
    case 2:
      return before + random.pick(ODD_TEXTS) + after;
    case 3:
      return before + String.fromCharCode(random.below(0x180)) + after;
    case 4:
      return before + part.replace(/\d/g, () => String(random.below(10))) + after;
    case 5:
      return random.pick([
        text.toUpperCase(),
        text.toLowerCase(),
        ` ${text} `,
        encodeURIComponent(wellFormed(text)),
        text.replaceAll('.', ''),
      ]);
    default:
      return random.pick(ODD_TEXTS);
  }
}

/** Half a character cannot be percent-encoded. */
export const wellFormed = (text: string): string => text.replace(/\p{Cs}/gu, '\uFFFD');

/** What stands in XML as one piece: a tag, or the text between two. */
const XML_PIECES = /<[^>]*>|[^<]+/g;
const ODD_XML = [
  '<!DOCTYPE a [<!ENTITY b "c">]>', '&b;', '&#0;', '&#x110000;', '<![CDATA[x]]>', '<!-- -- -->', '<?xml version="1.1"?>', '<a', '</a>', '<a:b/>', '<epcis:EPCISBody/>', '<extension/>', '<ilmd><a/></ilmd>', '\0', '\u{FFFE}',
  '<a b="1" b="2"/>', '<a xmlns:xml="urn:x"/>', '<epc/>', '<epcList><epc>urn:epc:id:sgtin:9520123.000011.1</epc></epcList>', '<eventTime>2026-03-01</eventTime>', `${'<a>'.repeat(300)}${'</a>'.repeat(300)}`, '<a>'.repeat(20_000),
]; // biome-ignore format: a list

/** Changes an XML document in a few of its pieces. */
export function mutateXml(random: Random, xml: string): string {
  const pieces = xml.match(XML_PIECES) ?? [xml];
  for (let changes = random.between(1, 3); changes > 0; changes--) {
    const i = random.below(pieces.length);
    const piece = pieces[i] as string;
    switch (random.below(7)) {
      case 0:
        pieces.splice(i, 1);
        break;
      case 1:
        pieces.splice(i, 0, ...pieces.slice(i, i + random.between(1, 12)));
        break;
      case 2:
        pieces[i] = piece + random.pick(ODD_XML);
        break;
      case 3:
        pieces[i] = piece.replace(
          /[\w:]+/,
          random.pick(['EPCISDocument', 'epcis:EPCISQueryDocument', 'ObjectEvent', 'extension', 'a:b', 'action', 'x']),
        );
        break;
      case 4:
        pieces[i] = piece.replace(/"[^"]*"/, () => JSON.stringify(random.pick(ODD_TEXTS).replace(/["\\]/g, '')));
        break;
      case 5:
        pieces[i] = random.pick(pieces);
        break;
      default:
        pieces[i] = piece.startsWith('<') ? piece : mutateText(random, piece);
    }
    if (pieces.length === 0) return '';
  }
  return pieces.join('');
}

/** Changes bytes, without regard for what they mean. */
export function mutateBytes(random: Random, bytes: Buffer): Buffer {
  if (bytes.length === 0) return bytes;
  const from = random.below(bytes.length);
  const to = Math.min(bytes.length, from + random.between(1, 40));
  const [before, part, after] = [bytes.subarray(0, from), bytes.subarray(from, to), bytes.subarray(to)];
  switch (random.below(5)) {
    case 0:
      return Buffer.concat([before, after]);
    case 1:
      return Buffer.concat([before, part, part, after]);
    case 2:
      return before;
    case 3:
      return Buffer.concat([before, Buffer.from([random.below(256), random.below(256)]), after]);
    default:
      return Buffer.concat([
        before,
        Buffer.from(
          random.pick([
            '"',
            '{',
            '[',
            ',',
            ':',
            '\\u0000',
            '\\ud800',
            '1e999',
            '0.1E-400',
            '"a":1,"a":2,',
            '\u{FEFF}',
            '['.repeat(30_000),
            '{"a":'.repeat(30_000),
          ]),
        ),
        after,
      ]);
  }
}

export const oddText = (random: Random): string => random.pick(ODD_TEXTS);
