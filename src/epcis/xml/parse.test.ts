import { describe, expect, it } from 'vitest';
import { LotlineError } from '../../errors.ts';
import { ATTRIBUTES_MAX, NAME_MAX, parseXml, TEXT_MAX, walkXml } from './parse.ts';
import { splitXml } from './split.ts';
import type { XmlElement } from './tree.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const faultOf = (xml: string | Uint8Array): LotlineError => {
  try {
    parseXml(typeof xml === 'string' ? bytesOf(xml) : xml);
  } catch (error) {
    if (error instanceof LotlineError) return error;
    throw error;
  }
  throw new Error('the text was read');
};

describe('parsing XML', () => {
  it('gives elements with their namespaces, attributes and texts', () => {
    const root = parseXml(bytesOf('<p:a xmlns:p="urn:p" xmlns="urn:d" p:x="1" y="&lt;&#233;">t<b/>&amp;<![CDATA[<c>]]><!-- no --></p:a>'));
    expect(root).toEqual({
      name: 'p:a',
      uri: 'urn:p',
      local: 'a',
      attributes: [
        { name: 'p:x', uri: 'urn:p', local: 'x', value: '1' },
        { name: 'y', uri: '', local: 'y', value: '<é' },
      ],
      declares: { p: 'urn:p', '': 'urn:d' },
      children: ['t', { name: 'b', uri: 'urn:d', local: 'b', attributes: [], declares: {}, children: [] }, '&', '<c>'],
    });
  });

  it('skips a byte order mark, and takes a DOCTYPE that says nothing (X-6)', () => {
    expect(parseXml(bytesOf('\ufeff<?xml version="1.0" encoding="utf-8"?><!DOCTYPE project><a/>')).name).toBe('a');
  });

  it.each([
    ['a DOCTYPE with entities', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 'a DOCTYPE with declarations'],
    ['a DOCTYPE with an external identifier', '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', 'a DOCTYPE with declarations'],
    ['a public identifier', "<!DOCTYPE a PUBLIC 'x' 'http://example.com/x.dtd'><a/>", 'a DOCTYPE with declarations'],
    ['a second DOCTYPE', '<!DOCTYPE a><!DOCTYPE a><a/>', ''],
    ['an entity of its own', '<a>&b;</a>', 'undefined entity'],
    ['the encoding ISO-8859-1', '<?xml version="1.0" encoding="ISO-8859-1"?><a/>', 'declares the encoding ISO-8859-1'],
    ['XML 1.1', '<?xml version="1.1"?><a/>', 'XML 1.1 is not supported'],
    ['nothing', '', ''],
    ['JSON', '{"type":"EPCISDocument"}', ''],
    ['an element that does not end', '<a><b></b>', ''],
    ['a text that breaks off in a tag', '<a><b x="1', ''],
    ['tags that do not match', '<a><b></a></b>', ''],
    ['two roots', '<a/><b/>', ''],
    ['text behind the root', '<a/>x', ''],
    ['an attribute twice', '<a x="1" x="2"/>', 'duplicate attribute'],
    ['an attribute twice by its namespace', '<a xmlns:p="urn:x" xmlns:q="urn:x" p:x="1" q:x="2"/>', 'duplicate attribute'],
    ['a bare ampersand', '<a>b & c</a>', ''],
    ['a control character', '<a>\u0001</a>', ''],
    ['a reference to a control character', '<a>&#1;</a>', ''],
    ['half of a surrogate pair', '<a>&#xD800;</a>', ''],
  ])('refuses %s', (_, xml, what) => {
    const fault = faultOf(xml);
    expect(fault.code).toBe('EV-SYNTAX');
    expect(fault.message).toContain(what);
  });

  it('says where a text is ill formed', () => {
    expect(faultOf('<a>\n <b>\n  é &nbsp;</b></a>')).toMatchObject({
      message: expect.stringContaining('(line 3, column 10)') as string,
      at: '/a/b',
    });
  });

  it('refuses a prefix that nobody declares (V-18)', () => {
    expect(faultOf('<a><ex:b/></a>')).toMatchObject({ code: 'EV-CONTEXT', message: 'the prefix "ex" is not declared', at: '/a' });
    expect(faultOf('<a ex:b="1"/>')).toMatchObject({ code: 'EV-CONTEXT' });
  });

  it.each([
    ['UTF-16 with a mark', Buffer.from('\ufeff<a/>', 'utf16le')],
    ['Latin-1', Buffer.from('<a>é</a>', 'latin1')],
    ['a character cut off', bytesOf('<a>é').slice(0, 4)],
  ])('refuses %s and says how to encode', (_, bytes) => {
    expect(faultOf(bytes)).toMatchObject({ code: 'EV-SYNTAX', fix: 'Encode the document as UTF-8.' });
  });

  const many = (n: number, of: (i: number) => string) => Array.from({ length: n }, (_, i) => of(i)).join('');
  it.each([
    ['depth', (n: number) => '<a>'.repeat(n) + '</a>'.repeat(n), 64],
    ['attributes', (n: number) => `<a ${many(n, (i) => `b${i}="" `)}/>`, ATTRIBUTES_MAX],
    ['text', (n: number) => `<a>${'x'.repeat(n)}</a>`, TEXT_MAX],
    ['values', (n: number) => `<a b="${'x'.repeat(n)}"/>`, TEXT_MAX],
    ['names', (n: number) => `<${'a'.repeat(n)}/>`, NAME_MAX],
    ['names of attributes', (n: number) => `<a ${'b'.repeat(n)}=""/>`, NAME_MAX],
  ])('takes the most of %s and refuses one more with REQ-LIMIT (X-6)', (_, xml, most) => {
    expect(() => parseXml(bytesOf(xml(most)))).not.toThrow();
    expect(faultOf(xml(most + 1)).code).toBe('REQ-LIMIT');
  });

  it('gives up on a comment, a DOCTYPE or a tag without end before it has read all of it', () => {
    for (const begin of ['<a><!--', '<!DOCTYPE a [', '<a b="', '<a><![CDATA[', '<a><?p ']) {
      expect(faultOf(begin + 'x'.repeat(2 * TEXT_MAX)).code).toBe('REQ-LIMIT');
    }
  });

  it('refuses sixty thousand open tags at once', () => {
    const from = process.hrtime.bigint();
    expect(faultOf('<a>'.repeat(60_000)).code).toBe('REQ-LIMIT');
    expect(Number(process.hrtime.bigint() - from) / 1e6).toBeLessThan(5_000); // the parser alone takes a minute
  });
});

