import type { Outcome, TakenDocument } from '../../src/capture/capturer.ts';

/** Documents as they wait to be captured, numbered from `first`. */
export function takenDocuments(documents: Iterable<{ name: string; text: string }>, first = 1): TakenDocument[] {
  return [...documents].map(({ name, text }, i) => ({
    id: first + i,
    captureID: `${String(first + i).padStart(5, '0')}-${name}`,
    actor: 'k_world',
    behaviour: 'rollback',
    kind: 'document',
    created: 0,
    body: Buffer.from(text),
  }));
}

/** Captures documents in groups of the sizes that `groupOf` draws. */
export async function captureInGroups(
  capturer: { capture(group: readonly TakenDocument[]): Promise<Outcome[]> },
  documents: readonly TakenDocument[],
  groupOf: () => number,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let i = 0; i < documents.length; ) {
    const size = groupOf();
    outcomes.push(...(await capturer.capture(documents.slice(i, i + size))));
    i += size;
  }
  return outcomes;
}
