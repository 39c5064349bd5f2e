import { LotlineError } from '../errors.ts';
import { type Element, findAi, gs1Date, type Isbt128Structure, readBracketed, readIsbt128 } from '../identifiers/index.ts';
import { canShow } from './font.ts';

export const LAYOUTS = ['pack', 'case', 'sscc', 'bag'] as const;
export type Layout = (typeof LAYOUTS)[number];

/** As it is asked for: `data` a bracketed element string, on a bag with data identifiers of ISBT 128 too; `text` by name. */
export type LabelInput = { readonly data: string; readonly text?: Readonly<Record<string, string>> | undefined };

/** A label that has been checked. `isbt` is the compound message with its structures, null where there are none. */
export type Label = {
  readonly elements: readonly Element[];
  readonly isbt: { readonly message: string; readonly parts: readonly Isbt128Structure[] } | null;
  readonly text: ReadonlyMap<string, string>;
};

const DATA_MAX = 2_000;
const TEXTS_MAX = 20;
const TEXT_MAX = 200;
const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,39}$/;

/** What a layout cannot be without: one of these. */
const NEEDS: Readonly<Record<Layout, readonly string[]>> = { pack: ['01'], case: ['00', '01'], sscc: ['00'], bag: [] };

/** Reads and checks one label; `at` of an error points into it. No error repeats a text: it may be a patient's. */
export function readLabel(layout: Layout, input: LabelInput): Label {
  const label = { ...readData(layout, input.data), text: readTexts(input.text ?? {}) };
  const has = (ai: string) => label.elements.some((element) => element.ai === ai);
  const needed = NEEDS[layout];
  if (needed.length > 0 && !needed.some(has))
    throw wrongData('ID-AI', `a ${layout} label needs (${needed.join(') or (')})`, `Add (${needed.join(') or (')}).`);
  // 02 and 37 describe the content of the unit that the SSCC names (codes.md §7).
  if ((has('02') || has('37')) && !has('00'))
    throw wrongData('ID-AI', '(02) and (37) need (00) on the same label', 'Add (00), or use (01).');
  return label;
}

const wrongData = (code: 'ID-AI' | 'ID-FORM', what: string, fix: string) => new LotlineError(code, what, { at: '/data', fix });

/** An element of ISBT 128 in brackets: its data identifier begins with = or &. */
const ISBT_ELEMENT = /(?<!\\)\(([=&][^()]{0,2})\)([^(]*)/g;

function readData(layout: Layout, data: string): Pick<Label, 'elements' | 'isbt'> {
  try {
    if (data.length > DATA_MAX) throw wrongData('ID-FORM', `more than ${DATA_MAX} characters`, 'Leave out elements.');
    const found = layout === 'bag' ? [...data.matchAll(ISBT_ELEMENT)] : [];
    const rest = found.length === 0 ? data : data.replace(ISBT_ELEMENT, '');
    return {
      elements: rest === '' && found.length > 0 ? [] : readBracketed(rest),
      isbt: found.length === 0 ? null : readStructures(found.map(([, identifier = '', value = '']) => [identifier, value])),
    };
  } catch (error) {
    throw error instanceof LotlineError ? new LotlineError(error.code, error.message, { at: '/data', fix: error.fix }) : error;
  }
}

/** The compound message of structures (codes.md §9); a donation number without flags gets 00. */
function readStructures(found: readonly (readonly [identifier: string, value: string])[]): NonNullable<Label['isbt']> {
  const texts = found.map(([identifier, value]) => identifier + value + (identifier === '=' && value.length === 13 ? '00' : ''));
  const message = `=+${String(texts.length).padStart(2, '0')}000${texts.join('')}`;
  return { message, parts: readIsbt128(message).parts };
}

/** Every text as it will be printed: composed (NFC), of characters that the font has and that stand one behind the other. */
function readTexts(given: Readonly<Record<string, string>>): Map<string, string> {
  const texts = new Map<string, string>();
  for (const [name, value] of Object.entries(given)) {
    const at = `/text/${name.replaceAll('~', '~0').replaceAll('/', '~1').slice(0, 100)}`;
    const wrong = (what: string, fix: string) => new LotlineError('LBL-TEXT', what, { at, fix });
    if (!NAME.test(name)) throw wrong('a text has a name of letters, digits, - and _, 40 at most', 'Rename it.');
    if (texts.size >= TEXTS_MAX) throw wrong(`a label takes ${TEXTS_MAX} texts`, 'Leave some out.');
    const text = value.normalize('NFC').trim();
    if (text.length > TEXT_MAX) throw wrong(`the text has more than ${TEXT_MAX} characters`, 'Shorten it.');
    const wrongCharacter = Array.from(text).find((c) => !canShow(c));
    if (wrongCharacter !== undefined)
      throw wrong(
        `the character U+${(wrongCharacter.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')} cannot be printed`,
        'Use letters of the Latin, Greek or Cyrillic script, digits and signs, in one line.',
      );
    if (text !== '') texts.set(name, text);
  }
  return texts;
}

/** The titles that packs bear instead of AIs (codes.md §7), where they are not those of the table. */
const TITLES: Readonly<Record<string, string>> = { '01': 'GTIN', '02': 'CONTENT', '10': 'LOT', '17': 'EXP', '21': 'SN' };
const DATES = new Set(['11', '12', '13', '15', '16', '17']);

export const titleOf = ({ ai }: Element): string => TITLES[ai] ?? findAi(ai)?.title ?? ai;

/** A value as people read it: dates as 2027-08-31, or 2027-08 for a whole month, the century seen from `year`. */
export function shownValue({ ai, value }: Element, year: number): string {
  if (!DATES.has(ai)) return value;
  const date = gs1Date(value, year);
  return value.endsWith('00') ? date.slice(0, 7) : date;
}

/** The name of a text as it stands before it: `storageTemperature` → `Storage temperature`. */
export function shownName(name: string): string {
  const words = name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/[_-]+/g, ' ')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
