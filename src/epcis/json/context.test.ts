import { describe, expect, it } from 'vitest';
import { EPCIS_CONTEXT_URLS, readContext, Scope } from './context.ts';

const EPCIS = 'https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld';
const refusal = (context: unknown, options: Parameters<typeof readContext>[2] = {}) => {
  try {
    readContext(context, '/@context', options);
    return null;
  } catch (error) {
    return error as { code: string; at: string };
  }
};

describe('@context', () => {
  it.each([...EPCIS_CONTEXT_URLS])('knows %s as the EPCIS context (J-1)', (url) => {
    expect(readContext(url, '').prefixes.get('cbvmda')).toBe('urn:epcglobal:cbv:mda:');
  });

  it('maps prefixes to namespaces exactly as declared (V-14)', () => {
    const { prefixes } = readContext(
      [
        EPCIS,
        { ex: 'http://ns.example.com/epcis', sub: 'ex:/sub#' },
        { term: { '@id': 'https://example.org/t/' }, 'ex:count': { '@type': 'xsd:int' } },
      ],
      '',
    );
    expect(prefixes.get('ex')).toBe('http://ns.example.com/epcis');
    expect(prefixes.get('sub')).toBe('http://ns.example.com/epcis/sub#');
    expect(prefixes.get('term')).toBe('https://example.org/t/');
    expect(prefixes.has('ex:count')).toBe(false);
  });

  it('lets an event add to the prefixes of its document, and give them another meaning (V-18)', () => {
    const outer = readContext([EPCIS, { ex: 'http://a.example/', q: 'http://q.example/' }], '');
    const inner = readContext({ ex: 'http://b.example/' }, '/x', { outer });
    expect(inner.readName('ex:f')).toEqual({ namespace: 'http://b.example/', local: 'f' });
    expect(inner.readName('q:f')).toEqual({ namespace: 'http://q.example/', local: 'f' });
    expect(outer.readName('ex:f')).toEqual({ namespace: 'http://a.example/', local: 'f' });
  });

  it('reads names as CURIEs, full URIs, bare or undeclared (V-13, V-18)', () => {
    const scope = new Scope(new Map([['ex', 'http://a.example/']]));
    expect(scope.readName('http://a.example/f')).toEqual(scope.readName('ex:f'));
    expect(scope.readName('urn:x:y:f')).toEqual({ namespace: 'urn:x:y:', local: 'f' });
    expect(scope.readName('http://a.example/v#f')).toEqual({ namespace: 'http://a.example/v#', local: 'f' });
    expect(scope.readName('f')).toBe('bare');
    expect(scope.readName(':f')).toBe('bare');
    expect(scope.readName('other:f')).toBe('undeclared');
  });

  it('takes contexts that the operator has loaded, whatever they hold', () => {
    const known = new Map<string, unknown>([
      ['https://example.com/ctx', [EPCIS, { ex: 'http://a.example/' }]],
      ['https://example.com/loop', 'https://example.com/loop'],
    ]);
    expect(readContext('https://example.com/ctx', '', { known }).prefixes.get('ex')).toBe('http://a.example/');
    expect(refusal('https://example.com/loop', { known })).toMatchObject({ code: 'EV-CONTEXT' });
  });

  it.each([
    ['J-2: no EPCIS context', [{ ex: 'http://a.example/' }], '/@context'],
    ['J-2: an empty list', [], '/@context'],
    ['J-1: an unknown remote context', [EPCIS, 'https://example.com/ctx'], '/@context/1'],
    ['J-2: the same entry twice', [EPCIS, EPCIS], '/@context/1'],
    ['J-2: a list in a list', [EPCIS, [EPCIS]], '/@context/1'],
    ['J-2: a number', 7, '/@context'],
    ['J-2: null', [EPCIS, null], '/@context/1'],
    ['J-3: type', [EPCIS, { type: 'http://a.example/type' }], '/@context/1/type'],
    ['J-3: eventTime removed', [EPCIS, { eventTime: null }], '/@context/1/eventTime'],
    ['J-3: bizStep typed', [EPCIS, { bizStep: { '@id': 'epcis:bizStep' } }], '/@context/1/bizStep'],
    ['J-3: the prefix cbv', [EPCIS, { cbv: 'http://a.example/' }], '/@context/1/cbv'],
    ['J-3: before the EPCIS context', [{ id: 'http://a.example/' }, EPCIS], '/@context/0/id'],
    ['V-18: a scheme as prefix', [EPCIS, { urn: 'http://a.example/' }], '/@context/1/urn'],
    ['V-18: a namespace that is no URI', [EPCIS, { ex: 'example' }], '/@context/1/ex'],
    ['V-18: a prefix that is a number', [EPCIS, { ex: 7 }], '/@context/1/ex'],
    ['J-1: @import', [EPCIS, { '@import': 'https://example.com/ctx' }], '/@context/1/@import'],
    ['J-1: a scoped context', [EPCIS, { ex: { '@id': 'http://a.example/', '@context': 'https://example.com/ctx' } }], '/@context/1/ex'],
  ])('refuses %s', (_, context, at) => {
    expect(refusal(context)).toMatchObject({ code: 'EV-CONTEXT', at });
  });

  it('takes what is declared again with the same meaning (J-3, V-15)', () => {
    expect(refusal([EPCIS, { gs1: 'https://gs1.org/voc/', id: '@id', type: '@type', '@version': 1.1 }])).toBeNull();
    expect(readContext([EPCIS, { cbvmda: 'urn:epcglobal:cbv:mda' }], '').prefixes.get('cbvmda')).toBe('urn:epcglobal:cbv:mda');
  });
});
