import { findAi } from '../gs1/ai-table.ts';
import { gs1Date } from '../gs1/dates.ts';
import { checkElement } from '../gs1/element-checks.ts';
import { splitElementString } from '../gs1/element-string.ts';
import { type Element, ruleFor } from '../gs1/elements.ts';
import { orNull } from '../refusal.ts';

/** Fields that seem to have run together because the scanner lost a separator. What they are divided into is a guess, for people to look at. */
export type RunTogether = {
  readonly ai: string;
  readonly value: string;
  readonly parts: readonly Element[];
  /** Another key or a date within reach is no chance; a `10` or `21` inside a serial may be. */
  readonly sure: boolean;
};

const DATES: ReadonlySet<string> = new Set(['11', '13', '15', '17']);
/** What packs and cases carry beside their key. */
const BESIDE: ReadonlySet<string> = new Set(['10', '21', ...DATES, '710', '711', '712', '713', '714', '715', '716', '717']);
/** A pack has all four (codes.md §6): three of them, and the fourth within a serial or lot, is what a lost separator leaves. */
const PACK = ['01', '21', '17', '10'] as const;
/** Dates on packs lie within so many years of today. */
const YEARS_BACK = 5;
const YEARS_AHEAD = 10;
/** No element has more characters. */
const ELEMENT_MAX = 90;

/**
 * Whether an element of variable length seems to hold the ones that followed it: with the separator lost, serial, expiry and lot run together and
 * may still keep every rule (codes.md §8). Null where nothing looks like that. `year` is today's.
 */
export function findRunTogether(elements: readonly Element[], year: number): RunTogether | null {
  const present = new Set(elements.map((e) => e.ai));
  let weak: RunTogether | null = null;
  for (const { ai, value } of elements) {
    if (findAi(ai)?.predefined !== false) continue;
    for (let at = 1; at < Math.min(value.length - 2, ELEMENT_MAX); at++) {
      const tail = tailAt(value, at, present, year);
      if (tail === null) continue;
      const found = { ai, value, parts: [{ ai, value: value.slice(0, at) }, ...tail] };
      if (tail.some((e) => e.ai === '01' || DATES.has(e.ai))) return { ...found, sure: true };
      if (weak === null && isRestOfPack(tail, present)) weak = { ...found, sure: false };
    }
  }
  return weak;
}

function tailAt(value: string, at: number, present: ReadonlySet<string>, year: number): readonly Element[] | null {
  return orNull(() => {
    const { elements } = splitElementString(value.slice(at));
    for (const e of elements) checkElement(ruleFor(e.ai), e.value);
    const likely = elements.every(
      (e) => !present.has(e.ai) && (e.ai === '01' || (BESIDE.has(e.ai) && (!DATES.has(e.ai) || isNear(e.value, year)))),
    );
    return likely ? elements : null;
  });
}

function isNear(yymmdd: string, year: number): boolean {
  const then = Number(gs1Date(yymmdd, year).slice(0, 4));
  return then >= year - YEARS_BACK && then <= year + YEARS_AHEAD;
}

function isRestOfPack(tail: readonly Element[], present: ReadonlySet<string>): boolean {
  return tail.length === 1 && PACK.every((ai) => present.has(ai) || tail[0]?.ai === ai);
}
