import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { everyEvent } from '../../../test/support/epcis-documents.ts';
import { exampleFiles } from '../../../test/support/epcis-examples.ts';
import { canValidateXml, xsdFaults } from '../../../test/support/xsd.ts';
import { documentToXml } from './document.ts';
import { childElements, isElement } from './element.ts';
import { eventToXml } from './from-json.ts';
import { parseXml } from './parse.ts';
import { serializeXml, standAlone } from './serialize.ts';
import type { XmlElement } from './tree.ts';
import { changeVersion } from './upgrade.ts';

const EX = 'xmlns:ex="http://ns.example.com/epcis/"';
const read = (text: string) => parseXml(Buffer.from(text));
const changed = (text: string, to: '2.0' | '1.2') => {
  const { element, notes } = changeVersion(read(text), to);
  return { text: serializeXml(element), notes };
};
/** Without white space between elements, which is layout. */
const compact = (element: XmlElement): XmlElement => {
  const children = element.children.some(isElement)
    ? element.children.filter((child) => isElement(child) || child.trim() !== '')
    : element.children;
  return { ...element, children: children.map((child) => (isElement(child) ? compact(child) : child)) };
};
const BASE = '<eventTime>T</eventTime><eventTimeZoneOffset>+01:00</eventTimeZoneOffset>';

describe('an event moved between releases (§5.2)', () => {
  it('finds its fields in the wrappers of 1.2, and puts them back there', () => {
    const old =
      `<ObjectEvent ${EX}>${BASE}<baseExtension><eventID>urn:x:1</eventID></baseExtension><epcList/><action>ADD</action>` +
      '<extension><quantityList/><ilmd><ex:a>1</ex:a></ilmd><extension><persistentDisposition/></extension></extension><ex:b/></ObjectEvent>';
    const { text, notes } = changed(old, '2.0');
    expect(text).toBe(
      `<ObjectEvent ${EX}>${BASE}<eventID>urn:x:1</eventID><action>ADD</action><quantityList/><persistentDisposition/><ilmd><ex:a>1</ex:a></ilmd><ex:b/></ObjectEvent>`,
    );
    expect(notes).toEqual([]);
    expect(changed(text, '1.2').text).toBe(old);
    expect(changed(text, '1.2').notes).toMatchObject([{ at: 'persistentDisposition' }]);
  });

  it.each<[string, string]>([
    ['an unknown element in the innermost wrapper', '<extension><sourceList/><extension><later>1</later></extension></extension>'],
    ['a wrapper of three', '<extension><extension><extension><later/></extension></extension></extension>'],
    ['a wrapper of three with an element of a user', '<extension><extension><extension><ex:a/></extension></extension></extension>'],
    ['an unknown element beside later fields', '<extension><extension><sensorElementList/><later/></extension></extension>'],
  ])('keeps the nesting of what users put into wrappers: %s (X-10)', (_, wrappers) => {
    const old = `<ObjectEvent ${EX}>${BASE}<epcList/><action>ADD</action>${wrappers}<ex:b ex:c="1">x<ex:b/></ex:b><ex:a/></ObjectEvent>`;
    expect(changed(changed(old, '2.0').text, '1.2').text).toBe(old);
  });

  it('keeps the nesting of what users put into baseExtension (X-10)', () => {
    const inner = '<baseExtension><eventID>urn:x:1</eventID><extension><later/></extension></baseExtension>';
    const old = `<TransformationEvent>${BASE}${inner}<extension><sensorElementList/></extension></TransformationEvent>`;
    const { text, notes } = changed(old, '2.0');
    expect(text).toBe(
      `<TransformationEvent>${BASE}<eventID>urn:x:1</eventID><baseExtension><lotline:baseExtension xmlns:lotline="urn:lotline:epcis-1.2"><later/></lotline:baseExtension></baseExtension><sensorElementList/></TransformationEvent>`,
    );
    expect(notes).toMatchObject([{ at: 'baseExtension' }]);
    expect(changed(text, '1.2').text).toBe(old);
  });

  it('puts a wrapper of 2.0 into that of 1.2, whose schema would refuse what is in it otherwise, and takes it out again', () => {
    const event = `<AggregationEvent ${EX}>${BASE}<baseExtension><ex:a/></baseExtension><action>ADD</action><extension><ex:b/></extension></AggregationEvent>`;
    const { text } = changed(event, '1.2');
    expect(text).toBe(
      `<AggregationEvent ${EX}>${BASE}<baseExtension><extension><baseExtension><ex:a/></baseExtension></extension></baseExtension>` +
        '<childEPCs/><action>ADD</action><extension><extension><extension><ex:b/></extension></extension></extension></AggregationEvent>',
    );
    expect(changed(text, '2.0').text).toBe(event);
  });

  it('puts the parts of an error declaration into the order of 1.2 (DM-9)', () => {
    const event = `<TransformationEvent ${EX}>${BASE}<errorDeclaration><ex:a/><reason>r</reason><declarationTime>T</declarationTime></errorDeclaration></TransformationEvent>`;
    expect(changed(event, '1.2').text).toContain(
      '<errorDeclaration><declarationTime>T</declarationTime><reason>r</reason><ex:a/></errorDeclaration>',
    );
    expect(changed(event, '2.0').text).toBe(event);
  });

  it('makes an observation of a QuantityEvent (§5.2)', () => {
    const { text, notes } = changed(
      `<QuantityEvent>${BASE}<epcClass>urn:x:1</epcClass><quantity>5</quantity><bizStep>b</bizStep></QuantityEvent>`,
      '2.0',
    );
    expect(text).toBe(
      `<ObjectEvent>${BASE}<action>OBSERVE</action><bizStep>b</bizStep><quantityList><quantityElement><epcClass>urn:x:1</epcClass><quantity>5</quantity></quantityElement></quantityList></ObjectEvent>`,
    );
    expect(notes).toHaveLength(1);
  });

  it('takes an event that stands in the form asked for as it is', () => {
    for (const event of everyEvent()) {
      for (const version of ['2.0', '1.2'] as const) {
        const { element } = eventToXml(JSON.stringify(event), { version });
        expect(changeVersion(element, version).element).toEqual(element);
      }
    }
  });

  it('comes to the same as writing the event in the other release', () => {
    fc.assert(
      fc.property(fc.constantFrom(...everyEvent()), fc.boolean(), fc.boolean(), (event, identified, certified) => {
        const text = JSON.stringify({
          ...event,
          ...(identified && { eventID: 'urn:x:1' }),
          ...(certified && { certificationInfo: 'urn:x:2' }),
          'rdfs:label': { '@a': 'x', b: [1, true] },
        });
        const [old, now] = (['1.2', '2.0'] as const).map((version) => eventToXml(text, { version }).element);
        expect(changeVersion(old!, '2.0').element).toEqual(now);
        expect(changeVersion(now!, '1.2').element).toEqual(old);
      }),
    );
  });
});

