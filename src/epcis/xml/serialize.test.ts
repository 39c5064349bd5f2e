import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isElement, plainAttribute, plainElement, qualifiedElement, textElement, XSI_NAMESPACE } from './element.ts';
import { parseXml } from './parse.ts';
import { hasForbiddenCharacter, serializeXml, standAlone } from './serialize.ts';
import type { XmlAttribute, XmlElement } from './tree.ts';

const A = 'http://a.example/';
const B = 'http://b.example/?x=1&y=2';
const read = (text: string) => parseXml(Buffer.from(text));
/** A tree without what may be written in several ways: declarations, and how a text is cut into pieces. */
const meaning = ({ uri, local, attributes, children }: XmlElement): unknown => {
  const parts: unknown[] = [];
  for (const child of children) {
    if (isElement(child)) parts.push(meaning(child));
    else if (typeof parts.at(-1) === 'string') parts[parts.length - 1] = `${parts.at(-1) as string}${child}`;
    else if (child !== '') parts.push(child);
  }
  return { uri, local, attributes: attributes.map(({ uri: of, local: name, value }) => [of, name, value]), parts };
};

describe('an element as text', () => {
  it('declares a prefix where it is first needed, and no declaration twice', () => {
    const tree = {
      ...plainElement('r', [qualifiedElement('a', A, 'x', [qualifiedElement('a', A, 'y')]), qualifiedElement('a', A, 'z')]),
      declares: { b: B },
    };
    expect(serializeXml(tree)).toBe(
      '<r xmlns:b="http://b.example/?x=1&amp;y=2"><a:x xmlns:a="http://a.example/"><a:y/></a:x><a:z xmlns:a="http://a.example/"/></r>',
    );
    expect(serializeXml(tree, { scope: { a: A, b: B } })).toBe('<r><a:x><a:y/></a:x><a:z/></r>');
  });

  it('keeps elements without a namespace out of a default one (X-1)', () => {
    const inner = { ...plainElement('q', [plainElement('plain')]), uri: A };
    expect(serializeXml(plainElement('r', [inner]))).toBe('<r><q xmlns="http://a.example/"><plain xmlns=""/></q></r>');
    expect(serializeXml(plainElement('r'), { scope: { '': A } })).toBe('<r xmlns=""/>');
  });

  it('writes what markup and line ends would change as references', () => {
    const attribute = plainAttribute('v', 'a"<\'&\t\r\n');
    expect(serializeXml({ ...textElement('t', ']]>\r\n\t&é😀'), attributes: [attribute] })).toBe(
      '<t v="a&quot;&lt;\'&amp;&#9;&#13;&#10;">]]&gt;&#13;\n\t&amp;é😀</t>',
    );
  });

  it('lays elements out when asked, but never touches an element that holds text', () => {
    const mixed = plainElement('m', ['x ', plainElement('b')]);
    const tree = plainElement('r', ['\n', plainElement('a', [textElement('t', ' x ')]), '  ', mixed, plainElement('e')]);
    expect(serializeXml(tree, { indent: 2, declaration: true })).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n<r>\n  <a>\n    <t> x </t>\n  </a>\n  <m>x <b/></m>\n  <e/>\n</r>',
    );
    expect(serializeXml(tree)).toBe('<r>\n<a><t> x </t></a>  <m>x <b/></m><e/></r>');
  });

  const prefixed = fc.constantFrom(['', ''], ['', A], ['a', A], ['b', B], ['a', B]);
  const attribute: fc.Arbitrary<XmlAttribute> = fc
    .record({
      space: fc.constantFrom<[string, string]>(['', ''], ['c', 'http://c.example/'], ['d', 'http://d.example/']),
      local: fc.constantFrom('x', 'y', 'z'),
      value: fc.string({ unit: 'binary' }),
    })
    .map(({ space: [prefix, uri], local, value }) => ({ name: prefix === '' ? local : `${prefix}:${local}`, uri, local, value }));
  const { element } = fc.letrec<{ element: XmlElement }>((tie) => ({
    element: fc
      .record({
        space: prefixed,
        local: fc.constantFrom('p', 'q', 'é'),
        attributes: fc.uniqueArray(attribute, { maxLength: 3, selector: ({ name }) => name }),
        declares: fc.constantFrom<Record<string, string>>({}, { e: 'http://e.example/' }),
        children: fc.array(fc.oneof({ depthSize: 'small' }, fc.string({ unit: 'binary' }), tie('element')), { maxLength: 3 }),
      })
      .map(({ space: [prefix, uri], local, ...rest }) => ({
        name: prefix === '' ? local : `${prefix}:${local}`,
        uri: uri!,
        local,
        ...rest,
      })),
  }));

  it('is read as the same element, whatever it holds', () => {
    const clean = (text: string) => text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd');
    const cleaned = (one: XmlElement): XmlElement => ({
      ...one,
      attributes: one.attributes.map((of) => ({ ...of, value: clean(of.value) })),
      children: one.children.map((child) => (isElement(child) ? cleaned(child) : clean(child))),
    });
    fc.assert(
      fc.property(element, (tree) => {
        const text = serializeXml(tree, { declaration: true });
        expect(meaning(read(text))).toEqual(meaning(cleaned(tree)));
        expect(hasForbiddenCharacter(text)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

describe('an element taken out of its document', () => {
  it('brings the declarations that it uses, in names and in xsi:type, and no others (V-18)', () => {
    const type = { name: 'i:type', uri: XSI_NAMESPACE, local: 'type', value: ' s:int ' };
    const inside = plainElement('e', [qualifiedElement('a', A, 'x', [{ ...plainElement('y'), attributes: [type] }])]);
    const scope = { a: A, b: B, i: XSI_NAMESPACE, s: 'http://www.w3.org/2001/XMLSchema', '': '' };
    expect(standAlone(inside, scope).declares).toEqual({ a: A, i: XSI_NAMESPACE, s: 'http://www.w3.org/2001/XMLSchema' });
  });

  it('keeps its own declarations where the document has others', () => {
    const own = { ...qualifiedElement('a', B, 'x'), declares: { a: B } };
    expect(standAlone(own, { a: A }).declares).toEqual({ a: B });
  });
});
