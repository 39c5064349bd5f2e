import { describe, expect, it } from 'vitest';
import { commissioned, given, packed, received, shipped, type Told, unpacked } from '../../test/support/folded.ts';
import { type Part, repackings } from './repacking.ts';
import { ROLE } from './state.ts';

/** The events that flag the container `p`, by their place in what was told. */
const flagged = (...told: Told[]): number[] => {
  const { factsOf, of } = given(...told);
  const { node } = of('p');
  const parts: Part[] = [];
  for (const facts of factsOf())
    for (const role of [ROLE.epc, ROLE.parent, ROLE.child]) if (facts.things[role]?.includes(node)) parts.push({ facts, role });
  return repackings(node, parts.reverse()).map(({ seq }) => seq);
};
const SECOND = 1_000;

describe('a container that is filled again (E-12, AGG-REUSED)', () => {
  it('is flagged when two finished pallets are told under one number', () => {
    expect(flagged(commissioned('p'), packed('p', ['a', 'b']), packed('p', ['c', 'd'], { at: 600 * SECOND }))).toEqual([2]);
    expect(flagged(commissioned('p'), packed('p', ['a', 'b']), commissioned('p'), packed('p', ['c', 'd']))).toEqual([3]);
  });

  it('is flagged when it has moved since, however it was filled', () => {
    expect(flagged(packed('p', 'a'), packed('p', 'b'), shipped('p'), packed('p', ['c', 'd']))).toEqual([3]);
    expect(flagged(packed('p', 'a'), received('p'), packed('p', ['c', 'd']))).toEqual([2]);
    expect(flagged(packed('p', 'a'), packed('truck', 'p'), packed('p', ['c', 'd']))).toEqual([2]);
  });

  it.each<[string, Told[]]>([
    ['one by one', [packed('p', 'a'), packed('p', 'b'), packed('p', 'c')]],
    ['one after it moved', [packed('p', ['a', 'b']), shipped('p'), packed('p', 'c')]],
    [
      'in parts of one go',
      [packed('p', ['a', 'b'], { at: 0 }), packed('p', ['c', 'd'], { at: 40 * SECOND }), packed('p', ['e', 'f'], { at: 90 * SECOND })],
    ],
    ['after it was emptied', [packed('p', ['a', 'b']), unpacked('p'), packed('p', ['c', 'd'])]],
    ['after it was opened and something taken out', [packed('p', ['a', 'b', 'c']), unpacked('p', ['a', 'b']), packed('p', ['d', 'e'])]],
    ['singly first and then the rest', [packed('p', 'a'), packed('p', ['c', 'd'])]],
  ])('is not flagged when it is filled %s', (_, told) => {
    expect(flagged(...told)).toEqual([]);
  });
});
