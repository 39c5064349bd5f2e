import { refusal, shown } from '../refusal.ts';
import { type AiRule, findAi } from './ai-table.ts';
import { encodeGeneral, percentDecode } from './characters.ts';
import { isDigits } from './check-digit.ts';
import { checkElements, type Element, qualifiersOf, ruleFor } from './elements.ts';

export type DigitalLink = {
  /** Key, qualifiers, attributes, as they stand. */
  readonly elements: readonly Element[];
  /** On https://id.gs1.org, attributes of predefined length first. */
  readonly canonical: string;
  /** Query parameters that are no AIs, such as linkType. */
  readonly ignored: readonly string[];
};

/** Whether text looks like a link at all: http or https, in one case only (codes.md §4). */
export function isWebLink(text: string): boolean {
  return /^(?:https?|HTTPS?):\/\//.test(text);
}

/**
 * Reads a GS1 Digital Link by the rules of GS1 (codes.md §4): the last key AI of the path, its qualifiers in order, attributes in the
 * query. Refuses what GS1's own engine refuses: words for AIs, short GTINs, wrong order, unknown numeric parameters, duplicates.
 */
export function readDigitalLink(uri: string): DigitalLink {
  if (!isWebLink(uri)) throw refusal('ID-FORM', `${shown(uri)}: not an http or https URI`, 'Give a URI that begins with https://.');
  if (!/^[\w\-.~:/?#[\]@!$&'()*+,;=%]+$/.test(uri))
    throw refusal('ID-CHARSET', `${shown(uri)}: a character that no URI holds`, 'Percent-encode it.');
  const [beforeFragment = ''] = uri.slice(uri.indexOf('//') + 2).split('#');
  const question = beforeFragment.indexOf('?');
  const [domain = '', ...path] = (question < 0 ? beforeFragment : beforeFragment.slice(0, question)).split('/');
  if (!/^[\w\-.:[\]]+$/.test(domain)) throw refusal('ID-FORM', `${shown(uri)}: no domain`, 'Give a URI with a domain name.');
  const inPath = readPath(path, uri);
  const { elements: attributes, ignored } = readQuery(question < 0 ? '' : beforeFragment.slice(question + 1), inPath, uri);
  const elements = [...inPath, ...attributes];
  checkElements(elements);
  return { elements, canonical: assemble('id.gs1.org', inPath, attributes), ignored };
}

function readPath(path: readonly string[], uri: string): Element[] {
  for (let i = path.length - 2; i >= 0; i -= 2) {
    const key = findAi(path[i] as string);
    if (key?.qualifiers == null) continue;
    const pairs: Element[] = [];
    for (let p = i; p < path.length; p += 2) {
      const [ai, value] = [path[p] as string, path[p + 1] as string];
      if (value === '') throw refusal('ID-FORM', `${shown(uri)}: the value of (${ai}) is empty`, `Give a value behind /${ai}/.`);
      pairs.push({ ai, value: percentDecode(value) });
    }
    const named = pairs.slice(1).map((e) => e.ai);
    if (named.length > 0 && !key.qualifiers.some((order) => inOrder(named, order)))
      throw refusal(
        'ID-AI',
        `${shown(uri)}: (${key.ai}) cannot be followed by ${named.map((q) => `(${q})`).join(' ')}`,
        'Write only qualifiers of the key, in the order of the standard.',
      );
    return pairs;
  }
  throw refusal('ID-FORM', `${shown(uri)}: no key in the path`, 'Give a path such as /01/<GTIN of 14 digits>/21/<serial>.');
}

function inOrder(named: readonly string[], order: readonly string[]): boolean {
  let next = 0;
  return named.every((ai) => {
    const at = order.indexOf(ai, next);
    next = at + 1;
    return at >= 0;
  });
}

function readQuery(query: string, inPath: readonly Element[], uri: string): { elements: Element[]; ignored: string[] } {
  const elements: Element[] = [];
  const ignored: string[] = [];
  const seen = new Set(inPath.map((e) => e.ai));
  const key = ruleFor((inPath[0] as Element).ai);
  for (const parameter of query.split('&')) {
    const equals = parameter.indexOf('=');
    const ai = percentDecode(equals < 0 ? parameter : parameter.slice(0, equals));
    if (equals < 0 || !isDigits(ai)) {
      if (parameter !== '') ignored.push(parameter);
      continue;
    }
    const rule = findAi(ai);
    if (rule === undefined || !rule.attribute)
      throw refusal('ID-AI', `${shown(uri)}: (${ai}) cannot stand in the query`, 'Leave it out, or write it into the path.');
    if (seen.has(ai)) throw refusal('ID-AI', `${shown(uri)}: (${ai}) stands twice`, 'Give each AI once.');
    if (belongsInPath(key, inPath, ai))
      throw refusal('ID-AI', `${shown(uri)}: (${ai}) qualifies the key and belongs in the path`, `Write /${ai}/ behind the key.`);
    seen.add(ai);
    const value = percentDecode(parameter.slice(equals + 1).replaceAll('+', ' '));
    if (value === '') throw refusal('ID-FORM', `${shown(uri)}: the value of (${ai}) is empty`, `Give a value behind ${ai}=.`);
    elements.push({ ai, value: ai === '01' && [8, 12, 13].includes(value.length) ? value.padStart(14, '0') : value });
  }
  return { elements, ignored };
}

/** Whether some order of the key's qualifiers holds this AI together with all that the path already has. */
function belongsInPath(key: AiRule, inPath: readonly Element[], ai: string): boolean {
  return (key.qualifiers ?? []).some((order) => order.includes(ai) && inPath.slice(1).every((e) => order.includes(e.ai)));
}

/**
 * The Digital Link of elements: the first key among them, its qualifiers in the path, all else in the query, predefined lengths first.
 * Refuses elements without a key, and such as may not be attributes (codes.md §4).
 */
export function writeDigitalLink(elements: readonly Element[], domain = 'id.gs1.org'): string {
  const key = elements.find((e) => findAi(e.ai)?.qualifiers != null);
  if (key === undefined) throw refusal('ID-AI', 'no element that a Digital Link could begin with', 'Add a key, such as (01) or (00).');
  const inPath = [key, ...qualifiersOf(ruleFor(key.ai), elements)];
  const once = [...new Map(elements.map((e) => [e.ai, e])).values()];
  const attributes = once.filter((e) => !inPath.some((p) => p.ai === e.ai));
  for (const { ai } of attributes)
    if (!ruleFor(ai).attribute) throw refusal('ID-AI', `(${ai}) cannot be an attribute of a Digital Link`, `Leave out (${ai}).`);
  return assemble(domain, inPath, attributes);
}

function assemble(domain: string, inPath: readonly Element[], attributes: readonly Element[]): string {
  const sorted = [...attributes.filter((e) => ruleFor(e.ai).predefined), ...attributes.filter((e) => !ruleFor(e.ai).predefined)];
  const path = inPath.map(({ ai, value }) => `/${ai}/${encodeGeneral(value)}`).join('');
  const query = sorted.map(({ ai, value }) => `${ai}=${encodeGeneral(value)}`).join('&');
  return `https://${domain}${path}${query === '' ? '' : `?${query}`}`;
}
