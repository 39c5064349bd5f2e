import { refusal } from '../refusal.ts';
import { type AiRule, findAi } from './ai-table.ts';
import { checkElement } from './element-checks.ts';

/** One GS1 element: application identifier and value, unescaped. */
export type Element = { readonly ai: string; readonly value: string };

/** The rule of an AI; refuses one that GS1 has not assigned. */
export function ruleFor(ai: string): AiRule {
  const rule = findAi(ai);
  if (rule === undefined)
    throw refusal('ID-AI', `(${ai}): no such application identifier`, 'Use an application identifier that GS1 has assigned.');
  return rule;
}

/**
 * Refuses elements that are wrong by themselves or together (codes.md §2): content of each, repeated AIs with another value, AIs that
 * exclude one another, AIs that need another. GS1 means the last over all symbols of one item: join the scans of a label first.
 */
export function checkElements(elements: readonly Element[]): void {
  const values = new Map<string, string>();
  for (const { ai, value } of elements) {
    checkElement(ruleFor(ai), value);
    const before = values.get(ai);
    if (before !== undefined && before !== value)
      throw refusal('ID-AI', `(${ai}) stands twice, with ${before} and ${value}`, 'Give one value for each application identifier.');
    values.set(ai, value);
  }
  checkAssociations(values);
}

function checkAssociations(values: ReadonlyMap<string, string>): void {
  const present = [...values.keys()];
  for (const ai of present) {
    const rule = ruleFor(ai);
    for (const pattern of rule.excludes) {
      const other = present.find((p) => p !== ai && matches(pattern, p));
      if (other !== undefined) throw refusal('ID-AI', `(${ai}) must not stand beside (${other})`, `Leave out (${ai}) or (${other}).`);
    }
    for (const alternatives of rule.requires) {
      const met = alternatives.some((all) => all.every((pattern) => present.some((p) => matches(pattern, p))));
      if (!met) {
        const wanted = alternatives.map((all) => all.map((p) => `(${p})`).join(' with ')).join(' or ');
        throw refusal('ID-AI', `(${ai}) needs ${wanted} beside it`, `Add ${wanted}.`);
      }
    }
  }
  // A digital signature signs one instance: where the serial is part of the key's value, it must be there.
  if (values.has('8030'))
    for (const [ai, digits] of [
      ['253', 13],
      ['255', 13],
      ['8003', 14],
    ] as const)
      if (values.get(ai)?.length === digits)
        throw refusal('ID-AI', `(${ai}) beside (8030) needs its serial`, `Give (${ai}) with its serial.`);
}

/** Whether an AI is the one that a pattern names; `n` stands for any digit. */
function matches(pattern: string, ai: string): boolean {
  if (pattern.length !== ai.length) return false;
  for (let i = 0; i < ai.length; i++) if (pattern[i] !== 'n' && pattern[i] !== ai[i]) return false;
  return true;
}

/** The qualifiers that the elements hold for a primary key, in the order of its rule; the alternative with most of them, or the first. */
export function qualifiersOf(rule: AiRule, elements: readonly Element[]): Element[] {
  let best: Element[] = [];
  for (const order of rule.qualifiers ?? []) {
    const found = order.flatMap((ai) => elements.find((e) => e.ai === ai) ?? []);
    if (found.length > best.length) best = found;
  }
  return best;
}
