import { thingOfElements } from '../describe.ts';
import { findAi } from '../gs1/ai-table.ts';
import { isWithin, SET_82 } from '../gs1/characters.ts';
import { writeDigitalLink } from '../gs1/digital-link.ts';
import { checkElement } from '../gs1/element-checks.ts';
import { checkElements, type Element, ruleFor } from '../gs1/elements.ts';
import { ntinOfPzn, readPpn } from '../gs1/pharma.ts';
import { isbt128Key } from '../isbt128/keys.ts';
import type { Isbt128Structure } from '../isbt128/structures.ts';
import { formatKey } from '../key.ts';
import { orNull } from '../refusal.ts';
import type { DataItem } from './iso15434.ts';
import { LAYOUTS, type Layout, swapCase, undoLayout } from './keyboard.ts';
import { findRunTogether, type RunTogether } from './lost-separator.ts';
import { type Content, type Notice, readMessage, toldOf } from './message-content.ts';
import { beginsReadable, isCaseInverted, type Message, splitMessages } from './messages.ts';
import { nationalOf } from './read-scan.ts';
import { readTyped } from './typed.ts';

/** What is known of one scanner and its host, as set up there (docs/scanning.md). */
export type ScanProfile = {
  /** What arrives instead of the separator U+001D. */
  readonly gs?: string;
  readonly scannerLayout?: Layout;
  readonly hostLayout?: Layout;
  /** Caps lock is known to be on at this host. */
  readonly capsLock?: boolean;
  /** Where the symbology identifier shows that caps lock inverted the letters, turn them back. */
  readonly restoreCase?: boolean;
  /** AIs without which a scan is no good to this process, such as 01, 21, 17, 10 for packs. */
  readonly required?: readonly string[];
};

/** Why a scan does not read. `meant`: what it was probably meant to be, for people to look at and never to be used as data. */
export type ScanProblem = Notice & { readonly ai?: string; readonly at?: number; readonly meant?: readonly (Element | DataItem)[] };

export type ScanReading = {
  /** It reads by the rules. Otherwise there is nothing in it but warnings and problems. */
  readonly ok: boolean;
  readonly elements: readonly (Element | DataItem)[];
  readonly key: string | null;
  /** With all that was read in it; null where there is no key of GS1. */
  readonly digitalLink: string | null;
  readonly isbt128: Isbt128Structure | null;
  readonly national: readonly { readonly scheme: 'PZN'; readonly value: string }[];
  readonly warnings: readonly Notice[];
  readonly problems: readonly ScanProblem[];
  /** How many messages arrived in this read; one that came twice counts twice. */
  readonly messages: number;
  /** What was read in GS1 elements, whatever the carrier: a PZN as its NTIN, items of format 06 as 01, 21, 10, 17. */
  readonly inGs1: readonly Element[];
  /** The messages as they were read, repaired, with their symbology identifiers. */
  readonly received: readonly string[];
  /** Where the only problem is that a separator seems lost: the reading that holds if the thing is known by that very name. */
  readonly doubted: ScanReading | null;
};

/**
 * Reads whatever arrives from a scanner, or from a person who types (codes.md §8): framing, several messages, missing symbology identifiers, keyboards.
 * A repair is made only where it is certain, and told in a warning; a lost separator is never put back. Refuses nothing: what does not read is an answer.
 * `year` is today's, for which dates are near.
 */
export function readArrival(
  arrived: string,
  { entry = 'scanner', profile = {}, year }: { entry?: 'scanner' | 'typed' | undefined; profile?: ScanProfile | undefined; year: number },
): ScanReading {
  const strange = Array.from(arrived).findIndex((c) => c < ' ' && !CONTROLS.has(c));
  if (strange >= 0)
    return failed([
      {
        code: 'control-character',
        message: `A control character that no code holds stands at character ${strange + 1}. Look at the settings of the scanner.`,
        at: strange,
      },
    ]);
  if (entry === 'typed' && !arrived.trim().startsWith(']')) return combine(1, [arrived.trim()], profile, year, () => [readTyped(arrived)]);
  const { text, warnings, problem } = repair(arrived, profile);
  if (problem !== null) return failed([problem], warnings);
  const messages = splitMessages(text);
  const inverted = messages.some(isCaseInverted);
  if ((inverted && !profile.restoreCase) || (profile.capsLock && !inverted && messages.some(isUnprovenCase)))
    return failed([caseProblem(arrived, profile, year)], warnings);
  const restored = inverted ? messages.map((message) => (isCaseInverted(message) ? inOtherCase(message) : message)) : messages;
  if (inverted)
    warnings.push({
      code: 'case-inverted',
      message: 'Caps lock had inverted every letter; the symbology identifier shows it, and they were turned back. Switch caps lock off.',
    });
  const once = [...new Map(restored.map((message) => [textOf(message), message])).values()];
  if (once.length === 0) return failed([{ code: 'empty-scan', message: 'Nothing was read. Scan again.' }], warnings);
  if (messages.length > 1)
    warnings.push({
      code: 'more-than-one-message',
      message:
        once.length === 1
          ? `The same message arrived ${messages.length} times in one read; it was taken once.`
          : `${messages.length} messages arrived in one read; they were taken together, as symbols of one label.`,
    });
  const reading = combine(messages.length, once.map(textOf), profile, year, () => once.map(readMessage), warnings);
  if (reading.ok || reading.doubted !== null || once.some((message) => message.symbology !== null)) return reading;
  return { ...reading, problems: [...reading.problems, ...layoutHints(arrived, profile, year)] };
}

