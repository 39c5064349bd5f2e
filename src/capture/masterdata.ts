import { formatKey, locationKey, parseEpcClass } from '../identifiers/index.ts';

export type MasterdataElement = { type: string; id: string; attributes: Record<string, unknown>; children: string[] };

/**
 * The master data of a document's header (DOC-4, C-7): one row an element, its id as canonical key. Attribute names are kept as sent.
 * Elements that carry nothing are left out; a broken identifier is kept as the text it is, since master data names many kinds of ids.
 */
export function readMasterdata(epcisHeader: Record<string, unknown> | null): MasterdataElement[] {
  const rows: MasterdataElement[] = [];
  for (const vocabulary of list(member(member(epcisHeader, 'epcisMasterData'), 'vocabularyList'))) {
    const type = member(vocabulary, 'type');
    if (typeof type !== 'string') continue;
    for (const element of list(member(vocabulary, 'vocabularyElementList'))) {
      const id = member(element, 'id');
      if (typeof id !== 'string') continue;
      const attributes: Record<string, unknown> = {};
      for (const entry of list(member(element, 'attributes'))) {
        const name = member(entry, 'id');
        if (typeof name === 'string') attributes[name] = member(entry, 'attribute');
      }
      const children = list(member(element, 'children')).filter((child) => typeof child === 'string');
      rows.push({ type, id: keyOf(type, id), attributes, children: children.map((child) => keyOf(type, child)) });
    }
  }
  return rows;
}

function keyOf(type: string, id: string): string {
  try {
    return type.endsWith('EPCClass') ? formatKey(parseEpcClass(id)) : locationKey(id);
  } catch {
    return id;
  }
}

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
