import { canonicalValue, dateOf } from './canonical.ts';

/**
 * The dictionary of INV-27: what of a person's identity is looked for in free text, and which words of a text are looked up. Both sides pass through here,
 * so that they meet; what is stored of the one is only a keyed hash.
 */

/** Words looked up in one text; a text with more says so by `null`, and is not let in while anybody is known. */
const LOOKED_UP_MAX = 400_000;
const RECORD_MIN = 4;
const PHONE_MIN = 7;
const NAME_MIN = 3;

/** With the marks left out, and as it is written where there are none: Müller is Muller and Mueller. */
function spellings(text: string): string[] {
  const low = text.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFC');
  const written = low.replace(/[äöüæøå]/g, (c) => WRITTEN[c] as string);
  return [...new Set([low, written].map((t) => t.normalize('NFKD').replace(/\p{M}+/gu, '')))];
}
const WRITTEN: Readonly<Record<string, string>> = { ä: 'ae', ö: 'oe', ü: 'ue', æ: 'ae', ø: 'oe', å: 'aa' };

const runs = (text: string): string[] => text.match(/[\p{L}\p{N}]+/gu) ?? [];

/** Scripts that are written without spaces between words. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;
const UNSPACED_NAME = { least: 2, most: 6 };

/** Names that are words as well: alone they say nobody's name. In pairs they do. */
const ORDINARY = new Set(
  `able august april bag baker bank bay bell best bird black blood blue bond box brown cash case cell chase church clay close cold cook cord cross day
  dean donor dose down drew early east ende fair farmer fast field fill first fisher flag ford fox frank free freeze frost good grant gray green grey
  grow guard hall hand hart hawk head heart hill hold holder home hope house hunt iron june king lake lane last law light link little long loss lot love
  major mark marsh mason may meyer miller mill month moon moss new north note open order pack page palm park parts patient plant pool pope power price
  prime quick rack ray read reed release rice rich ring rock rose sample sands sharp sheet ship short silver site small smith snow south space
  staff star state stone storm strong study swift table test thaw tray truck under unit vial wall ward warm wash waters weber week west
  given family name first second third person people nurse doctor example demo
  white will wise wolf wood work worth year young ist und von van der den die das del della dos des ben bin abu mac san sankt the and for not`.split(
    /\s+/,
  ),
);

/** What is kept of a person's identity, hashed: words by which they would be known. */
export function wordsOfIdentity(identity: Readonly<Record<string, string>>): string[] {
  const words = new Set<string>();
  for (const [member, value] of Object.entries(identity)) for (const word of wordsOfMember(member, value)) words.add(word);
  return [...words];
}

function wordsOfMember(member: string, value: string): string[] {
  const date = dateOf(value);
  if (date !== null) return [`date ${date}`];
  if (value.includes('@')) return spellings(value).map((t) => `mail ${t.trim()}`);
  const parts = runs(value);
  if (/name$/i.test(member)) return spellings(canonicalValue('name', value)).flatMap((t) => nameWords(runs(t)));
  const digits = value.replace(/[^\d]/g, '');
  if (/^[+\d\s()/.-]+$/.test(value.normalize('NFKC')) && digits.length >= PHONE_MIN)
    return [`digits ${digits.slice(-PHONE_MIN)}`, ...recordWords(parts)];
  if (/number$/i.test(member) || (parts.length <= 2 && /\d/.test(value))) return recordWords(parts);
  return spellings(value).flatMap((t) => shingles(runs(t), Math.min(3, Math.max(2, parts.length))));
}

/** Its parts alone, and each with the one that follows in `First Last` and in `Last First`. */
function nameWords(all: readonly string[]): string[] {
  const parts = all.filter((part) => /\p{L}/u.test(part));
  const long = parts.filter(
    (part) => Array.from(part).length >= (UNSPACED.test(part) ? UNSPACED_NAME.least : NAME_MIN) && !ORDINARY.has(part),
  );
  const pairs = parts.length < 2 ? [] : parts.map((part, i) => `pair ${part} ${parts[(i + 1) % parts.length] as string}`);
  return [...long.map((part) => `word ${part}`), ...pairs, ...(parts.length > 1 ? [`word ${parts.join('')}`] : [])];
}

function recordWords(parts: readonly string[]): string[] {
  const joined = parts.join('').normalize('NFKC').toLowerCase();
  return joined.length >= RECORD_MIN ? [`record ${joined}`] : [];
}