/** Framing, and what element strings and ISO/IEC 15434 messages hold. */
const CONTROLS: ReadonlySet<string> = new Set('\u0002\u0003\u0004\t\n\r\u001d\u001e');
const textOf = ({ symbology, data }: Message) => (symbology === null ? data : `]${symbology}${data}`);
const inOtherCase = ({ symbology, data }: Message): Message => ({ symbology: swapCase(symbology ?? ''), data: swapCase(data) });
const isUnprovenCase = ({ symbology, data }: Message) => symbology === null && /[A-Za-z]/.test(data);

/** Whether data could hold what is said to stand for the separator: characters of set 82, unless it is spelled out as in `<GS>` (codes.md §8). */
export const isSeparatorData = (gs: string): boolean => gs.length < 3 && isWithin(SET_82, gs);

// ── Repairs ──────────────────────────────────────────────────────────────────────────────────

function repair(arrived: string, profile: ScanProfile): { text: string; warnings: Notice[]; problem: ScanProblem | null } {
  const warnings: Notice[] = [];
  let text = arrived;
  const { gs, scannerLayout = 'en-US', hostLayout = scannerLayout } = profile;
  if (gs !== undefined && isSeparatorData(gs))
    return {
      text,
      warnings,
      problem: {
        code: 'separator-in-data',
        message: `${gs} cannot stand for the separator: serials and lots may hold it. Choose a character that they cannot, such as |.`,
      },
    };
  if (gs !== undefined && gs !== '\u001d' && text.includes(gs)) {
    text = text.replaceAll(gs, '\u001d');
    warnings.push({
      code: 'separator-replaced',
      message: `${gs} stood for the separator, as the profile says. Have the scanner send GS (ASCII 29) where its interface can.`,
    });
  }
  if (scannerLayout === hostLayout || beginsReadable(text)) return { text, warnings, problem: null };
  const lost = (message: string) => ({ text, warnings, problem: { code: 'keyboard-layout', message } });
  if (scannerLayout !== 'en-US')
    return lost(
      `What a scanner set to ${scannerLayout} types on a host set to ${hostLayout} cannot be put back for certain. Set the scanner to ${hostLayout}.`,
    );
  const undone = undoLayout(text, hostLayout);
  if (undone.strange !== '')
    return lost(
      `No key of a scanner set to en-US gives ${undone.strange} on a host set to ${hostLayout}: what it held is lost. Set the scanner to ${hostLayout}.`,
    );
  if (undone.text !== text)
    warnings.push({
      code: 'keyboard-layout-restored',
      message: `The scanner typed for en-US on a host set to ${hostLayout}; the characters were put back. Set the scanner to ${hostLayout}, or take it off the keyboard.`,
    });
  return { text: undone.text, warnings, problem: null };
}

function caseProblem(arrived: string, profile: ScanProfile, year: number): ScanProblem {
  const meant = readArrival(arrived, { profile: { ...profile, capsLock: false, restoreCase: true }, year });
  return {
    code: 'case-inverted',
    message:
      'Caps lock is on at this host: every letter arrives in the other case, and another serial number with it. Switch caps lock off and scan again, or set restoreCase in the profile.',
    ...(meant.ok &&
      meant.messages > 0 &&
      arrived !== '' &&
      meant.warnings.some((w) => w.code === 'case-inverted') && { meant: meant.elements }),
  };
}

/** A layout under which what arrived would begin with a symbology identifier: told, never assumed. */
function layoutHints(arrived: string, profile: ScanProfile, year: number): ScanProblem[] {
  const hostLayout = LAYOUTS.find((layout) => {
    const { text } = undoLayout(arrived, layout);
    return text !== arrived && beginsReadable(text);
  });
  if (hostLayout === undefined) return [];
  const meant = readArrival(arrived, { profile: { ...profile, scannerLayout: 'en-US', hostLayout }, year });
  const message = `It looks as if a scanner set to en-US types on a host set to ${hostLayout}. Set the scanner to ${hostLayout}, or name both in the profile.`;
  return [{ code: 'keyboard-layout', message, ...(meant.ok && { meant: meant.elements }) }];
}

