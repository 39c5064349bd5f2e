import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MEANINGS, type Signature } from './signature.ts';
import { isQualified, maySign, separate, signedBy, twoPeople } from './signing-rules.ts';

const NOON = Date.UTC(2026, 2, 2, 12);
const given = (person: string, more: Partial<Signature> = {}): Signature => ({
  id: `sg_${person}`,
  person,
  name: person,
  roles: ['operator'],
  sites: [],
  qualifications: [{ step: 'thaw', until: '2026-12-31' }],
  meaning: 'verified_identity',
  reason: null,
  at: NOON,
  offset: '+01:00',
  session: `se_${person}`,
  ...more,
});
const A = given('a');
const B = given('b', { at: NOON + 30_000 });
const refusal = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    const { code, at } = error as { code: string; at: string };
    return [code, at];
  }
  return null;
};

describe('two people (INV-10)', () => {
  it('are two, each qualified, within ten minutes', () => {
    expect(refusal(() => twoPeople([A, B], { step: 'thaw', roles: ['operator'], notAlso: ['c'] }))).toBeNull();
    expect(refusal(() => twoPeople([A, given('b', { at: NOON + 600_000 })]))).toBeNull();
    expect(refusal(() => twoPeople([A, given('b', { session: A.session, at: NOON + 3_000 })]))).toBeNull();
  });

  it.each<[string, Signature[], Parameters<typeof twoPeople>[1], string]>([
    ['nobody', [], {}, '/signatures'],
    ['one', [A], {}, '/signatures'],
    ['one person twice', [A, given('a', { id: 'sg_2', session: 'se_other', at: NOON + 60_000 })], {}, '/signatures/1'],
    ['one session within 3 s', [A, given('b', { session: A.session, at: NOON + 2_999 })], {}, '/signatures/1'],
    ['one session within 3 s, the other way round', [given('b', { session: A.session, at: NOON + 2_999 }), A], {}, '/signatures/1'],
    ['more than ten minutes apart', [A, given('b', { at: NOON + 600_001 })], {}, '/signatures/1'],
    ['somebody not qualified', [A, given('b', { qualifications: [] })], { step: 'thaw' }, '/signatures/1'],
    ['somebody qualified for something else', [A, B], { step: 'bedside' }, '/signatures/0'],
    [
      'somebody whose qualification has ended',
      [A, given('b', { qualifications: [{ step: 'thaw', until: '2026-03-01' }] })],
      { step: 'thaw' },
      '/signatures/1',
    ],
    ['somebody without the role', [A, given('b', { roles: ['courier'] })], { roles: ['operator'] }, '/signatures/1'],
    ['who performed it', [A, B], { notAlso: ['b'] }, '/signatures/1'],
    ['a third who is one of the two', [A, B, given('b', { id: 'sg_3', at: NOON + 60_000 })], {}, '/signatures/2'],
  ])('are not: %s', (_, signatures, terms, at) => {
    expect(refusal(() => twoPeople(signatures, terms))).toEqual(['COI-2P', at]);
  });

  it('never are the same person, however the tokens were come by', () => {
    const one = fc.record({
      at: fc.integer({ min: NOON, max: NOON + 1_200_000 }),
      session: fc.constantFrom('s1', 's2'),
      person: fc.constantFrom('a', 'b'),
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 4 }), (list) => {
        const signatures = list.map(({ person, ...more }) => given(person, more));
        const people = new Set(signatures.map(({ person }) => person));
        const pairs = signatures.flatMap((x, i) => signatures.slice(0, i).map((y) => [x, y] as const));
        const good =
          signatures.length >= 2 &&
          people.size === signatures.length &&
          pairs.every(([x, y]) => Math.abs(x.at - y.at) <= 600_000 && (x.session !== y.session || Math.abs(x.at - y.at) >= 3_000));
        expect(refusal(() => twoPeople(signatures)) === null).toBe(good);
      }),
    );
  });
});

describe('a qualification', () => {
  const lasts = { qualifications: [{ step: 'thaw', until: '2026-03-02' }] };
  it('is good until the end of its day, as the calendar of that place has it', () => {
    expect(isQualified(given('a', { ...lasts, at: Date.UTC(2026, 2, 2, 22, 59) }), 'thaw')).toBe(true);
    expect(isQualified(given('a', { ...lasts, at: Date.UTC(2026, 2, 2, 23, 0) }), 'thaw')).toBe(false);
    expect(isQualified(given('a', { ...lasts, at: Date.UTC(2026, 2, 3, 4), offset: '-05:00' }), 'thaw')).toBe(true);
  });
});

describe('a signature with a meaning', () => {
  const released = given('q', { meaning: 'released', roles: ['qp'] });
  it('is found by meaning and role', () => {
    expect(signedBy([A, released], 'released', ['qp'])).toBe(released);
    expect(signedBy([A, released], 'released')).toBe(released);
    expect(refusal(() => signedBy([A, B], 'released', ['qp']))).toEqual(['SIG-MISSING', '/signatures']);
    expect(refusal(() => signedBy([released], 'released', ['qaReviewer']))).toEqual(['SIG-MISSING', '/signatures']);
  });

  it('by somebody who administers does not speak for quality (domain.md §15)', () => {
    const admin = given('x', { meaning: 'released', roles: ['admin', 'qp'] });
    expect(refusal(() => signedBy([A, admin], 'released', ['qp']))).toEqual(['SIG-SOD', '/signatures/1']);
    expect(signedBy([admin, released], 'released', ['qp'])).toBe(released);
    expect(refusal(() => separate([admin], []))).toEqual(['SIG-SOD', '/signatures/0']);
    expect(MEANINGS.filter((meaning) => !maySign(['admin'], meaning))).toEqual(['approved', 'released', 'resolved']);
  });

  it('is not by somebody who had a part in it', () => {
    expect(refusal(() => separate([released], ['a', 'b']))).toBeNull();
    expect(refusal(() => separate([A, released], ['q']))).toEqual(['SIG-SOD', '/signatures/1']);
  });
});
