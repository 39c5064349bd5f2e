import { describe, expect, it } from 'vitest';
import { chooseLink, inherited, inheritedDefault } from './choose.ts';
import { type Link, linkTypeOf, readLinks, shortLinkType } from './links.ts';

const link = (href: string, more: Partial<Link> = {}): Link => ({ linkType: 'pip', href, title: href, hreflang: [], type: null, ...more });
const LINKS = [
  link('en', { hreflang: ['en'] }),
  link('de', { hreflang: ['de-DE', 'de-AT'] }),
  link('de-pdf', { hreflang: ['de'], type: 'application/pdf' }),
  link('pt-BR', { hreflang: ['pt-BR'] }),
  link('other', { linkType: 'epil' }),
];

describe('choosing a link (RFC 4647 §3.4)', () => {
  it.each([
    ['de', 'de'],
    ['de-AT', 'de'],
    ['de-CH', 'de'],
    ['DE-at;q=0.5, en;q=0.7', 'en'],
    ['pt', 'pt-BR'],
    ['en;q=0, de', 'de'],
    ['pt-PT', 'pt-BR'],
    ['fr', 'en'],
    ['', 'en'],
    ['*;q=x, ,,,', 'en'],
  ])('of the languages %s is %s', (acceptLanguage, href) => {
    expect(chooseLink(LINKS, 'pip', { acceptLanguage })?.href).toBe(href);
  });

  it('prefers what is for any language to what is for another', () => {
    expect(chooseLink([...LINKS, link('any')], 'pip', { acceptLanguage: 'fr' })?.href).toBe('any');
  });

  it('takes among those of one language the media type that is named', () => {
    expect(chooseLink(LINKS, 'pip', { acceptLanguage: 'de', accept: 'application/pdf;q=0.9, */*' })?.href).toBe('de-pdf');
  });

  it('finds none of a type that there is not', () => {
    expect(chooseLink(LINKS, 'none', {})).toBeNull();
  });
});

it('inherits each type from the finest level that has it', () => {
  const levels = [
    { thing: 'pack', links: [link('p', { linkType: 'a' })], default: null },
    { thing: 'lot', links: [link('l', { linkType: 'a' }), link('l1', { linkType: 'b' }), link('l2', { linkType: 'b' })], default: 'b' },
    { thing: 'product', links: [link('g', { linkType: 'b' }), link('g', { linkType: 'c' })], default: 'c' },
  ];
  expect(inherited(levels).map(({ linkType, href }) => linkType + href)).toEqual(['ap', 'bl1', 'bl2', 'cg']);
  expect(inheritedDefault(levels)).toBe('b');
});

describe('link types', () => {
  it.each(['gs1:pip', 'pip', 'https://gs1.org/voc/pip', 'https://www.gs1.org/voc/pip', 'http://gs1.org/voc/pip'])(
    '%s is one type',
    (text) => {
      expect(linkTypeOf(text)).toBe('https://gs1.org/voc/pip');
      expect(shortLinkType(linkTypeOf(text) as string)).toBe('gs1:pip');
    },
  );

  it('may be of others, by address', () => {
    expect(linkTypeOf('https://example.com/types/own')).toBe('https://example.com/types/own');
    for (const text of ['', 'gs1:', 'a b', 'urn:x:y', 'javascript:x']) expect(linkTypeOf(text)).toBeNull();
  });

  it('an address is kept as it goes into a header', () => {
    const { links } = readLinks({ links: [{ linkType: 'gs1:pip', href: 'https://exämple.com/ü?q=ä', title: 't' }] });
    expect(links[0]?.href).toBe('https://xn--exmple-cua.com/%C3%BC?q=%C3%A4');
  });
});