// ── Joining what the messages say ────────────────────────────────────────────────────────────

function failed(
  problems: readonly ScanProblem[],
  warnings: readonly Notice[] = [],
  messages = 0,
  received: readonly string[] = [],
): ScanReading {
  return { ok: false, ...NOTHING, warnings, problems, messages, received };
}
const NOTHING = { elements: [], key: null, digitalLink: null, isbt128: null, national: [], inGs1: [], doubted: null } as const;

/** Several symbols of one label are valid only together (codes.md §2): what one needs, another may hold. */
function combine(
  messages: number,
  received: readonly string[],
  profile: ScanProfile,
  year: number,
  read: () => readonly Content[],
  before: readonly Notice[] = [],
): ScanReading {
  const refused = (problems: readonly ScanProblem[], warnings = before) => failed(problems, warnings, messages, received);
  let contents: readonly Content[];
  try {
    contents = read();
  } catch (error) {
    const problem = toldOf(error);
    const strange = [...new Set(Array.from(received.join('').replace(/[\p{Cc}\s]/gu, '')))].filter(
      (c) => !isWithin(SET_82, c) && !isOfForms(c),
    );
    return refused([
      ...(strange.length > 0 && received.every((text) => !text.startsWith(']')) ? [notInSet82(strange.join(''))] : []),
      problem,
    ]);
  }
  const warnings = distinct([...before, ...contents.flatMap((content) => content.warnings)]);
  const structures = contents.flatMap(({ isbt128 }) => isbt128 ?? []);
  const others = contents.filter(({ isbt128 }) => isbt128 === null);
  if (structures.length > 0) {
    if (others.length > 0)
      return refused(
        [{ code: 'mixed-messages', message: 'ISBT 128 and other codes arrived in one read. Scan them one by one.' }],
        warnings,
      );
    return readBag(structures, { messages, received, warnings });
  }
  const [only] = others;
  // What one symbol repeats stays as it stands there; what a second symbol repeats is said once.
  const elements = others.length === 1 && only ? only.elements : distinct(others.flatMap((content) => content.elements));
  const items = distinct(others.flatMap((content) => content.items));
  const scanned = distinct(others.flatMap((content) => (content.kind === 'elements' ? content.elements : [])));
  const run = findRunTogether(scanned, year);
  const problems = elementProblems(elements, others.length > 1);
  if (run?.sure) problems.unshift(lostSeparator(run));
  const pzns = distinct([
    ...others.flatMap(({ pzn }) => pzn ?? []),
    ...items.flatMap(({ di, value }) => (di === '9N' ? (readPpn(value).pzn ?? []) : [])),
  ]);
  const inGs1 = distinct([...elements, ...itemsInGs1(items, elements, pzns)]);
  if (problems.length === 0) problems.push(...elementProblems(inGs1, others.length > 1), ...missing(inGs1, profile));
  if (problems.some(({ code }) => code !== LOST)) return refused(problems, warnings);
  if (others.some(({ kind }) => kind === 'gtin' || kind === 'pzn') && !inGs1.some(({ ai }) => ai === '21' || ai === '10'))
    warnings.push({
      code: 'identifies-class-only',
      message: 'The code names a product and no single pack. Scan the two-dimensional code for the pack.',
    });
  const reading = { messages, received, doubted: null, isbt128: null, problems: [] };
  try {
    const ordered = keyFirst(inGs1);
    const whole: ScanReading = {
      ...reading,
      ok: true,
      elements: [...elements, ...items],
      key: hasKey(inGs1) ? formatKey(thingOfElements(ordered)) : null,
      digitalLink: hasKey(inGs1) ? orNull(() => writeDigitalLink(ordered)) : null,
      national: distinct([...pzns.map((value) => ({ scheme: 'PZN' as const, value })), ...nationalOf(elements)]),
      warnings: run === null || run.sure ? warnings : [...warnings, maybeLost(run)],
      inGs1,
    };
    if (problems.length === 0) return whole;
    const note = {
      code: LOST,
      message: `${(problems[0] as ScanProblem).message} It is known here by that very name, and was taken as it reads.`,
    };
    return { ...refused(problems, warnings), doubted: { ...whole, warnings: [...whole.warnings, note] } };
  } catch (error) {
    return refused([toldOf(error)], warnings);
  }
}

