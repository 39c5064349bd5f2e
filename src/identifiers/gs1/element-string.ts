import { refusal, shown } from '../refusal.ts';
import { aiAt } from './ai-table.ts';
import { checkElements, type Element, ruleFor } from './elements.ts';

/** FNC1 as scanners send it between elements. */
const SEPARATOR = '\u001d';

/**
 * Reads bracketed text as people write it: `(01)09520123000110(21)A\(1`, a bracket inside a value escaped as `\(` (codes.md §2).
 * Refuses unknown AIs and everything that checkElements refuses.
 */
export function readBracketed(text: string): Element[] {
  const elements: Element[] = [];
  let at = 0;
  while (at < text.length) {
    const close = text.indexOf(')', at);
    if (text[at] !== '(' || close < 0)
      throw refusal(
        'ID-FORM',
        `${shown(text)}: no AI in brackets at character ${at + 1}`,
        'Write (AI)value, (AI)value, and \\( for a bracket inside a value.',
      );
    const rule = ruleFor(text.slice(at + 1, close));
    let value = '';
    for (at = close + 1; at < text.length && text[at] !== '('; at++) {
      if (text[at] === '\\' && text[at + 1] === '(') at++;
      value += text[at];
    }
    elements.push({ ai: rule.ai, value });
  }
  if (elements.length === 0) throw refusal('ID-FORM', 'empty text', 'Give at least one element.');
  checkElements(elements);
  return elements;
}

/** Bracketed text of elements; the inverse of readBracketed. */
export function writeBracketed(elements: readonly Element[]): string {
  return elements.map(({ ai, value }) => `(${ai})${value.replaceAll('(', '\\(')}`).join('');
}

type ElementStringReading = {
  readonly elements: readonly Element[];
  /** Separators that stood behind the last element: harmless, but the printer or the scanner should be looked at. */
  readonly trailingSeparators: number;
};

/**
 * Reads the element string of a GS1 symbol, without its symbology identifier: AIs and values with U+001D behind each element that is
 * not of predefined length (codes.md §2). A separator behind one that is, is tolerated. Strict: whatever is not sure is refused.
 */
export function readElementString(data: string): ElementStringReading {
  const reading = splitElementString(data);
  checkElements(reading.elements);
  return reading;
}

/**
 * The elements of an element string as the separators and the predefined lengths divide it, their content unchecked: symbols of one label
 * are checked together (codes.md §2). Refuses data where no application identifier begins.
 */
export function splitElementString(data: string): ElementStringReading {
  let end = data.length;
  while (end > 0 && data[end - 1] === SEPARATOR) end--;
  if (end === 0) throw refusal('ID-FORM', 'no elements', 'Scan a symbol that holds GS1 data.');
  const elements: Element[] = [];
  let at = 0;
  while (at < end) {
    const rule = aiAt(data, at);
    if (rule === undefined)
      throw refusal(
        'ID-AI',
        `no application identifier at character ${at + 1}: ${shown(data.slice(at, at + 8))}`,
        'Scan again; if it stays, a separator was lost or the symbol is no GS1 one.',
      );
    at += rule.ai.length;
    const separator = data.indexOf(SEPARATOR, at);
    const stop = separator < 0 || separator > end ? end : separator;
    const length = rule.components.reduce((sum, c) => sum + c.max, 0);
    const to = rule.predefined ? Math.min(at + length, stop) : stop;
    elements.push({ ai: rule.ai, value: data.slice(at, to) });
    at = data[to] === SEPARATOR ? to + 1 : to;
  }
  return { elements, trailingSeparators: data.length - end };
}

/** The element string of elements in their order, with the separators that are needed and no other. */
export function writeElementString(elements: readonly Element[]): string {
  return elements.map(({ ai, value }, i) => ai + value + (ruleFor(ai).predefined || i === elements.length - 1 ? '' : SEPARATOR)).join('');
}

/** The lines of human-readable interpretation: `(01) 09520123000110` (codes.md §7). */
export function hriLines(elements: readonly Element[]): string[] {
  return elements.map(({ ai, value }) => `(${ai}) ${value}`);
}