const shingles = (parts: readonly string[], size: number): string[] =>
  parts.length < size ? [] : parts.slice(size - 1).map((_, i) => `run ${parts.slice(i, i + size).join(' ')}`);

/** URIs of things and standard vocabulary: their numbers are numbers of things, whoever may have the same. */
const IDENTIFIER =
  /^(?:urn:(?:epc|epcglobal|lotline|uuid|jaif|ni)|ni:|https?:\/\/(?:[^/]*\.)?(?:gs1\.org|[^\s]*\/(?:00|01|414|8003|8004|8010)\/))/i;
/** When something happened is no birth date. */
const INSTANT = /^\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:\d{2})$/;

/** The words of a text under which persons may be known; null where there are too many to look up. */
export function wordsOfText(texts: Iterable<string>): string[] | null {
  const words = new Set<string>();
  for (const text of texts) {
    if (text.length < 2 || INSTANT.test(text)) continue;
    lookFor(text, !IDENTIFIER.test(text), words);
    if (words.size > LOOKED_UP_MAX) return null;
  }
  return [...words];
}

function lookFor(text: string, free: boolean, words: Set<string>): void {
  for (const spelt of spellings(text)) {
    const parts = runs(spelt);
    parts.forEach((part, i) => {
      if (UNSPACED.test(part)) for (const piece of pieces(part)) words.add(`word ${piece}`);
      else if (/\p{L}/u.test(part)) words.add(`word ${part}`);
      const next = parts[i + 1];
      if (free && next !== undefined) {
        words.add(`pair ${part} ${next}`);
        words.add(`run ${part} ${next}`);
        const third = parts[i + 2];
        if (third !== undefined) words.add(`run ${part} ${next} ${third}`);
      }
      // A name may be cut by digits or glued to them: erika1961.
      for (const letters of part.match(/\p{L}{3,}/gu) ?? []) if (letters !== part) words.add(`word ${letters}`);
      if (free || /\p{L}/u.test(part)) words.add(`record ${part}`);
    });
  }
  if (!free) return;
  const whole = text.normalize('NFKC').toLowerCase();
  for (const chunk of whole.split(/[\s,;:()<>"'=]+/u)) {
    if (chunk.includes('@')) words.add(`mail ${chunk.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '')}`);
    const joined = runs(chunk).join('');
    if (joined.length >= RECORD_MIN) words.add(`record ${joined}`);
  }
  for (const [digits] of whole.matchAll(/\+?\d(?:[ ()/.-]{0,3}\d){3,}/g)) {
    const bare = digits.replace(/[^\d]/g, '');
    words.add(`record ${bare}`);
    if (bare.length >= PHONE_MIN) words.add(`digits ${bare.slice(-PHONE_MIN)}`);
  }
  for (const date of datesIn(whole)) words.add(`date ${date}`);
}

function pieces(run: string): string[] {
  const letters = Array.from(run);
  const found: string[] = [];
  for (let from = 0; from < letters.length; from++)
    for (let size = UNSPACED_NAME.least; size <= UNSPACED_NAME.most && from + size <= letters.length; size++)
      found.push(letters.slice(from, from + size).join(''));
  return found;
}

function datesIn(text: string): string[] {
  const dates: (string | null)[] = [];
  for (const [found] of text.matchAll(/(?<!\d)(?:\d{4}-\d{2}-\d{2}|\d{8}|\d{1,2}\. ?\d{1,2}\. ?\d{4})(?!\d)/g)) {
    dates.push(dateOf(found));
    // Eight digits may be read in two ways: both are looked for.
    if (/^\d{8}$/.test(found))
      dates.push(
        dateOf(`${found.slice(0, 4)}-${found.slice(4, 6)}-${found.slice(6)}`),
        dotted(found.slice(0, 2), found.slice(2, 4), found.slice(4)),
      );
  }
  for (const [, a = '', b = '', year = ''] of text.matchAll(/(?<!\d)(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?!\d)/g))
    dates.push(dotted(a, b, year), dotted(b, a, year));
  for (const [, year, month, day] of text.matchAll(/(?<!\d)(\d{4})[/.](\d{2})[/.](\d{2})(?!\d)/g))
    dates.push(dateOf(`${year}-${month}-${day}`));
  return dates.filter((date) => date !== null);
}

const dotted = (day: string, month: string, year: string) => dateOf(`${day}.${month}.${year}`);