/** What stands in codes without being of set 82. */
const isOfForms = (c: string) => /[()[\]#~\\]/.test(c);

function notInSet82(strange: string): ScanProblem {
  return {
    code: 'not-cset82',
    message: `${strange}: in no GS1 code. Such characters come of a keyboard layout that is not the scanner's, or stand for a lost separator. Have the scanner set up with POST /api/v1/scan/setup.`,
  };
}

/** What each element breaks by itself, all of it; and if nothing, what they break together. */
function elementProblems(elements: readonly Element[], several: boolean): ScanProblem[] {
  const problems = elements.flatMap(({ ai, value }): ScanProblem[] => {
    try {
      checkElement(ruleFor(ai), value);
      return [];
    } catch (error) {
      const told = toldOf(error);
      const strange = Array.from(value)
        .filter((c) => !isWithin(SET_82, c))
        .join('');
      return [told.code === 'ID-CHARSET' && strange !== '' ? { ...notInSet82(strange), ai } : { ...told, ai }];
    }
  });
  if (problems.length > 0) return problems;
  const keys = elements.filter(({ ai }) => ruleFor(ai).qualifiers !== null);
  if (several && keys.some(({ ai, value }) => keys.some((other) => other.ai === ai && other.value !== value)))
    return [{ code: 'several-things', message: 'Codes of several things arrived in one read. Scan them one by one.' }];
  try {
    checkElements(elements);
    return [];
  } catch (error) {
    return [toldOf(error)];
  }
}

/** Items of format 06 as GS1 elements. A German pack that is known by its PZN alone goes by its NTIN, so that both codes name one thing (codes.md §6). */
function itemsInGs1(items: readonly DataItem[], elements: readonly Element[], pzns: readonly string[]): Element[] {
  const given = items.flatMap(({ di, value }) => {
    const ai = IN_GS1[di];
    return ai === undefined ? [] : [{ ai, value }];
  });
  const hasGtin = [...elements, ...given].some(({ ai }) => ai === '01');
  return [...(hasGtin ? [] : pzns.map((pzn) => ({ ai: '01', value: ntinOfPzn(pzn) }))), ...given];
}
const IN_GS1: Readonly<Record<string, string>> = { '8P': '01', S: '21', '1T': '10', D: '17' };

function missing(elements: readonly Element[], { required = [] }: ScanProfile): ScanProblem[] {
  const absent = required.filter((ai) => !elements.some((e) => e.ai === ai));
  if (absent.length === 0) return [];
  const message = `${absent.map((ai) => `(${ai})`).join(' ')} must be in the scan and ${absent.length > 1 ? 'are' : 'is'} not. Scan the whole code; if it is printed there, the scanner loses separators.`;
  return [{ code: 'required-missing', message, ai: absent[0] as string }];
}

const LOST = 'separator-suspected-lost';
const inBrackets = (elements: readonly Element[]) => elements.map(({ ai, value }) => `(${ai}) ${value}`).join(', ');
const lostSeparator = ({ ai, value, parts }: RunTogether): ScanProblem => ({
  code: LOST,
  message: `(${ai}) ${value} looks like ${inBrackets(parts)} run together. Nothing is divided by guessing: set the scanner to send the separator as GS (ASCII 29), or as a character that the profile names.`,
  ai,
  meant: parts,
});
const maybeLost = ({ ai, value, parts }: RunTogether): Notice => ({
  code: 'separator-maybe-lost',
  message: `(${ai}) ${value} could be ${inBrackets(parts)} run together, for a pack has both. Compare it with the print.`,
});

const hasKey = (elements: readonly Element[]) => elements.some(({ ai }) => findAi(ai)?.qualifiers != null);

/** The thing itself first: an SSCC or a GTIN says what the label is on, other keys beside it say more about it. */
function keyFirst(elements: readonly Element[]): Element[] {
  const rank = ({ ai }: Element) => (ai === '00' ? 0 : ai === '01' || ai === '8006' ? 1 : 2);
  return [...elements].sort((a, b) => rank(a) - rank(b));
}

function readBag(
  found: readonly Isbt128Structure[],
  rest: Pick<ScanReading, 'messages' | 'received'> & { warnings: Notice[] },
): ScanReading {
  const flat = found.flatMap((one) => (one.parts.length === 0 ? [one] : one.parts));
  for (const [structure, field] of [
    ['001', 'din'],
    ['003', 'productDescriptionCode'],
    ['040', 'coi'],
  ] as const)
    if (new Set(flat.flatMap((one) => (one.structure === structure ? String(one.fields[field]) : []))).size > 1)
      return failed(
        [{ code: 'several-things', message: 'Codes of several bags arrived in one read. Scan them one by one.' }],
        rest.warnings,
        rest.messages,
        rest.received,
      );
  const isbt128: Isbt128Structure =
    found.length === 1 ? (found[0] as Isbt128Structure) : { structure: 'pair', fields: { parts: rest.received }, parts: flat };
  return { ok: true, ...NOTHING, ...rest, problems: [], isbt128, key: isbt128Key(isbt128) };
}

function distinct<T>(list: readonly T[]): T[] {
  return [...new Map(list.map((one) => [JSON.stringify(one), one])).values()];
}