describe('a text that comes in pieces', () => {
  const xml =
    '\ufeff<?xml version="1.0" encoding="UTF-8"?>\r\n<!-- ü -->\r\n<e:EPCISDocument xmlns:e="urn:epcglobal:epcis:xsd:2" creationDate="2026-03-01T08:15:00Z">\r\n' +
    '<EPCISBody>\r<EventList>\r\n<ObjectEvent\r\n  a="1>2"><x:y xmlns:x="urn:x:1">é &amp; 𝄞 ]] &#x1F4A9;</x:y></ObjectEvent\r\n>\n<!-- 𝄞 --><extension>' +
    '<TransformationEvent>ä</TransformationEvent></extension><AssociationEvent/></EventList></EPCISBody></e:EPCISDocument>\r\n';
  const bytes = bytesOf(xml);
  const told = (chunkBytes: number) => {
    const all: unknown[] = [];
    let text = '';
    const flush = () => {
      if (text !== '') all.push(text);
      text = '';
    };
    walkXml(
      bytes,
      {
        open: (tag, start) => {
          flush();
          all.push([tag, start()]);
        },
        text: (more) => {
          text += more;
        },
        close: (end) => {
          flush();
          all.push(end());
        },
      },
      { chunkBytes },
    );
    return all;
  };

  it.each([1, 2, 3, 7, 64])('is the same by %d bytes as at once', (chunkBytes) => {
    expect(told(chunkBytes)).toEqual(told(1_000_000));
    const { head, events } = splitXml(bytes, { chunkBytes });
    expect({ head, events }).toEqual({ head: splitXml(bytes).head, events: splitXml(bytes).events });
  });

  it('gives the exact bytes of every event', () => {
    const { events } = splitXml(bytes);
    const cut = events.map(({ start, end }) => Buffer.from(bytes.subarray(start, end)).toString());
    expect(cut).toEqual([
      '<ObjectEvent\r\n  a="1>2"><x:y xmlns:x="urn:x:1">é &amp; 𝄞 ]] &#x1F4A9;</x:y></ObjectEvent\r\n>',
      '<TransformationEvent>ä</TransformationEvent>',
      '<AssociationEvent/>',
    ]);
    expect(events.map(({ at }) => at.replace('/e:EPCISDocument/EPCISBody/EventList', ''))).toEqual([
      '/ObjectEvent[1]',
      '/extension[1]/TransformationEvent[1]',
      '/AssociationEvent[1]',
    ]);
  });

  it('keeps of a large document what stands around the events only', () => {
    const event = '<ObjectEvent><epcList><epc>urn:epc:id:sgtin:9520123.000011.1</epc></epcList></ObjectEvent>';
    const large = bytesOf(
      `<e:EPCISDocument xmlns:e="urn:epcglobal:epcis:xsd:2"><EPCISBody><EventList>${event.repeat(20_000)}</EventList></EPCISBody></e:EPCISDocument>`,
    );
    const { head, events } = splitXml(large);
    expect(events).toHaveLength(20_000);
    const count = (element: XmlElement): number => element.children.reduce((n, c) => n + (typeof c === 'string' ? 0 : count(c)), 1);
    expect(count(head)).toBe(3);
  });
});