/** The events of a document, each with the declarations it needs. */
function eventsOf(root: XmlElement): XmlElement[] {
  const found: XmlElement[] = [];
  const visit = (element: XmlElement, scope: Record<string, string>) => {
    const inner = { ...scope, ...element.declares };
    for (const child of childElements(element)) {
      if (child.local.endsWith('Event')) found.push(standAlone(child, inner));
      else visit(child, inner);
    }
  };
  visit(root, {});
  return found;
}

const validates = canValidateXml();
describe.skipIf(!validates)('the published XML examples moved to the other release', () => {
  const files = [...exampleFiles(/\.xml$/)].flatMap(([name, bytes]) => {
    const root = parseXml(bytes);
    return /^EPCIS(?:Query)?Document$/.test(root.local) && root.uri !== '' ? [{ name, text: bytes.toString(), root }] : [];
  });
  const old = files.filter(({ root }) => root.uri.endsWith('xsd:1'));
  const now = files.filter(({ root }) => root.uri.endsWith('xsd:2'));
  const documentOf = (events: readonly XmlElement[], version: '2.0' | '1.2') =>
    serializeXml(documentToXml({ version, creationDate: '2026-03-01T09:00:00Z', events }).element);
  const valid = (version: '2.0' | '1.2', some: typeof files) => {
    const faults = xsdFaults(version, new Map(some.map(({ name, root }) => [name, documentOf(eventsOf(root), version)])));
    return some.filter(({ name }) => faults.get(name) === '');
  };

  it('are enough to say something', () => {
    expect(old.length).toBeGreaterThan(8);
    expect(now.length).toBeGreaterThan(45);
  });

  it.each([
    ['1.2', '2.0'],
    ['2.0', '1.2'],
  ] as const)('are valid there if they were valid before: %s to %s', (from, to) => {
    const some = valid(from, from === '1.2' ? old : now);
    const texts = new Map(
      some.map(({ name, root }) => [
        name,
        documentOf(
          eventsOf(root).map((event) => changeVersion(event, to).element),
          to,
        ),
      ]),
    );
    expect(some.length).toBeGreaterThan(5);
    expect([...xsdFaults(to, texts)].filter(([, complaint]) => complaint !== '')).toEqual([]);
  });

  it('give the same tree when they come back to 1.2 (X-10)', () => {
    for (const { root } of valid('1.2', old)) {
      for (const event of eventsOf(root)) {
        if (event.local === 'QuantityEvent') continue;
        expect(compact(changeVersion(changeVersion(event, '2.0').element, '1.2').element)).toEqual(compact(event));
      }
    }
  });

  it('give the same tree when they come back to 2.0, but for lists that hold nothing', () => {
    for (const { root } of valid('2.0', now)) {
      for (const event of eventsOf(root)) {
        const back = changeVersion(changeVersion(event, '1.2').element, '2.0').element;
        const withoutEmpty = {
          ...event,
          children: event.children.filter(
            (one) => !isElement(one) || !/^(?:epcList|childEPCs)$/.test(one.local) || childElements(one).length > 0,
          ),
        };
        expect(compact(back)).toEqual(compact(withoutEmpty));
      }
    }
  });
});
