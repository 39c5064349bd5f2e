import { elementKey } from '../epcis/index.ts';
import type { MasterdataRow } from '../store/rows.ts';

/** What a document, or a call, says of one element of a vocabulary. */
export type MasterdataElement = {
  readonly type: string;
  /** Canonical keys. */
  readonly id: string;
  readonly children: readonly string[];
  /** By their names as sent. */
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The id and the children as sent. */
  readonly sent: readonly [id: string, ...children: string[]];
};

/** The master data of a document's header (C-7). */
export function readMasterdata(epcisHeader: Record<string, unknown> | null): MasterdataElement[] {
  return readVocabularies(member(member(epcisHeader, 'epcisMasterData'), 'vocabularyList'));
}

/** Every element of a list of vocabularies (DOC-4), whatever it is called; what has no type or no id is left out. */
export function readVocabularies(vocabularyList: unknown): MasterdataElement[] {
  const elements: MasterdataElement[] = [];
  for (const vocabulary of list(vocabularyList)) {
    const type = member(vocabulary, 'type');
    if (typeof type !== 'string') continue;
    for (const element of list(member(vocabulary, 'vocabularyElementList'))) {
      const id = member(element, 'id');
      if (typeof id !== 'string') continue;
      const attributes = new Map<string, unknown>();
      for (const entry of list(member(element, 'attributes'))) {
        const name = member(entry, 'id');
        if (typeof name === 'string') attributes.set(name, member(entry, 'attribute'));
      }
      const children = list(member(element, 'children')).filter((child) => typeof child === 'string');
      elements.push({
        type,
        id: elementKey(type, id),
        attributes: Object.fromEntries(attributes),
        children: children.map((child) => elementKey(type, child)),
        sent: [id, ...children],
      });
    }
  }
  return elements;
}

/** How a document's master data are told in the journal. What was sent stands in the document itself. */
export function masterdataEntry(elements: readonly MasterdataElement[]): unknown {
  return elements.map(({ type, id, attributes, children }) => ({ type, id, attributes, children }));
}

export function masterdataRows(elements: readonly MasterdataElement[], seq: number): MasterdataRow[] {
  return elements.map(({ type, id, attributes, children, sent }) => ({
    type,
    id,
    seq,
    attributes: JSON.stringify(attributes),
    children: JSON.stringify(children),
    sent: JSON.stringify(sent),
  }));
}

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
